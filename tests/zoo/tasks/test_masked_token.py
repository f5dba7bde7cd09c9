"""Blanks in windows of text: how many, which kind, always the same for a seed and step; and the loss by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from zoo.data import Corpus
from zoo.tasks import task_of
from zoo.tasks.masked_token import CUT, NOT_ASKED, Blanks, MaskedToken, blanked, ending_blank
from zoo.tasks.next_token import Windows
from zoo.tokenizers import train_tokenizer

VOCAB = 50


def blanks(tokens: int = 4001, time: int = 20, seed: int = 0) -> Blanks:
    stream = torch.randint(VOCAB, (tokens,), generator=torch.Generator().manual_seed(1))
    return Blanks(Windows(stream, time, seed), VOCAB)


class Fixed(nn.Module):
    """Gives p to token 3 wherever it stands, and shares the rest among the others."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, ids: Tensor) -> Tensor:
        probs = torch.full((*ids.shape, VOCAB), (1 - self.p) / (VOCAB - 1))
        probs[..., 3] = self.p
        return probs.log()


class TestBlanked:
    @given(rows=st.integers(1, 5), time=st.integers(1, 60), seed=st.integers(0, 2**32))
    def test_what_is_asked_for_is_the_text_and_all_else_is_left(self, rows: int, time: int, seed: int) -> None:
        text = torch.randint(VOCAB, (rows, time), generator=torch.Generator().manual_seed(seed))
        inputs, targets = blanked(text, VOCAB, np.random.default_rng(seed))
        asked = targets != NOT_ASKED
        assert asked.sum(1).tolist() == [max(1, round(0.15 * time))] * rows
        assert torch.equal(targets[asked], text[asked])
        assert torch.equal(inputs[~asked], text[~asked])
        assert 0 <= int(inputs.min()) <= int(inputs.max()) <= VOCAB

    def test_eight_of_ten_are_blanks_one_is_random_and_one_is_left(self) -> None:
        text = torch.randint(VOCAB, (400, 100), generator=torch.Generator().manual_seed(0))
        inputs, targets = blanked(text, VOCAB, np.random.default_rng(0))
        asked = targets != NOT_ASKED
        count = int(asked.sum())
        assert count == 400 * 15
        is_blank, is_left = (inputs == VOCAB)[asked], (inputs == text)[asked]
        error = 4 / math.sqrt(count)  # four standard deviations are less
        assert float(is_blank.float().mean()) == pytest.approx(0.8, abs=error)
        assert float(is_left.float().mean()) == pytest.approx(0.1 + 0.1 / VOCAB, abs=error)
        random = inputs[asked][~is_blank & ~is_left]
        assert len(random) / count == pytest.approx(0.1 * (1 - 1 / VOCAB), abs=error)
        assert len(random.unique()) == VOCAB  # from all of the vocabulary
        places = asked.float().mean(0)
        assert float((places - 0.15).abs().max()) < 0.08  # each place is as likely as any other

    def test_an_ending_blank_asks_for_the_last_token(self) -> None:
        text = torch.randint(VOCAB, (30, 7), generator=torch.Generator().manual_seed(0))
        inputs, targets = ending_blank(text, VOCAB, np.random.default_rng(0))
        assert (inputs[:, -1] == VOCAB).all()
        assert torch.equal(targets[:, -1], text[:, -1])


