"""What a trace shows: each check fails on the one thing that it is there for, and says what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.testing.fakes import Config, Good, Translator, anatomy, assert_fails, outcome, plugin
from zoo.plugin import Anatomy, ModelPlugin
from zoo.testing import run_check
from zoo.trace.record import active, record


class TestTracing:
    def test_an_in_place_change_of_what_only_a_trace_sees(self) -> None:
        from zoo.trace.record import active

        class Shy(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) * (1.5 if active() else 1.0)

        assert_fails(plugin(Shy), "tracing changes nothing", r"moves the logits by \S+: use what `record` returns")

    def test_a_mode_left_behind(self) -> None:
        class Sticky(Good):
            def forward(self, ids: Tensor) -> Tensor:
                self.inner.register_forward_hook(lambda *args: None)
                return super().forward(ids)

        assert_fails(plugin(Sticky), "tracing changes nothing", "leaves hooks or another mode behind")

    def test_a_table_that_names_no_module(self) -> None:
        names = {"names": lambda self: {"inner": "mixed", "h.{i}.attn": "blocks.{i}.attn.out"}}
        assert_fails(
            plugin(**names), "steps recorded", r"names\(\) lists 'h\.\{i\}\.attn', and no module has that path"
        )

    def test_an_empty_table_and_no_record(self) -> None:
        class Silent(nn.Module):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__()
                self.table = nn.Embedding(vocab_size, vocab_size)

            def forward(self, ids: Tensor) -> Any:
                return self.table(ids)

        assert_fails(plugin(Silent, names=lambda self: {}), "steps recorded", r"return None from names\(\)")
        assert False not in outcome(plugin(Silent)).values()

    @pytest.mark.parametrize(
        ("name", "message", "also"),
        [
            ("blocks.0.attn.q", r"\.attn\.q has 1 along head, and the model 4: transpose or rename it", ()),
            ("cell.h", r"cell\.h has shape \(12, 16\); the vocabulary says \(width\): reshape or rename it", ()),
            ("blocks.0.attn.mask", r"\.attn\.mask has 16 along key, and the model 12", ("arithmetic",)),
        ],
    )
    def test_a_word_of_the_vocabulary_used_for_something_else(
        self, name: str, message: str, also: tuple[str, ...]
    ) -> None:
        class Misnamed(Good):
            def mix(self, x: Tensor) -> Tensor:
                return record(name, super().mix(x))

        assert_fails(plugin(Misnamed, anatomy=anatomy), "schema", message, *also)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("embed.out", r"embed\.out has 8 along width, and the model 16: transpose or rename it"),
            ("blocks.0.resid", r"blocks\.0\.resid has 8 along width, and the model 16"),
            ("blocks.0.mlp.act", r"blocks\.0\.mlp\.act has 8 along hidden, and the model 24"),
        ],
    )
    def test_a_step_of_another_width_than_the_weights(self, name: str, message: str) -> None:
        class Halved(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(torch.cat([record(name, x[..., :8]), x[..., 8:]], -1))

        def inside(self: ModelPlugin, module: Good) -> Anatomy:
            return replace(anatomy(self, module), params={"blocks.0.mlp.W_in": torch.ones(16, 24)} | table(module))

        def table(module: Good) -> dict[str, Tensor]:
            return {"embed.W_E": module.embed.weight}

        found = run_check(plugin(Halved, anatomy=inside), "schema")
        assert found.ok is False
        assert re.search(message, found.message), found.message

    def test_a_cell_may_be_wider_than_its_embedding(self) -> None:
        class Wide(Good):
            def mix(self, x: Tensor) -> Tensor:
                for place in range(x.shape[1]):
                    record("layers.0.cell.h", torch.cat([x[0, place], x[0, place]]))
                return super().mix(x)

        assert run_check(plugin(Wide, anatomy=anatomy), "schema").ok

    def test_a_number_that_does_not_add_up(self) -> None:
        class Lies(Good):
            def mix(self, x: Tensor) -> Tensor:
                x = record("embed.tok", x)
                position = record("embed.pos", torch.ones(x.shape[1], x.shape[2]))
                return super().mix(record("embed.out", x + 2 * position))

        rule = r"embed\.out breaks embed\.out = embed\.tok \+ embed\.pos: record it where it is computed"
        assert_fails(plugin(Lies, anatomy=anatomy), "arithmetic", rule)


class TestInterventions:
    def test_a_record_whose_answer_is_thrown_away(self) -> None:
        class Deaf(Good):
            def mix(self, x: Tensor) -> Tensor:
                x = super().mix(x)
                record("seen", x)
                return x

        words = r"replacing seen changes no logit: go on with what `record` returns, x = record\('seen', x\)"
        assert_fails(plugin(Deaf), "interventions", words)

    def test_a_step_of_zeros_is_replaced_too(self) -> None:
        class Zeros(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + record("mask", torch.zeros(x.shape[1], x.shape[2]))

        assert run_check(plugin(Zeros), "interventions").ok

    def test_an_output_that_leads_nowhere_is_no_fault_where_every_output_is_shown(self) -> None:
        class Spare(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                self.spare = nn.Linear(config.width, 1)

            def mix(self, x: Tensor) -> Tensor:
                self.spare(x)
                return super().mix(x)

        found = run_check(plugin(Spare), "interventions")
        assert found.ok
        assert found.message.startswith("3 of 4 steps move the logits")

    def test_no_step_that_can_be_replaced(self) -> None:
        class Aside(Good):
            def forward(self, ids: Tensor) -> Any:
                self.inner(self.embed(ids))
                table = self.unembed.weight @ self.embed.weight.T
                return table.T[ids] + self.inner.bias.sum()

        found = run_check(plugin(Aside), "interventions")
        assert found.ok is False
        assert "changes no logit" in found.message

    def test_an_intervention_that_lingers(self) -> None:
        class Remembers(Good):
            last = None

            def mix(self, x: Tensor) -> Tensor:
                x = record("x", super().mix(x))
                if active() is not None and not bool(x.any()):
                    self.last = x
                return x if self.last is None else self.last

        words = "an intervention is felt after its pass"
        found = run_check(plugin(Remembers, names=lambda self: {}), "interventions")
        assert found.ok is False
        assert words in found.message

    def test_whole_numbers_may_be_for_show(self) -> None:
        class Shows(Good):
            def forward(self, ids: Tensor) -> Any:
                record("place", torch.arange(ids.shape[1]))
                return super().forward(ids)

        assert run_check(plugin(Shows), "interventions").ok

    def test_a_step_that_bears_no_other_number(self) -> None:
        class Brittle(Good):
            def mix(self, x: Tensor) -> Tensor:
                x = record("x", super().mix(x))
                if not bool(x.any()):
                    raise ArithmeticError("nothing here")
                return x

        assert_fails(
            plugin(Brittle, names=lambda self: {}),
            "interventions",
            "replacing x breaks forward: ArithmeticError: nothing here",
        )


class TestTranslators:
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("decoder.embed.tok", "has 5 along time, and the model 7"),
            ("encoder.embed.tok", None),
        ],
    )
    def test_each_side_has_its_own_length(self, name: str, message: str | None) -> None:
        """Of 12 ids 5 are the source; the decoder has the mark and what follows."""

        class Named(Translator):
            def translate(self, source: Tensor, target: Tensor) -> Tensor:
                return super().translate(source, target) + 0 * record(name, self.embed(source)).sum()

        found = run_check(plugin(Named, task="translate", names=lambda self: {}), "schema")
        assert found.ok is (message is None), found.message
