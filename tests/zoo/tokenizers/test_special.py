"""Special tokens that were typed: those that are cut like any text, and those that are found after all."""

from __future__ import annotations

import pytest
import tokenizers
from tokenizers import AddedToken, models

from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.tokenizers.special import written_out


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram"])
def test_a_typed_special_token_is_listed_where_its_id_is_not_in_the_text(kind):
    tokenizer = train_tokenizer(kind, ["The cat sat on the mat."] * 3, 300)
    text = "The cat<|endoftext|> sat"
    assert tokenizer.raw.token_to_id("<|endoftext|>") not in tokenizer.encode(text).ids
    assert written_out(tokenizer, text=text) == ["<|endoftext|>"]
    assert written_out(tokenizer, text="The cat <|endoftext| > sat") == []


def test_what_is_no_special_token_or_is_found_after_all_is_not_listed():
    raw = tokenizers.Tokenizer(models.WordLevel({"a": 0, "<s>": 1, "?": 2}, unk_token="?"))
    raw.add_tokens([AddedToken("<think>", special=False)])
    raw.add_special_tokens(["<s>", "<end>"])
    tokenizer = Tokenizer(raw)
    assert tokenizer.encode("<s>").ids == [1], "the whole text is the piece"
    assert written_out(tokenizer, text="<s>") == []
    assert written_out(tokenizer, text="<think>") == []
    assert written_out(tokenizer, text="<end> a <s>") == ["<s>", "<end>"]
