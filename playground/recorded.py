"""The first paint: a trace of the first visit's text, recorded by a command, shown while torch loads.

python -m zoo trace --model zoo/gpt --prompt "She enjoys playing" --out playground/recorded.safetensors
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from zoo.pretrained.shipped import shipped_tokenizer
from zoo.tokenizers import Tokenizer
from zoo.trace.trace import Trace

PATH = Path(__file__).with_suffix(".safetensors")


@cache
def trace() -> Trace:
    """The recorded trace."""
    return Trace.load(PATH)


@cache
def tokenizer() -> Tokenizer:
    """The tokenizer of the recorded model."""
    return shipped_tokenizer()
