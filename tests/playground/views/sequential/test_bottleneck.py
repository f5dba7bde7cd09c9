"""The bottleneck as it is drawn: with translators and without, its figures those of the models that it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from playground.figures.translation import alignment_chart
from playground.text import escaped, plural
from playground.views.sequential import bottleneck
from playground.views.sequential.one_sentence import MOST_WORDS, marked, read
from tests.playground.helpers import quiet, texts
from zoo.compare import alignment, translation
from zoo.compare.translation import Bucket, Line, Measured, fingerprint
from zoo.data.glass_pairs import DEFAULT
from zoo.inference import load
from zoo.training import Run

Part = Callable[[str, Path], AppTest]
LENGTHS = (5, 10)
PLAIN, LOOKS = "Seq2seq: plain (run)", "Seq2seq with attention: looks (run)"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two lengths, and no recorded file unless a test writes one."""
    found = translation.quality
    monkeypatch.setattr(translation, "quality", lambda model, sentences: found(model, LENGTHS, sentences))
    monkeypatch.setattr(translation, "RECORDED", tmp_path / "translation.json")
    bottleneck._file.clear()


def chart(page: AppTest, key: str) -> Any:
    """A chart by its key."""
    found = [each.proto for each in page.get("plotly_chart") if each.proto.id.endswith(key)]
    assert len(found) == 1, [each.proto.id for each in page.get("plotly_chart")]
    return json.loads(found[0].spec)


