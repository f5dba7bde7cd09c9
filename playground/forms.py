"""A pydantic `Config` as Streamlit widgets, and what was typed back as a validated config.

Any plugin's config has a form: numbers, choices and switches get a widget of their own, and whatever
is none of these is typed as JSON. pydantic has the last word, in one readable sentence.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from zoo.validation import readable

Model = TypeVar("Model", bound=BaseModel)
Kind = Literal["whole", "real", "switch", "choice", "text", "json"]

IN_A_ROW = 4
"""How many widgets stand side by side where there is room."""
FINEST = 1e-6
"""The smallest positive number that a field "greater than zero" takes in its widget."""


@dataclass(frozen=True)
class Knob:
    """One field of a config, as it is asked for."""

    name: str
    kind: Kind
    default: Any
    least: float | None = None
    most: float | None = None
    choices: tuple[Any, ...] = ()
    about: str = ""
    """The field's description."""
    optional: bool = False
    """An empty box is allowed, and means None."""

    @property
    def label(self) -> str:
        """The field's name as words: matrix_rate -> Matrix rate."""
        return (self.name[:1].upper() + self.name[1:]).replace("_", " ")


def knobs(config: type[BaseModel], defaults: Mapping[str, object] | None = None) -> list[Knob]:
    """The fields of a config in their own order; `defaults` win over the config's."""
    given = defaults or {}
    return [_knob(name, field, given) for name, field in config.model_fields.items()]


def draw(knobs: Sequence[Knob], prefix: str) -> dict[str, Any]:
    """The widgets, in rows, each kept for the session under "<prefix>.<name>"; what stands in them by name."""
    values: dict[str, Any] = {}
    for start in range(0, len(knobs), IN_A_ROW):
        row = knobs[start : start + IN_A_ROW]
        for column, knob in zip(st.columns(IN_A_ROW, vertical_alignment="bottom"), row, strict=False):
            with column:
                values[knob.name] = _widget(knob, f"{prefix}.{knob.name}")
    return values


def validated(config: type[Model], values: Mapping[str, Any]) -> Model:
    """What was typed, as a config.

    Raises:
        ValueError: with one line that names each field that is wrong, and why.
    """
    try:
        return config.model_validate(_parsed(config, values))
    except ValidationError as error:
        raise ValueError(readable(error)) from error


def held(knob: Knob, value: float | None) -> float | None:
    """A number within the knob's range: a plugin's own default may lie outside of it."""
    if value is None:
        return None
    inside = min(max(value, knob.least if knob.least is not None else value), value if knob.most is None else knob.most)
    return int(inside) if knob.kind == "whole" else float(inside)


def _parsed(config: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with those that were typed as JSON read; an empty box of an optional field is None."""
    read = dict(values)
    for knob in knobs(config):
        value = read.get(knob.name)
        if knob.optional and value == "":
            read[knob.name] = None
        elif knob.kind == "json" and isinstance(value, str):
            try:
                read[knob.name] = json.loads(value)
            except ValueError as error:
                raise ValueError(f"{knob.name}: {value[:60]!r} is not JSON: {error}") from error
    return read


def _knob(name: str, field: FieldInfo, given: Mapping[str, object]) -> Knob:
    kind, choices, optional = _kind(field.annotation)
    least, most = _range(field, kind)
    default = given[name] if name in given else field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        default = _something(kind, choices, least)
    return Knob(name, kind, default, least, most, choices, field.description or "", optional)


def _kind(annotation: Any) -> tuple[Kind, tuple[Any, ...], bool]:
    """What widget a type asks for, its choices, and whether it may be None."""
    optional = False
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [each for each in get_args(annotation) if each is not type(None)]
        optional = len(inner) < len(get_args(annotation))
        if len(inner) != 1:
            return "json", (), optional
        annotation = inner[0]
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation), optional
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "choice", tuple(each.value for each in annotation), optional
    plain: dict[Any, Kind] = {bool: "switch", int: "whole", float: "real", str: "text"}
    kind = plain.get(annotation, "json")
    return ("json" if kind == "switch" and optional else kind), (), optional


def _range(field: FieldInfo, kind: Kind) -> tuple[float | None, float | None]:
    """The bounds that the widget keeps to; an open bound moves to the nearest number inside."""
    least: float | None = None
    most: float | None = None
    inside = 1.0 if kind == "whole" else FINEST
    for rule in field.metadata:
        if isinstance(rule, Ge) and isinstance(rule.ge, int | float):
            least = rule.ge
        elif isinstance(rule, Gt) and isinstance(rule.gt, int | float):
            least = rule.gt + inside
        elif isinstance(rule, Le) and isinstance(rule.le, int | float):
            most = rule.le
        elif isinstance(rule, Lt) and isinstance(rule.lt, int | float):
            most = rule.lt - inside
    return _exact(least), _exact(most)


def _exact(bound: float | None) -> float | None:
    """A bound that the browser can hold exactly; a larger one is left to pydantic."""
    return None if bound is None or abs(bound) > 2**53 - 1 else bound


def _something(kind: Kind, choices: tuple[Any, ...], least: float | None) -> Any:
    """A first value for a field that has no default."""
    numbers: dict[str, Any] = {"whole": int(least or 0), "real": float(least or 0.0), "switch": False, "json": None}
    return choices[0] if kind == "choice" else numbers.get(kind, "")


def _shown(knob: Knob) -> Any:
    """The default as its widget holds it."""
    value = knob.default.value if isinstance(knob.default, Enum) else knob.default
    if knob.kind == "json":
        return "" if value is None and knob.optional else json.dumps(_plain(value))
    if knob.kind in ("whole", "real") and value is not None:
        return int(value) if knob.kind == "whole" else float(value)
    return "" if value is None and knob.kind == "text" else value


def _plain(value: Any) -> Any:
    """A nested config as what JSON can write."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple | set | frozenset) else value


def _widget(knob: Knob, key: str) -> Any:
    about = knob.about or None
    if key not in st.session_state:
        st.session_state[key] = _shown(knob)
    if knob.kind in ("whole", "real"):
        st.session_state[key] = held(knob, st.session_state[key])
        return _number(knob, key)
    if knob.kind == "switch":
        return st.toggle(knob.label, key=key, help=about, persist_state="session")
    if knob.kind == "choice":
        choices = [*([None] if knob.optional else []), *knob.choices]
        return st.selectbox(
            knob.label,
            choices,
            format_func=lambda value: "none" if value is None else str(value),
            key=key,
            help=about,
            persist_state="session",
        )
    return st.text_input(knob.label, key=key, help=about, persist_state="session")


def _number(knob: Knob, key: str) -> Any:
    whole = knob.kind == "whole"
    cast: Any = int if whole else float  # Streamlit wants the bounds of the value's own type
    step: Any = 1 if whole else _step(knob)
    empty: Any = None if knob.optional else "min"
    return st.number_input(
        knob.label,
        min_value=None if knob.least is None else cast(knob.least),
        max_value=None if knob.most is None else cast(knob.most),
        value=empty,
        step=step,
        format="%d" if whole else "%g",
        key=key,
        help=knob.about or None,
        placeholder="none" if knob.optional else None,
        persist_state="session",
    )


def _step(knob: Knob) -> float:
    """A tenth of the default's power of ten: 0.003 -> 0.0001."""
    value = abs(float(knob.default or 0))
    return float(f"1e{int(f'{value:e}'.split('e')[1]) - 1}") if value else 0.01
