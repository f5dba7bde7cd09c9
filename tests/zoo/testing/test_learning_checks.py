"""Learning and saving: each check fails on the one thing that it is there for, and says what to do."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.zoo.testing.fakes import Config, Counts, Good, Translator, assert_fails, outcome, plugin
from zoo.testing import run_check


class TestLearning:
    def test_a_parameter_that_is_not_used(self) -> None:
        class Idle(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.spare = nn.Linear(3, 3)

        assert_fails(plugin(Idle), "gradient", r"no gradient reaches spare\.weight, spare\.bias: use it in forward")

    def test_a_layer_that_starts_at_zero_is_fine(self) -> None:
        class Zeros(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                nn.init.zeros_(self.unembed.weight)

        assert False not in outcome(plugin(Zeros)).values()

    def test_a_broken_chain(self) -> None:
        class Detached(Good):
            def forward(self, ids: Tensor) -> Tensor:
                return super().forward(ids).detach() + 0 * self.unembed.bias

        assert_fails(plugin(Detached), "learns", "the loss stays at .* nats: look for a detach", "gradient")

    def test_nothing_to_learn_is_no_failure(self) -> None:
        class Fixed(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.requires_grad_(False)

        found = outcome(plugin(Fixed))
        assert found["gradient"] is found["learns"] is None
        assert False not in found.values()


class TestSaving:
    def test_state_outside_parameters_and_buffers(self) -> None:
        class Keeps(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.secret = torch.randn(config.width)

            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + self.secret

        assert_fails(plugin(Keeps), "save and load", "keep its state in parameters or register_buffer")

    def test_a_count_outside_of_the_buffers(self) -> None:
        class Keeps(Counts):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                del self.table
                self.table = torch.zeros(vocab_size, vocab_size)

        assert_fails(plugin(Keeps), "save and load", "keep its state in parameters or register_buffer")

    def test_a_buffer_that_grows_and_cannot_be_read_again(self) -> None:
        class Grows(Counts):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.register_buffer("seen", torch.empty(0))

            def count(self, rows: Tensor) -> None:
                super().count(rows)
                self.seen = torch.cat([self.seen, rows.flatten().float()])

        words = "a fresh model cannot read what a trained one has saved: size mismatch for seen"
        assert_fails(plugin(Grows), "save and load", words)


class TestCounting:
    def test_it_learns_in_one_reading(self) -> None:
        found = run_check(plugin(Counts), "learns")
        assert found.ok
        assert found.message.startswith("loss 5.55 -> ")  # ln 257: before it has counted, all are equally likely
        assert found.message.endswith(" in 1 step")

    def test_it_has_no_gradient(self) -> None:
        found = run_check(plugin(Counts), "gradient")
        assert found.ok is None
        assert found.message == "the model counts: it has no parameter for a gradient to reach"

    def test_a_count_that_is_forgotten(self) -> None:
        class Forgets(Counts):
            def count(self, rows: Tensor) -> None:
                pass

        assert_fails(plugin(Forgets), "learns", "the loss stays at 5.55 nats: let count")


def test_a_translator_that_ignores_its_gradient() -> None:
    class Frozen(Translator):
        def read(self, source: Tensor) -> Tensor:
            return super().read(source).detach()

        def write(self, target: Tensor) -> Tensor:
            return super().write(target).detach()

    words = r"no gradient reaches embed\.weight, cell\.weight_ih_l0"
    assert_fails(plugin(Frozen, task="translate"), "gradient", words)
