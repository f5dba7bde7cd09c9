"""The weights of layers under the names of an `Anatomy`, in "input @ W" orientation. Used by models' `anatomy()`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from zoo.layers.recurrent import RecurrentLayer, gate_weights

Params = dict[str, Tensor]


def linear(layer: nn.Linear, weight: str, bias: str = "") -> Params:
    """A matrix (inputs, outputs), and its bias where it has one."""
    return {weight: layer.weight.mT} | ({bias: layer.bias} if bias and layer.bias is not None else {})


def cells(layers: Iterable[nn.Module], half: str = "") -> Params:
    """Of recurrent layers: `layers.{l}.cell.W_xi`, `…W_hi`, `…b_i` for each gate; `half` is "encoder.", "decoder."."""
    found: Params = {}
    for number, layer in enumerate(layers):
        assert isinstance(layer, RecurrentLayer)
        for letter, gate in gate_weights(layer).items():
            cell = f"{half}layers.{number}.cell"
            found |= {f"{cell}.W_x{letter}": gate.W_x, f"{cell}.W_h{letter}": gate.W_h, f"{cell}.b_{letter}": gate.b}
            found |= {f"{cell}.b_h{letter}": gate.b_h} if gate.b_h is not None else {}
    return found


def held(params: Mapping[str, Tensor]) -> Params:
    """The weights as they are, without their gradients."""
    return {name: tensor.detach() for name, tensor in params.items()}
