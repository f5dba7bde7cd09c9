"""Skip-gram and CBOW: gradients worked by hand, scores against Levy and Goldberg's formula, neighbours against theirs.

The independent implementation is theirs of 2014: count the pairs, take each pair's mutual information,
factor its positive part by a truncated SVD. Neighbours are looked up with scikit-learn.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from zoo.data import Corpus
from zoo.evaluation import neighbours
from zoo.launch import Order, launch
from zoo.models.cbow import Cbow, CbowPlugin
from zoo.models.cbow import Config as CbowConfig
from zoo.models.skip_gram import Config, SkipGram, SkipGramPlugin
from zoo.registry import discover
from zoo.tasks import task_of
from zoo.tasks.word_pairs import NEGATIVES, noise, pair_loss
from zoo.testing import check_plugin
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.trace.record import record_trace
from zoo.training import Event, Recipe, train
from zoo.training.optimizers import Optimizers

PLUGINS = pytest.mark.parametrize("plugin", [SkipGramPlugin(), CbowPlugin()], ids=["skip-gram", "cbow"])
Floats = NDArray[np.float64]

FRUIT = "apple pear plum cherry lemon grape".split()
METAL = "iron copper zinc silver nickel lead".split()
AROUND = {"fruit": "eat sweet ripe juicy basket".split(), "metal": "melt hard rusty shiny anvil".split()}


def planted(sentences: int = 1000) -> Corpus:
    """Two groups of words, each with companions of its own. No word of a group stands beside another of its group."""
    generator = np.random.default_rng(0)

    def sentence() -> str:
        words, companions = ((FRUIT, AROUND["fruit"]), (METAL, AROUND["metal"]))[generator.integers(2)]
        before, after = generator.choice(companions, 2)
        return f"the {before} {generator.choice(words)} {after} ."

    return Corpus("planted", [sentence() for _ in range(sentences)], [sentence() for _ in range(40)], "0" * 64)


def hand_made(module: SkipGram | Cbow, embed: list[list[float]], unembed: list[list[float]]) -> None:
    """Give the module these two tables."""
    with torch.no_grad():
        module.embed.weight.copy_(torch.tensor(embed))
        module.unembed.weight.copy_(torch.tensor(unembed))


def learned(plugin: SkipGramPlugin | CbowPlugin, config: Any, corpus: Corpus, tokenizer: Tokenizer, steps: int) -> Any:
    """The plugin's model after so many steps on `corpus`, by its own recipe."""
    torch.manual_seed(0)
    module, task = plugin.build(config, tokenizer.vocab_size), task_of(plugin.spec.task)
    examples = task.examples(corpus, "train", tokenizer, config.context)
    recipe = Recipe.model_validate({**plugin.recipe(), "steps": steps})
    optimizers = Optimizers(module, recipe)
    for step in range(steps):
        task.loss(module, examples.batch(step, recipe.batch)).backward()  # type: ignore[no-untyped-call]
        optimizers.step(recipe.schedule(step / steps))
    return module


class TestGradientByHand:
    """The given vector is u = (1, 2); the true word's (½, ¼), the drawn ones' (−1, ½) and (2, −½).

    Scores: 1, 0, 1. With σ(1) = 0.7310586 the loss moves with them by σ(1) − 1, σ(0), σ(1), and so
        u  by (σ(1) − 1)·(½, ¼) + ½·(−1, ½) + σ(1)·(2, −½) = (0.8276464, −0.1827646)
        each asked word's vector by its own factor times u.
    """

    unembed = ([9.0, 9.0], [0.5, 0.25], [-1.0, 0.5], [2.0, -0.5])
    candidates = torch.tensor([[1, 2, 3]])
    loss = math.log1p(math.exp(-1)) + math.log(2) + math.log1p(math.exp(1))
    by_u = (0.8276464, -0.1827646)
    by_unembed = ((0.0, 0.0), (-0.2689414, -0.5378828), (0.5, 1.0), (0.7310586, 1.4621172))

    def grads(self, module: SkipGram | Cbow, inputs: list[list[int]]) -> tuple[list[list[float]], list[list[float]]]:
        loss = pair_loss(module.scores(torch.tensor(inputs), self.candidates)).mean()
        assert loss.item() == pytest.approx(self.loss, rel=1e-6)
        loss.backward()  # type: ignore[no-untyped-call]
        assert module.embed.weight.grad is not None
        assert module.unembed.weight.grad is not None
        return module.embed.weight.grad.tolist(), module.unembed.weight.grad.tolist()

    def test_skip_gram(self) -> None:
        module = SkipGram(Config(width=2), 4)
        hand_made(module, [[9, 9], [9, 9], [1, 2], [9, 9]], list(self.unembed))
        by_embed, by_unembed = self.grads(module, [[2]])
        assert np.allclose(by_embed, [(0, 0), (0, 0), self.by_u, (0, 0)], atol=1e-6)
        assert np.allclose(by_unembed, self.by_unembed, atol=1e-6)

    def test_cbow_shares_it_among_the_words_given_and_padding_gets_none(self) -> None:
        module = Cbow(CbowConfig(width=2), 4)
        hand_made(module, [[9, 9], [2, 3], [0, 1], [9, 9]], list(self.unembed))  # the mean of words 1 and 2 is u
        by_embed, by_unembed = self.grads(module, [[-1, 1, 2, -1]])
        half = np.array(self.by_u) / 2
        assert np.allclose(by_embed, [(0, 0), half, half, (0, 0)], atol=1e-6)
        assert np.allclose(by_unembed, self.by_unembed, atol=1e-6)


