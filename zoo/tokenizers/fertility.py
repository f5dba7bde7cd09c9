"""Who pays more: the tokens that the same paragraph costs in each language.

Petrov et al. 2023 ("Language Model Tokenizers Introduce Unfairness Between Languages") call a language's tokens
relative to English its *premium*; Rust et al. 2021 ("How Good is Your Tokenizer?") call the tokens a word its
*fertility*. The page Tokenizers draws both.
"""

from __future__ import annotations

from dataclasses import dataclass

from zoo.tokenizers.presets import PARALLEL
from zoo.tokenizers.tokenizer import Tokenizer
from zoo.tokenizers.unknown import unread


@dataclass(frozen=True)
class Share:
    """The paragraph in one language."""

    language: str
    tokens: int
    premium: float | None
    """Tokens relative to English; None where English has none."""
    words: int | None
    """Words, counted by the spaces; None where the script does not put spaces between words."""
    tokens_per_word: float | None
    """The fertility; None where words are not counted."""
    characters_per_token: float | None
    bytes_per_token: float | None
    unread_share: float
    """Of the characters: those that became unknown or were left out. Where it is large, few tokens mean nothing."""


def fertility(tokenizer: Tokenizer) -> list[Share]:
    """For each language of `PARALLEL`, in its order."""
    english = len(tokenizer.encode(PARALLEL["English"].text).ids)
    return [_share(tokenizer, language, english) for language in PARALLEL]


def _share(tokenizer: Tokenizer, language: str, english: int) -> Share:
    text = PARALLEL[language].text
    encoding = tokenizer.encode(text)
    tokens = len(encoding.ids)
    words = len(text.split()) if PARALLEL[language].spaces else None
    return Share(
        language=language,
        tokens=tokens,
        premium=tokens / english if english else None,
        words=words,
        tokens_per_word=tokens / words if words else None,
        characters_per_token=len(text) / tokens if tokens else None,
        bytes_per_token=len(text.encode()) / tokens if tokens else None,
        unread_share=unread(tokenizer, text, encoding) / len(text),
    )
