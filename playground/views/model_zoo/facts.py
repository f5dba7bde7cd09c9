"""The figures of a card: parameters, memory, config, and what the weights were trained on. No model is loaded for them.

What is on disk is read from run.json, the last events, and the head of the weights' file. Where nobody has trained
a model, its default config is built once, to be counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import streamlit as st

from playground.engine import registry
from playground.run_files import last_event, read_header, run_info
from playground.text import count
from playground.views.model_zoo.offer import HUGGING_FACE, Card, settings_of

_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Bytes of one number, by its name in a safetensors file."""
_BUFFERS = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")
"""Masks and angles that some Hugging Face files hold beside the weights."""
_SETTINGS = (
    "num_hidden_layers",
    "hidden_size",
    "num_attention_heads",
    "n_layer",
    "n_embd",
    "n_head",
    "intermediate_size",
    "max_position_embeddings",
    "vocab_size",
    "tie_word_embeddings",
)
"""What is shown of a Hugging Face config, under its own names."""


@dataclass(frozen=True)
class Learned:
    """What weights were trained on, as the run's own files say."""

    corpus: str
    tokens: int | None = None
    step: int | None = None
    loss: float | None = None
    """Held-out, nats per prediction, at `step`."""
    bits: float | None = None
    """The same in bits per character, where it was measured."""
    licence: str = ""
    """Of the text, where the card says so."""
    card: str = ""
    """The model card in Markdown; "" where there is none."""
    examples: int | None = None
    """Held-out examples that the loss is the mean over."""


@dataclass(frozen=True)
class Facts:
    """A card's figures."""

    parameters: int | None = None
    memory: int | None = None
    """Bytes of the weights, as the app holds them."""
    disk: int | None = None
    """Bytes of the weights' file."""
    of: str = ""
    """What was counted, where it is no trained model."""
    config: dict[str, Any] = field(default_factory=dict)
    learned: Learned | None = None
    problem: str = ""
    """Why it could not be counted."""


def facts(card: Card) -> Facts:
    """The figures of a card, kept until its files change."""
    if not card.usable:
        return Facts(problem=card.problem or "It is not built before its packages are there.")
    if card.folder is None:
        return built(card.plugin, stamp(card.plugin))
    if card.origin == HUGGING_FACE:
        return _of_folder(str(card.folder), card.choice.stamp)
    return _of_run(str(card.folder), card.choice.stamp)


def stamp(model: str) -> int:
    """When a plugin's file was written; 0 where it is in no file of the user's."""
    path = Path(registry().sources.get(model, ""))
    return path.stat().st_mtime_ns if path.suffix == ".py" and path.is_file() else 0


@st.cache_data(max_entries=256, show_spinner=False)
def built(model: str, stamp: int) -> Facts:
    """A plugin's default config, built and counted, with the vocabulary that every page gives it."""
    from zoo.pretrained.shipped import shipped_tokenizer
    from zoo.training.run import parameter_count, seeded_build

    plugin, vocabulary = registry().get(model), shipped_tokenizer().vocab_size
    try:
        config = plugin.Config()
        module = seeded_build(lambda: plugin.build(config, vocabulary), 0)
        size = sum(each.numel() * each.element_size() for each in module.state_dict().values())
        of = f"default config, {count(vocabulary)} tokens"
        return Facts(parameter_count(module), size, of=of, config=config.model_dump(mode="json"))
    except Exception as error:  # a user's own plugin may raise anything
        return Facts(problem=f"It does not build: {type(error).__name__}: {error}")


@st.cache_data(max_entries=256, show_spinner=False)
def _of_run(folder: str, stamp: int) -> Facts:
    info, files = run_info(Path(folder)), _last_weights(Path(folder))
    tensors = [each for file in files for each in stored(file)]
    return Facts(
        parameters=_whole(info.get("parameters")),
        memory=sum(_in_memory(each) for each in tensors),
        disk=sum(file.stat().st_size for file in files),
        config=dict(info.get("config") or {}),
        learned=_learned(Path(folder), info),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _of_folder(folder: str, stamp: int) -> Facts:
    files = sorted(Path(folder).glob("*.safetensors"))
    tensors = [each for file in files for each in stored(file) if not each.name.endswith(_BUFFERS)]
    settings = settings_of(Path(folder))
    return Facts(
        parameters=sum(each.numbers for each in tensors),
        memory=sum(_in_memory(each) for each in tensors),
        disk=sum(file.stat().st_size for file in files),
        config={name: settings[name] for name in _SETTINGS if name in settings},
        learned=None,
    )


@dataclass(frozen=True)
class Stored:
    """One tensor of a safetensors file."""

    name: str
    kind: str
    numbers: int


def stored(path: Path) -> Iterator[Stored]:
    """What a safetensors file holds, from its head alone; nothing where the head cannot be read."""
    for name, entry in read_header(path).items():
        if name != "__metadata__":
            yield Stored(name, str(entry["dtype"]), prod(entry["shape"]))


def _in_memory(tensor: Stored) -> int:
    """Bytes after loading: every floating-point number becomes a float32."""
    return tensor.numbers * (4 if "F" in tensor.kind else _SIZES.get(tensor.kind, 4))


def _last_weights(folder: Path) -> list[Path]:
    """The file of a run's last kept step."""
    files = [path for path in folder.glob("checkpoints/*.safetensors") if path.stem.isdigit()]
    return [max(files, key=lambda path: int(path.stem))] if files else []


def _learned(folder: Path, info: dict[str, Any]) -> Learned:
    card = folder / "CARD.md"
    words = card.read_text(encoding="utf-8") if card.is_file() else ""
    corpus = str((info.get("corpus") or {}).get("name", "a text"))
    last = _last_weights(folder)
    scored = last_event(folder, "valid_loss", until=int(last[0].stem)) if last else None
    event: Mapping[str, Any] = scored or {}
    return Learned(
        corpus,
        _whole(event.get("tokens")),
        _whole(event.get("step")),
        event.get("valid_loss"),
        event.get("bits_per_character"),
        licence_of(words),
        words,
        _whole((info.get("recipe") or {}).get("held_out_windows")),
    )


def licence_of(card: str) -> str:
    """What a model card says of its text's licence; "" where it says nothing."""
    found = re.search(r"Licence:\s+([^.]+)\.", card)
    return " ".join(found[1].split()) if found else ""


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None
