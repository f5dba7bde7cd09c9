"""Pairs, their loss and their scores, against hand-worked numbers and models that are known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.data import Corpus, read_corpus
from zoo.layers.pairs import PairModel
from zoo.tasks import task_of
from zoo.tasks.translate import MOST, Pairs, Translate
from zoo.tokenizers import Tokenizer, train_tokenizer

TOKENIZER = train_tokenizer("byte", ["ab"])
END, VOCAB = TOKENIZER.end_of_text, TOKENIZER.vocab_size
MARK = VOCAB


def corpus(*texts: str, valid: tuple[str, ...] = ("ab\tcd",)) -> Corpus:
    return Corpus("pairs", list(texts), list(valid), "0")


def pairs(*texts: str, context: int = 64, seed: int = 0) -> Pairs:
    return Translate().examples(corpus(*texts), "train", TOKENIZER, context, seed=seed)


def ids(text: str) -> list[int]:
    return TOKENIZER.encode(text).ids


def read(row: Tensor) -> str:
    return TOKENIZER.raw.decode(row[(row >= 0) & (row < VOCAB)].tolist())


class Uniform(PairModel):
    """Gives every token the same logit."""

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        return torch.full((*target.shape, self.mark), 3.0)


class Copier(PairModel):
    """Gives p to the source's token in the same place, or to the end behind its last; the rest to all others."""

    def __init__(self, p: float = 0.9) -> None:
        super().__init__(VOCAB)
        self.p = p

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        assert (target[:, 0] == self.mark).all()
        room = max(0, target.shape[1] - source.shape[1])
        best = F.pad(source, (0, room), value=-1)[:, : target.shape[1]]
        best = best.where(best >= 0, END)
        probs = torch.full((*target.shape, self.mark), (1 - self.p) / (self.mark - 1))
        return probs.scatter(-1, best[..., None], self.p).log()


