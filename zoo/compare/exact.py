"""The right answer: the glass-box language's exact distribution, on the tokens of a model. No torch.

It can be given where every word of the language is one token, as with the `word` tokenizer. Used by the pages that
set a model beside the language it learned, and by `zoo.compare.blanks` and `zoo.compare.distance`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zoo.data.glass_box import GlassBox
    from zoo.tokenizers import Tokenizer

SMALLEST = 1e-45
"""What a probability of 0 in float32 is taken for, so that its logarithm is finite."""


def next_tokens(language: GlassBox, tokenizer: Tokenizer, text: str) -> dict[int, float] | None:
    """The exact probability of each token that can come after `text`; None where the language cannot begin so."""
    try:
        return right_answer(language, tokenizer, language.split(text))
    except ValueError:
        return None


def tokens_of(language: GlassBox, tokenizer: Tokenizer, words: Sequence[str], model: str = "this model") -> list[int]:
    """The ids of a story's beginning, one for each word; END is the end-of-text token.

    A word that the tokenizer never saw is its unknown token. `model` is whose tokens an error speaks of.

    Raises:
        ValueError: a word is not one token of this tokenizer.
    """
    from zoo.data.glass_box import END

    ended = bool(words) and words[-1] == END
    spoken = list(words[:-1] if ended else words)
    text = language.join(spoken)
    encoding = tokenizer.encode(text)
    if [text[start:end].strip() for start, end in encoding.offsets] != spoken:
        raise ValueError(f"the tokens of {model} are not the language's words: take one with the word tokenizer")
    if not ended:
        return encoding.ids
    if tokenizer.end_of_text is None:
        raise ValueError(f"{model} has no token that ends a text")
    return [*encoding.ids, tokenizer.end_of_text]


def right_answer(language: GlassBox, tokenizer: Tokenizer, words: Sequence[str]) -> dict[int, float]:
    """The exact probability of each token that can come next, by id; they sum to 1.

    Raises:
        ValueError: the language cannot say these words, or a word is not one token.
    """
    found: dict[int, float] = {}
    for word, prob in language.next_words(words).items():
        if prob > 0:
            token = tokens_of(language, tokenizer, [*words, word])[-1]
            found[token] = found.get(token, 0.0) + prob  # rare words that the tokenizer never saw share one token
    return found


def divergence(right: Mapping[int, float], probs: NDArray[np.floating]) -> float:
    """KL(right ‖ model) in nats: what the model loses per word here by not knowing the right answer."""
    return sum(p * (math.log(p) - math.log(max(float(probs[token]), SMALLEST))) for token, p in right.items())


def impossible(right: Mapping[int, float], probs: NDArray[np.floating]) -> float:
    """What the model gives, all in all, to words that cannot stand here."""
    return max(0.0, 1.0 - float(sum(float(probs[token]) for token in right)))


def compared(right: Mapping[int, float], probs: NDArray[np.floating], most: int = 8) -> list[int]:
    """The tokens to show: the likeliest of both, in the order of the right probability, then the model's."""
    of_model = np.argsort(-probs, kind="stable")[:most].tolist()
    likely = sorted(right, key=lambda token: -right[token])[:most]
    both = {*likely[: most - 2], *of_model[: most // 2]}
    for token in [*likely, *of_model]:
        if len(both) >= most:
            break
        both.add(token)
    return sorted(both, key=lambda token: (-right.get(token, 0.0), -float(probs[token])))
