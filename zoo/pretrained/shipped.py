"""The weights that come with the playground: run folders under `zoo/pretrained/weights/`."""

from __future__ import annotations

from pathlib import Path

from zoo.tokenizers import Tokenizer

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = {"zoo/gpt": "gpt-stories"}
"""Plugin id -> the folder of its trained weights."""
RUNS = {"GPT, learning the glass box": WEIGHTS / "gpt-glass-box"}
"""Title -> the folder of a whole training that can be looked at, checkpoint by checkpoint."""


def shipped_folder(model_id: str) -> Path | None:
    """Where the trained weights of this plugin lie; None where there are none."""
    name = SHIPPED.get(model_id)
    return WEIGHTS / name if name else None


def run_folder(source: str) -> Path | None:
    """The run folder behind what `zoo.load` takes: a run, or a plugin's shipped weights; None where there is none."""
    folder = Path(source)
    return folder if (folder / "run.json").is_file() else shipped_folder(source)


def shipped_tokenizer() -> Tokenizer:
    """The tokenizer of the shipped GPT: 4,096 byte-level BPE pieces of English stories."""
    return Tokenizer.load(WEIGHTS / "gpt-stories" / "tokenizer.json")
