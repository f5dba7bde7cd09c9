"""Configs as forms: what each type becomes, and that what comes back is what pydantic would make of it."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel, Field
from streamlit.testing.v1 import AppTest

from playground import forms
from zoo.models.gpt import Config as GPTConfig
from zoo.training import Recipe


class Colour(Enum):
    """Two choices."""

    red = "red"
    blue = "blue"


class Inner(BaseModel):
    """A config inside a config."""

    size: int = 3


class Everything(BaseModel):
    """One field of each kind."""

    whole: int = Field(4, ge=1, lt=9, description="A whole number.")
    real: float = Field(0.003, gt=0, le=1)
    maybe: float | None = Field(None, gt=0)
    switch: bool = True
    letter: Literal["a", "b"] = "b"
    colour: Colour = Colour.blue
    name: str = "Ada"
    wide: int = Field(0, ge=0, lt=2**64)
    sizes: list[int] = [1, 2]
    inner: Inner = Inner()
    needed: int = Field(ge=2)


def by_name(**defaults: object) -> dict[str, forms.Knob]:
    return {knob.name: knob for knob in forms.knobs(Everything, defaults)}


def test_every_type_has_its_widget():
    kinds = {name: knob.kind for name, knob in by_name().items()}
    assert kinds == {
        **{"whole": "whole", "real": "real", "maybe": "real", "switch": "switch", "letter": "choice"},
        **{"colour": "choice", "name": "text", "wide": "whole", "sizes": "json", "inner": "json", "needed": "whole"},
    }


def test_bounds_hold_an_open_end_inside():
    found = by_name()
    assert (found["whole"].least, found["whole"].most) == (1, 8)
    assert 0 < found["real"].least <= 1e-6
    assert found["real"].most == 1
    assert (found["wide"].least, found["wide"].most) == (0, None)  # a browser could not hold 2**64


def test_defaults_come_from_the_config_unless_others_are_given():
    assert by_name()["whole"].default == 4
    assert by_name(whole=7)["whole"].default == 7
    assert by_name()["needed"].default == 2  # it has none of its own: the least that is allowed
    assert by_name()["maybe"].optional
    assert not by_name()["real"].optional


def test_what_was_typed_is_validated_by_the_config_itself():
    values = {"whole": 2, "sizes": "[5, 6]", "inner": '{"size": 4}', "needed": 3, "maybe": None, "colour": "red"}
    found = forms.validated(Everything, values)
    assert found == Everything(whole=2, sizes=[5, 6], inner=Inner(size=4), needed=3, colour=Colour.red)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"whole": 99, "needed": 2}, "whole"),
        ({"sizes": "[1,", "needed": 2}, "sizes"),
        ({"sizes": '["x"]', "needed": 2}, "sizes.0"),
        ({"needed": 1}, "needed"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(values, named):
    with pytest.raises(ValueError, match=named) as caught:
        forms.validated(Everything, values)
    assert "\n" not in str(caught.value)


def test_a_rule_between_fields_is_kept():
    with pytest.raises(ValueError, match="multiple of heads"):
        forms.validated(GPTConfig, {"width": 66, "heads": 4})


def test_a_default_outside_its_own_range_is_held_to_it():
    knob = forms.Knob("odd", "whole", 0, least=1, most=5)
    assert [forms.held(knob, value) for value in (0, 3, 9, None)] == [1, 3, 5, None]


def _everything() -> None:
    import streamlit as st

    from playground import forms
    from tests.playground.test_forms import Everything

    st.session_state["found"] = forms.draw(forms.knobs(Everything), "form")


def _recipe() -> None:
    import streamlit as st

    from playground import forms
    from zoo.training import Recipe

    st.session_state["found"] = forms.draw(forms.knobs(Recipe, {"rate": 0.5}), "form")


def test_untouched_the_form_gives_the_defaults():
    app = AppTest.from_function(_everything).run()
    assert not app.exception
    assert forms.validated(Everything, app.session_state["found"]) == Everything(needed=2)


def test_what_is_set_in_the_widgets_comes_back():
    app = AppTest.from_function(_everything).run()
    app.number_input(key="form.whole").set_value(8)
    app.number_input(key="form.maybe").set_value(0.5)
    app.toggle(key="form.switch").set_value(False)
    app.selectbox(key="form.letter").set_value("a")
    app.text_input(key="form.sizes").set_value("[7]").run()
    found = forms.validated(Everything, app.session_state["found"])
    assert found == Everything(whole=8, maybe=0.5, switch=False, letter="a", sizes=[7], needed=2)


def test_a_form_can_be_put_back():
    app = AppTest.from_function(_everything).run()
    assert app.number_input(key="form.whole").set_value(8).run().session_state["found"]["whole"] == 8
    assert by_name()["whole"].label == "Whole"
    assert forms.Knob("matrix_rate", "real", 0.1).label == "Matrix rate"


def test_the_recipe_has_a_form_with_the_plugins_own_defaults():
    app = AppTest.from_function(_recipe).run()
    assert not app.exception
    found = forms.validated(Recipe, app.session_state["found"] | {"steps": 3})
    assert found == Recipe(steps=3, rate=0.5)