class TestForward:
    ids = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8]])

    def test_skip_gram_scores_are_its_logits(self) -> None:
        module = SkipGram(Config(width=8), 10)
        everyone = torch.arange(10).expand(self.ids.numel(), 10)
        scores = module.scores(self.ids.flatten()[:, None], everyone)
        assert torch.allclose(module(self.ids).flatten(0, 1), scores, atol=1e-6)
        assert torch.allclose(module(self.ids), module.embed.weight[self.ids] @ module.unembed.weight.mT, atol=1e-6)

    def test_cbow_scores_are_its_logits(self) -> None:
        module = Cbow(CbowConfig(width=8, window=2), 10)
        for t in range(8):
            given = [int(self.ids[0, s]) if 0 <= s < 8 else -1 for s in (t - 2, t - 1, t + 1, t + 2)]
            scores = module.scores(torch.tensor([given]), torch.arange(10)[None])
            assert torch.allclose(module(self.ids)[0, t], scores[0], atol=1e-6)

    def test_cbow_by_hand(self) -> None:
        """One number a word, window 1: the mean of the words before and behind."""
        module = Cbow(CbowConfig(width=2, window=1), 3)
        hand_made(module, [[1, 0], [2, 0], [6, 0]], [[1, 0], [10, 0], [0, 1]])
        assert module(torch.tensor([[0, 1, 2]])).tolist() == [[[2, 20, 0], [3.5, 35, 0], [2, 20, 0]]]

    def test_cbow_does_not_see_the_word_it_is_asked_for(self) -> None:
        module = Cbow(CbowConfig(width=8, window=2), 10)
        before = module(self.ids)
        for place in range(8):
            changed = self.ids.clone()
            changed[:, place] = (changed[:, place] + 1) % 10
            moved = (module(changed) != before).any(-1)[0].tolist()
            assert moved == [0 < abs(t - place) <= 2 for t in range(8)]

    def test_the_blank_and_padding_add_nothing(self) -> None:
        module = Cbow(CbowConfig(width=8, window=2), 10)
        plain = module(self.ids[:, :4])
        for nothing in (10, -1):
            filled = torch.cat([self.ids[:, :4], torch.full((2, 3), nothing)], 1)
            logits = module(filled)
            assert torch.allclose(logits[:, :4], plain, atol=1e-7)
            mean = module.embed.weight[self.ids[:, 2:4]].mean(1)
            assert torch.allclose(logits[:, 4], module.unembed(mean), atol=1e-7)
            assert not logits[:, 6].any()  # no word within two places

    def test_what_is_recorded(self) -> None:
        module = Cbow(CbowConfig(width=8, window=2), 10)
        steps = record_trace(module, self.ids[:1], names={}).steps
        assert set(steps) == {"embed.tok", "cbow.shares", "cbow.mean", "logits"}
        tok, shares, mean, logits = (steps[name][0] for name in ("embed.tok", "cbow.shares", "cbow.mean", "logits"))
        assert torch.equal(tok[0], module.embed.weight[self.ids[0]])
        assert torch.allclose(shares.sum(-1), torch.ones(8))
        assert torch.allclose(mean, shares @ tok, atol=1e-7)
        assert torch.allclose(logits, mean @ module.unembed.weight.mT, atol=1e-7)
        steps = record_trace(SkipGram(Config(width=8), 10), self.ids[:1], names={}).steps
        assert set(steps) == {"embed.tok", "logits"}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer("word", planted().train, 200)


def words_of(tokenizer: Tokenizer, group: list[str]) -> list[int]:
    return [tokenizer.encode(f" {word}").ids[0] for word in group]


def pair_counts(corpus: Corpus, tokenizer: Tokenizer, window: int) -> Floats:
    """(V, V) how often each word stands near each: by distance d weighed (W + 1 − d) / W, and across no text's end."""
    counts = np.zeros((tokenizer.vocab_size, tokenizer.vocab_size))
    for text in corpus.train:
        ids = [*tokenizer.encode(text).ids, tokenizer.end_of_text]
        for t, center in enumerate(ids):
            for distance in range(1, window + 1):
                for s in (t - distance, t + distance):
                    if 0 <= s < len(ids):
                        counts[center, ids[s]] += (window + 1 - distance) / window
    return counts


