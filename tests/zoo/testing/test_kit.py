"""Each check passes on what is right, and fails on the one thing that it is there for, saying what to do."""

from __future__ import annotations

import ast
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from zoo.plugin import Anatomy, ModelPlugin, ModelSpec, Task
from zoo.registry import discover
from zoo.testing import CHECKS, TEMPLATE, CheckResult, check_plugin, parametrize_with_checks, run_check
from zoo.testing.template import AveragerPlugin
from zoo.trace.record import record

BUILT_IN = [plugin for plugin in discover([]).plugins.values() if not plugin.spec.requires]


@parametrize_with_checks([*BUILT_IN, AveragerPlugin()])
def test_every_registered_plugin(check: Callable[[], None]) -> None:
    check()


class Config(BaseModel):
    width: int = Field(16, ge=4, le=64)
    context: int = Field(24, ge=2, le=64)
    kind: Literal["plain", "other"] = "plain"


class Good(nn.Module):
    """A mean of what came before. Subclasses spoil one thing each."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(vocab_size, config.width)
        self.inner = nn.Linear(config.width, config.width)
        self.unembed = nn.Linear(config.width, vocab_size)

    def mix(self, x: Tensor) -> Tensor:
        return x.cumsum(1) / torch.arange(1, x.shape[1] + 1)[:, None]

    def forward(self, ids: Tensor) -> Any:
        return self.unembed(record("mixed", self.inner(self.mix(self.embed(ids)))))


def plugin(
    module: Callable[[Config, int], Any] = Good,
    task: Task = "next-token",
    config: type[BaseModel] = Config,
    **more: Any,
) -> ModelPlugin:
    """A plugin around a module class; `more` are its other attributes."""
    spec = ModelSpec("test/it", "It", family="other", task=task, summary="A test.")
    methods = {"spec": spec, "Config": config, "build": lambda self, config, vocab_size: module(config, vocab_size)}
    made: type[ModelPlugin] = type("ItPlugin", (ModelPlugin,), methods | more)
    return made()


def anatomy(self: ModelPlugin, module: Good) -> Anatomy:
    """Four heads of four numbers, and the embedding table."""
    return Anatomy(params={"embed.W_E": module.embed.weight}, blocks=0, heads=4, kv_heads=4, head_dim=4)


def outcome(subject: ModelPlugin) -> dict[str, bool | None]:
    return {result.name: result.ok for result in check_plugin(subject)}


def assert_fails(subject: ModelPlugin, name: str, message: str, *also: str) -> None:
    """Only this check (and those named) fails, with one line that matches."""
    results = {result.name: result for result in check_plugin(subject)}
    assert list(results) == list(CHECKS)
    assert {each for each, result in results.items() if result.ok is False} == {name, *also}
    assert re.search(message, results[name].message), results[name].message
    assert "\n" not in results[name].message
    assert run_check(subject, name) == results[name]


def test_the_good_one_is_good() -> None:
    results = check_plugin(plugin())
    assert [result.name for result in results] == list(CHECKS)
    assert all(result.ok for result in results)
    assert all(result.message for result in results)


class TestBuilding:
    def test_a_default_that_is_missing(self) -> None:
        class Strict(BaseModel):
            width: int

        results = check_plugin(plugin(config=Strict))
        assert results[0] == CheckResult(
            "builds", False, "give every field of Config a valid default: width: Field required"
        )
        assert {result.ok for result in results[1:]} == {None}  # nothing else can be said
        assert {result.message for result in results[1:]} == {"not run: the model does not build"}

    def test_build_raises(self) -> None:
        class Raises(AveragerPlugin):
            def build(self, config: Any, vocab_size: int) -> Any:
                return nn.Linear(config.no_such_field, 1)

        first, *rest = check_plugin(Raises())
        line = r"correct this error in test_kit\.py, line \d+: AttributeError: .*no_such_field"
        assert re.match(line, first.message)
        assert {result.ok for result in rest} == {None}

    def test_build_gives_no_module(self) -> None:
        assert "return a torch.nn.Module" in check_plugin(plugin(lambda config, vocab: len))[0].message

    def test_ending_the_program_is_caught(self) -> None:
        assert check_plugin(plugin(lambda config, vocab: sys.exit(3)))[0].message == "correct this error: SystemExit: 3"

    def test_a_small_config_breaks(self) -> None:
        class Fragile(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                nn.Embedding(vocab_size, config.width // 8).weight[:, 0]

        assert_fails(plugin(Fragile), "small configs", "make width=4, context=2 work, or have Config refuse it")

    def test_a_choice_breaks(self) -> None:
        class Half(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                if config.kind == "other":
                    raise NotImplementedError("later")
                super().__init__(config, vocab_size)

        assert_fails(
            plugin(Half), "small configs", "make width=4, context=2, kind=other work.*NotImplementedError: later"
        )


class TestLogits:
    def test_no_tensor(self) -> None:
        class Pair(Good):
            def forward(self, ids: Tensor) -> Any:
                return super().forward(ids), None

        first = check_plugin(plugin(Pair))[0]
        assert first == CheckResult("builds", False, "forward returned a tuple; return logits (batch, time, vocab)")

    def test_a_wrong_shape(self) -> None:
        class Wide(Good):
            def forward(self, ids: Tensor) -> Tensor:
                return torch.cat([super().forward(ids)] * 2, dim=-1)

        found = run_check(plugin(Wide), "shapes")
        assert found.ok is False
        assert found.message == "ids (1, 12) give logits (1, 12, 514); return (1, 12, 257)"

    def test_not_finite(self) -> None:
        class Zero(Good):
            def forward(self, ids: Tensor) -> Tensor:
                return super().forward(ids) / torch.tensor(ids.shape[1] - 1)

        assert_fails(plugin(Zero), "shapes", "not finite numbers: look for a division by 0")

    def test_mixing_the_batch(self) -> None:
        class Mixes(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + x.mean(0, keepdim=True)

        assert_fails(plugin(Mixes), "batches", r"with its neighbours in the batch: don't mix along dimension 0")


class TestDeterminism:
    def test_a_random_start_outside_torchs_generator(self) -> None:
        class Wild(Good):
            def __init__(self, config: Config, vocab_size: int) -> None:
                super().__init__(config, vocab_size)
                nn.init.constant_(self.inner.bias, random.random())

        assert_fails(plugin(Wild), "determinism", "inner.bias differs between two builds of one seed")

    def test_dropout_that_is_never_off(self) -> None:
        class Noisy(Good):
            def mix(self, x: Tensor) -> Tensor:
                return nn.functional.dropout(super().mix(x), 0.5, training=True)

        also = ("batches", "causality", "save and load", "tracing changes nothing")
        assert_fails(plugin(Noisy), "determinism", "in eval mode draw nothing", *also)


class TestCausality:
    class Sees(Good):
        def mix(self, x: Tensor) -> Tensor:
            return x.mean(1, keepdim=True).expand_as(x)

    def test_a_model_that_sees_the_future(self) -> None:
        assert_fails(
            plugin(self.Sees), "causality", "changing token 1 moves the logits of token 0: mask what lies ahead"
        )

    def test_one_place_further_is_enough(self) -> None:
        class Peeks(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + 0.01 * x.roll(-1, 1) * (torch.arange(x.shape[1]) == 4)[:, None]

        assert_fails(plugin(Peeks), "causality", "changing token 5 moves the logits of token 4")

    def test_other_tasks_may(self) -> None:
        results = {result.name: result for result in check_plugin(plugin(self.Sees, task="masked-token"))}
        assert results["causality"].ok is None
        assert results["causality"].message == "a masked-token model may look ahead"


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


class TestTexts:
    def test_a_context_that_is_not_kept(self) -> None:
        class Short(Good):
            def mix(self, x: Tensor) -> Tensor:
                return super().mix(x) + torch.zeros(20, 1)[torch.arange(x.shape[1])]

        assert_fails(plugin(Short), "texts", "a text of all 24 tokens of the context fails: IndexError")

    def test_a_tokenizer_that_makes_something_of_nothing(self) -> None:
        from zoo.tokenizers import Encoding, Tokenizer, train_tokenizer

        class Greedy(Tokenizer):
            def encode(self, text: str) -> Encoding:
                return super().encode(text or "?")

        def tokenizer(self: ModelPlugin, corpus: Any) -> Tokenizer:
            return Greedy(train_tokenizer("byte", corpus).raw)

        assert_fails(plugin(tokenizer=tokenizer), "texts", "an empty text is answered: ")


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

    def test_a_number_that_does_not_add_up(self) -> None:
        class Lies(Good):
            def mix(self, x: Tensor) -> Tensor:
                x = record("embed.tok", x)
                position = record("embed.pos", torch.ones(x.shape[1], x.shape[2]))
                return super().mix(record("embed.out", x + 2 * position))

        rule = r"embed\.out breaks embed\.out = embed\.tok \+ embed\.pos: record it where it is computed"
        assert_fails(plugin(Lies, anatomy=anatomy), "arithmetic", rule)


def test_the_callers_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    check_plugin(plugin())
    assert torch.equal(before, torch.random.get_rng_state())


class TestPytestGlue:
    def cases(self, *plugins: ModelPlugin) -> dict[str, Callable[[], None]]:
        mark = parametrize_with_checks(plugins).mark
        return dict(zip(mark.kwargs["ids"], mark.args[1], strict=True))

    def test_one_case_a_plugin_and_check(self) -> None:
        assert list(self.cases(AveragerPlugin())) == [f"you/averager: {name}" for name in CHECKS]

    def test_a_failure_is_an_assertion_with_the_sentence(self) -> None:
        case = self.cases(plugin(TestCausality.Sees))["test/it: causality"]
        with pytest.raises(AssertionError, match="test/it: causality: changing token 1 moves"):
            case()

    def test_what_does_not_apply_is_skipped_with_its_reason(self) -> None:
        case = self.cases(plugin(TestCausality.Sees, task="masked-token"))["test/it: causality"]
        with pytest.raises(pytest.skip.Exception, match="may look ahead"):
            case()


class TestTemplate:
    def test_it_fits_on_one_screen(self) -> None:
        assert len(TEMPLATE.read_text().splitlines()) <= 30

    def test_it_imports_from_one_place(self) -> None:
        imports = {line for line in TEMPLATE.read_text().splitlines() if "zoo" in line and "import" in line}
        assert imports == {"from zoo import ModelPlugin, ModelSpec, record"}

    def test_the_mean_is_the_mean(self) -> None:
        module = AveragerPlugin().build(AveragerPlugin.Config(width=8), 5)
        ids = torch.tensor([[3, 1, 4]])
        with torch.no_grad():
            by_hand = module.unembed((module.embed.weight[3] + module.embed.weight[1] + module.embed.weight[4]) / 3)
            assert torch.allclose(module(ids)[0, 2], by_hand, atol=1e-6)


@pytest.mark.parametrize("file", sorted(TEMPLATE.parent.glob("*.py")), ids=lambda file: file.name)
def test_pytest_is_not_needed_to_import_the_kit(file: Path) -> None:
    always = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [node for node in always if "pytest" in {alias.name for alias in node.names}]
