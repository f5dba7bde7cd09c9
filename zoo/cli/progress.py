"""How `python -m zoo train` shows events: a bar on a terminal, lines elsewhere, JSON where it is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.training import Event, Recipe, Run

Show = Callable[["Event"], None]


@contextmanager
def shown(run: Run, as_json: bool) -> Iterator[Show]:
    """What to call with each event."""
    if as_json:
        yield _json
    elif sys.stdout.isatty() and sys.stderr.isatty():
        with _bar(run) as show:
            yield show
    else:
        yield lambda event: _line(run, event)


def _json(event: Event) -> None:
    print(json.dumps(event), flush=True)


def _line(run: Run, event: Event) -> None:
    """One line an evaluation."""
    if "valid_loss" in event:
        print(
            f"step {event['step']:6d}  {event['elapsed']:7.1f} s  loss {event['loss']:.3f}"
            f"  held out {event['valid_loss']:.3f} nats/token{_floor(run)}{_bits(event)}"
            f"  {event['tokens_per_second']:,.0f} tokens/s",
            flush=True,
        )


@contextmanager
def _bar(run: Run) -> Iterator[Show]:
    """One bar for the budget, with the figures beside it."""
    from tqdm import tqdm

    recipe, held_out = run.info.recipe, ""
    with tqdm(total=1.0, bar_format="{percentage:3.0f}% |{bar:20}| {desc}", dynamic_ncols=True) as bar:

        def show(event: Event) -> None:
            nonlocal held_out
            if "valid_loss" in event:
                held_out = f" · held out {event['valid_loss']:.3f}{_floor(run)}"
            speed = f"{event['tokens_per_second']:,.0f} tokens/s"
            bar.set_description_str(
                f"loss {event['loss']:.3f}{held_out} · {speed} · {left(recipe, event)}", refresh=False
            )
            bar.update(recipe.spent(event["step"], event["elapsed"]) - bar.n)

        yield show
        bar.refresh()


def _floor(run: Run) -> str:
    """The least loss that is possible, where it is known by now."""
    known = run.yardsticks
    return f" (floor {known.floor:.3f})" if known is not None and known.floor is not None else ""


def _bits(event: Event) -> str:
    """Bits per character, where the task has them."""
    return f", {event['bits_per_character']:.3f} bits/character" if "bits_per_character" in event else ""


def left(recipe: Recipe, event: Event) -> str:
    """The time that is left, from the speed so far."""
    if recipe.seconds is not None:
        seconds = recipe.seconds - event["elapsed"]
    elif event["step"]:
        assert recipe.steps is not None
        seconds = (recipe.steps - event["step"]) * event["elapsed"] / event["step"]
    else:
        return "just begun"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min {rest} s left" if minutes else f"{rest} s left"
