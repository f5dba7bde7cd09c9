"""What models are trained for; one file a task."""

from importlib import import_module
from typing import Any

from zoo.tasks.task import Batch, Examples, HeldOut, Task

_TASKS = {
    "next-token": "next_token.NextToken",
    "masked-token": "masked_token.MaskedToken",
    "skip-gram": "word_pairs.SkipGram",
    "cbow": "word_pairs.Cbow",
    "translate": "translate.Translate",
}


def task_of(name: str) -> Task:
    """The task of this name (a `zoo.plugin.Task`)."""
    file, _, class_name = _TASKS[name].partition(".")
    found: Any = getattr(import_module(f"zoo.tasks.{file}"), class_name)
    task: Task = found()
    return task


__all__ = ["Batch", "Examples", "HeldOut", "Task", "task_of"]
