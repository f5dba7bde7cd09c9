"""A run in one zip: `pack` for the download, `unpack` for what somebody uploads. No pickle, no code, no paths.

In it: run.json, tokenizer.json, events.jsonl, yardsticks.json where there is one, and the weights that are
kept (checkpoints/0000000.safetensors …), without what only going on with the training would need.
"""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import zipfile
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from playground.jobs.folder import read_header
from playground.jobs.limits import MAX_PROMPT, MIB, Limits, Refused

if TYPE_CHECKING:
    from torch import nn

    from zoo.plugin import ModelPlugin
    from zoo.training import Run

TEXTS = {"run.json": 2**20, "tokenizer.json": 32 * MIB, "events.jsonl": 128 * MIB, "yardsticks.json": 2**20}
"""File -> the most bytes that are read of it."""
_WEIGHTS = re.compile(r"checkpoints/([0-9]{7}|[1-9][0-9]{7,11})\.safetensors")
"""As `Run` names them: "07d", and in ASCII."""
_FLOATING = {"F16", "BF16", "F32"}
_OTHERS = "its tokenizer is of a kind that this app does not load"
_DATE = (1980, 1, 1, 0, 0, 0)


class _Candidate(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    token: str
    id: int = Field(ge=0, lt=10**12)
    logit: float
    prob: float = Field(ge=0)


class _Event(BaseModel):
    """`zoo.training.Event`, as it must be where it comes from outside."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    step: int = Field(ge=0, lt=10**12)
    elapsed: float = Field(ge=0)
    loss: float
    rate: float
    tokens: int = Field(ge=0, lt=10**18)
    tokens_per_second: float = Field(ge=0)
    valid_loss: float = 0.0
    bits_per_character: float = 0.0
    next: list[_Candidate] = []
    sample: str = ""

    @model_validator(mode="after")
    def _bits_of_a_loss(self) -> _Event:
        if "bits_per_character" in self.model_fields_set and "valid_loss" not in self.model_fields_set:
            raise ValueError("bits_per_character comes with valid_loss")
        return self


def pack(folder: Path) -> bytes:
    """The run in this folder, as it stands; the same run makes the same bytes.

    Raises:
        ValueError: there is no run in it yet.
    """
    if not (folder / "run.json").is_file():
        raise ValueError("there is nothing to download yet: the run has not begun")
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for name in (*TEXTS, *sorted(f"checkpoints/{path.name}" for path in (folder / "checkpoints").glob("*"))):
            path = folder / name
            if (name in TEXTS or _WEIGHTS.fullmatch(name)) and path.is_file():
                content = path.read_bytes()
                if name == "events.jsonl":
                    content = content[: content.rfind(b"\n") + 1]  # without a line that is just being written
                if name == "run.json":
                    content = _without_source(content)
                kind = zipfile.ZIP_DEFLATED if name in TEXTS else zipfile.ZIP_STORED
                file.writestr(zipfile.ZipInfo(name, _DATE), content, kind)
    return memory.getvalue()


def _without_source(content: bytes) -> bytes:
    """run.json without where on this server a fine-tuned run began: in place of the path stands the model's id."""
    info = json.loads(content)
    start = info.get("start")
    if not start or start.get("source") == info["model"]:
        return content
    start["source"] = info["model"]
    return (json.dumps(info, indent=2, ensure_ascii=False) + "\n").encode()


def unpack(data: bytes, folder: Path, limits: Limits) -> None:
    """Put the run of a zip into a new folder, if all of it is in order; else there is no folder.

    Raises:
        Refused: one sentence that says what is wrong with it.
    """
    draft = folder.with_name(f".{folder.name}")
    try:
        (draft / "checkpoints").mkdir(parents=True)
        _extract(data, draft, limits)
        _check(draft, limits)
        draft.rename(folder)
    except OSError as error:
        raise Refused(f"the run cannot be kept here: {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _extract(data: bytes, draft: Path, limits: Limits) -> None:
    """Write the files whose names and sizes are expected; a size is known, and held to, before a byte is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            entries = [entry for entry in file.infolist() if entry.filename != "checkpoints/"]
            _check_entries(entries, limits)
            for entry in entries:
                (draft / entry.filename).write_bytes(file.read(entry))  # at most file_size bytes, or BadZipFile
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise Refused("this is not a run that was downloaded here: the zip cannot be read") from error


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = [entry.filename for entry in entries]
    strange = [name for name in names if name not in TEXTS and not _WEIGHTS.fullmatch(name)]
    if strange:
        raise Refused(f"this is not a run that was downloaded here: it holds {strange[0][:60]!r}")
    if missing := {"run.json", "tokenizer.json", "events.jsonl"} - {*names}:
        raise Refused(f"this is not a run that was downloaded here: it lacks {min(missing)}")
    if len({*names}) < len(names) or len(names) > len(TEXTS) + 10 * limits.checkpoints:
        raise Refused("this is not a run that was downloaded here: it holds too many files")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise Refused("this is not a run that was downloaded here: the zip is packed in another way")
    large = [entry for entry in entries if entry.file_size > TEXTS.get(entry.filename, limits.run_disk)]
    if large or sum(entry.file_size for entry in entries) > limits.run_disk:
        raise Refused(f"the run is larger than the {limits.run_disk // MIB:,} MB that a run may have here")


def _check(draft: Path, limits: Limits) -> None:
    """Whether the files are what their names say, and belong together."""
    from zoo.training import Run

    try:
        run = Run.open(draft)
        info = run.info
        if len(info.prompt) > MAX_PROMPT:
            raise ValueError(f"its prompt is longer than the {MAX_PROMPT} characters that a prompt may have here")
        _check_tokenizer((draft / "tokenizer.json").read_bytes())
        if run.tokenizer.hash != info.tokenizer:
            raise ValueError("its tokenizer.json is not the one that run.json names")
        if info.parameters > limits.parameters:
            raise ValueError(f"its model has {info.parameters:,} parameters, and at most {limits.parameters:,} go here")
        _check_events((draft / "events.jsonl").read_bytes())
        if (draft / "yardsticks.json").exists() and run.yardsticks is None:
            raise ValueError("its yardsticks.json cannot be read")
        if not run.steps():
            raise ValueError("it holds no weights")
        for path in sorted((draft / "checkpoints").iterdir()):
            _check_weights(path)
    except ValueError as error:
        reason = str(error).replace(str(draft) + "/", "").strip().splitlines()[0]
        raise Refused(f"this run cannot be loaded: {reason[:300]}") from error


def _check_tokenizer(content: bytes) -> None:
    """Nothing reaches the library but what `train_tokenizer` writes: other kinds can take any time and memory."""
    try:
        state = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ValueError("its tokenizer.json is not a tokenizer.json") from error
    try:
        known = _frame(state) in _frames()
        vocab, merges = _ids(state), state["model"].get("merges", [])
        whole = known and all(type(each) is int for each in vocab.values())
        whole = whole and sorted(vocab.values()) == list(range(len(vocab)))
        whole = whole and all(vocab.get(each["content"]) == each["id"] for each in state["added_tokens"])
        whole = whole and isinstance(merges, list) and len(merges) <= len(vocab)
        whole = whole and all(isinstance(pair, list) and [*map(type, pair)] == [str, str] for pair in merges)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(_OTHERS) from error
    if not whole:
        raise ValueError(_OTHERS)


def _ids(state: dict[str, Any]) -> dict[str, Any]:
    """Each entry's id. Unigram lists its entries with their scores, and the separator stands behind them."""
    vocab = state["model"]["vocab"]
    if isinstance(vocab, dict):
        return vocab
    if not all(type(name) is str and type(score) is float and math.isfinite(score) for name, score in vocab):
        raise ValueError("an entry without a score")
    ids = {name: i for i, (name, _) in enumerate(vocab)}
    if len(ids) < len(vocab):
        raise ValueError("an entry stands twice")
    return ids | {each["content"]: len(vocab) for each in state["added_tokens"]}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name stands twice: two readers might each take another one."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _frame(state: dict[str, Any]) -> str:
    """A tokenizer.json without what was learnt from a text."""
    learnt = {name: None for name in ("vocab", "merges") if name in state["model"]}
    added = [each | {"id": None} for each in state["added_tokens"]]
    return json.dumps(state | {"model": state["model"] | learnt, "added_tokens": added}, sort_keys=True)


@cache
def _frames() -> frozenset[str]:
    """What our own kinds write, whatever the text."""
    from zoo.tokenizers import KINDS, train_tokenizer

    return frozenset(_frame(json.loads(train_tokenizer(kind, ["a word"], 300).raw.to_str())) for kind in KINDS)


def _check_events(content: bytes) -> None:
    """Each line is an event, the steps go up, and every loss is a number."""
    before = -1
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            event = _Event.model_validate_json(line)
        except ValidationError as error:
            raise ValueError(f"line {number} of its events.jsonl is not an event") from error
        if event.step <= before:
            raise ValueError(f"line {number} of its events.jsonl goes back to step {event.step}")
        before = event.step
    if before < 0:
        raise ValueError("its events.jsonl is empty")


def _check_weights(path: Path) -> None:
    """The library reads the header, and holds every tensor to the length of the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            step = (file.metadata() or {}).get("step", "")
            names = list(file.keys())
    except (OSError, SafetensorError) as error:
        raise ValueError(f"its weights {path.name} cannot be read: {str(error).splitlines()[0]}") from error
    if not names or step != str(int(path.stem)):
        raise ValueError(f"its weights {path.name} are not those of that step")


def check_fit(run: Run, plugin: ModelPlugin, limits: Limits) -> None:
    """Whether the weights are those of the model that run.json describes; nothing is allocated to find out.

    Raises:
        Refused: they are not, or the model is larger than it says.
    """
    import torch

    from zoo.training.run import parameter_count

    try:
        config = plugin.Config.model_validate(run.info.config)
        with torch.device("meta"):  # shapes without numbers: run.json may ask for any size
            module = plugin.build(config, run.tokenizer.vocab_size)
    except Exception as error:
        raise Refused(f"this run cannot be loaded: its {run.info.model} cannot be built here") from error
    if parameter_count(module) > limits.parameters:
        raise Refused(f"this run cannot be loaded: its model has more than {limits.parameters:,} parameters")
    for path in sorted(run.checkpoints.glob("[0-9]*.safetensors")):
        if not _fits(path, module):
            raise Refused(f"this run cannot be loaded: its weights {path.name} do not fit {run.info.model}")
        if not _is_finite(path, module):
            raise Refused(f"this run cannot be loaded: its weights {path.name} hold what is no number")
    if parameter_count(module) != run.info.parameters:
        raise Refused("this run cannot be loaded: its model has another number of parameters than its run.json says")


def _fits(path: Path, module: nn.Module) -> bool:
    """Whether names and shapes are the module's, and numbers stand where it has numbers."""
    from safetensors.torch import _TYPES as KINDS  # safetensors' name of a kind -> torch's

    header = {name: each for name, each in read_header(path).items() if name != "__metadata__"}
    wanted = module.state_dict()
    if {name: each["shape"] for name, each in header.items()} != {n: list(each.shape) for n, each in wanted.items()}:
        return False
    return all(
        KINDS.get(header[name]["dtype"]) == each.dtype
        or (each.is_floating_point() and header[name]["dtype"] in _FLOATING)
        for name, each in wanted.items()
    )


def _is_finite(path: Path, module: nn.Module) -> bool:
    """Whether all weights are numbers; a buffer, such as a mask, may hold infinities."""
    from safetensors import safe_open

    buffers = {name for name, _ in module.named_buffers()}
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - not a dict
            tensor = file.get_tensor(name)
            if tensor.isnan().any() or (name not in buffers and tensor.isinf().any()):
                return False
    return True
