"""Two optimisers behind one face: Muon for the blocks' matrices, AdamW for the rest.

Embeddings, the output layer, norms and biases stay with AdamW (Loshchilov and Hutter 2019): a row of a
table is one token's own, and has no directions to share with the others. The output layer may have a rate
of its own. Used by `train` and the conformance kit.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from zoo.training.muon import Muon
from zoo.training.recipe import Recipe

MOMENTUM = 0.9
"""How much of Muon's direction comes from the steps before. In brief trainings better than the usual 0.95."""


class Optimizers:
    """The optimisers of one run, stepped together.

    Raises:
        ValueError: the module has nothing to learn.
    """

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        self._parameters = [each for each in module.parameters() if each.requires_grad]
        if not self._parameters:
            raise ValueError("the model has nothing to learn: none of its parameters asks for a gradient")
        matrices, rest = split(module)
        groups = _groups(rest, output_layer(module), recipe)
        self._clip = recipe.clip
        self._all: list[torch.optim.Optimizer] = []
        if recipe.optimizer == "adamw":
            groups.append({"params": matrices, "lr": recipe.rate, "weight_decay": recipe.weight_decay})
        elif matrices:
            self._all.append(Muon(matrices, lr=recipe.matrix_rate, momentum=MOMENTUM, weight_decay=recipe.weight_decay))
        if groups := [each for each in groups if each["params"]]:
            self._all.append(torch.optim.AdamW(groups, betas=(0.9, 0.99), eps=1e-10, fused=True))
        self._rates = [float(group["lr"]) for each in self._all for group in each.param_groups]

    def step(self, factor: float) -> float:
        """Clip the gradient, take one step at `factor` times the recipe's rates, clear the gradient.

        Returns the gradient's length before clipping. Where it is not finite, no step is taken.
        """
        length = self._clipped()
        groups = [group for each in self._all for group in each.param_groups]  # `load` puts others in their place
        for group, rate in zip(groups, self._rates, strict=True):
            group["lr"] = rate * factor
        for optimizer in self._all:
            if math.isfinite(length):
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return length

    def _clipped(self) -> float:
        """The gradient's length, before it is cut where it is too long."""
        length = nn.utils.get_total_norm(each.grad for each in self._parameters if each.grad is not None)
        if float(length) > self._clip:
            nn.utils.clip_grads_with_norm_(self._parameters, self._clip, length)
        return float(length)

    def state(self) -> dict[str, Tensor]:
        """Every tensor of the optimisers' memory, under a flat name."""
        return {
            f"{n}.{index}.{key}": torch.as_tensor(value)
            for n, optimizer in enumerate(self._all)
            for index, state in optimizer.state_dict()["state"].items()
            for key, value in state.items()
        }

    def load(self, flat: dict[str, Tensor]) -> None:
        """Take up the memory that `state` gave."""
        for n, optimizer in enumerate(self._all):
            whole = optimizer.state_dict()
            for name, value in flat.items():
                number, index, key = name.split(".", 2)
                if int(number) == n:
                    whole["state"].setdefault(int(index), {})[key] = value
            optimizer.load_state_dict(whole)


def _groups(parameters: list[nn.Parameter], output: nn.Linear | None, recipe: Recipe) -> list[dict[str, Any]]:
    """What is no matrix of the blocks, for AdamW: the output layer at the head rate, all else at the common one.

    Decay is theirs apart: it keeps a model from learning a short text by heart, but in a long one it makes
    a rare token's row fade while it waits for its turn. Norms and biases know none.
    """
    head = {id(each) for each in output.parameters()} if output is not None else set()
    tables = [p for p in parameters if p.ndim > 1]
    head_rate, decay = recipe.head_rate or recipe.rate, recipe.table_decay
    return [
        {"params": [p for p in tables if id(p) not in head], "lr": recipe.rate, "weight_decay": decay},
        {"params": [p for p in tables if id(p) in head], "lr": head_rate, "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim < 2], "lr": recipe.rate, "weight_decay": 0.0},
    ]


def split(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The matrices inside the model, for Muon; embeddings, the output layer, norms and biases, for AdamW."""
    outer = {id(each.weight) for each in module.modules() if isinstance(each, nn.Embedding)}
    if (output := output_layer(module)) is not None:
        outer.add(id(output.weight))
    inner = {id(each.weight) for each in module.modules() if isinstance(each, nn.Linear)} - outer
    parameters = [each for each in module.parameters() if each.requires_grad]
    return [p for p in parameters if id(p) in inner], [p for p in parameters if id(p) not in inner]


def output_layer(module: nn.Module) -> nn.Linear | None:
    """The layer that makes the logits: the last `nn.Linear` to run, if it has one output a token of the vocabulary.

    Found by running the module on one token: neither its name nor its place in the source says it.
    """
    ran: list[nn.Linear] = []
    linears = [each for each in module.modules() if isinstance(each, nn.Linear)]
    hooks = [each.register_forward_hook(lambda linear, *_: ran.append(linear)) for each in linears]
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        with torch.no_grad():
            token = torch.zeros(1, 1, dtype=torch.long)
            logits = module.translate(token, token) if hasattr(module, "translate") else module(token)  # type: ignore[operator]
    finally:
        for hook in hooks:
            hook.remove()
        for each in training:
            each.training = True
    return ran[-1] if ran and ran[-1].out_features == logits.shape[-1] else None
