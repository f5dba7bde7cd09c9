"""Checks of learning: the gradient reaches all, the loss falls, and what was learned comes back from a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.testing.subject import FEW, STEPS, Fails, Skipped, Subject, logits_of
from zoo.training.learning import Gradient
from zoo.training.run import weights_of

FALL = 0.1
"""Nats by which the loss on a few short examples has to fall within `STEPS` steps."""
FEWEST_ROWS = 8
"""Fewer rows may all be dead by chance, where a ReLU stands behind them."""


def gradient(subject: Subject) -> str:
    """Within a few steps each parameter gets a gradient that is not 0, and so does each part of a layer's rows.

    Gates, or queries, keys and values, often lie one behind another in one tensor: no half, third or quarter of it
    may stay without. Single rows may: a ReLU can be off, and a text asks for few rows of a table.
    """
    module = subject.build().train()
    learner = subject.learner(module)
    if not isinstance(learner, Gradient):
        raise Skipped("the model counts: it has no parameter for a gradient to reach")
    reached = {name: torch.zeros_like(each, dtype=torch.bool) for name, each in _learned(module).items()}
    for name, parameter in _learned(module).items():
        parameter.register_hook(lambda value, name=name: _note(reached, name, value))  # type: ignore[no-untyped-call]
    for step in range(FEW):  # more than one: layers that start at 0 pass nothing on at first
        learner.learn(subject.examples, step, 1.0)
    if lost := [name for name, found in reached.items() if not bool(found.any())]:
        raise Fails(f"no gradient reaches {', '.join(lost[:3])}: use it in forward, or set requires_grad to False")
    layers = _layers(subject, module)
    for name in layers:
        if (part := _dead(reached[name])) is not None:
            raise Fails(
                f"no gradient reaches rows {part.start} to {part.stop - 1} of {name}: "
                "use that part in forward, or look for a detach() behind it"
            )
    return f"reaches all {len(reached)} parameter tensors, and every part of {len(layers)} layers"


def _learned(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: each for name, each in module.named_parameters() if each.requires_grad}


def _note(reached: dict[str, Tensor], name: str, value: Tensor) -> None:
    reached[name] |= value != 0


def _layers(subject: Subject, module: nn.Module) -> list[str]:
    """The weights of linear and recurrent layers: each of their rows has work to do for every token.

    Left out are tables, which have a row for each token, or for each pair of places: no text asks for all of them.
    """
    vocab, places = subject.tokenizer.vocab_size, (subject.context, subject.context)
    kinds = nn.Linear | nn.RNNBase | nn.RNNCellBase
    layers = {path for path, layer in module.named_modules() if isinstance(layer, kinds)}
    return [
        name
        for name, weight in _learned(module).items()
        if name.rpartition(".")[0] in layers and weight.dim() > 1
        if len(weight) not in (vocab, vocab + 1) and tuple(weight.shape) != places
    ]


def _dead(reached: Tensor) -> range | None:
    """The first half, third or quarter of a weight's rows that no gradient has reached; None where there is none."""
    rows = reached.flatten(1).any(1)  # (rows,)
    for parts in (2, 3, 4):
        size = len(rows) // parts
        if size >= FEWEST_ROWS and len(rows) % parts == 0:
            for start in range(0, len(rows), size):
                if not bool(rows[start : start + size].any()):
                    return range(start, start + size)
    return None


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
