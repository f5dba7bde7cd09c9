"""Special tokens that were typed: the page Tokenizers says that they are only text there."""

from __future__ import annotations

from zoo.tokenizers.tokenizer import Tokenizer


def written_out(tokenizer: Tokenizer, *, text: str) -> list[str]:
    """The special tokens that stand in the text and were cut like any text, in the order of their ids.

    A model that has such a token among its ordinary pieces may still find it in a text: that one isn't listed.

    Raises:
        ValueError: the text holds a lone surrogate.
    """
    added = sorted(tokenizer.raw.get_added_tokens_decoder().items())
    typed = {i: token.content for i, token in added if token.special and token.content and token.content in text}
    ids = set(tokenizer.encode_batch([text])[0]) if typed else set()
    return [content for i, content in typed.items() if i not in ids]
