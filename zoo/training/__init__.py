"""Training: a seeded generator of events, and the run folder that it writes."""

from zoo.training.recipe import Recipe
from zoo.training.run import Event, Run
from zoo.training.train import train

__all__ = ["Event", "Recipe", "Run", "train"]
