"""Small models of every family with weights far from their initial values, for the tests of what a trace shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from zoo.inference import LoadedModel, to_trace
from zoo.plugin import ModelPlugin, context_of
from zoo.registry import discover
from zoo.tokenizers import Tokenizer
from zoo.trace.record import record_trace
from zoo.trace.trace import Trace

VOCAB = 11
PLUGINS: dict[str, ModelPlugin] = {
    each.spec.id.removeprefix("zoo/"): each for each in discover([]).plugins.values() if each.spec.id.startswith("zoo/")
}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {}) for name in PLUGINS} | {
    f"seq2seq-attention, {kind}": ("seq2seq-attention", {"attention": kind}) for kind in ("luong-general", "bahdanau")
}
"""What to call a model -> its plugin, and what is set in its Config besides the sizes."""

_SIZES = {"blocks": 2, "heads": 2, "width": 8, "context": 32, "window": 3, "hidden": 9, "layers": 2, "order": 3}
_IDS = {"translate": [3, 1, 4, 1, VOCAB, 5, 2], "masked-token": [3, 1, VOCAB, 4, 1], "cbow": [3, 1, VOCAB, 4, 1]}


def ids_for(plugin: ModelPlugin) -> list[int]:
    """A short text for the plugin's task; a translator's source has 4 tokens, its answer 3 with the mark."""
    return _IDS.get(plugin.spec.task, [3, 1, 4, 1, 5, 9])


def built(name: str, vocab: int = VOCAB, seed: int = 0) -> tuple[ModelPlugin, Any, Any]:
    """Plugin, config and module of a variant: all weights random, or for a counting model, random text counted."""
    base, more = VARIANTS[name]
    plugin = PLUGINS[base]
    config = plugin.Config(**{key: size for key, size in _SIZES.items() if key in plugin.Config.model_fields} | more)
    module, generator = plugin.build(config, vocab), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.5, generator=generator)
    if hasattr(module, "count"):
        module.count(torch.randint(0, min(vocab, 256), (20, 12), generator=generator))
    return plugin, config, module.eval()


def trace_of(name: str, ids: list[int] | None = None, seed: int = 0, **passing: Any) -> Trace:
    """A trace of a variant, with its weights."""
    plugin, _, module = built(name, seed=seed)
    ids = ids_for(plugin) if ids is None else ids
    recording = record_trace(module, torch.tensor([ids]), names=plugin.names(), **passing)
    anatomy = plugin.anatomy(module)
    if anatomy is not None:
        anatomy = replace(anatomy, params={key: value.detach().numpy() for key, value in anatomy.params.items()})
    return to_trace(recording, plugin.spec.id, ids, [f"t{at}" for at in range(len(ids))], anatomy)


def loaded(name: str, tokenizer: Tokenizer) -> LoadedModel:
    """A variant as the pages get it."""
    plugin, config, module = built(name, tokenizer.vocab_size)
    spec = plugin.spec
    return LoadedModel(
        spec.id, spec.title, spec.family, "", module, tokenizer, context_of(config),
        names=plugin.names(), anatomy=plugin.anatomy(module), task=spec.task,
    )  # fmt: skip
