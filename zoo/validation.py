"""Pydantic's complaints in a reader's words, one line. Used by the command line, run folders and the app's forms."""

from __future__ import annotations

from pydantic import ValidationError


def readable(error: ValidationError) -> str:
    """One line: 'width: Input should be less than or equal to 1024 (got 5000); …'."""
    return "; ".join(_line(each["loc"], each["type"], each["msg"], each["input"]) for each in error.errors())


def _line(where: tuple[int | str, ...], kind: str, message: str, given: object) -> str:
    name = ".".join(map(str, where))
    text = message.removeprefix("Value error, ")
    if name and kind != "missing":
        text += f" (got {str(given)[:60]})"
    return f"{name}: {text}" if name else text
