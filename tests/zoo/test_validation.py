"""What pydantic finds wrong, as one line for a reader."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from zoo.validation import readable


class Inner(BaseModel):
    size: int = Field(ge=1)


class Outer(BaseModel):
    width: int = Field(8, le=1024)
    inner: Inner | None = None

    @model_validator(mode="after")
    def _even(self) -> Outer:
        if self.width % 2:
            raise ValueError("width must be even")
        return self


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"width": 5000}, "width: Input should be less than or equal to 1024 (got 5000)"),
        ({"inner": {}}, "inner.size: Field required"),
        ({"inner": {"size": 0}}, "inner.size: Input should be greater than or equal to 1 (got 0)"),
        ({"width": 7}, "width must be even"),
        (
            {"width": 5000, "inner": {}},
            "width: Input should be less than or equal to 1024 (got 5000); inner.size: Field required",
        ),
    ],
)
def test_one_line_that_names_the_field(fields: dict[str, object], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(fields)
    assert readable(caught.value) == line


def test_a_long_input_is_cut() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"width": "x" * 500})
    assert len(readable(caught.value)) < 200
