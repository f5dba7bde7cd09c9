"""Skip-gram's and CBOW's pairs, drawn words and loss, against hand-worked numbers and the laws they are drawn by."""

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
from zoo.tasks.streams import tokens
from zoo.tasks.word_pairs import (
    NEGATIVES,
    Cbow,
    SkipGram,
    Stretches,
    around,
    draw,
    kept_share,
    neighbours,
    noise,
    pair_loss,
    token_counts,
)
from zoo.tokenizers import train_tokenizer

TASKS = pytest.mark.parametrize("task", [SkipGram(), Cbow()], ids=["skip-gram", "cbow"])


class Scores(nn.Module):
    """Gives a true word the score `true`, a drawn one `drawn`, and remembers what it was asked."""

    def __init__(self, true: float = 0.0, drawn: float = 0.0, window: int = 2, threshold: float = 1.0) -> None:
        super().__init__()
        self.window, self.threshold = window, threshold
        self.true, self.drawn = nn.Parameter(torch.tensor(true)), drawn
        self.asked: list[tuple[Tensor, Tensor]] = []

    def scores(self, inputs: Tensor, candidates: Tensor) -> Tensor:
        self.asked.append((inputs, candidates))
        return torch.cat([self.true.expand(len(inputs), 1), torch.full((len(inputs), NEGATIVES), self.drawn)], 1)


def corpus() -> Corpus:
    """Texts of many lengths in letters, and other ones held out."""
    generator = np.random.default_rng(0)
    train, valid = (
        ["".join(generator.choice(list("abcdefgh"), size)) for size in generator.integers(1, 30, 40)] for _ in range(2)
    )
    return Corpus("letters", train, valid, "0" * 64)


CORPUS = corpus()
TOKENIZER = train_tokenizer("char", CORPUS.train)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def everything(tokens: int, vocab: int = 10) -> tuple[Tensor, Tensor, Tensor]:
    """A batch of one row 0, 1, 2, … out of one text, and even counts."""
    return torch.arange(tokens)[None] % vocab, torch.zeros(1, tokens, dtype=torch.long), torch.ones(vocab).long()


class TestNeighbours:
    def test_around_by_hand(self) -> None:
        found = around(torch.tensor([[5, 6, 7]]), 2)
        assert found.tolist() == [[[-1, -1, 6, 7], [-1, 5, 7, -1], [5, 6, -1, -1]]]

    @given(ids=st.lists(st.integers(0, 5), min_size=1, max_size=25), window=st.integers(1, 4), seed=st.integers(0, 99))
    def test_a_neighbour_is_near_and_of_the_same_text(self, ids: list[int], window: int, seed: int) -> None:
        """Id 0 ends a text. What is found is all of a reach of 1 to `window`, and nothing beyond it."""
        rows = torch.tensor([ids])
        ends = (rows == 0).long()
        texts = ends.cumsum(1) - ends
        found = neighbours((rows, texts, torch.ones(6).long()), window, 1.0, seeded(seed))[0].tolist()
        for t in range(len(ids)):
            allowed = []
            for reach in range(1, window + 1):
                places = [t + d for d in (*range(-window, 0), *range(1, window + 1)) if abs(d) <= window]
                allowed.append([
                    ids[p] if 0 <= p < len(ids) and abs(p - t) <= reach and texts[0, p] == texts[0, t] else -1
                    for p in places
                ])  # fmt: skip
            assert found[t] in allowed

    def test_near_words_count_for_more(self) -> None:
        """A word at distance d is within reach in W + 1 − d of W cases."""
        window, size = 4, 20_000
        found = neighbours(everything(size, vocab=50), window, 1.0, seeded(1))[0, window:-window] >= 0
        share = found.double().mean(0).numpy()  # (2 W,)
        expected = np.array([1, 2, 3, 4, 4, 3, 2, 1]) / 4
        assert np.abs(share - expected).max() < 5 * 0.5 / math.sqrt(size)

    def test_a_frequent_word_is_passed_over_as_often_as_the_paper_says(self) -> None:
        counts = torch.tensor([90, 9, 1])
        kept = kept_share(counts, 0.1)
        assert kept.tolist() == pytest.approx([1 / 3, 1, 1])  # √(0.1 / 0.9); shares of 0.09 and 0.01 lie below 0.1
        assert kept_share(torch.tensor([5, 0]), 0.1)[1] == 1  # a word that the text lacks
        rows = torch.arange(30_000)[None] % 2  # 0 1 0 1 …
        found = neighbours((rows, torch.zeros_like(rows), counts), 1, 0.1, seeded(2))[0, 1:-1]
        error = 5 * 0.5 / math.sqrt(15_000)
        assert float((found[0::2] >= 0).double().mean()) == pytest.approx(1 / 3, abs=error)  # of a 1: each 0
        assert float((found[1::2] >= 0).double().mean()) == pytest.approx(1 / 3, abs=error)  # of a 0: if it is kept
        both = (found[1::2] >= 0).all(-1) == (found[1::2] >= 0).any(-1)
        assert bool(both.all())  # an occurrence is center and neighbour, or neither


