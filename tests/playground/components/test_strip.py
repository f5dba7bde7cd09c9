"""What the strip of stations sends to the browser."""

from __future__ import annotations

from playground.components import strip as component
from playground.components.strip import Station, prepare, strip
from tests.playground.helpers import unpack

STATIONS = [
    Station("", "Text", "<b>né\u2028日</b>", "2 characters"),
    Station("logits", "Logits", "−1.50", "the highest"),
]


def test_the_stations_come_back_in_order_and_as_they_were_given():
    head, arrays = unpack(prepare(STATIONS, "k"))
    assert arrays == {}
    assert head["key"] == "k"
    assert [Station(**each) for each in head["stations"]] == STATIONS


def test_half_a_character_does_not_break_the_page():
    head, _ = unpack(prepare([Station("", "Text", "\ud83d", "")], "k"))
    assert head["stations"][0]["value"] == "?"


def test_only_stations_with_a_step_can_be_opened(monkeypatch):
    mounted = {}
    monkeypatch.setattr(component, "trigger", lambda name, data, **rest: mounted.update(rest))
    strip(STATIONS, key="k", on_open=print)
    assert [each for each in ("logits", "", "probs", None, 1, ["logits"]) if mounted["valid"](each)] == ["logits"]
    assert mounted["on_trigger"] is print
