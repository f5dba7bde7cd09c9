"""Checks of learning: the gradient reaches all, the loss falls, and what was learned comes back from a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from zoo.testing.subject import FEW, STEPS, Fails, Skipped, Subject, logits_of
from zoo.training.learning import Gradient
from zoo.training.run import weights_of

FALL = 0.1
"""Nats by which the loss on a few short examples has to fall within `STEPS` steps."""


def gradient(subject: Subject) -> str:
    """Every parameter is learned: within a few steps each gets a gradient that is not 0."""
    module = subject.build().train()
    learner = subject.learner(module)
    if not isinstance(learner, Gradient):
        raise Skipped("the model counts: it has no parameter for a gradient to reach")
    reached: set[str] = set()
    learned = {name: each for name, each in module.named_parameters() if each.requires_grad}
    for name, parameter in learned.items():
        parameter.register_hook(lambda value, name=name: _note(reached, name, value))  # type: ignore[no-untyped-call]
    for step in range(FEW):  # more than one: layers that start at 0 pass nothing on at first
        learner.learn(subject.examples, step, 1.0)
    if lost := [name for name in learned if name not in reached]:
        raise Fails(f"no gradient reaches {', '.join(lost[:3])}: use it in forward, or set requires_grad to False")
    return f"reaches all {len(learned)} parameter tensors"


def _note(reached: set[str], name: str, value: Tensor) -> None:
    if bool(value.any()):
        reached.add(name)


def learns(subject: Subject) -> str:
    """The loss falls on a few short examples of its task that are shown again and again, or counted once."""
    module = subject.build()
    before = subject.score(module)
    steps = subject.teach(module, STEPS)
    after = subject.score(module)
    if not after < before - FALL:
        advice = "look for a detach() or no_grad() between ids and logits"
        if not any(True for _ in module.parameters()):
            advice = "let count() change what forward answers"
        raise Fails(f"the loss stays at {before:.2f} nats: {advice}")
    return f"loss {before:.2f} -> {after:.2f} nats in {steps} step{'s' * (steps > 1)}"


def save_and_load(subject: Subject) -> str:
    """What was learned, written to safetensors and read into another model, gives the same logits, bit by bit."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        save_file(weights_of(subject.learned), file)
        other = subject.build(seed=1).eval()
        try:
            other.load_state_dict(load_file(file))
        except RuntimeError as error:
            problem = str(error).strip().splitlines()[-1].strip()
            raise Fails(f"a fresh model cannot read what a trained one has saved: {problem}") from error
    if not torch.equal(logits_of(subject.learned, subject.ids()), logits_of(other, subject.ids())):
        raise Fails("a saved and reloaded model answers differently: keep its state in parameters or register_buffer")
    return "a reloaded model gives the same logits"
