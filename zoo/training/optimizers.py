"""Two optimisers from torch behind one face: Muon for the blocks' matrices, AdamW for the rest.

Muon (Jordan 2024) replaces a matrix's momentum by the nearest rotation-like matrix, so that every
direction learns at the same pace. Embeddings, the output layer, norms and biases stay with AdamW.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.training.recipe import Recipe


class Optimizers:
    """The optimisers of one run, stepped together."""

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        matrices, rest = split(module) if recipe.optimizer == "muon" else ([], list(module.parameters()))
        decay = recipe.weight_decay
        self._parameters = [*matrices, *rest]
        self._clip = recipe.clip
        self._all: list[torch.optim.Optimizer] = []
        if matrices:
            self._all.append(torch.optim.Muon(matrices, lr=recipe.matrix_rate, momentum=0.95, weight_decay=decay))
        self._all.append(torch.optim.AdamW(rest, lr=recipe.rate, betas=(0.9, 0.99), eps=1e-10, weight_decay=decay))
        self._rates = [each.param_groups[0]["lr"] for each in self._all]

    def step(self, factor: float) -> None:
        """Clip the gradient, take one step at `factor` times the recipe's rates, clear the gradient."""
        nn.utils.clip_grad_norm_(self._parameters, self._clip)
        for optimizer, rate in zip(self._all, self._rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

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


def split(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The matrices inside the model, for Muon; embeddings, the last layer, norms and biases, for AdamW."""
    tables = {id(each.weight) for each in module.modules() if isinstance(each, nn.Embedding)}
    linears = [each for each in module.modules() if isinstance(each, nn.Linear)]
    outer = tables | ({id(linears[-1].weight)} if linears else set())
    inner = {id(each.weight) for each in linears} - outer
    parameters = [each for each in module.parameters() if each.requires_grad]
    return [p for p in parameters if id(p) in inner], [p for p in parameters if id(p) not in inner]
