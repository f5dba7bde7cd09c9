"""The training generator: it repeats itself, stops at what is no number, and learns."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.training.helpers import (
    Droops,
    DroopsPlugin,
    MakeRun,
    NoConfig,
    assert_same,
    finish,
    losses,
)
from zoo.data import Corpus
from zoo.models.gpt import Config, GPTPlugin
from zoo.testing.template import AveragerConfig, AveragerPlugin
from zoo.training import Diverged, train
from zoo.training.run import seeded_build


class TestEvents:
    def test_what_is_yielded_is_what_is_written(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=6)
        events = finish(run, corpus)
        assert events == run.events()
        assert [event["step"] for event in events] == list(range(7))
        assert [event["step"] for event in events if "valid_loss" in event] == [0, 3, 6]
        assert run.steps() == [0, 3, 6]
        assert [event["tokens"] for event in events] == [step * 4 * 16 for step in range(7)]
        assert [event["rate"] for event in events[1:]] == [run.info.recipe.schedule(step / 6) for step in range(6)]
        assert all(a["elapsed"] < b["elapsed"] for a, b in pairwise(events))

    def test_an_event_is_on_disk_before_it_is_yielded(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=2)
        for event in train(run, GPTPlugin(), corpus):
            assert run.events()[-1] == event

    def test_the_kept_weights_are_those_of_their_step(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=4)
        finish(run, corpus)
        info = run.info
        untrained = seeded_build(lambda: GPTPlugin().build(Config(**info.config), 257), info.recipe.seed)
        assert all(torch.equal(tensor, untrained.state_dict()[name]) for name, tensor in run.weights(0).items())
        last = run.load_last()
        assert last is not None
        assert last[0] == 4
        assert all(torch.equal(tensor, run.weights()[name]) for name, tensor in last[2].items())

    def test_untrained_loss_is_near_ln_v(self, make_run: MakeRun, corpus: Corpus) -> None:
        first = next(train(make_run(steps=1), GPTPlugin(), corpus))
        assert first["loss"] == pytest.approx(math.log(257), abs=0.05)

    @pytest.mark.usefixtures("ticking")
    def test_a_budget_in_seconds_counts_training_alone(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(seconds=0.045)
        events = finish(run, corpus)  # a step reads the clock twice: before and after
        assert [event["elapsed"] for event in events] == pytest.approx([0, 0.01, 0.02, 0.03, 0.04, 0.05])
        assert [event["rate"] for event in events[1:]] == pytest.approx(
            [run.info.recipe.schedule(elapsed / 0.045) for elapsed in (0, 0.01, 0.02, 0.03, 0.04)]
        )
        assert "valid_loss" in events[-1]
        assert run.steps()[-1] == 5

    @pytest.mark.usefixtures("ticking")
    def test_it_saves_after_so_many_seconds_of_training(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=9, save_every=0.025)
        saved = []
        for _ in train(run, GPTPlugin(), corpus):
            last = run.load_last()
            saved.append(last[0] if last else None)
        assert saved == [0, 0, 0, 3, 3, 5, 5, 5, 8, 9]  # 5 is half of the budget: a checkpoint

    def test_a_finished_run_has_nothing_left_to_do(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=2)
        finish(run, corpus)
        before = run.events()
        assert finish(run, corpus) == []
        assert run.events() == before

    def test_a_corpus_too_short_is_refused(self, make_run: MakeRun, corpus: Corpus) -> None:
        with pytest.raises(ValueError, match="the held-out text has 3 tokens"):
            finish(make_run(steps=1), replace(corpus, valid=["ab"]))
        with pytest.raises(ValueError, match="the text has 3 tokens"):
            finish(make_run("other", steps=1), replace(corpus, train=["ab"]))


class TestRepeats:
    @pytest.mark.parametrize("optimizer", ["muon", "adamw"])
    def test_one_seed_one_run(self, make_run: MakeRun, corpus: Corpus, optimizer: str) -> None:
        first, second, other = (
            make_run(name, steps=5, optimizer=optimizer, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
        )
        for run in (first, second, other):
            torch.manual_seed(hash(run.folder))  # whatever the caller drew before
            finish(run, corpus)
        assert_same(first, second)
        assert losses(first) != losses(other)

    def test_dropout_draws_from_the_runs_own_seed(self, make_run: MakeRun, corpus: Corpus) -> None:
        runs = [make_run(name, NoConfig(), steps=4, save_every=0) for name in "ab"]
        torch.manual_seed(1)
        finish(runs[0], corpus, DroopsPlugin())
        torch.manual_seed(2)
        state = torch.random.get_rng_state()
        list(islice(train(runs[1], DroopsPlugin(), corpus), 3))
        finish(runs[1], corpus, DroopsPlugin())
        assert_same(*runs)
        assert torch.equal(state, torch.random.get_rng_state())

    def test_each_step_draws_anew(self, make_run: MakeRun, corpus: Corpus) -> None:
        drawn: list[float] = []

        class Draws(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = super().build(config, vocab_size)
                module.register_forward_hook(lambda *_: drawn.append(float(torch.rand(1))) if module.training else None)
                return module

        finish(make_run(config=NoConfig(), steps=4), corpus, Draws())
        assert len(set(drawn)) == 4


class TestDivergence:
    def test_the_last_checkpoint_is_kept(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(config=NoConfig(), steps=9, save_every=0)
        calls = Counter[str]()

        class Breaks(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = super().build(config, vocab_size)
                module.register_forward_hook(lambda module, args, output: self.poison(module, output))
                return module

            def poison(self, module: nn.Module, output: Tensor) -> Tensor:
                calls["steps"] += module.training
                return output * math.nan if calls["steps"] == 4 else output

        events = []
        with pytest.raises(Diverged, match="became nan at step 3: lower the learning rate"):
            events += [event["step"] for event in train(run, Breaks(), corpus)]
        assert len(run.events()) == 4  # the untrained model and three steps
        last = run.load_last()
        assert last is not None
        assert last[0] == 3
        assert all(bool(torch.isfinite(tensor).all()) for tensor in (*last[2].values(), *last[3].values()))

    def test_a_gradient_that_is_no_number_stops_it_before_the_weights_move(
        self, make_run: MakeRun, corpus: Corpus
    ) -> None:
        run = make_run(config=NoConfig(), steps=9, save_every=0)

        class Breaks(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = Droops(vocab_size)
                module.table.weight.register_hook(lambda gradient: gradient * math.inf)
                return module

        with pytest.raises(Diverged, match="at step 0"):
            finish(run, corpus, Breaks())
        assert [event["step"] for event in run.events()] == [0]
        last = run.load_last()
        assert last is not None
        assert (last[0], run.steps()) == (0, [0])

    def test_every_line_of_the_log_is_json(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=2)
        finish(run, corpus)

        def refuse(word: str) -> float:
            raise ValueError(word)

        for line in (run.folder / "events.jsonl").read_text().splitlines():
            json.loads(line, parse_constant=refuse)


class TestLearning:
    def test_a_repetitive_text_falls_far_below_its_unigram_entropy(self, make_run: MakeRun, corpus: Corpus) -> None:
        counts = Counter("".join(corpus.train).encode())
        total = sum(counts.values())
        entropy = -sum(n / total * math.log(n / total) for n in counts.values())
        run = make_run(steps=60, batch=8, matrix_rate=0.05, rate=0.01)
        assert finish(run, corpus)[-1]["valid_loss"] < entropy / 2

    def test_a_model_without_matrices_or_context_trains(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(config=AveragerConfig(width=8), model="you/averager", steps=20, rate=0.05)
        events = finish(run, corpus, AveragerPlugin())
        assert events[-1]["valid_loss"] < events[0]["valid_loss"] - 0.5

    def test_bfloat16_trains_float32_weights(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=5, precision="bfloat16")
        events = finish(run, corpus)
        assert events[-1]["loss"] < events[0]["loss"]
        assert {tensor.dtype for tensor in run.weights().values()} == {torch.float32}

    def test_the_module_is_in_training_mode_between_scores(self, make_run: MakeRun, corpus: Corpus) -> None:
        modes: list[bool] = []

        class Watched(DroopsPlugin):
            def build(self, config: NoConfig, vocab_size: int) -> nn.Module:
                module = super().build(config, vocab_size)
                module.register_forward_hook(lambda module, args, output: modes.append(module.training))
                return module

        finish(make_run(config=NoConfig(), steps=4), corpus, Watched())
        eval_, train_ = False, True
        assert [mode for mode, after in zip(modes, [*modes[1:], None], strict=True) if mode != after] == [
            eval_, train_, eval_, train_, eval_,
        ]  # fmt: skip
        assert modes.count(True) == 4
