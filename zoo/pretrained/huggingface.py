"""Causal language models in Hugging Face format, from a folder on this machine.

A folder holds config.json, model.safetensors and tokenizer.json. Nothing is fetched, no pickle is
opened and no code of the folder's is run. `zoo.inference` wraps what `load_huggingface` returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.plugin import Anatomy
from zoo.pretrained.attention import register
from zoo.pretrained.families import ARCHITECTURES, Architecture
from zoo.shuffling import shuffle_weights
from zoo.tokenizers import Tokenizer
from zoo.training.run import seeded_build

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_BUFFERS = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")  # masks and angles that old files also hold


class CausalLM(nn.Module):
    """ids (B, T) -> logits (B, T, V): a transformers model behind the zoo's own signature."""

    def __init__(self, model: nn.Module, context: int) -> None:
        super().__init__()
        self.model, self.context = model, context

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of every position.

        Raises:
            ValueError: the text is longer than the context.
        """
        if ids.shape[1] > self.context:
            raise ValueError(f"the text has {ids.shape[1]} tokens; this model reads at most {self.context}")
        logits: Tensor = self.model(input_ids=ids, use_cache=False).logits
        return logits


@dataclass(frozen=True)
class Pretrained:
    """A loaded model with all that is needed to run, trace and explain it."""

    module: CausalLM
    """In eval mode, float32, on the CPU."""
    tokenizer: Tokenizer
    names: Mapping[str, str]
    """Module path -> schema name (see `ModelPlugin.names`)."""
    anatomy: Anatomy
    context: int
    """The longest text that it reads, in tokens."""
    title: str
    family: str
    summary: str
    bos: int | None = None
    """The id that stands before every text, where the tokenizer was made to put one there."""


def is_huggingface_folder(path: str | Path) -> bool:
    """Whether `path` is a folder with a config.json, and so worth giving to `load_huggingface`."""
    return (Path(path) / "config.json").is_file()


def load_huggingface(
    path: str | Path, *, untrained_seed: int | None = None, shuffled_seed: int | None = None
) -> Pretrained:
    """Read a GPT-2 or Llama model from a folder.

    With `untrained_seed` the weights are not read: the same architecture gets random ones, drawn as
    its authors draw them before training, the same for the same seed. With `shuffled_seed` the
    trained weights are put into a random order within each tensor.

    Raises:
        ValueError: a file is missing or broken, or the architecture cannot be shown truthfully.
    """
    folder = Path(path)
    architecture, settings = _read_config(folder)
    tokenizer, bos = _load_tokenizer(folder)
    register()
    with _quiet():
        config = _configure(folder, architecture, settings)
        if tokenizer.vocab_size > config.vocab_size:
            raise ValueError(
                f"{folder}: the tokenizer has {tokenizer.vocab_size} tokens and the model knows only "
                f"{config.vocab_size}; tokenizer.json and config.json do not belong together"
            )
        model = (
            _load(folder, architecture, config)
            if untrained_seed is None
            else _initialise(architecture, config, untrained_seed)
        )
    if shuffled_seed is not None:
        shuffle_weights(model, shuffled_seed)
    architecture.prepare(model)
    anatomy, context = architecture.anatomy(model), int(config.max_position_embeddings)
    return Pretrained(
        module=CausalLM(model, context).eval(),
        tokenizer=tokenizer,
        names=architecture.names,
        anatomy=anatomy,
        context=context,
        title=folder.resolve().name,
        family="gpt",
        summary=_summary(architecture, model, anatomy, untrained_seed, shuffled_seed),
        bos=bos,
    )


def _read_config(folder: Path) -> tuple[Architecture, dict[str, Any]]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    if not is_huggingface_folder(folder):
        raise ValueError(f"{folder} has no config.json; a model in Hugging Face format has one")
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / 'config.json'} is not readable JSON: {error}") from error
    kind = settings.get("model_type") if isinstance(settings, dict) else None
    if not isinstance(kind, str) or kind not in ARCHITECTURES:
        known = ", ".join(f"{each.title} ({each.model_type})" for each in ARCHITECTURES.values())
        raise ValueError(f"{folder}: architecture {kind!r} is not supported; these are: {known}")
    return ARCHITECTURES[kind], settings


def _configure(folder: Path, architecture: Architecture, settings: dict[str, Any]) -> Any:
    """The library's configuration object, refused where its numbers would be shown wrong."""
    try:
        config = getattr(_package(architecture, "configuration"), architecture.config_class).from_dict(settings)
    except Exception as error:  # the library's validators raise several kinds
        raise ValueError(f"{folder / 'config.json'} is no valid {architecture.title} config: {_line(error)}") from error
    reason = "its weights are quantised" if "quantization_config" in settings else architecture.refusal(config)
    if reason is None and not settings.get("is_causal", True):
        reason = "its attention also looks at the future"
    if reason is not None:
        raise ValueError(f"{folder}: this {architecture.title} model is not supported: {reason}")
    return config