class TestBlanks:
    def test_a_batch_is_a_function_of_seed_and_step(self) -> None:
        first, second = blanks(seed=7), blanks(seed=7)
        for step in (40, 3, 0):
            before = first.batch(step, 5)
            second.batch(step + 1, 5)
            assert all(torch.equal(a, b) for a, b in zip(before, second.batch(step, 5), strict=True))
        assert not torch.equal(first.batch(0, 5)[0], blanks(seed=8).batch(0, 5)[0])
        epoch = len(first) // 5
        again = [step for step in range(40) if first.batch(step, 5)[0].shape == first.batch(step + epoch, 5)[0].shape]
        assert all(not torch.equal(first.batch(s, 5)[1], first.batch(s + epoch, 5)[1]) for s in again)

    def test_the_global_generators_are_left_alone(self) -> None:
        before, numbers = torch.random.get_rng_state(), np.random.get_state()[1].copy()
        blanks().batch(3, 5)
        blanks().in_order(4, 10)
        assert torch.equal(before, torch.random.get_rng_state())
        assert (np.random.get_state()[1] == numbers).all()

    def test_a_third_of_the_steps_end_early_in_a_blank_and_all_are_asked_something(self) -> None:
        examples, lengths = blanks(), list[int]()
        for step in range(600):
            inputs, targets = examples.batch(step, 3)
            assert (targets != NOT_ASKED).any(1).all()
            lengths.append(inputs.shape[1])
            if inputs.shape[1] < examples.time:
                assert (inputs[:, -1] == VOCAB).all()
        assert set(lengths) == set(range(1, examples.time + 1))
        early = sum(length < examples.time for length in lengths) / len(lengths)
        assert early == pytest.approx(CUT * (examples.time - 1) / examples.time, abs=0.08)

    @pytest.mark.parametrize(("size", "limit"), [(1, 9), (4, 9), (16, 9), (5, 30)])
    def test_held_out_blanks_stand_still(self, size: int, limit: int) -> None:
        """Whatever the seed, the batch and the limit."""
        whole = [torch.cat(parts) for parts in zip(*blanks().in_order(100, 100), strict=True)]
        found = [torch.cat(parts) for parts in zip(*blanks(seed=5).in_order(size, limit), strict=True)]
        assert len(found[0]) == limit
        assert all(torch.equal(a[:limit], b) for a, b in zip(whole, found, strict=True))


class TestMaskedToken:
    def test_the_loss_is_the_mean_over_what_is_asked(self) -> None:
        inputs = torch.full((1, 4), VOCAB)
        targets = torch.tensor([[3, NOT_ASKED, 8, NOT_ASKED]])
        expected = -(math.log(0.7) + math.log(0.3 / (VOCAB - 1))) / 2
        assert float(MaskedToken().loss(Fixed(0.7), (inputs, targets))) == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("batch", [1, 3, 16])
    def test_held_out_text_is_scored_over_all_that_is_asked(self, batch: int) -> None:
        examples = blanks(tokens=201)  # ten windows of 20: three tokens asked for in each
        targets = torch.cat([targets for _, targets in examples.in_order(100, 100)])
        asked = targets[targets != NOT_ASKED]
        threes = int((asked == 3).sum())
        expected = -(threes * math.log(0.7) + (30 - threes) * math.log(0.3 / (VOCAB - 1))) / 30
        tokenizer = train_tokenizer("byte", ["ab"])
        found = MaskedToken().evaluate(Fixed(0.7), examples, tokenizer, batch=batch)
        assert found.nats_per_token == pytest.approx(expected, abs=1e-5)
        assert (found.bits_per_character, found.tokens, found.characters) == (None, 30, 0)

    def test_examples_are_the_corpus_with_the_blank_behind_the_vocabulary(self) -> None:
        texts = ["the cat sat on the mat. " * 4, "the dog ran. " * 6]
        corpus = Corpus("texts", texts, texts[:1], "none")
        tokenizer = train_tokenizer("word", texts)
        task = task_of("masked-token")
        task.check(corpus, tokenizer, 8)
        examples = task.examples(corpus, "train", tokenizer, 8, seed=2)
        assert isinstance(examples, Blanks)
        assert (examples.time, examples.windows.seed, examples.vocab_size) == (8, 2, tokenizer.vocab_size)
        stream = examples.windows.stream
        for i, (inputs, targets) in enumerate(examples.in_order(1, 100)):
            text = stream[8 * i : 8 * i + 8].long()
            asked = targets[0] != NOT_ASKED
            assert torch.equal(targets[0][asked], text[asked])
            assert torch.equal(inputs[0][~asked], text[~asked])

    def test_a_text_shorter_than_a_window_is_refused(self) -> None:
        tokenizer = train_tokenizer("byte", ["ab"])
        with pytest.raises(ValueError, match="asks for at least 9"):
            MaskedToken().check(Corpus("tiny", ["ab"], ["ab"], "none"), tokenizer, 8)

    def test_a_model_is_fed_a_blank_behind_the_text(self) -> None:
        assert MaskedToken().fed([4, 2], [9], VOCAB) == [4, 2, 9, VOCAB]

    def test_a_blind_guess(self) -> None:
        nats, words = MaskedToken().ceiling(535)
        assert nats == math.log(535)
        assert words.startswith("ln 535")
