"""Setting a run up: what is on offer, what is kept, what is refused, and the order that comes of it."""

from __future__ import annotations

import pytest

from playground import state
from playground.views.train.source import LEAST, read_text
from tests.playground.helpers import NEXT_WORD, faultless, write_plugin
from tests.playground.views.train.conftest import TRAIN

TEXT = "The sea was calm, and the boat went out. " * 40


def pressed(app):
    return app.button(key="train.go").click().run()


def test_a_fresh_visitor_has_one_button_to_press(visit):
    app = faultless(visit())
    button = app.button(key="train.go")
    assert button.label == "Train"
    assert not button.disabled
    assert app.selectbox(key="train.model").value in ("zoo/gpt-modern", "zoo/gpt")
    assert app.number_input(key="train.budget.seconds").value == 60
    assert any("60 seconds" in each.value and "20,000" in each.value for each in app.caption)


def test_the_order_is_what_stands_on_the_page(set_up, jobs):
    app = set_up()
    app.number_input(key="train.config.you/averager.width").set_value(16)
    app.number_input(key="train.recipe.you/averager.seed").set_value(7)
    pressed(app)
    order, text = jobs.orders[0]
    assert (order.model, order.corpus, text) == ("you/averager", "glass-box:stories=200", None)
    assert order.config == {"width": 16}
    assert order.recipe["steps"] == 4
    assert "seconds" not in order.recipe
    assert order.recipe["seed"] == 7
    assert order.start is None


def test_what_was_set_outlives_a_visit_to_another_page(set_up):
    app = set_up()
    app.number_input(key="train.config.you/averager.width").set_value(24).run()
    app.segmented_control(key="train.corpus").set_value("My own text").run()
    app.text_area(key="train.paste").set_value("not lost").run()
    faultless(app.switch_page(NEXT_WORD).run())
    app = faultless(app.switch_page(TRAIN).run())
    assert app.selectbox(key="train.model").value == "you/averager"
    assert app.number_input(key="train.budget.steps").value == 4
    assert app.number_input(key="train.config.you/averager.width").value == 24
    assert app.text_area(key="train.paste").value == "not lost"
    app = app.segmented_control(key="train.corpus").set_value("Glass-box stories").run()
    assert app.select_slider(key="train.stories").value == 200


def test_reset_comes_back_to_the_same_settings(trained, jobs):
    app = trained()
    app = faultless(app.button(key="train.reset").click().run())
    assert app.session_state[state.RUN] == ""
    assert app.selectbox(key="train.model").value == "you/averager"
    assert app.number_input(key="train.budget.steps").value == 4
    assert app.button(key=f"train.show.{next(iter(jobs.jobs))}")  # the run stays under "My runs"


def test_a_pasted_text_goes_along_with_its_tokenizer(set_up, jobs):
    app = set_up()
    app.segmented_control(key="train.corpus").set_value("My own text").run()
    app.text_area(key="train.paste").set_value(TEXT)
    app.selectbox(key="train.tokenizer").set_value("char")
    pressed(app.run())
    order, text = jobs.orders[0]
    assert text == TEXT
    assert order.tokenizer == "char"


@pytest.mark.parametrize(("text", "said"), [("", "paste a text"), ("short", str(LEAST))])
def test_too_little_text_is_said_and_nothing_is_ordered(set_up, jobs, text, said):
    app = set_up()
    app.segmented_control(key="train.corpus").set_value("My own text").run()
    app.text_area(key="train.paste").set_value(text)
    app = pressed(app.run())
    assert jobs.orders == []
    assert any(said.lower() in each.value.lower() for each in app.error)


def test_a_refusal_is_one_escaped_sentence_and_the_settings_stay(set_up, jobs):
    jobs.refusal = "there is *no* room; delete a run"
    app = pressed(set_up())
    assert [each.value for each in app.error] == [r"There is \*no\* room; delete a run\."]
    assert app.number_input(key="train.budget.steps").value == 4


def test_settings_that_do_not_fit_together_are_named(visit, jobs):
    app = visit()
    app.selectbox(key="train.model").set_value("zoo/gpt").run()
    app.number_input(key="train.config.zoo/gpt.heads").set_value(3)
    app = pressed(app.run())
    assert jobs.orders == []
    assert any("multiple of heads" in each.value for each in app.error)


def test_fine_tuning_takes_the_weights_and_leaves_their_shape_alone(visit, jobs, monkeypatch):
    app = visit()
    app.selectbox(key="train.model").set_value("zoo/gpt").run()
    app.selectbox(key="train.start.zoo/gpt").set_value("The trained weights shipped with the app").run()
    assert not [each for each in app.number_input if each.key.startswith("train.config.")]
    monkeypatch.setattr(jobs, "submit", lambda order, *_: jobs.orders.append((order, None)) or "none")
    pressed(app)
    order, _ = jobs.orders[0]
    assert (order.start, order.config) == ("zoo/gpt", {})


def test_ones_own_run_can_be_gone_on_from(trained, jobs):
    app = trained()
    app = app.button(key="train.reset").click().run()
    offers = app.selectbox(key="train.start.you/averager").options
    assert len(offers) == 2
    assert offers[1].startswith("My run")


def test_what_cannot_be_trained_is_listed_with_its_reason(visit, tmp_path):
    (tmp_path / "plugins" / "broken.py").write_text("raise RuntimeError('no <b>luck</b>')")
    write_plugin(tmp_path / "plugins", "Needy")
    path = tmp_path / "plugins" / "needy.py"
    path.write_text(path.read_text().replace('task="next-token"', 'task="next-token", requires=("no_such_package",)'))
    app = faultless(visit())
    listed = "\n".join(each.value for each in app.markdown)
    assert r"**Needy**: it needs no\_such\_package" in listed
    assert r"no \<b\>luck\<\/b\>" in listed
    assert "you/needy" not in app.selectbox(key="train.model").options


def test_a_prompt_outside_of_the_language_is_said_to_have_no_right_answer(set_up):
    app = set_up()
    assert not app.info
    app = app.text_area(key="train.prompt.stories").set_value("Zebras *vote*").run()
    assert any("no right answer" in each.value for each in app.info)
    assert not any("*vote*" in each.value for each in app.info)


def test_an_uploaded_text_is_read_as_utf8():
    assert read_text("\ufeffgrün\r\nund".encode(), 100) == "grün\nund"
    with pytest.raises(ValueError, match="not UTF-8"):
        read_text("grün".encode("latin-1"), 100)
    with pytest.raises(ValueError, match="at most 3"):
        read_text(b"four", 3)
