"""One text, whatever the tokens: every character is scored once, with the context that there is."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from zoo.compare.per_character import Scored, held_out, lost, score, written
from zoo.tokenizers import KINDS, train_tokenizer

TEXT = "The cat sat on the mat, and the dog sat on the log.\nThen both of them ran home.\n" * 6
BYTES = train_tokenizer("byte", [])


class Even(nn.Module):
    """Holds every token for equally likely; remembers how long its windows were."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.vocab_size, self.times = vocab_size, set[int]()

    def forward(self, ids):
        self.times.add(ids.shape[1])
        return torch.zeros(*ids.shape, self.vocab_size)


class Pairs(nn.Module):
    """Guesses the next token from the present one alone, so that no context but that matters."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.table = torch.randn(vocab_size, vocab_size, generator=torch.Generator().manual_seed(0))

    def forward(self, ids):
        return self.table[ids]


class Far(nn.Module):
    """Sure of the first `context // 2` places of a window only: whoever scores later places there pays for it."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size

    def forward(self, ids):
        places = torch.arange(ids.shape[1], dtype=torch.float32)[None, :, None]
        logits = torch.zeros(*ids.shape, self.vocab_size)
        logits[..., 0] = places[..., 0] * 100  # the later the place, the surer of what never comes
        return logits


@pytest.mark.parametrize("kind", KINDS)
def test_equally_likely_tokens_cost_log_v_each(kind):
    tokenizer = train_tokenizer(kind, [TEXT], 300)
    found = score(Even(tokenizer.vocab_size), tokenizer, [TEXT], context=16)
    tokens = len(tokenizer.encode(TEXT).ids)
    assert (found.tokens, found.characters) == (tokens, len(TEXT))
    assert found.bits_per_character == pytest.approx(tokens * math.log2(tokenizer.vocab_size) / len(TEXT))
    assert found.perplexity == pytest.approx(tokenizer.vocab_size)


@given(st.integers(2, 40), st.integers(1, 9), st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_each_token_is_scored_once_whatever_the_windows(context, batch, lengths):
    texts = [TEXT[i : i + length] for i, length in enumerate(lengths)]
    model = Pairs(BYTES.vocab_size)
    logs = model.table.double().log_softmax(-1)
    nats = 0.0
    for text in texts:
        before = BYTES.end_of_text
        for token in text.encode():
            now = BYTES.encode(chr(token)).ids[0]
            nats -= float(logs[before, now])
            before = now
    found = score(model, BYTES, texts, context, batch)
    assert found.tokens == found.characters == sum(lengths)
    assert found.nats == pytest.approx(nats, rel=1e-5)


def test_with_room_for_all_it_is_one_pass_of_the_model():
    torch.manual_seed(0)
    embed, lstm = nn.Embedding(BYTES.vocab_size, 8), nn.LSTM(8, BYTES.vocab_size, batch_first=True)

    def model(ids):
        return lstm(embed(ids))[0]

    ids = torch.tensor([[BYTES.end_of_text, *BYTES.encode(TEXT).ids]])
    with torch.no_grad():
        whole = nn.functional.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:], reduction="sum")
    found = score(model, BYTES, [TEXT], context=1000)  # type: ignore[arg-type]
    assert found.nats == pytest.approx(float(whole), rel=1e-5)
    assert found.seen == pytest.approx((len(TEXT) + 1) / 2)


def test_every_token_but_the_first_few_has_half_a_context_before_it():
    text, context = "x" * 200, 16
    model = Far(BYTES.vocab_size)
    at = [100.0 * min(i, context - 1 if i < context else context // 2 + (i - context) % 8) for i in range(200)]
    assert score(model, BYTES, [text], context).nats == pytest.approx(sum(at) + math.log(BYTES.vocab_size), rel=1e-5)


def test_no_window_is_longer_than_the_context():
    model = Even(BYTES.vocab_size)
    score(model, BYTES, [TEXT], 16)
    assert model.times == {16}


def test_marks_between_texts_are_read_and_not_scored():
    parts = [TEXT[:50], TEXT[50:90]]
    found = score(Even(BYTES.vocab_size), BYTES, parts, 16)
    assert (found.tokens, found.characters) == (90, 90)


def test_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="no held-out text"):
        score(Even(BYTES.vocab_size), BYTES, [], 16)


def test_perplexity_and_bits_are_two_views_of_one_cost():
    found = Scored(characters=100, tokens=25, nats=50.0, seen=1.0)
    assert 25 * math.log2(found.perplexity) == pytest.approx(100 * found.bits_per_character)


@pytest.mark.parametrize("kind", ["byte", "char", "bpe"])
def test_these_lose_nothing(kind):
    strange = "Ω ≠ 🙂\r\n\t  naïve\0"
    assert lost(train_tokenizer(kind, [TEXT], 300), [TEXT, strange]) == ""


def test_what_is_lost_is_said():
    words = train_tokenizer("word", [TEXT], 300)
    assert lost(words, [TEXT]) == ""
    assert lost(words, ["The zebra sat"]) == (
        "1 of 3 tokens are the unknown one; ' zebra sat' comes back as '<|unknown|> sat'"
    )
    assert "'The cat" in lost(train_tokenizer("wordpiece", [TEXT], 300), [TEXT])


def test_held_out_text_begins_and_ends_with_whole_lines():
    lines = [f"line {i}, and what stands in it\n" for i in range(1000)]
    text = "".join(lines)[3:]
    (found,) = held_out([text], 5000)
    assert found.splitlines(keepends=True) == lines[1 : 1 + found.count("\n")]
    assert 4900 < len(found) <= 5000


@given(st.lists(st.text(max_size=30), max_size=5), st.integers(0, 100))
def test_held_out_text_is_a_beginning_of_the_texts(texts, most):
    found = held_out(texts, most)
    assert len("".join(found)) <= most
    assert "".join(texts).startswith("".join(found))


def test_a_model_writes_what_it_is_sure_of_and_as_many_characters():
    class Alphabet(nn.Module):
        def forward(self, ids):
            following = torch.tensor([BYTES.encode(chr(97 + (i + 1) % 26)).ids[0] for i in range(26)])
            table = {BYTES.encode(chr(97 + i)).ids[0]: following[i] for i in range(26)}
            logits = torch.zeros(*ids.shape, BYTES.vocab_size)
            logits[0, -1, table[int(ids[0, -1])]] = 100.0
            return logits

    assert written(Alphabet(), BYTES, "xyz", 30, context=4) == "abcdefghijklmnopqrstuvwxyzabcd"
