"""The n-gram model against hand-worked Kneser–Ney, a plain count with dictionaries, and its own promises."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor

import zoo.models.n_gram as n_gram
from zoo.data import open_corpus
from zoo.data.ngram import count_ngrams
from zoo.models.n_gram import Config, NGram, NGramPlugin, shares
from zoo.tasks.next_token import NextToken
from zoo.tokenizers import train_tokenizer
from zoo.trace.record import record_trace
from zoo.training.run import weights_of

A, B, C, D = range(4)
ROWS = st.lists(st.lists(st.integers(0, 4), min_size=7, max_size=7), min_size=1, max_size=8)
TEXT = st.lists(st.integers(0, 4), min_size=1, max_size=9)


def counted(rows: list[list[int]] | Tensor, order: int, vocab: int = 4) -> NGram:
    model = NGramPlugin().build(Config(order=order), vocab)
    model.count(torch.as_tensor(rows))
    return model


def after(model: NGram, *ids: int) -> list[float]:
    """The probabilities of the next token."""
    return model(torch.tensor([ids]))[0, -1].double().exp().tolist()


def test_bigram_by_hand() -> None:
    # The row a b a b a c holds the bigrams ab 2, ba 2, ac 1. One was seen once, two twice: d = 1 / (1 + 2·2) = 1/5.
    # b, a and c each end one different bigram: in the shorter order each counts 1. All are "once", so its discount
    # is 1, and everything goes on to the even guess: 1/4 each.
    model = counted([[A, B, A, B, A, C]], order=2)
    passed_on = (1 / 5) * 2 / 3 * (1 / 4)  # two different tokens followed a, three times in all
    expected = [passed_on, (2 - 1 / 5) / 3 + passed_on, (1 - 1 / 5) / 3 + passed_on, passed_on]
    assert after(model, A) == pytest.approx(expected, rel=1e-6)
    assert after(model, C) == pytest.approx([1 / 4] * 4)  # nothing ever followed c
    assert after(model, C, C, B, A) == pytest.approx(expected, rel=1e-6)  # further back it does not look


def test_trigram_by_hand() -> None:
    # The row a b c a b d a b c.
    # Trigrams: abc 2, bca 1, cab 1, abd 1, bda 1, dab 1. Once: 5, twice: 1, so d3 = 5 / (5 + 2) = 5/7.
    # Bigrams count behind how many different tokens they stood: ab after c, after d, and at the row's beginning: 3;
    # bc after a: 1; ca after b: 1; bd after a: 1; da after b: 1. Once: 4, twice: 0, so d2 = 4/4 = 1.
    # Tokens count after how many different tokens they stood: b after a: 1; c after b: 1; a after c and d: 2;
    # d after b: 1. Once: 3, twice: 1, so d1 = 3 / (3 + 2) = 3/5.
    model = counted([[A, B, C, A, B, D, A, B, C]], order=3)
    even = (3 / 5) * 4 / 5 * (1 / 4)  # four different tokens, five places in all
    one = {A: (2 - 3 / 5) / 5 + even, **dict.fromkeys((B, C, D), (1 - 3 / 5) / 5 + even)}
    after_b = {w: 1 * 2 / 2 * one[w] for w in one}  # bc and bd count 1 each, and the discount takes it all
    after_a = {w: max(3 * (w == B) - 1, 0) / 3 + 1 * 1 / 3 * one[w] for w in one}  # ab alone, 3 places
    given_ab = {A: 0.0, B: 0.0, C: (2 - 5 / 7) / 3, D: (1 - 5 / 7) / 3}  # abc twice, abd once
    expected = [given_ab[w] + (5 / 7) * 2 / 3 * after_b[w] for w in range(4)]
    assert after(model, A, B) == pytest.approx(expected, rel=1e-6)
    assert after(model, B) == pytest.approx([after_b[w] for w in range(4)], rel=1e-6)  # one token: the bigram
    assert after(model, A) == pytest.approx([after_a[w] for w in range(4)], rel=1e-6)
    assert after(model, B, A) == pytest.approx([after_a[w] for w in range(4)], rel=1e-6)  # ba was never seen


def test_a_row_s_first_token_is_no_target() -> None:
    # the targets are b b, so b counts 2: none once, d = 1/2 of 2, which the two tokens share
    assert after(counted([[A, B, B]], order=1, vocab=2), A) == pytest.approx([1 / 8, 7 / 8])


def reference(rows: list[list[int]], order: int, vocab: int, context: list[int]) -> list[float]:
    """The definition, with dictionaries of tuples and recursion. A row's beginning is a None before it."""
    grams: list[dict[tuple[int | None, ...], float]] = [defaultdict(float) for _ in range(order + 1)]
    places: list[set[tuple[int | None, ...]]] = [set() for _ in range(order + 1)]
    for row in rows:
        for end in range(1, len(row)):
            for n in range(1, order + 1):
                if end - n + 1 < 0:
                    continue
                gram = tuple(row[end - n + 1 : end + 1])
                if n == order:
                    grams[n][gram] += 1
                else:
                    places[n].add((row[end - n] if end - n >= 0 else None, *gram))
    for n in range(1, order):
        for place in places[n]:
            grams[n][place[1:]] += 1

    def probability(token: int, before: tuple[int, ...]) -> float:
        n, table = len(before) + 1, grams[len(before) + 1]
        once, twice = (sum(count == k for count in table.values()) for k in (1, 2))
        discount = once / (once + 2 * twice) if once else 0.5
        shorter = probability(token, before[1:]) if n > 1 else 1 / vocab
        followers = {gram[-1]: count for gram, count in table.items() if gram[:-1] == before}
        if not followers:
            return shorter
        total = sum(followers.values())
        return max(followers.get(token, 0) - discount, 0) / total + discount * len(followers) / total * shorter

    kept = tuple(context[max(0, len(context) - order + 1) :])
    return [probability(token, kept) for token in range(vocab)]