def test_without_a_translator_it_says_where_to_train_one(
    part: Part, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = list[str]()
    monkeypatch.setattr("streamlit.page_link", lambda page, **_: linked.append(page))
    page = quiet(part("bottleneck", empty_folder))
    assert "No trained translator" in texts(page)
    assert linked == ["pages/train.py"]
    assert not page.button


def test_the_button_measures_and_the_figures_are_the_models_own(part: Part, trained_folder: Path) -> None:
    page = quiet(part("bottleneck", trained_folder))
    assert page.multiselect[0].value == [PLAIN, LOOKS]
    assert "Nothing has been measured yet" in texts(page)
    page.slider(key=bottleneck.SENTENCES).set_value(10)
    page = quiet(page.button(key="bottleneck.measure").click().run())
    models = [load(str(trained_folder / "runs" / name)) for name in ("plain", "looks")]
    drawn = chart(page, "bottleneck.chart")["data"]
    for line, model in zip(drawn, models, strict=True):
        expected = translation.quality(model, 10)
        assert line["x"] == [each.length for each in expected]
        assert line["y"] == [each.exact_share for each in expected]
    page = quiet(page.button_group(key=bottleneck.KIND).set_value("right").run())
    for line, model in zip(chart(page, "bottleneck.chart")["data"], models, strict=True):
        assert line["y"] == [each.right_share for each in translation.quality(model, 10)]
    bars = chart(page, "bottleneck.shares")["data"]
    share = alignment.measure(models[1], 10)
    assert bars[0]["x"] == share.shares.ravel().tolist()
    assert bars[1]["x"] == [share.chance]
    assert "Measured here just now, 10 held-out" in texts(page)
    tokens = [Run(trained_folder / "runs" / name).events()[-1]["tokens"] for name in ("plain", "looks")]
    for title, read_ in zip((PLAIN, LOOKS), tokens, strict=True):
        assert f"{escaped(title)}: 1 parameter, {plural(read_, 'token')} read in" in texts(page)


def test_recorded_figures_are_shown_for_the_very_same_weights_only(
    part: Part, trained_folder: Path, tmp_path: Path
) -> None:
    weights = fingerprint(load(str(trained_folder / "runs" / "plain")).module)
    buckets = (Bucket(5, 20, 13, 60, 80), Bucket(10, 20, 2, 90, 180))
    lines = (Line("Seq2seq", "zoo/seq2seq", weights, 1, buckets), Line("Other", "zoo/other", "0" * 16, 1, buckets))
    Measured(lines, "python -m zoo.compare.translation --models zoo/seq2seq", 20).write(tmp_path / "translation.json")
    page = quiet(part("bottleneck", trained_folder))
    (line,) = chart(page, "bottleneck.chart")["data"]
    assert line["name"] == f"{PLAIN} (recorded)"
    assert line["y"] == [13 / 20, 2 / 20]
    assert "Recorded with `python -m zoo.compare.translation" in texts(page)
    page = quiet(page.button(key="bottleneck.measure").click().run())
    assert [each["name"] for each in chart(page, "bottleneck.chart")["data"]] == [PLAIN, LOOKS]
    assert "Recorded" not in texts(page)


def test_one_sentence_its_alignment_and_the_vector(part: Part, trained_folder: Path) -> None:
    page = quiet(part("bottleneck", trained_folder))
    pair = DEFAULT.translate(DEFAULT.split(page.text_input[0].value))
    assert pair.target_text.rstrip(".") in texts(page)
    plain, looks = (load(str(trained_folder / "runs" / name)) for name in ("plain", "looks"))
    seen = alignment.attended(looks, pair)
    drawn = chart(page, "bottleneck.looked")
    np.testing.assert_allclose(_matrix(drawn), seen.pattern[0, 0], atol=1e-6)
    assert len(drawn["layout"]["shapes"]) == seen.right.sum()
    np.testing.assert_array_equal(_matrix(chart(page, "bottleneck.right")), alignment.right_cells(pair))
    values = plain.trace(pair.source_text)["context"]
    vector = chart(page, f"bottleneck.vector.{PLAIN}")
    np.testing.assert_allclose(_matrix(vector).ravel()[: len(values)], values, atol=1e-6)
    for each in (plain, looks):
        given = translation.translate(each, [pair])[0]
        assert marked(given, pair.target) in texts(page)


def _matrix(drawn: Any) -> np.ndarray:
    z = drawn["data"][0]["z"]
    if isinstance(z, dict):  # Plotly sends arrays as base64
        import base64

        shape = [int(n) for n in z["shape"].split(",")]
        return np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"]).reshape(shape)
    return np.array(z, dtype=float)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("The zebra slept.", "no word 'zebra' (word 2)"),
        ("The teachers", "not finished"),
        ("", "type an English sentence"),
        ("Tom slept. " * 30, f"at most {MOST_WORDS}"),
    ],
)
def test_what_is_no_sentence_is_told_with_its_place(typed: str, says: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        read(typed)
    assert says in str(raised.value)


def test_a_refusal_stands_on_the_page(part: Part, trained_folder: Path) -> None:
    page = part("bottleneck", trained_folder)
    page = quiet(page.text_input[0].set_value("The zebra slept.").run())
    assert "zebra" in page.info[0].value
    assert not [each for each in page.get("plotly_chart") if each.proto.id.endswith("bottleneck.right")]


def test_who_looks_back_is_not_called_blind_for_want_of_room(part: Part, brief_folder: Path) -> None:
    page = part("bottleneck", brief_folder)
    page = page.text_input[0].set_value(DEFAULT.pairs(1, seed=3, length=range(20, 25))[0].source_text).run()
    assert not page.exception
    (said,) = [each.value for each in page.info]
    assert "reads at most 20 tokens" in said
    assert "None of the chosen" not in said
    page.slider(key=bottleneck.SENTENCES).set_value(10)
    page = quiet(page.button(key="bottleneck.measure").click().run())
    found = alignment.measure(load(str(brief_folder / "runs" / "looks")), 10)
    assert 0 < found.sentences < 10
    assert found.left_out == 10 - found.sentences
    assert f"has no room for {found.left_out} of the 10 sentences" in texts(page)
    assert chart(page, "bottleneck.shares")["data"][0]["x"] == found.shares.ravel().tolist()


def test_wrong_words_are_marked() -> None:
    assert marked(["a", "b"], ["a", "b"]) == "a b :green[— right]"
    assert marked(["a", "x", "b"], ["a", "b", "c"]) == "a :red[~~x~~] b (1 word wrong, 1 missing)"
    assert marked(["a", "b", "."], ["a", "."]) == r"a :red[~~b~~]\. (1 word wrong, 0 missing)"
    assert marked([], ["a"]).startswith("(nothing)")


def test_the_notice_says_who_was_better_and_when_nobody_was() -> None:
    def line(*exact: int) -> tuple[Bucket, ...]:
        return tuple(Bucket(length, 40, n, 1, 1) for length, n in zip((5, 20), exact, strict=True))

    looks = {"Plain": False, "Looks": True}
    helped = bottleneck.notice({"Plain": line(39, 2), "Looks": line(40, 30)}, looks)
    assert "furthest apart at 20 words: **5.0 %** against **75.0 %**, in favour of Looks" in helped
    assert "as large for a long sentence" in helped
    worse = bottleneck.notice({"Plain": line(39, 30), "Looks": line(39, 2)}, looks)
    assert "in favour of Plain" in worse
    assert "attention did not help" in worse
    assert "could show by chance" in bottleneck.notice({"Plain": line(20, 10), "Looks": line(22, 12)}, looks)
    assert bottleneck.notice({"Looks": line(1, 1)}, looks) == ""


def test_words_of_a_matrix_are_text_and_nothing_else() -> None:
    figure = alignment_chart(["<b>a</b>"], ["$x$"], np.array([[True]]))
    assert figure.layout.xaxis.ticktext[0] == "&lt;b&gt;a&lt;/b&gt;"
    assert "$" not in figure.layout.yaxis.ticktext[0]
