"""A run of zoo/gpt-modern as a contender: launched and trained as the command line and the app do it.

Used by `nanogpt` and `gpt_modern`.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from zoo.launch import Order, launch
from zoo.registry import discover
from zoo.tasks.next_token import NextToken, Windows
from zoo.tasks.streams import token_stream
from zoo.training import train

CONTEXT = 64
"""Tokens of a window, as nanoGPT's documented CPU configuration has it."""
BLOCKS = 4
"""As in that configuration; width and heads are those of the model's own defaults."""
QUIET = {"evaluations": 1, "checkpoints": 1, "save_every": 1e9}
SHORT_TEXT = {"table_decay": 0.2, "batch": 16}
"""Beside the model's own recipe: a megabyte of text is read several times over in a minute."""


class Ours:
    """A training run, stepped from outside. `recipe` must hold a budget."""

    name = "zoo/gpt-modern"

    def __init__(
        self,
        corpus: Path,
        folder: Path,
        recipe: dict[str, Any],
        tokenizer: str = "bpe",
        config: dict[str, Any] | None = None,
    ) -> None:
        order = Order(
            model=self.name,
            corpus=str(corpus),
            tokenizer=tokenizer,
            config={"context": CONTEXT, "blocks": BLOCKS} | (config or {}),
            recipe=QUIET | SHORT_TEXT | recipe,
        )
        started = time.perf_counter()
        self.launched = launch(order, folder, discover())
        self.preparation = time.perf_counter() - started
        self.step, self.seconds = 0, 0.0
        self.events = train(self.launched.run, self.launched.plugin, self.launched.corpus)
        next(self.events)  # the untrained model's loss

    def advance(self, steps: int) -> None:
        """Take some steps; `seconds` is what the run folder says of them."""
        for _ in range(steps):
            self._next()

    def advance_to(self, seconds: float) -> None:
        """Train until that much time has been spent, or the budget is."""
        while self.seconds < seconds and self._next():
            pass

    def close(self) -> None:
        """Stop here; the weights as they are now are kept."""
        self.events.close()

    def held_out(self) -> float:
        """Nats per character of the last weights that were kept, over the whole held-out text, in float32."""
        run, plugin = self.launched.run, self.launched.plugin
        module = plugin.build(plugin.Config.model_validate(run.info.config), run.tokenizer.vocab_size)
        module.load_state_dict(run.weights())
        stream = token_stream(run.tokenizer, self.launched.corpus.valid)
        result = NextToken().evaluate(module.eval(), Windows(stream, CONTEXT), run.tokenizer, batch=64)
        return result.bits_per_character * math.log(2)

    def _next(self) -> bool:
        event = next(self.events, None)
        if event is not None:
            self.step, self.seconds = event["step"], event["elapsed"]
        return event is not None
