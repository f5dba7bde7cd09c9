"""The part on cost: what it says is computed from the figures, either way; the button measures on this machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from playground.views.sequential import cost, cost_words
from tests.playground.helpers import ROOT
from zoo.compare.cost import Line, Measured, Point

LENGTHS = (16, 64, 256, 1024)


def point(tokens: int, seconds: float, share: float = 1.0, peak: int | None = 5) -> Point:
    return Point(tokens, seconds, seconds * share, 1, tokens, tokens**2, peak)


def made(share: float = 1.0, **powers: tuple[float, float]) -> Measured:
    """A measurement in which a line takes factor · T^exponent; "lstm" is the fused line and "lstm_loop" the other."""
    lines = []
    for kind in ("rnn", "lstm", "gru", "transformer"):
        for fused in (False, True):
            factor, exponent = powers.get(kind if fused else f"{kind}_loop", (2.0 if fused else 3.0, 1.0))
            found = tuple(point(tokens, factor * tokens**exponent, share) for tokens in LENGTHS)
            lines.append(Line(f"{cost_words.TITLES[kind]}, {fused}", kind, fused, 7, found))
    return Measured(tuple(lines), 128, 2, 4, 256, 1.0, "then", "2.13", 1, 2, "a processor")


# --- what is said ------------------------------------------------------------------------------


def test_the_notice_names_the_ratio_at_both_ends_and_where_the_lines_cross():
    said = cost_words.notice(made(lstm=(100, 1), transformer=(1, 2)))
    assert "With fused kernels the LSTM takes 6.25 times as long as the transformer at 16 tokens" in said
    assert "and 0.10 times at 1,024; they cross at about 100." in said


def test_the_notice_claims_nothing_of_machines_that_were_not_measured():
    assert "is not measured here" in cost_words.notice(made(lstm=(1, 1), transformer=(1, 1)))


def test_the_notice_says_so_where_they_do_not_cross():
    said = cost_words.notice(made(lstm=(3, 1), transformer=(2, 1)))
    assert "1.50 times as long as the transformer at 16 tokens and 1.50 times at 1,024; the lines do not cross." in said


@pytest.mark.parametrize(
    ("loop", "expected"),
    [(6, "cell by cell takes 3.0 times as long as fused"), (1, "the fused LSTM takes 2.0 times as long as cell by")],
)
def test_the_loop_and_the_kernel_are_compared_either_way(loop, expected):
    assert expected in cost_words.notice(made(lstm=(2, 1), lstm_loop=(loop, 1)))


@pytest.mark.parametrize(("share", "basis"), [(1.0, "seconds"), (0.5, "processor")])
def test_on_a_busy_machine_the_sentences_are_about_processor_time(share, basis):
    measured = made(share)
    assert cost_words.basis(measured) == basis
    assert ("about processor time" in cost_words.notice(measured)) == (basis == "processor")
    assert ("50.0 % of its time" in cost_words.source(measured, live=True)) == (basis == "processor")


def test_a_recorded_measurement_is_called_so():
    assert "Recorded" in cost_words.source(made(), live=False)
    assert "Measured on this machine" in cost_words.source(made(), live=True)


def test_the_slopes_are_the_exponents():
    found = cost.curves(made(lstm=(100, 1), transformer=(1, 2)), cost.QUANTITIES["Time"], ["lstm", "transformer"])
    said = cost_words.slopes([each for each in found if not each.dashed])
    assert "LSTM, True" in said.replace("\\", "")
    assert r"T\^1.00" in said
    assert r"T\^2.00" in said


def test_crossings_are_of_lines_run_in_the_same_way_and_lie_on_the_line():
    measured = made(lstm=(100, 1), transformer=(1, 2), lstm_loop=(1, 1), transformer_loop=(2, 1))
    (found,) = cost.met_at(measured, cost.QUANTITIES["Time"], ["lstm", "transformer"])
    assert found.length == pytest.approx(100)
    assert found.cost == pytest.approx(100 * 100 * 1e3)


def test_what_a_kernel_does_not_change_is_one_line():
    names = [name for name, _ in cost.drawn(made(), cost.QUANTITIES["FLOPs"], ["lstm", "transformer"])]
    assert names == ["LSTM", "Transformer"]


def test_memory_that_was_not_watched_is_not_drawn():
    line = made().lines[0]
    known = replace(line, points=(*line.points[:-1], replace(line.points[-1], peak_bytes=None)))
    assert cost.values(known, cost.QUANTITIES["Memory"])[0] == list(LENGTHS[:-1])
    assert cost_words.cell(None) == "–"


@pytest.mark.parametrize(
    ("n", "words"), [(12, "12"), (12345, "12,345"), (1.5e6, "1.50 million"), (6.04e9, "6.04 billion")]
)
def test_amounts(n, words):
    assert cost_words.amount(n) == words


# --- the part on the page ----------------------------------------------------------------------


def part() -> None:
    from playground.views.sequential import cost

    cost.draw()


@pytest.fixture
def page() -> AppTest:
    cost._latest.clear()
    yield AppTest.from_function(part, default_timeout=60)
    cost._latest.clear()


def words(page: AppTest) -> str:
    return " ".join(each.value for each in (*page.markdown, *page.caption))


def test_first_the_recorded_measurement_is_shown_and_labelled(page):
    page.run()
    assert not page.exception
    assert not page.error
    assert "Recorded" in words(page)
    assert cost.recorded().command in words(page)
    assert cost_words.notice(cost.recorded()) in words(page)


def test_at_a_thousand_tokens_there_are_a_million_scores(page):
    page.run()
    assert "T² = **1,000,000 scores**" in words(page)
    assert "T = **1,000 states**" in words(page)
    flops, pairs = 1000 * (24 * 128**2 * 2 + 2 * 128 * 256) + 4 * 128 * 2 * 10**6, 4 * 128 * 2 * 10**6
    assert f"**{pairs / flops * 100:.1f} %**" in words(page)


def test_another_length_is_computed_anew(page):
    page.run()
    page.number_input(key=cost.LENGTH).set_value(3).run()
    assert "T² = **9 scores**" in words(page)


@pytest.mark.parametrize("quantity", list(cost.QUANTITIES))
def test_every_cost_is_drawn(page, quantity):
    page.run()
    page.session_state[cost.QUANTITY] = quantity
    page.run()
    assert not page.exception
    figure = page.get("plotly_chart")[0].proto.spec
    assert cost.QUANTITIES[quantity].title in figure


def test_the_button_measures_here_and_for_everybody(page, monkeypatch):
    monkeypatch.setattr(cost, "SECONDS", 0.2)
    monkeypatch.setattr(cost, "LONGEST", 32)
    page.run()
    page.button(key="sequential.cost.go").click().run()
    assert not page.error, [each.value for each in page.error]
    assert "Measured on this machine" in words(page)
    measured = cost._latest().measured
    assert measured is not None
    assert "--seconds 0.2" in measured.command
    other = AppTest.from_function(part, default_timeout=60).run()
    assert cost_words.notice(measured) in words(other)


def test_a_measurement_that_fails_is_one_sentence_and_the_recorded_one_stays(page, monkeypatch):
    monkeypatch.setattr(cost.sys, "executable", str(ROOT / "no-such-python"))
    page.run()
    page.button(key="sequential.cost.go").click().run()
    assert not page.exception
    assert len(page.error) == 1
    assert "Recorded" in words(page)


def test_why_it_stopped_is_said(monkeypatch):
    monkeypatch.setattr(cost, "LONGEST", "many")
    with pytest.raises(ValueError, match=r"the measurement stopped: .*invalid int value"):
        cost._run()


def test_after_a_measurement_on_a_busy_machine_the_chart_begins_with_processor_time(monkeypatch):
    session = {cost.QUANTITY: "Time"}
    monkeypatch.setattr(cost.st, "session_state", session)
    monkeypatch.setattr(cost, "_latest", lambda: cost._Latest(made()))
    for basis, quantity in (("seconds", "Time"), ("processor", "Processor time")):
        monkeypatch.setattr(cost_words, "basis", lambda _, basis=basis: basis)
        cost._look_at_what_counts()
        assert session[cost.QUANTITY] == quantity