class TestPairs:
    def test_a_batch_worked_by_hand(self):
        source, fed, asked = pairs("a\txyz", "bc\tx").in_order(2, 2)[0]
        (a,), (b, c), (x, y, z) = ids("a"), ids("bc"), ids("xyz")
        assert source.tolist() == [[a, -1], [b, c]]
        assert fed.tolist() == [[MARK, x, y, z], [MARK, x, -1, -1]]
        assert asked.tolist() == [[x, y, z, END], [x, END, -1, -1]]

    @given(
        lengths=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=40),
        size=st.integers(1, 7),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_each_pair_once_an_epoch(self, lengths: list[tuple[int, int]], size: int, seed: int):
        texts = [f"{'s' * s}\t{chr(200 + i) * t}" for i, (s, t) in enumerate(lengths)]
        found, seen = pairs(*texts, seed=seed), list[str]()
        for step in range(-(-2 * len(texts) // size)):
            source, fed, asked = found.batch(step, size)
            assert len(source) == len(fed) == len(asked) == size
            assert fed.shape == asked.shape
            seen += [f"{read(s)}\t{read(t)}" for s, t in zip(source, asked, strict=True)]
        for epoch in range(2):
            assert sorted(seen[epoch * len(texts) : (epoch + 1) * len(texts)]) == sorted(texts)

    def test_a_batch_is_a_function_of_seed_and_step(self):
        texts = [f"{'s' * (i % 9 + 1)}\t{chr(200 + i)}" for i in range(100)]
        first, second = pairs(*texts, seed=7), pairs(*texts, seed=7)
        later = [first.batch(step, 5) for step in (0, 3, 40)]
        earlier = [second.batch(step, 5) for step in (40, 3, 0)][::-1]  # another order, with others between
        for one, other in zip(later, earlier, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        assert not torch.equal(first.batch(0, 5)[2], pairs(*texts, seed=8).batch(0, 5)[2])
        assert not torch.equal(first.batch(0, 5)[2], first.batch(20, 5)[2])  # the next epoch has another order

    def test_pairs_of_like_length_stand_together(self):
        texts = [f"{'s' * (i % 8 + 1)}\t{'t' * (i % 8 + 1)}" for i in range(512)]
        found = pairs(*texts)
        filled = sum(int((found.batch(step, 16)[0] < 0).sum()) for step in range(32))
        assert filled < 0.1 * 512 * 4.5  # in batches of any length it would be about 3 of every 8 places

    def test_the_global_generator_is_left_alone(self):
        before = torch.random.get_rng_state()
        pairs("a\tb", "c\td").batch(3, 5)
        assert torch.equal(before, torch.random.get_rng_state())

    def test_what_does_not_fit_is_left_out_and_counted(self):
        texts = ("ab\tcde", "ab\tcdef", "abc\tde", "a" * 99 + "\tb")  # 2 + 3 tokens, mark and end: 7
        found = pairs(*texts, context=7)
        assert [read(source) for source, _, _ in found.in_order(1, 9)] == ["ab", "abc"]
        assert (len(found), found.left_out) == (2, 2)
        assert len(pairs(*texts, context=8)) == 3

    def test_time_is_the_mean_of_what_is_read(self):
        assert pairs("ab\tcde", "abcd\tcde").time == 7  # 2 + 3 + end, 4 + 3 + end

    def test_a_limit_gives_the_first_pairs(self):
        whole = corpus(*(f"a\t{'b' * i}" for i in range(1, 9)))
        few = Translate().examples(whole, "train", TOKENIZER, 64, limit=3)
        assert [read(asked) for _, _, asked in few.in_order(1, 99)] == ["b", "bb", "bbb"]
        assert len(Translate().examples(whole, "train", TOKENIZER, 64)) == 8

    def test_spaces_around_a_sentence_are_not_part_of_it(self):
        assert pairs(" a \t b\r\n").in_order(1, 1)[0][0].tolist() == [ids("a")]


class TestCheck:
    def test_pairs_that_fit_pass(self):
        Translate().check(corpus("a\tb"), TOKENIZER, 8)

    @pytest.mark.parametrize("text", ["no tab", "a\tb\tc", "\tb", "a\t ", ""])
    def test_a_text_that_is_no_pair_is_refused(self, text):
        for bad in (corpus("a\tb", text), corpus("a\tb", valid=("a\tb", text))):
            with pytest.raises(ValueError, match="is no pair: write each line as a sentence, one tab"):
                Translate().check(bad, TOKENIZER, 8)

    def test_the_first_line_that_is_no_pair_is_named(self, tmp_path):
        good, bad = "a\tb\n" * 30, "a b\n"
        for before in (3, 30):  # in what is learnt from, and in what is held out
            (path := tmp_path / "own.txt").write_text(good[: 4 * before] + "\n" + bad + good[4 * before :])
            with pytest.raises(ValueError, match=f"line {before + 2}, 'a b', is no pair: write each line"):
                Translate().check(read_corpus(path), TOKENIZER, 8)

    def test_a_context_without_room_is_refused(self):
        with pytest.raises(ValueError, match="no pair of the held-out text fits into the model's context of 5 tokens"):
            Translate().check(corpus("a\tb"), TOKENIZER, 5)

    def test_too_many_pairs_are_refused(self):
        class Many(list[str]):
            def __len__(self) -> int:
                return MOST + 1

        with pytest.raises(ValueError, match="too large to translate: give at most 500,000 lines"):
            Translate().check(Corpus("many", Many(["a\tb"]), ["a\tb"], "0"), TOKENIZER, 8)

    def test_a_tokenizer_that_cannot_end_a_text_is_refused(self):
        raw = TOKENIZER.raw.from_str(TOKENIZER.raw.to_str().replace("<|endoftext|>", "<|other|>"))
        with pytest.raises(ValueError, match="no id that ends a text"):
            Translate().check(corpus("a\tb"), Tokenizer(raw), 8)


class TestLoss:
    def test_uniform_logits_cost_ln_v(self):
        batch = pairs("a\txyz", "bc\tx").in_order(2, 2)[0]
        assert float(Translate().loss(Uniform(VOCAB), batch)) == pytest.approx(math.log(VOCAB), abs=1e-6)
        assert Translate().ceiling(VOCAB)[0] == math.log(VOCAB)

    def test_a_known_probability_gives_its_own_loss(self):
        batch = pairs("abc\tabc", "b\tb").in_order(2, 2)[0]
        assert float(Translate().loss(Copier(0.75), batch)) == pytest.approx(-math.log(0.75), abs=1e-6)

    def test_each_token_weighs_the_same(self):
        right, wrong = -math.log(0.75), -math.log(0.25 / (VOCAB - 1))
        batch = pairs("abc\tabx", "b\tb").in_order(2, 2)[0]  # asked: a b x END, b END; one of six is wrong
        assert float(Translate().loss(Copier(0.75), batch)) == pytest.approx((5 * right + wrong) / 6, abs=1e-5)

    def test_a_model_that_cannot_translate_is_told_how(self):
        with pytest.raises(ValueError, match=r"Linear has no method translate\(source, target\).*PairModel"):
            Translate().loss(nn.Linear(1, 1), pairs("a\tb").batch(0, 1))


class TestEvaluate:
    def test_scores_worked_by_hand(self):
        found = Translate().evaluate(Uniform(VOCAB), pairs("a\té", "bcdef\txyz"), TOKENIZER, batch=1)
        assert (found.tokens, found.characters) == (3 + 4, 1 + 3)  # é is two bytes; each target has its end
        assert found.nats_per_token == pytest.approx(math.log(VOCAB), abs=1e-6)
        assert found.bits_per_character == pytest.approx(7 * math.log2(VOCAB) / 4, abs=1e-5)

    def test_uneven_batches_weigh_each_token_once(self):
        examples = pairs("abcd\tabxd", "b\tb", "a\tx", "ab\tabcd")
        scores = [
            Translate().evaluate(Copier(), examples, TOKENIZER, batch=size).nats_per_token for size in (1, 3, 100)
        ]
        assert scores == pytest.approx([scores[0]] * 3, rel=1e-6)

    def test_the_limit_holds(self):
        assert Translate().evaluate(Uniform(VOCAB), pairs("a\tb", "a\tbcd"), TOKENIZER, limit=1).tokens == 2


def test_the_task_is_found_by_name():
    assert isinstance(task_of("translate"), Translate)


def test_what_a_model_is_fed():
    assert Translate().fed([1, 2], [], 7) == [1, 2, 7]
    assert Translate().fed([1, 2], [3], 7) == [1, 2, 7, 3]


def test_orders_of_epochs_differ():
    texts = [f"a\t{chr(200 + i)}" for i in range(30)]
    found = pairs(*texts)
    epochs = [torch.cat([found.batch(step, 10)[2] for step in range(3 * e, 3 * e + 3)]) for e in range(4)]
    assert all(not torch.equal(a, b) for a, b in pairwise(epochs))
