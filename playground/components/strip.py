"""The way from a text to the next word, as a strip of stations; each holds one real value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.components.bundle import pack
from playground.components.mount import trigger


@dataclass(frozen=True)
class Station:
    """One stage of the way."""

    id: str
    """The step to open on a click; a name of the trace's vocabulary, or "" where there is none."""
    title: str
    value: str
    """One real value of this text in this model, as it is shown."""
    words: str
    """What the value is."""


def strip(stations: Sequence[Station], *, key: str, on_open: Callable[[str], None]) -> None:
    """Show the stations in order; `on_open` gets the id of the one that is clicked."""
    ids = {station.id for station in stations if station.id}
    trigger(
        "strip",
        prepare(stations, key),
        key=key,
        valid=lambda chosen: isinstance(chosen, str) and chosen in ids,
        on_trigger=on_open,
    )


def prepare(stations: Sequence[Station], key: str) -> bytes:
    """The stations as bytes for the browser."""
    return pack({"key": key, "stations": [vars(station) for station in stations]}, {})