class TestDrawnWords:
    def test_noise_by_hand(self) -> None:
        # (15 + 1)^¾ = 8, (0 + 1)^¾ = 1, (80 + 1)^¾ = 27
        assert noise(torch.tensor([15, 0, 80])).tolist() == pytest.approx([8 / 36, 1 / 36, 27 / 36])

    def test_the_plus_one_is_lost_in_a_text_of_any_length(self) -> None:
        counts = torch.tensor([100_000, 20_000, 3_000])
        bare = counts.double() ** 0.75
        assert noise(counts).tolist() == pytest.approx((bare / bare.sum()).tolist(), rel=3e-4)

    def test_drawn_in_proportion(self) -> None:
        chances, count = noise(torch.tensor([15, 0, 80, 255])), 20_000
        found = draw(chances, count, seeded(3))
        assert found.shape == (count, NEGATIVES)
        share = torch.bincount(found.flatten(), minlength=4) / found.numel()
        error = (chances * (1 - chances) / found.numel()).sqrt()
        assert bool(((share - chances).abs() < 5 * error).all())

    def test_nothing_to_draw(self) -> None:
        assert draw(torch.ones(3).double(), 0).shape == (0, NEGATIVES)


class TestPairs:
    rows = torch.tensor([[3, 4, 5]])
    near = torch.tensor([[[-1, 4], [3, 5], [-1, -1]]])

    def test_skip_gram_makes_a_pair_of_each_neighbour(self) -> None:
        given, true = SkipGram().pairs(self.rows, self.near)
        assert given.tolist() == [[3], [4], [4]]
        assert true.tolist() == [4, 3, 5]

    def test_cbow_gives_all_neighbours_and_asks_for_the_word(self) -> None:
        given, true = Cbow().pairs(self.rows, self.near)
        assert given.tolist() == [[-1, 4], [3, 5]]  # 5 has no neighbour, and is not asked for
        assert true.tolist() == [3, 4]

    def test_what_is_fed(self) -> None:
        assert SkipGram().fed([1, 2], [3], 9) == [1, 2, 3]
        assert Cbow().fed([1, 2], [3], 9) == [1, 2, 3, 9]


