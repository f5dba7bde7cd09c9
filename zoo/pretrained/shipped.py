"""The weights that come with the playground: run folders under `zoo/pretrained/weights/`."""

from __future__ import annotations

from pathlib import Path

from zoo.tokenizers import Tokenizer

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = {
    "zoo/bag-of-words": "bag-of-words-glass-box",
    "zoo/bert": "bert-glass-box",
    "zoo/cbow": "cbow-glass-box",
    "zoo/encoder-decoder": "encoder-decoder-pairs",
    "zoo/gpt": "gpt-stories",
    "zoo/gru": "gru-glass-box",
    "zoo/lstm": "lstm-stories",
    "zoo/n-gram": "n-gram-glass-box",
    "zoo/rnn": "rnn-glass-box",
    "zoo/seq2seq": "seq2seq-pairs",
    "zoo/seq2seq-attention": "seq2seq-attention-pairs",
    "zoo/skip-gram": "skip-gram-stories",
    "zoo/window": "window-glass-box",
}
"""Plugin id -> the folder of its trained weights."""
RUNS = {
    "GPT, learning the glass box": WEIGHTS / "gpt-glass-box",
    "GPT, small, on the glass box": WEIGHTS / "gpt-glass-box-300k",
    "LSTM, on the glass box": WEIGHTS / "lstm-glass-box",
    "GPT, as large as the LSTM": WEIGHTS / "gpt-stories-1m",
}
"""Title -> the folder of a training to look at, checkpoint by checkpoint, beside the plugin's own weights."""


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
