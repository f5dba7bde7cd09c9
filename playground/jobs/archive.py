"""A run in one zip: `pack` for the download, `unpack` for what somebody uploads. No pickle, no code, no paths.

In it: run.json, tokenizer.json, events.jsonl, yardsticks.json where there is one, and the weights that are
kept (checkpoints/0000000.safetensors …), without what only going on with the training would need. What `pack` makes
is never more than `unpack` takes: of a run that would be, some checkpoints are left out. Neither holds more in memory
than the zip itself.
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

from playground.jobs.limits import LIMITS, MAX_PROMPT, MAX_TITLE, MIB, Limits, Refused
from playground.run_files import read_header

if TYPE_CHECKING:
    from torch import nn

    from zoo.plugin import ModelPlugin
    from zoo.training import Run

TEXTS = {"run.json": MIB, "tokenizer.json": 8 * MIB, "events.jsonl": 32 * MIB, "yardsticks.json": MIB}
"""File -> the most bytes of it that a zip may hold."""
_LINE = MIB
"""Bytes of one event, at most."""
_CANDIDATES = 100
"""Tokens that an event may name as the likeliest."""
_ENTRY = 256
"""Bytes that a zip takes for a file beside its content, at most."""
_HEAD = b"PK\1\2"
"""What each file's entry in the zip's list of files begins with."""
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
    next: list[_Candidate] = Field([], max_length=_CANDIDATES)
    sample: str = ""

    @model_validator(mode="after")
    def _bits_of_a_loss(self) -> _Event:
        if "bits_per_character" in self.model_fields_set and "valid_loss" not in self.model_fields_set:
            raise ValueError("bits_per_character comes with valid_loss")
        return self


def pack(folder: Path, limits: Limits = LIMITS) -> bytes:
    """The run in this folder, as it stands; the same run makes the same bytes.

    Raises:
        ValueError: there is no run in it yet.
        Refused: it is too large even with its last weights alone.
    """
    if not (folder / "run.json").is_file():
        raise ValueError("there is nothing to download yet: the run has not begun")
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as file:
        for name in _contents(folder, limits):
            entry = zipfile.ZipInfo(name, _DATE)
            if name in TEXTS:
                file.writestr(entry, _text(folder / name), zipfile.ZIP_DEFLATED)
                continue
            with (folder / name).open("rb") as source, file.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
    return memory.getvalue()


def _contents(folder: Path, limits: Limits) -> list[str]:
    """The files that go into the zip: all texts, and as many checkpoints as there is room for, evenly spread.

    The last one is among them, and the first where there are two.
    """
    texts = [name for name in TEXTS if (folder / name).is_file()]
    names = (f"checkpoints/{path.name}" for path in (folder / "checkpoints").glob("*"))
    weights = sorted((name for name in names if _WEIGHTS.fullmatch(name)), key=lambda name: (len(name), name))
    sizes = {name: (folder / name).stat().st_size for name in (*texts, *weights)}
    room = limits.packed - sum(sizes[name] + _ENTRY for name in texts)
    largest = max((sizes[name] + _ENTRY for name in weights), default=1)
    most = max(1, min(len(weights), _most_checkpoints(limits), room // largest))
    last, between = len(weights) - 1, max(1, most - 1)
    kept = [weights[last - n * last // between] for n in reversed(range(most))] if weights else []
    _check_sizes([(name, sizes[name]) for name in (*texts, *kept)], limits)
    return [*texts, *kept]


def _text(path: Path) -> bytes:
    """A text as it goes into the zip."""
    content = path.read_bytes()
    if path.name == "events.jsonl":
        return content[: content.rfind(b"\n") + 1]  # without a line that is just being written
    return _without_source(content) if path.name == "run.json" else content


def _most_checkpoints(limits: Limits) -> int:
    """How many a zip may hold: a run keeps one more each time it is stopped."""
    return 10 * limits.checkpoints


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
    if len(data) > limits.packed:
        raise Refused(_too_large(limits))
    if data.count(_HEAD) > 2 * _most_checkpoints(limits):  # opening the zip makes an object of each
        raise Refused("this is not a run that was downloaded here: it holds too many files")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            entries = [entry for entry in file.infolist() if entry.filename != "checkpoints/"]
            _check_entries(entries, limits)
            for entry in entries:
                with file.open(entry) as source, (draft / entry.filename).open("wb") as target:
                    shutil.copyfileobj(source, target)  # at most file_size bytes, or BadZipFile
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise Refused("this is not a run that was downloaded here: the zip cannot be read") from error


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = [entry.filename for entry in entries]
    strange = [name for name in names if name not in TEXTS and not _WEIGHTS.fullmatch(name)]
    if strange:
        raise Refused(f"this is not a run that was downloaded here: it holds {strange[0][:60]!r}")
    if missing := {"run.json", "tokenizer.json", "events.jsonl"} - {*names}:
        raise Refused(f"this is not a run that was downloaded here: it lacks {min(missing)}")
    if len({*names}) < len(names) or len(names) > len(TEXTS) + _most_checkpoints(limits):
        raise Refused("this is not a run that was downloaded here: it holds too many files")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise Refused("this is not a run that was downloaded here: the zip is packed in another way")
    _check_sizes([(entry.filename, entry.file_size) for entry in entries], limits)


def _check_sizes(sizes: list[tuple[str, int]], limits: Limits) -> None:
    """Raises `Refused` where a file is, or all together are, more than a zip may hold."""
    if large := [name for name, size in sizes if size > TEXTS.get(name, size)]:
        raise Refused(f"its {large[0]} is larger than the {TEXTS[large[0]] // MIB} MB that it may have in a zip")
    if sum(size + _ENTRY for _, size in sizes) > limits.packed:
        raise Refused(_too_large(limits))


def _too_large(limits: Limits) -> str:
    return f"the run is larger than the {limits.packed // MIB:,} MB that a run may have in a zip"


def _check(draft: Path, limits: Limits) -> None:
    """Whether the files are what their names say, and belong together."""
    from zoo.training import Run

    try:
        run = Run.open(draft)
        info = run.info
        if len(info.prompt) > MAX_PROMPT:
            raise ValueError(f"its prompt is longer than the {MAX_PROMPT} characters that a prompt may have here")
        if len(info.title) > MAX_TITLE:
            raise ValueError(f"its title is longer than the {MAX_TITLE} characters that a title may have here")
        _check_tokenizer((draft / "tokenizer.json").read_bytes())
        if run.tokenizer.hash != info.tokenizer:
            raise ValueError("its tokenizer.json is not the one that run.json names")
        if info.parameters > limits.parameters:
            raise ValueError(f"its model has {info.parameters:,} parameters, and at most {limits.parameters:,} go here")
        _check_events(draft / "events.jsonl", limits)
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


def _check_events(path: Path, limits: Limits) -> None:
    """Each line is an event, the steps go up, every loss is a number, and there are as many as a run may have."""
    before, scored = -1, 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LINE), b""), 1):
            if not line.endswith(b"\n") and len(line) < _LINE:
                break  # it was being written when the run was packed
            place = f"line {number} of its events.jsonl"
            try:
                event = _Event.model_validate_json(line)
            except ValidationError as error:
                raise ValueError(f"{place} is not an event") from error
            if event.step <= before:
                raise ValueError(f"{place} goes back to step {event.step}")
            before, scored = event.step, scored + ("valid_loss" in event.model_fields_set)
            if before > limits.events or scored > limits.evaluations + 1:
                raise ValueError(
                    f"{place} goes beyond the {limits.events:,} steps and {limits.evaluations:,} evaluations of a run"
                )
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