class TestLoss:
    def test_by_hand(self) -> None:
        # −log σ(ln 3) = ln 4/3; −log σ(−0) = ln 2; −log σ(−ln 7) = ln 8
        found = pair_loss(torch.tensor([[math.log(3), 0.0, math.log(7)]]))
        assert found.tolist() == pytest.approx([math.log(4 / 3) + math.log(2) + math.log(8)])

    def test_its_gradient_is_sigma_minus_one_and_sigma(self) -> None:
        scores = torch.tensor([[math.log(3), 0.0, math.log(7)]], requires_grad=True)
        pair_loss(scores).sum().backward()  # type: ignore[no-untyped-call]
        assert scores.grad is not None
        assert scores.grad[0].tolist() == pytest.approx([3 / 4 - 1, 1 / 2, 7 / 8])

    @TASKS
    def test_a_coin_gives_the_ceiling(self, task: SkipGram | Cbow) -> None:
        height, why = task.ceiling(99)
        assert height == pytest.approx(6 * math.log(2))
        assert why.startswith("6 ln 2: ")
        assert task.loss(Scores(), everything(30)).item() == pytest.approx(height)

    @TASKS
    def test_mean_over_pairs_whatever_their_number(self, task: SkipGram | Cbow) -> None:
        module = Scores(true=1.5, drawn=-0.5)
        expected = math.log1p(math.exp(-1.5)) + NEGATIVES * math.log1p(math.exp(-0.5))
        for size in (2, 40):
            assert task.loss(module, everything(size)).item() == pytest.approx(expected, rel=1e-6)

    @TASKS
    def test_the_true_word_stands_first_and_belongs_to_what_is_given(self, task: SkipGram | Cbow) -> None:
        module = Scores(window=1)
        task.loss(module, everything(8))
        inputs, candidates = module.asked[0]
        for words, true in zip(inputs.tolist(), candidates[:, 0].tolist(), strict=True):
            assert all(each == -1 or abs(each - true) == 1 for each in words)  # the row counts up: 0, 1, 2, …
        assert inputs.shape == ((14, 1) if isinstance(task, SkipGram) else (8, 2))

    @TASKS
    def test_without_a_pair_nothing_is_learned(self, task: SkipGram | Cbow) -> None:
        module = Scores()
        loss = task.loss(module, everything(1))
        loss.backward()  # type: ignore[no-untyped-call]
        assert loss.item() == 0
        assert module.true.grad == 0

    @TASKS
    def test_a_seed_draws_one_loss(self, task: SkipGram | Cbow) -> None:
        asked = []
        for seed in (5, 5, 6):
            module = Scores()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                task.loss(module, everything(30))
            asked.append(torch.cat([each.flatten() for each in module.asked[0]]))
        assert torch.equal(asked[0], asked[1])
        assert not torch.equal(asked[0], asked[2])

    def test_a_model_without_scores_is_told(self) -> None:
        with pytest.raises(TypeError, match="Linear cannot learn from pairs: give it window, threshold and scores"):
            SkipGram().loss(nn.Linear(1, 1), everything(5))


