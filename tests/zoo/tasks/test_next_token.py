"""Windows, the loss, and held-out scores, against hand-worked numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from zoo.tasks.next_token import NextToken, Windows
from zoo.tasks.streams import CHUNK, token_stream
from zoo.tokenizers import train_tokenizer


class Uniform(nn.Module):
    """Gives every token the same logit."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.vocab = vocab

    def forward(self, ids: Tensor) -> Tensor:
        return torch.full((*ids.shape, self.vocab), 3.0)


class Successor(nn.Module):
    """Gives p to id + 1, and shares the rest among the others."""

    def __init__(self, vocab: int, p: float) -> None:
        super().__init__()
        self.vocab, self.p = vocab, p

    def forward(self, ids: Tensor) -> Tensor:
        probs = torch.full((*ids.shape, self.vocab), (1 - self.p) / (self.vocab - 1))
        return probs.scatter(-1, ((ids + 1) % self.vocab)[..., None], self.p).log()


class TestWindows:
    @given(tokens=st.integers(4, 90), time=st.integers(1, 9), size=st.integers(1, 7), seed=st.integers(0, 2**32 - 1))
    def test_each_window_once_an_epoch_and_targets_one_token_on(
        self, tokens: int, time: int, size: int, seed: int
    ) -> None:
        if tokens <= time:
            return
        windows = Windows(torch.arange(tokens, dtype=torch.int32), time, seed)
        epochs = 2
        starts = []
        for step in range(-(-epochs * len(windows) // size)):
            inputs, targets = windows.batch(step, size)
            assert inputs.shape == targets.shape == (size, time)
            assert torch.equal(inputs + 1, targets)
            starts += inputs[:, 0].tolist()
        expected = [w * time for w in range(len(windows))]
        for epoch in range(epochs):
            assert sorted(starts[epoch * len(windows) : (epoch + 1) * len(windows)]) == expected

    def test_a_batch_is_a_function_of_seed_and_step(self) -> None:
        stream = torch.arange(401)  # 100 windows: an epoch is 20 batches
        first, second = (Windows(stream, 4, seed=7) for _ in range(2))
        later = [first.batch(step, 5)[0] for step in (0, 3, 40)]
        earlier = [second.batch(step, 5)[0] for step in (40, 3, 0)][::-1]  # another order, with others between
        assert all(torch.equal(a, b) for a, b in zip(later, earlier, strict=True))
        assert not torch.equal(first.batch(0, 5)[0], Windows(stream, 4, seed=8).batch(0, 5)[0])
        assert not torch.equal(later[0], first.batch(20, 5)[0])  # the next epoch has another order

    def test_the_global_generator_is_left_alone(self) -> None:
        before = torch.random.get_rng_state()
        Windows(torch.arange(50), 4).batch(3, 5)
        assert torch.equal(before, torch.random.get_rng_state())

    def test_in_order_stops_at_the_limit(self) -> None:
        windows = Windows(torch.arange(50), 4)
        rows = torch.cat([inputs for inputs, _ in windows.in_order(size=3, limit=5)])
        assert rows[:, 0].tolist() == [0, 4, 8, 12, 16]
        assert sum(len(inputs) for inputs, _ in windows.in_order(size=3, limit=1000)) == len(windows) == 12

    def test_windows_begin_where_texts_begin(self) -> None:
        stream, starts = torch.arange(30, dtype=torch.int32), np.array([0, 3, 7, 12, 13, 20, 25, 26])
        windows = Windows(stream, 5, seed=1, starts=starts)
        assert len(windows) == 6  # one from 25 on would have no target for its last token
        firsts = torch.cat([windows.batch(step, 4)[0][:, 0] for step in range(3)]).tolist()
        assert sorted(firsts[:6]) == sorted(firsts[6:]) == [0, 3, 7, 12, 13, 20]
        inputs, targets = windows.batch(1, 4)
        assert torch.equal(inputs, inputs[:, :1] + torch.arange(5))
        assert torch.equal(targets, inputs + 1)

    def test_held_out_windows_share_no_target(self) -> None:
        stream, starts = torch.arange(30, dtype=torch.int32), np.array([0, 3, 7, 12, 13, 20, 25, 26])
        windows = Windows(stream, 5, starts=starts)
        assert windows.apart(100).tolist() == [0, 7, 12, 20]
        assert windows.apart(2).tolist() == [0, 7]
        targets = torch.cat([targets for _, targets in windows.in_order(size=3, limit=100)])
        assert targets.tolist() == [[start + 1 + i for i in range(5)] for start in (0, 7, 12, 20)]

    def test_a_stream_on_disk_gives_the_same_batches(self, tmp_path: Path) -> None:
        ids = np.random.default_rng(0).integers(0, 99, 500).astype(np.int32)
        ids.tofile(tmp_path / "ids")
        mapped = torch.from_numpy(np.memmap(tmp_path / "ids", dtype=np.int32, mode="r+"))
        for step in range(4):
            for a, b in zip(
                Windows(mapped, 7, 3).batch(step, 9), Windows(torch.from_numpy(ids), 7, 3).batch(step, 9), strict=True
            ):
                assert torch.equal(a, b)
                assert a.dtype == torch.int64

    def test_a_stream_too_short_is_refused_by_name(self) -> None:
        assert len(Windows(torch.arange(9), 8)) == 1
        with pytest.raises(ValueError, match="the held-out text has 8 tokens; the model's context of 8 asks for"):
            Windows(torch.arange(8), 8, name="held-out text")


def test_a_stream_has_the_end_of_text_after_each_document() -> None:
    tokenizer = train_tokenizer("byte", ["ab"])
    end = tokenizer.end_of_text
    assert token_stream(tokenizer, ["ab", "c"]).tolist() == [
        *tokenizer.encode("ab").ids, end, *tokenizer.encode("c").ids, end,
    ]  # fmt: skip
    assert len(token_stream(tokenizer, [])) == 0
    many = ["x"] * (2 * CHUNK + 1)
    assert token_stream(tokenizer, many).tolist() == [*tokenizer.encode("x").ids, end] * len(many)


def test_loss_of_uniform_logits_is_ln_v() -> None:
    ids = torch.randint(11, (2, 5))
    assert float(NextToken().loss(Uniform(11), (ids, ids))) == pytest.approx(math.log(11), abs=1e-6)


class TestEvaluate:
    tokenizer = train_tokenizer("byte", ["x"])

    def windows(self, text: str, time: int) -> Windows:
        return Windows(torch.tensor(self.tokenizer.encode(text).ids), time)

    def test_uniform_logits_cost_log2_v_bits_a_byte(self) -> None:
        found = NextToken().evaluate(Uniform(257), self.windows("abcdefghi", 4), self.tokenizer)
        assert found.nats_per_token == pytest.approx(math.log(257), abs=1e-6)
        assert found.bits_per_character == pytest.approx(math.log2(257), abs=1e-6)
        assert (found.tokens, found.characters) == (8, 8)

    def test_bits_per_character_worked_by_hand(self) -> None:
        # "aé" is 3 bytes for 2 characters. Each byte costs log2(257) bits: 12 target bytes, 8 characters.
        windows = self.windows("x" + "aé" * 4, 3)
        found = NextToken().evaluate(Uniform(257), windows, self.tokenizer)
        assert (found.tokens, found.characters) == (12, 8)
        assert found.bits_per_character == pytest.approx(12 * math.log2(257) / 8, abs=1e-6)

    def test_a_character_cut_by_a_window_counts_once(self) -> None:
        cut, whole = (
            NextToken().evaluate(Uniform(257), self.windows("x" + "é" * 6, time), self.tokenizer) for time in (3, 4)
        )
        assert (cut.tokens, cut.characters) == (whole.tokens, whole.characters) == (12, 6)

    def test_a_known_probability_gives_its_own_loss(self) -> None:
        stream = torch.arange(33) % 8
        found = NextToken().evaluate(Successor(8, p=0.75), Windows(stream, 5), self.tokenizer, batch=4)
        assert found.nats_per_token == pytest.approx(-math.log(0.75), abs=1e-6)

    def test_uneven_batches_weigh_each_token_once(self) -> None:
        torch.manual_seed(0)
        model = nn.Embedding(257, 257)
        windows = self.windows("the cat sat on the mat and ran", 3)
        scores = [
            NextToken().evaluate(model, windows, self.tokenizer, batch=size).nats_per_token for size in (1, 4, 100)
        ]
        assert scores == pytest.approx([scores[0]] * 3, rel=1e-6)

    def test_end_of_text_writes_no_character(self) -> None:
        stream = token_stream(self.tokenizer, ["ab", "cd", "ef"])  # a b | c d | e f |
        found = NextToken().evaluate(Uniform(257), Windows(stream, 8), self.tokenizer)
        assert (found.tokens, found.characters) == (8, 5)
