"""The kit over every plugin of the zoo and over small models that keep the contract; its pytest helper."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

from tests.zoo.testing.fakes import GOOD, Counts, plugin
from tests.zoo.testing.test_model_checks import TestCausality
from zoo.plugin import ModelPlugin, Task
from zoo.registry import discover
from zoo.testing import CHECKS, TEMPLATE, check_plugin, parametrize_with_checks
from zoo.testing.pytest_glue import PluginCheck
from zoo.testing.template import AveragerPlugin

pytest_plugins = "pytester"

BUILT_IN = [plugin for plugin in discover([]).plugins.values() if not plugin.spec.requires]
DOES_NOT_APPLY = {("zoo/n-gram", "gradient")}
"""Plugin, and a check that says nothing about it. All others say something."""


@parametrize_with_checks([*BUILT_IN, AveragerPlugin()])
def test_every_registered_plugin(check: PluginCheck) -> None:
    try:
        check()
    except pytest.skip.Exception:
        assert (check.plugin.spec.id, check.name) in DOES_NOT_APPLY
    else:
        assert (check.plugin.spec.id, check.name) not in DOES_NOT_APPLY


@pytest.mark.parametrize("task", GOOD)
def test_a_good_one_of_each_task_is_good(task: Task) -> None:
    results = check_plugin(plugin(GOOD[task], task=task))
    assert [result.name for result in results] == list(CHECKS)
    assert [f"{result.name}: {result.message}" for result in results if not result.ok] == []
    assert all(result.message for result in results)


def test_a_good_one_that_counts_is_good() -> None:
    assert {result.name: result.ok for result in check_plugin(plugin(Counts))} == dict.fromkeys(CHECKS, True) | {
        "gradient": None
    }


def test_the_callers_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    check_plugin(plugin())
    assert torch.equal(before, torch.random.get_rng_state())


class TestPytestGlue:
    def cases(self, *plugins: ModelPlugin) -> dict[str, PluginCheck]:
        return {case.id: case.values[0] for case in parametrize_with_checks(plugins).mark.args[1]}

    def test_one_case_a_plugin_and_check(self) -> None:
        assert list(self.cases(AveragerPlugin())) == [f"you/averager: {name}" for name in CHECKS]

    def test_a_failure_is_an_assertion_with_the_sentence(self) -> None:
        case = self.cases(plugin(TestCausality.Sees))["test/it: causality"]
        with pytest.raises(AssertionError, match="test/it: causality: changing token 1 moves"):
            case()

    def test_what_does_not_apply_is_skipped_with_its_reason(self) -> None:
        case = self.cases(plugin(Counts))["test/it: gradient"]
        with pytest.raises(pytest.skip.Exception, match="the model counts: it has no parameter"):
            case()


class TestExpectedFailures:
    SUITE = """
import pytest
from tests.zoo.testing.fakes import Counts, plugin
from tests.zoo.testing.test_model_checks import TestCausality as Mutants
from zoo.testing import parametrize_with_checks

@parametrize_with_checks([plugin({model})], expected_failures={expected})
def test_it(check):
    check()
"""

    def outcomes(self, pytester: pytest.Pytester, model: str, expected: str) -> tuple[dict[str, int], str]:
        pytester.makepyfile(self.SUITE.format(model=model, expected=expected))
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rxfX")
        return result.parseoutcomes(), result.stdout.str()

    def test_one_that_fails_is_expected_with_its_reason(self, pytester: pytest.Pytester) -> None:
        found, text = self.outcomes(pytester, "Mutants.Sees", "{'causality': 'reads both ways, as its paper does'}")
        assert found == {"xfailed": 1, "passed": len(CHECKS) - 1}
        assert "reads both ways, as its paper does" in text

    def test_one_that_passes_after_all_is_an_error(self, pytester: pytest.Pytester) -> None:
        found, text = self.outcomes(pytester, "", "lambda plugin: {'shapes': 'of ' + plugin.spec.id}")
        assert found == {"failed": 1, "passed": len(CHECKS) - 1}
        assert "XPASS(strict)" in text
        assert "of test/it" in text

    def test_one_that_does_not_apply_is_an_error(self, pytester: pytest.Pytester) -> None:
        found, text = self.outcomes(pytester, "Counts", "{'gradient': 'it counts'}")
        assert found == {"failed": 1, "passed": len(CHECKS) - 1}
        assert "gradient is expected to fail, and does not apply" in text

    @pytest.mark.parametrize(
        ("expected", "words"), [({"casuality": "a typo"}, "there is no check casuality"), ({"shapes": " "}, "a reason")]
    )
    def test_a_list_that_is_wrong(self, expected: dict[str, str], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            parametrize_with_checks([plugin()], expected_failures=expected)


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
