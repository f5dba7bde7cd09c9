"""The matrix in which any number can be opened: a `Sheet` sent to the browser with its operands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from playground.components.bundle import pack
from playground.components.mount import show

if TYPE_CHECKING:
    from zoo.trace.sheet import Sheet

_FIELDS = (
    *("step", "title", "about", "kind", "formula", "row_axis", "column_axis", "row_labels", "column_labels"),
    *("layer_labels", "columns", "first_column", "column_ids", "operand_names", "constants", "error", "reason"),
)


def matrix(sheet: Sheet, *, key: str, layer: int | None = None, row: int | None = None) -> None:
    """Show a step's numbers; each opens to the arithmetic that made it, in place.

    Layers (heads), cells and the arithmetic need no trip to the server: the operands travel along.
    The open cell and the layer are kept while the step stays the same.

    Args:
        sheet: the step with its operands.
        key: the component's key; unique on the page.
        layer: the head to show; the reader's own choice holds until this changes.
        row: a row to mark: the token that the page's other views are about.
    """
    show("matrix", prepare(sheet, key, layer=layer, row=row), key=key)


def prepare(sheet: Sheet, key: str, *, layer: int | None = None, row: int | None = None) -> bytes:
    """The sheet as bytes for the browser.

    Raises:
        ValueError: the values are not (layers, rows, columns), or the labels don't fit them.
    """
    head: dict[str, Any] = {name: getattr(sheet, name) for name in _FIELDS}
    check_labels(sheet)
    operands = {name: np.asarray(array) for name, array in sheet.operands.items() if not name.startswith("_")}
    head |= {"key": key, "layer": layer, "row": row, "operands": list(operands)}
    arrays = {f"operand.{name}": array for name, array in operands.items()}
    return pack(head, {"values": _float32(sheet.values), **arrays})


def check_labels(sheet: Sheet) -> None:
    """Raise ValueError unless there is one label for each layer, row and column."""
    shape = sheet.values.shape
    labels = (len(sheet.layer_labels), len(sheet.row_labels), len(sheet.column_labels))
    if shape != labels:
        raise ValueError(f"{sheet.step}: values of shape {shape} but {labels} labels of layers, rows and columns")


def _float32(array: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(array, dtype=np.float32)
