"""Both sides against left only, as it is drawn: its probabilities are those of the models' own logits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from playground.text import percent
from playground.views.sequential import sides
from tests.playground.helpers import quiet, texts
from zoo.compare import blanks
from zoo.compare.exact import tokens_of
from zoo.data.glass_box import DEFAULT
from zoo.inference import load

Part = Callable[[str, Path], AppTest]


def bars(page: AppTest, key: str) -> list[Any]:
    found = [each.proto for each in page.get("plotly_chart") if each.proto.id.endswith(key)]
    assert len(found) == 1, [each.proto.id for each in page.get("plotly_chart")]
    drawn: list[Any] = json.loads(found[0].spec)["data"]
    return drawn


def test_without_models_it_says_where_to_train_them(
    part: Part, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = list[str]()
    monkeypatch.setattr("streamlit.page_link", lambda page, **_: linked.append(page))
    page = quiet(part("sides", empty_folder))
    assert "such as GPT" in texts(page)
    assert linked == ["pages/train.py"]


@torch.no_grad()
def test_the_bars_are_the_models_own_and_the_exact_ones(part: Part, trained_folder: Path) -> None:
    page = quiet(part("sides", trained_folder))
    given = blanks.example(DEFAULT).blank
    assert page.text_area[0].value == sides.written(DEFAULT, given.left, given.right)
    gpt, bert = (load(str(trained_folder / "runs" / name)) for name in ("left", "both"))
    ids = tokens_of(DEFAULT, gpt.tokenizer, [*given.left, given.word, *given.right])
    place = len(given.left)
    row = gpt.module(torch.tensor([ids[:place]]))[0, -1]
    shown = [*ids[:place], bert.tokenizer.vocab_size, *ids[place + 1 :]]
    other = bert.module(torch.tensor([shown]))[0, place]
    exact = [DEFAULT.next_words(given.left), blanks.from_both(DEFAULT, given.left, given.right)]
    for logits, key, right in zip((row, other), ("the left side", "both sides"), exact, strict=True):
        model, truth = bars(page, f"sides.bars.{key}")
        probs = logits.double().softmax(-1).numpy()
        assert all(np.isclose(probs, share, atol=1e-6).any() for share in model["x"])
        at = int(np.argmin([abs(share - right[given.word]) for share in truth["x"]]))
        if key == "both sides":  # one word alone has this exact probability: its bar is that of the true word
            assert model["x"][at] == pytest.approx(float(probs[ids[place]]), abs=1e-6)
        assert max(truth["x"]) == pytest.approx(max(right.values()))
    assert "who notices" in texts(page)


def test_another_word_on_the_right_moves_only_who_reads_it(part: Part, trained_folder: Path) -> None:
    page = quiet(part("sides", trained_folder))
    left_before = bars(page, "sides.bars.the left side")[0]["x"]
    both_before = bars(page, "sides.bars.both sides")[0]["x"]
    page = quiet(page.button(key="sides.other").click().run())
    assert bars(page, "sides.bars.the left side")[0]["x"] == left_before
    assert bars(page, "sides.bars.both sides")[0]["x"] != both_before
    said = next(each.value for each in page.markdown if "Only what stands right" in each.value)
    assert "GPT: left (run) did not move at all. That side is never shown to it." in said.replace("\\", "")
    given = blanks.example(DEFAULT)
    bert = load(str(trained_folder / "runs" / "both"))
    both = [
        np.exp(blanks.answer(bert, tokens_of(DEFAULT, bert.tokenizer, [*b.left, b.word, *b.right]), len(b.left)))
        for b in (given.blank, given.other)
    ]
    moved = float(np.abs(both[0] - both[1]).sum() / 2)
    assert f"moved **{percent(moved)}** of its probability" in said


def test_the_button_measures_the_same_words_for_both(part: Part, trained_folder: Path) -> None:
    page = quiet(part("sides", trained_folder))
    page.slider(key=sides.STORIES).set_value(4)
    page = quiet(page.button(key="sides.measure").click().run())
    gpt, bert = (load(str(trained_folder / "runs" / name)) for name in ("left", "both"))
    expected = blanks.sides(gpt, bert, DEFAULT, 4)
    (drawn,) = bars(page, "sides.losses")
    assert drawn["x"] == pytest.approx([expected.left, expected.left_exact, expected.both, expected.both_exact])
    assert f"{expected.words:,} words of 4 held-out stories" in texts(page)


def test_ratios_are_not_offered_as_probabilities(
    part: Part, ratio_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CBOW's softmax is how much more often than by chance: no probability that could be set beside an exact one."""
    monkeypatch.setattr("streamlit.page_link", lambda page, **_: None)
    page = quiet(part("sides", ratio_folder))
    assert "No trained model that reads from both sides, such as BERT" in texts(page).replace("\\", "")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("Tom had a dog.", "one blank"),
        ("___ and ___", "one blank"),
        ("___ had a dog", "nothing stands left"),
        ("a " * 200 + "___", "at most"),
    ],
)
def test_what_is_no_blank_is_told(part: Part, trained_folder: Path, typed: str, says: str) -> None:
    page = part("sides", trained_folder)
    page = quiet(page.text_area[0].set_value(typed).run())
    assert says in page.info[0].value.lower()


def test_a_text_of_ones_own_has_no_exact_answer(part: Part, trained_folder: Path) -> None:
    page = part("sides", trained_folder)
    page = quiet(page.text_area[0].set_value("the dog the ___ the").run())
    assert len(bars(page, "sides.bars.both sides")) == 1
    assert "exact answer" in texts(page)


def test_a_text_and_its_blank_are_one() -> None:
    left, right = ("He", "had", "a"), ("with", "him", ".")
    text = sides.written(DEFAULT, left, right)
    assert text == "He had a ___ with him."
    assert sides.cut(text, DEFAULT) == (left, right)
    assert sides.cut(sides.written(DEFAULT, left, (",", "so")), DEFAULT) == (left, (",", "so"))


def test_the_notice_can_come_out_either_way() -> None:
    def found(left: float, both: float) -> blanks.Sides:
        return blanks.Sides(100, 2, left, both, 0.5, 0.2, 0.05)

    assert "B, which sees them, is less surprised than G, by **0.300**" in sides.notice(found(0.6, 0.3), "G", "B")
    assert "is more surprised than G" in sides.notice(found(0.6, 2.0), "G", "B")
    assert "cannot be told apart" in sides.notice(found(0.6, 0.55), "G", "B")
