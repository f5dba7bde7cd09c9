"""A run's events as the page holds them: read bit by bit while the run goes on, as numbers to draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from playground.run_files import last_event

if TYPE_CHECKING:
    from zoo.training import Event, Run


@dataclass
class History:
    """What happened in one run so far. `read` adds what is new."""

    run: str = ""
    """The id of the run; another id starts a new history."""
    offset: int = 0
    """How many bytes of events.jsonl have been read."""
    steps: list[int] = field(default_factory=list)
    """The training steps; step 0, where nothing was learnt yet, is not among them."""
    losses: list[float] = field(default_factory=list)
    evaluations: list[Event] = field(default_factory=list)
    """The events at which held-out text was scored."""
    last: Event | None = None

    def read(self, run: Run) -> None:
        """Take in the events that were written since the last call.

        A run that goes on from a checkpoint writes its later events anew: then all is read again.
        """
        events, offset = run.events_from(self.offset)
        if offset < self.offset or (events and self.last is not None and events[0]["step"] <= self.last["step"]):
            self.forget()
            events, offset = run.events_from(0)
        for event in events:
            self._add(event)
        self.offset = offset

    def forget(self) -> None:
        """Start over."""
        self.offset, self.last = 0, None
        self.steps, self.losses, self.evaluations = [], [], []

    def _add(self, event: Event) -> None:
        if event["step"] > 0:
            self.steps.append(event["step"])
            self.losses.append(event["loss"])
        if "valid_loss" in event:
            self.evaluations.append(event)
        self.last = event

    @property
    def held_out_steps(self) -> list[int]:
        """Where held-out text was scored."""
        return [event["step"] for event in self.evaluations]

    @property
    def held_out(self) -> list[float]:
        """Its loss each time, nats per token."""
        return [event["valid_loss"] for event in self.evaluations]

    def training_loss(self, start: int, end: int) -> float | None:
        """The mean loss of the steps after `start` up to `end`; None where there are none."""
        inside = [loss for step, loss in zip(self.steps, self.losses, strict=True) if start < step <= end]
        return sum(inside) / len(inside) if inside else None


def last_score(folder: Path) -> tuple[int, float] | None:
    """Step and held-out loss (nats per token) of a run's last evaluation, without reading all of its events."""
    event = last_event(folder, "valid_loss")
    return None if event is None else (event["step"], event["valid_loss"])