@given(ROWS, st.integers(1, 5), TEXT)
def test_it_is_kneser_ney(rows: list[list[int]], order: int, text: list[int]) -> None:
    logits = counted(rows, order, vocab=5)(torch.tensor([text]))[0]
    for t in range(len(text)):
        expected = reference(rows, order, 5, text[: t + 1])
        np.testing.assert_allclose(logits[t].double().exp(), expected, rtol=1e-4, atol=1e-6)


@given(ROWS, st.integers(1, 5), TEXT)
def test_every_row_is_a_distribution(rows: list[list[int]], order: int, text: list[int]) -> None:
    logits = counted(rows, order, vocab=5)(torch.tensor([text]))
    np.testing.assert_allclose(logits.double().exp().sum(-1), 1, rtol=1e-6)
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(logits.softmax(-1), logits.exp())


@given(st.lists(st.integers(0, 4), min_size=3, max_size=40), st.integers(1, 2), TEXT)
def test_it_is_the_yardstick_on_a_single_row(stream: list[int], order: int, text: list[int]) -> None:
    # up to two tokens; longer grams differ: here a row's beginning counts as a place, there it is not known of
    targets = np.array(stream[1:] if order == 1 else stream)
    expected = count_ngrams(targets, 5, order).distribution(text)
    np.testing.assert_allclose(after(counted([stream], order, vocab=5), *text), expected, rtol=1e-4, atol=1e-6)


@given(ROWS, st.integers(1, 4), st.data())
def test_how_rows_are_split_into_calls_does_not_matter(rows: list[list[int]], order: int, data: st.DataObject) -> None:
    whole, parts = counted(rows, order, vocab=5), NGramPlugin().build(Config(order=order), 5)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        parts.count(torch.tensor(rows)[start:end])
        if data.draw(st.booleans()):
            parts(torch.tensor([[0]]))  # asked in between, it merges what it has
    assert whole.state_dict().keys() == parts.state_dict().keys() == {"grams", "counts"}
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name])


def test_many_calls_are_merged_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randint(5, (30, 9), generator=torch.Generator().manual_seed(0))
    whole = counted(rows, 3, vocab=5).state_dict()
    monkeypatch.setattr(n_gram, "PENDING", 20)
    parts = NGramPlugin().build(Config(), 5)
    for row in rows:
        parts.count(row[None])
    assert sum(map(len, parts._pending)) < 20
    assert all(torch.equal(value, parts.state_dict()[name]) for name, value in whole.items())
    assert (
        int(parts.state_dict()["counts"].sum()) == 30 * 8
    )  # a gram for each target, those at a row's beginning included


def test_before_counting_all_tokens_are_equally_likely() -> None:
    model = NGramPlugin().build(Config(), 7)
    torch.testing.assert_close(model(torch.tensor([[1, 2, 3]])), torch.full((1, 3, 7), -math.log(7)))
    assert list(model.parameters()) == []