class TestExamples:
    def stretches(self, **given: int) -> Stretches:
        return SkipGram().examples(CORPUS, "train", TOKENIZER, 12, **given)

    def test_counts_are_those_of_the_training_text_for_both_parts(self) -> None:
        ids = tokens(CORPUS, "train", TOKENIZER).ids.tolist()
        by_hand = [ids.count(each) for each in range(TOKENIZER.vocab_size)]
        assert token_counts(CORPUS, TOKENIZER).tolist() == by_hand
        for part in ("train", "valid"):
            assert SkipGram().examples(CORPUS, part, TOKENIZER, 12).counts.tolist() == by_hand  # type: ignore[arg-type]

    def test_texts_are_numbered_and_their_mark_belongs_to_them(self) -> None:
        rows, texts, _ = self.stretches().batch(0, 8)
        for ids, numbers in zip(rows.tolist(), texts.tolist(), strict=True):
            assert numbers == [ids[:t].count(TOKENIZER.end_of_text) for t in range(len(ids))]
        assert texts.max() > 0

    def test_no_pair_reaches_into_another_text(self) -> None:
        module = Scores(window=5)
        ends = TOKENIZER.end_of_text
        lower = Corpus("two", ["abcab", "xyzxy"] * 9, ["abcab"] * 9, "0" * 64)
        tokenizer = train_tokenizer("char", lower.train)
        task = SkipGram()
        task.loss(module, task.examples(lower, "train", tokenizer, 18).batch(0, 6))
        inputs, candidates = module.asked[0]
        first = set(tokenizer.encode("abc").ids)
        pairs = zip(inputs[:, 0].tolist(), candidates[:, 0].tolist(), strict=True)
        seen = [(a, b) for a, b in pairs if ends not in (a, b)]
        assert len(seen) > 50
        assert all((a in first) == (b in first) for a, b in seen)

    def test_a_batch_is_a_function_of_seed_and_step(self) -> None:
        first, second, other = self.stretches(seed=7), self.stretches(seed=7), self.stretches(seed=8)
        later = [first.batch(step, 5)[0] for step in (0, 9)]
        earlier = [second.batch(step, 5)[0] for step in (9, 0)][::-1]
        assert all(torch.equal(a, b) for a, b in zip(later, earlier, strict=True))
        assert not torch.equal(later[0], other.batch(0, 5)[0])

    def test_in_order_goes_front_to_back(self) -> None:
        stretches = self.stretches()
        rows = torch.cat([rows for rows, *_ in stretches.in_order(4, 7)])
        assert rows.flatten().tolist() == tokens(CORPUS, "train", TOKENIZER).ids[: 7 * 12].tolist()
        assert (stretches.time, len(stretches)) == (12, (len(tokens(CORPUS, "train", TOKENIZER).ids) - 1) // 12)

    def test_a_tokenizer_without_an_end_has_one_text(self) -> None:
        stretches = self.stretches()
        one = Stretches(stretches.windows, stretches.counts, None)
        assert not one.batch(0, 4)[1].any()

    def test_a_corpus_too_short_is_refused(self) -> None:
        SkipGram().check(CORPUS, TOKENIZER, 12)
        with pytest.raises(ValueError, match="take a longer text or a shorter context"):
            SkipGram().check(CORPUS, TOKENIZER, 5_000)


class TestEvaluate:
    @TASKS
    def test_the_same_at_every_call_and_the_global_generator_is_left_alone(self, task: SkipGram | Cbow) -> None:
        examples = task.examples(CORPUS, "valid", TOKENIZER, 12)
        before, module = torch.random.get_rng_state(), Scores(threshold=0.05)
        first, second = (task.evaluate(module, examples, TOKENIZER, limit=9) for _ in range(2))
        assert first == second
        assert torch.equal(before, torch.random.get_rng_state())
        asked = [torch.cat([each.flatten() for each in pair]) for pair in module.asked]
        assert torch.equal(asked[0], asked[1])

    @TASKS
    def test_each_pair_weighs_the_same(self, task: SkipGram | Cbow) -> None:
        examples, module = task.examples(CORPUS, "valid", TOKENIZER, 12), Scores(true=0.5, drawn=-2.0)
        found = task.evaluate(module, examples, TOKENIZER, batch=2, limit=5)
        expected = math.log1p(math.exp(-0.5)) + NEGATIVES * math.log1p(math.exp(-2.0))
        assert found.nats_per_token == pytest.approx(expected, rel=1e-6)
        assert (found.bits_per_character, found.characters) == (None, 0)
        assert found.tokens == sum(len(inputs) for inputs, _ in module.asked) > 50

    def test_the_limit_is_kept(self) -> None:
        examples, module = SkipGram().examples(CORPUS, "valid", TOKENIZER, 12), Scores(window=1)
        three = SkipGram().evaluate(module, examples, TOKENIZER, limit=3).tokens
        assert three <= 3 * 2 * 11 < SkipGram().evaluate(module, examples, TOKENIZER).tokens


def test_the_tasks_are_found_by_name() -> None:
    assert isinstance(task_of("skip-gram"), SkipGram)
    assert isinstance(task_of("cbow"), Cbow)