def _load(folder: Path, architecture: Architecture, config: Any) -> Any:
    """The trained model; every weight must be there, have the right shape, and be used."""
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise ValueError(f"{folder} has no model.safetensors; weights in other formats are not read")
    try:
        model, report = _model_class(architecture).from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            attn_implementation=architecture.attention,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # reported below, in one sentence
            output_loading_info=True,
        )
    except Exception as error:  # safetensors, shapes, memory: many kinds
        raise ValueError(f"{folder}: the weights cannot be read: {_line(error)}") from error
    unused = [name for name in report["unexpected_keys"] if not name.endswith(_BUFFERS)]
    for problem, found in (
        ("are missing", report["missing_keys"]),
        ("have another shape than config.json says", report["mismatched_keys"]),
        ("have no place in the model that config.json describes", unused),
    ):
        if found:
            first = min(each if isinstance(each, str) else str(each[0]) for each in found)
            others = f" and {len(found) - 1} more" if len(found) > 1 else ""
            raise ValueError(f"{folder}: weights {problem}: {first}{others}")
    return model


def _initialise(architecture: Architecture, config: Any, seed: int) -> Any:
    """The same architecture before training."""
    made = {"dtype": torch.float32, "attn_implementation": architecture.attention}
    return seeded_build(lambda: _model_class(architecture)._from_config(config, **made), seed)


def _load_tokenizer(folder: Path) -> tuple[Tokenizer, int | None]:
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise ValueError(f"{folder} has no tokenizer.json; save the tokenizer in its fast form beside the weights")
    tokenizer = Tokenizer.load(file)
    return tokenizer, _beginning(folder, tokenizer)


def _beginning(folder: Path, tokenizer: Tokenizer) -> int | None:
    """The id that the tokenizer puts before every text, as tokenizer_config.json or its template says."""
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        settings = {}
    settings = settings if isinstance(settings, dict) else {}
    wanted = settings.get("add_bos_token")
    if wanted is False:
        return None
    if wanted is True:
        token = settings.get("bos_token")
        name = token.get("content") if isinstance(token, dict) else token
        if isinstance(name, str) and (found := tokenizer.raw.token_to_id(name)) is not None:
            return int(found)
    encoded = tokenizer.raw.encode("a", add_special_tokens=True)
    return int(encoded.ids[0]) if encoded.special_tokens_mask[:1] == [1] else None


def _package(architecture: Architecture, part: str) -> Any:
    """One module of the library, imported only now: the import takes seconds."""
    kind = architecture.model_type
    return import_module(f"transformers.models.{kind}.{part}_{kind}")


def _model_class(architecture: Architecture) -> Any:
    return getattr(_package(architecture, "modeling"), architecture.model_class)


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no load report on the terminal: what matters is raised."""
    logging: Any = import_module("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _summary(
    architecture: Architecture, model: nn.Module, anatomy: Anatomy, untrained: int | None, shuffled: int | None
) -> str:
    heads = f"{anatomy.heads} heads"
    if anatomy.kv_heads != anatomy.heads:
        heads += f" that share {anatomy.kv_heads} keys and values"
    weights = "read from its folder" if untrained is None else f"random (seed {untrained}): it has learned nothing"
    if shuffled is not None:
        weights += f" and shuffled (seed {shuffled})"
    size = sum(each.numel() for each in model.parameters())
    return f"A {architecture.title} of {anatomy.blocks} blocks with {heads}; {size:,} weights, {weights}."


def _line(error: Exception) -> str:
    """A library's message on one line."""
    return " ".join(str(error).split()) or type(error).__name__