class TestLevyAndGoldberg:
    def test_scores_become_log_odds_shifted_by_log_k(self) -> None:
        """Vectors wide enough for any table of scores learn log P(c | w) − log P_drawn(c) − log K."""
        generator = np.random.default_rng(1)
        text = "".join(generator.choice(list("abcd"), 4000, p=[0.4, 0.3, 0.2, 0.1]))
        text = text.replace("ad", "bd")  # so that neighbours do say something
        corpus = Corpus("letters", [text], ["abcd" * 9], "0" * 64)
        tokenizer = train_tokenizer("char", corpus.train, 261)
        config = Config(width=8, window=1, threshold=1.0, context=32)
        module = learned(SkipGramPlugin(), config, corpus, tokenizer, steps=600)
        ids = [tokenizer.encode(letter).ids[0] for letter in "abcd"]
        counts = pair_counts(corpus, tokenizer, window=1)
        drawn = noise(torch.from_numpy(counts.sum(1) / 2).round().long()).numpy()  # each letter has two neighbours
        with torch.no_grad():
            scores = module(torch.tensor([ids]))[0][:, ids].double().numpy()
        seen = counts[np.ix_(ids, ids)]
        conditional = seen / counts[ids].sum(1, keepdims=True)
        expected = np.log(conditional) - np.log(drawn[ids]) - math.log(NEGATIVES)
        assert np.ptp(expected) > 1
        assert np.abs(scores - expected).max() < 0.15
        back = np.exp(scores) * drawn[ids] * NEGATIVES  # and so the softmax is P(c near w) / P_drawn(c), scaled
        assert np.abs(back - conditional).max() < 0.05

    @PLUGINS
    def test_neighbours_agree_with_a_factored_table_of_counts(
        self, plugin: SkipGramPlugin | CbowPlugin, tokenizer: Tokenizer
    ) -> None:
        corpus, window = planted(), 2
        config = plugin.Config(width=6, window=window, threshold=0.05, context=16)
        vectors = learned(plugin, config, corpus, tokenizer, steps=200).embed.weight.detach().numpy()
        svd = factored(pair_counts(corpus, tokenizer, window), width=6)
        for group in (FRUIT, METAL):
            ids = words_of(tokenizer, group)
            for word in ids:
                ours = {each.id for each in neighbours(vectors, word, 5)}
                assert ours == nearest(svd, word, 5) == nearest(vectors, word, 5) == set(ids) - {word}

    def test_untrained_vectors_know_no_groups(self, tokenizer: Tokenizer) -> None:
        torch.manual_seed(0)
        vectors = SkipGram(Config(width=8), tokenizer.vocab_size).embed.weight.detach().numpy()
        ids = words_of(tokenizer, FRUIT)
        assert all({each.id for each in neighbours(vectors, word, 5)} != set(ids) - {word} for word in ids)


def factored(counts: Floats, width: int) -> Floats:
    """(V, width): word vectors U √S of the positive mutual information (Levy and Goldberg 2014), with a shift of 0.

    A shift by log 5 would leave nothing of a text this small: no pair in it is five times as frequent as by chance.
    """
    power = counts.sum(0) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts / counts.sum(1, keepdims=True) / (power / power.sum()))
    left, sizes, _ = np.linalg.svd(np.maximum(np.nan_to_num(information, nan=0.0, neginf=0.0), 0))
    return np.asarray(left[:, :width] * np.sqrt(sizes[:width]))


def nearest(vectors: NDArray[Any], word: int, count: int) -> set[int]:
    """The `count` nearest rows by cosine, by scikit-learn."""
    known = np.flatnonzero(np.linalg.norm(vectors, axis=1) > 1e-9)
    search = NearestNeighbors(n_neighbors=count + 1, metric="cosine").fit(vectors[known])
    found = known[search.kneighbors(vectors[[word]], return_distance=False)[0]]
    return set(found.tolist()) - {word}


class TestTraining:
    @PLUGINS
    def test_the_loss_falls_far_below_the_toss_of_a_coin(self, plugin: Any, tmp_path: Path) -> None:
        events = self.events(plugin, tmp_path / "run")
        ceiling, _ = task_of(plugin.spec.task).ceiling(0)
        assert events[0]["valid_loss"] == pytest.approx(ceiling, abs=0.02)
        assert events[-1]["valid_loss"] < 0.7 * ceiling

    @PLUGINS
    def test_two_runs_of_one_seed_are_the_same(self, plugin: Any, tmp_path: Path) -> None:
        first = self.events(plugin, tmp_path / "first")
        torch.rand(5)  # whatever else has drawn from the global generator
        second = self.events(plugin, tmp_path / "second")
        for key in ("loss", "valid_loss", "next"):
            assert [each.get(key) for each in first] == [each.get(key) for each in second]

    def events(self, plugin: Any, folder: Path) -> list[Event]:
        file = folder.parent / "words.txt"
        file.write_text("\n".join(planted().train))
        order = Order(
            model=plugin.spec.id,
            config={"width": 8, "window": 2, "context": 16, "threshold": 0.05},
            recipe={"steps": 40, "evaluations": 2, "checkpoints": 1},
            corpus=str(file),
            tokenizer="word",
        )
        made = launch(order, folder, discover())
        return list(train(made.run, made.plugin, made.corpus))

    @PLUGINS
    def test_the_conformance_kit_finds_nothing(self, plugin: Any) -> None:
        assert [each for each in check_plugin(plugin) if each.ok is False] == []
