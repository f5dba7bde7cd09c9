"""How a model is trained: the budget, the batch, the optimiser, and the schedule that fits the budget."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Recipe(BaseModel):
    """A training budget and the way to spend it. Give `seconds` or `steps`, not both."""

    model_config = ConfigDict(allow_inf_nan=False)

    seconds: float | None = Field(None, gt=0, description="Stop after this much training time.")
    steps: int | None = Field(None, ge=1, description="Stop after this many steps.")
    seed: int = Field(0, ge=0, lt=2**32, description="Sets the first weights and the order of the text.")
    batch: int = Field(16, ge=1, le=512, description="How many windows of text each step learns from.")
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="Muon turns each matrix's update into a rotation; AdamW scales each number alone."
    )
    matrix_rate: float = Field(0.02, gt=0, le=1, description="Learning rate of Muon, for the blocks' matrices.")
    rate: float = Field(0.003, gt=0, le=1, description="Learning rate of AdamW, for everything else.")
    head_rate: float | None = Field(
        None, gt=0, le=1, description="Learning rate of AdamW for the output layer; as `rate` where it is not given."
    )
    weight_decay: float = Field(0.0, ge=0, le=1, description="How strongly the blocks' matrices are pulled to zero.")
    table_decay: float = Field(
        0.0, ge=0, le=1, description="The same for embeddings and output layer: for a short text, read many times."
    )
    clip: float = Field(1.0, gt=0, le=1000, description="Longest gradient that a step follows.")
    warm_up: float = Field(0.02, ge=0, lt=1, description="Share of the budget in which the rate climbs.")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="Number format of the activations.")
    evaluations: int = Field(20, ge=1, le=1000, description="How often held-out text is scored.")
    held_out_windows: int = Field(
        64, ge=1, le=10_000, description="How many windows of held-out text are scored each time."
    )
    checkpoints: int = Field(12, ge=1, le=100, description="How many checkpoints the run keeps, evenly spaced.")
    save_every: float = Field(
        30.0, ge=0, description="Seconds of training between two saves of what a stopped run goes on from."
    )

    @model_validator(mode="after")
    def _one_budget(self) -> Recipe:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError("give a budget in seconds or in steps, one of the two")
        return self

    def spent(self, step: int, elapsed: float) -> float:
        """The share of the budget that is used up, 0 to 1."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        assert self.seconds is not None
        return min(1.0, elapsed / self.seconds)

    def schedule(self, spent: float) -> float:
        """What the learning rates are multiplied by: a short climb, then straight down to zero."""
        if spent < self.warm_up:
            return (spent + 1e-3) / (self.warm_up + 1e-3)
        return (1 - spent) / (1 - self.warm_up)
