"""A run in one zip: `pack` for the download, `unpack` for what somebody uploads. No pickle, no code, no paths.

In it: run.json, tokenizer.json, events.jsonl, yardsticks.json where there is one, and the weights that are
kept (checkpoints/0000000.safetensors …), without what only going on with the training would need.
"""

from __future__ import annotations

import io
import re
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from playground.jobs.folder import read_header
from playground.jobs.limits import MIB, Limits, Refused

if TYPE_CHECKING:
    from zoo.plugin import ModelPlugin
    from zoo.training import Run

TEXTS = {"run.json": 2**20, "tokenizer.json": 32 * MIB, "events.jsonl": 128 * MIB, "yardsticks.json": 2**20}
"""File -> the most bytes that are read of it."""
_WEIGHTS = re.compile(r"checkpoints/(\d{7,12})\.safetensors")
_DATE = (1980, 1, 1, 0, 0, 0)


class _Candidate(BaseModel):
    token: str
    id: int
    logit: float
    prob: float


class _Event(BaseModel):
    """`zoo.training.Event`, as it must be where it comes from outside."""

    model_config = ConfigDict(allow_inf_nan=False)

    step: int = Field(ge=0)
    elapsed: float
    loss: float
    rate: float
    tokens: int
    tokens_per_second: float
    valid_loss: float = 0.0
    bits_per_character: float = 0.0
    next: list[_Candidate] = []
    sample: str = ""


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
                kind = zipfile.ZIP_DEFLATED if name in TEXTS else zipfile.ZIP_STORED
                file.writestr(zipfile.ZipInfo(name, _DATE), content, kind)
    return memory.getvalue()


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


def _check_events(content: bytes) -> None:
    """Each line is an event, the steps go up, and every loss is a number."""
    before = -1
    for number, line in enumerate(content.splitlines(), 1):
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
    wanted = {name: list(tensor.shape) for name, tensor in module.state_dict().items()}
    for path in sorted(run.checkpoints.glob("[0-9]*.safetensors")):
        header = {name: each["shape"] for name, each in read_header(path).items() if name != "__metadata__"}
        if header != wanted:
            raise Refused(f"this run cannot be loaded: its weights {path.name} do not fit {run.info.model}")