@pytest.mark.parametrize("number", [torch.int32, torch.float32])
def test_a_model_from_a_file_gives_the_same_logits(tmp_path: Path, number: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(12, (20, 65), generator=generator) * 50  # twelve ids, far apart: as numbers grams pass 2^24
    model, ids = counted(rows, order=3, vocab=600), rows[:3, :20]
    save_file({name: value.to(number) for name, value in weights_of(model).items()}, tmp_path / "weights.safetensors")
    other = counted([[1, 2, 3, 4]], order=3, vocab=600)  # what it has counted is replaced
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(model(ids), other(ids))
    assert float(model(ids).exp().max()) > 0.05  # far from an even guess
    assert other.grams.dtype == torch.int32
    other.count(torch.tensor([[5, 6]]))  # and it goes on counting
    assert int(other.state_dict()["counts"].sum()) == 20 * 64 + 1


def test_grams_of_another_length_are_refused() -> None:
    with pytest.raises(RuntimeError, match="grams"):
        counted([[A, B, C]], 2).load_state_dict(counted([[A, B, C]], 3).state_dict())


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=5))
def test_shares_sum_to_one(back_off: list[float]) -> None:
    mix = shares(torch.tensor(back_off))
    assert float(mix.double().sum()) == pytest.approx(1, abs=1e-6)
    left = 1.0
    for n in range(len(back_off), 0, -1):  # from the longest order down, each keeps what it does not hand on
        assert float(mix[n]) == pytest.approx(left * (1 - back_off[n - 1]), abs=1e-6)
        left *= back_off[n - 1]


def test_its_steps_recompute_the_answer() -> None:
    model = counted([[A, B, C, A, B, D, A, B, C]], order=3)
    recording = record_trace(model, torch.tensor([[D, A, B]]), names={})
    steps = {name: calls[0] for name, calls in recording.steps.items()}
    assert steps["ngram.counts.3"][0].tolist() == [[0] * 4, [0, 1, 0, 0], [0, 0, 2, 1]]  # after -, d a, a b
    assert steps["ngram.seen"].tolist() == [[2, 3, 3]]  # nothing stands before d
    torch.testing.assert_close(steps["ngram.discount"], torch.tensor([3 / 5, 1, 5 / 7]))
    mix = steps["ngram.mix"]  # (1, 3, 4)
    own = torch.stack([torch.full((1, 3, 4), 1 / 4), *(steps[f"ngram.own.{n}"] for n in (1, 2, 3))], -1)  # (1, 3, 4, 4)
    torch.testing.assert_close((own * mix[:, :, None]).sum(-1).log(), recording.output)


def test_without_its_longest_order_it_is_a_model_of_the_shorter_one() -> None:
    model, ids = counted([[A, B, C, A, B, D, A, B, C]], order=3), torch.tensor([[A, B]])

    def hand_on(back_off: Tensor) -> Tensor:
        back_off[..., 2] = 1
        return back_off

    edited = record_trace(model, ids, names={}, edits={"ngram.back_off": hand_on}).output
    torch.testing.assert_close(edited[0, -1], model(torch.tensor([[B]]))[0, -1])
    assert not torch.allclose(edited, model(ids))


def test_longer_grams_predict_real_text_better() -> None:
    corpus = open_corpus("glass-box:stories=400")
    tokenizer, task = train_tokenizer("word", corpus.train, vocab_size=1024), NextToken()
    train, valid = (task.examples(corpus, part, tokenizer, 64) for part in ("train", "valid"))
    losses = []
    for order in (1, 2, 3):
        model = NGramPlugin().build(Config(order=order), tokenizer.vocab_size)
        for inputs, targets in train.in_order(64, 10**9):
            model.count(torch.cat([inputs, targets[:, -1:]], dim=1))
        losses.append(task.evaluate(model, valid, tokenizer, limit=8).nats_per_token)
    unigram, bigram, trigram = losses
    assert trigram + 0.3 < bigram
    assert bigram + 1 < unigram < math.log(tokenizer.vocab_size)


def test_the_future_is_not_seen() -> None:
    model, ids = counted([[A, B, C, A, B, D, A, B, C]], order=3), torch.tensor([[A, B, C, A, B]])
    for place in range(1, 5):
        changed = ids.clone()
        changed[0, place] = D
        assert torch.equal(model(changed)[0, :place], model(ids)[0, :place])


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="another tokenizer"):
        counted([[A, 4]], 2)
    with pytest.raises(ValueError, match="too many to number"):
        NGramPlugin().build(Config(order=5), 6208)
    NGramPlugin().build(Config(order=5), 6200)
    with pytest.raises(ValueError, match="at most 2"):
        NGramPlugin().build(Config(context=2), 4)(torch.tensor([[A, B, C]]))
    with pytest.raises(ValidationError):
        Config(order=6)
