"""How a vocabulary spells its entries, and the text that one writes: bytes in disguise, spaces made visible."""

from __future__ import annotations

import json
import re
from typing import Any

import tokenizers

BYTES = {
    char: byte
    for char, byte in zip(
        [chr(b) for b in (*range(33, 127), *range(161, 173), *range(174, 256))] + [chr(256 + n) for n in range(68)],
        [*range(33, 127), *range(161, 173), *range(174, 256), *range(33), *range(127, 161), 173],
        strict=True,
    )
}
"""Byte-level tokenizers write each byte as one printable character (Radford et al. 2019); this reads it back."""


def decoding_steps(raw: tokenizers.Tokenizer) -> dict[str, Any]:
    """What the tokenizer itself does to turn names into text: kind of step -> its settings."""
    if raw.decoder is None:
        return {}
    state = json.loads(raw.decoder.__getstate__())
    return {step["type"]: step for step in state.get("decoders", [state])}


def readable(name: str, steps: dict[str, Any]) -> str:
    """The text that a vocabulary entry writes, read as the tokenizer's own decoder reads it."""
    if "ByteLevel" in steps and all(char in BYTES for char in name):
        return characters(bytes(BYTES[char] for char in name))
    if "ByteFallback" in steps and re.fullmatch("<0x[0-9A-F]{2}>", name):
        return characters(bytes([int(name[3:5], 16)]))
    if "Replace" in steps and steps["Replace"]["pattern"].get("String") == SPACE:
        return name.replace(SPACE, steps["Replace"]["content"])
    return name.replace(SPACE, " ") if "Metaspace" in steps else name


SPACE = "\u2581"
"""How SentencePiece writes a space inside a vocabulary entry."""


def characters(raw: bytes) -> str:
    """Bytes as text; those that are no whole character as <0xE2>."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        broken = "".join(f"<0x{byte:02X}>" for byte in raw[error.start : error.end])
        return raw[: error.start].decode() + broken + characters(raw[error.end :])
