"""An order is held to the limits on the server; each thing that is cut or refused is told in one sentence."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.jobs.limits import LIMITS, Limits, Refused, held
from zoo.launch import Order, recipe_of
from zoo.models.gpt import GPTPlugin

PLUGIN = GPTPlugin()
SMALL = Limits(seconds=20, steps=100, batch=8, context=32, evaluations=5, checkpoints=3, held_out_windows=4)


def gpt(config: dict[str, Any] | None = None, **recipe: Any) -> Order:
    return Order(model="zoo/gpt", config=config or {}, recipe={"seconds": 10} | recipe)


@pytest.mark.parametrize("name", ["batch", "evaluations", "checkpoints", "held_out_windows"])
def test_what_is_too_much_is_cut_and_told(name: str) -> None:
    most = getattr(SMALL, name)
    order, notes = held(gpt({"context": 16}, **{name: most + 1}), PLUGIN, SMALL, own_text=False)
    assert order.recipe[name] == most
    assert any(f"at most {most} " in note and f"{most + 1} were asked for" in note for note in notes)


def test_a_budget_is_cut_in_its_own_unit() -> None:
    assert held(gpt(seconds=10**6), PLUGIN, SMALL, own_text=False)[0].recipe["seconds"] == 20
    steps, _ = held(gpt(seconds=None, steps=10**6), PLUGIN, SMALL, own_text=False)
    assert steps.recipe["steps"] == 100
    assert "seconds" not in steps.recipe


def test_a_long_context_is_cut() -> None:
    order, notes = held(gpt({"context": 256, "width": 32}), PLUGIN, SMALL, own_text=False)
    assert order.config == {"context": 32, "width": 32}
    assert "tokens of context" in " ".join(notes)


def test_what_is_within_the_limits_stays() -> None:
    asked = gpt({"width": 32}, batch=4, rate=0.01)
    order, notes = held(asked, PLUGIN, LIMITS, own_text=False)
    assert notes == ()
    assert order.config == asked.config
    assert recipe_of(order, PLUGIN) == recipe_of(asked, PLUGIN).model_copy(update={"save_every": LIMITS.save_every})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"config": {"width": -3}}, "width: .*greater than or equal"),
        ({"recipe": {"batch": "many"}}, "batch: "),
        ({"recipe": {"seconds": 1, "steps": 1}}, "a budget in seconds or in steps"),
        ({"recipe": {"seconds": float("nan")}}, "seconds"),
        ({"corpus": "/etc/passwd"}, "choose the glass-box stories, or give a text of your own"),
        ({"corpus": "glass-box/../../etc/passwd"}, "choose the glass-box stories"),
        ({"corpus": "glass-box:stories=999999"}, "at most 20,000 stories"),
        ({"tokenizer": "/etc/passwd"}, "choose one of the tokenizers"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], sentence: str) -> None:
    order = gpt().model_copy(update=change)
    with pytest.raises(Refused, match=sentence) as refused:
        held(order, PLUGIN, LIMITS, own_text=False)
    assert len(str(refused.value).splitlines()) == 1


def test_own_text_needs_no_corpus_of_ours() -> None:
    assert held(gpt().model_copy(update={"corpus": "anything"}), PLUGIN, LIMITS, own_text=True)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "batch": st.integers(1, 512),
            "evaluations": st.integers(1, 1000),
            "checkpoints": st.integers(1, 100),
            "held_out_windows": st.integers(1, 10_000),
            "save_every": st.floats(0, 1e9),
        },
    ),
    st.one_of(
        st.floats(1e-3, 1e12).map(lambda value: {"seconds": value}), st.integers(1, 10**12).map(lambda n: {"steps": n})
    ),
)
def test_no_order_gets_past_the_limits(recipe: dict[str, Any], budget: dict[str, Any]) -> None:
    order, notes = held(Order(model="zoo/gpt", recipe=recipe | budget), PLUGIN, SMALL, own_text=False)
    result = recipe_of(order, PLUGIN)
    for name in ("seconds", "steps", "batch", "evaluations", "checkpoints", "held_out_windows", "save_every"):
        assert (getattr(result, name) or 0) <= getattr(SMALL, name), name
    told = {name for name in recipe | budget if name != "save_every" and (recipe | budget)[name] > getattr(SMALL, name)}
    assert len(notes) >= len(told)


def test_every_limit_says_what_it_is() -> None:
    assert all(getattr(LIMITS, each.name) > 0 for each in fields(Limits))
