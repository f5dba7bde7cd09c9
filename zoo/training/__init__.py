"""Training: a seeded generator of events, and the run folder that it writes."""

from zoo.training.recipe import Recipe
from zoo.training.run import Event, Run
from zoo.training.train import Diverged, train

__all__ = ["Diverged", "Event", "Recipe", "Run", "train"]
