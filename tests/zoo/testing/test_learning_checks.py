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

    def test_one_dead_gate_among_four(self) -> None:
        class Gated(Good):
            detached = 2

            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.gates = nn.Linear(config.width, 4 * config.width)

            def mix(self, x: Tensor) -> Tensor:
                i, f, g, o = (
                    gate.detach() if number == self.detached else gate
                    for number, gate in enumerate(self.gates(super().mix(x)).sigmoid().chunk(4, -1))
                )
                return x * i * f + g * o

        class Whole(Gated):
            detached = -1

        assert_fails(plugin(Gated), "gradient", r"no gradient reaches rows 32 to 47 of gates\.weight: use that part")
        assert run_check(plugin(Whole), "gradient").message.endswith("and every part of 2 layers")

    def test_a_third_of_torchs_own_cell_that_is_cut_off(self) -> None:
        class Keyless(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.cell = nn.GRU(config.width, config.width, batch_first=True)
                dead = torch.ones(3 * config.width, 1)
                dead[config.width : 2 * config.width] = 0
                self.cell.weight_hh_l0.register_hook(lambda value: value * dead)

            def mix(self, x: Tensor) -> Tensor:
                return self.cell(x)[0]

        assert_fails(plugin(Keyless), "gradient", r"no gradient reaches rows 16 to 31 of cell\.weight_hh_l0")

    def test_a_relu_that_is_off_and_a_table_of_places_are_no_fault(self) -> None:
        class Sparse(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.places = nn.Linear(config.context, config.context, bias=False)  # (24, 24), of which 12 are asked
                self.wide = nn.Linear(config.width, 2 * config.width)
                self.back = nn.Linear(2 * config.width, config.width)
                with torch.no_grad():
                    self.wide.bias[::2] = -100.0  # every other row is off for good

            def mix(self, x: Tensor) -> Tensor:
                time = x.shape[1]
                x = self.places.weight[:time, :time].tril() @ x  # (B, T, C)
                return super().mix(x + self.back(self.wide(x).relu()))

        assert run_check(plugin(Sparse), "gradient").ok

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
