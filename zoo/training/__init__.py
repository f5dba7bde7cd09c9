"""Training: a seeded generator of events, and the run folder that it writes."""

from zoo.training.files import Unwritable
from zoo.training.recipe import Recipe
from zoo.training.run import Candidate, Event, Run, RunInfo, Yardsticks
from zoo.training.train import Diverged, train

__all__ = ["Candidate", "Diverged", "Event", "Recipe", "Run", "RunInfo", "Unwritable", "Yardsticks", "train"]
