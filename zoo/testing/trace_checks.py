"""Checks of what a trace shows of the model: it disturbs nothing, shows steps, names them rightly, and adds up."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from zoo.testing.subject import Fails, Skipped, Subject, gap, logits_of
from zoo.trace.record import Edit, record_trace
from zoo.trace.schema import entry
from zoo.trace.taps import INPUT_MARKS
from zoo.trace.trace import Trace
from zoo.trace.verify import verify

ALWAYS = {"logits", "probs"}
"""Steps that every trace has, whatever the model records."""


def changes_nothing(subject: Subject) -> str:
    """A traced pass gives the same logits, bit by bit, and leaves no hook and no mode behind."""
    module = subject.learned
    plain, hooks = logits_of(module, subject.ids()), _hooks(module)
    module.train()
    try:
        traced = record_trace(module, subject.ids(), names=subject.plugin.names()).output
        left = _hooks(module) != hooks or not all(each.training for each in module.modules())
    finally:
        module.eval()
    if not torch.equal(plain, traced):
        raise Fails(
            f"a traced pass moves the logits by {gap(plain, traced):.2g}:"
            " use what `record` returns, change nothing in place after it, and switch off dropout in eval mode"
        )
    if left:
        raise Fails("a traced pass leaves hooks or another mode behind: add no hooks in forward, don't call train()")
    return "same logits, no hook left"


def _hooks(module: nn.Module) -> list[tuple[int, int]]:
    return [(len(each._forward_hooks), len(each._forward_pre_hooks)) for each in module.modules()]


def records_steps(subject: Subject) -> str:
    """A learner finds something between the tokens and the logits, and every name in the table is a module's."""
    names = subject.plugin.names()
    paths = [path for path, _ in subject.module.named_modules()]
    for path in names or ():
        if not any(_matches(path, each) for each in paths):
            raise Fails(f"names() lists {path!r}, and no module has that path: correct or delete it")
    trace = subject.trace
    shown = [name for name in [*trace.steps, *trace.dropped] if name not in ALWAYS]
    if not shown and names is not None:
        raise Fails('the trace shows no step: return None from names(), or call record("…", value) in forward')
    if not shown:
        raise Fails('the trace shows no step: call record("…", value) on a value that forward computes')
    dropped = f", {len(trace.dropped)} too large to keep" if trace.dropped else ""
    return f"{len(shown)} steps between the tokens and the logits{dropped}"


def _matches(path: str, module: str) -> bool:
    """Whether a path of a name table means this module, or a value that is recorded inside of it."""
    for mark in INPUT_MARKS:
        path = path.removesuffix(mark)
    pattern = re.escape(path).replace(r"\{i\}", r"\d+")
    return re.fullmatch(pattern, module) is not None or re.match(re.escape(module) + r"\.\w+$", path) is not None


def follows_schema(subject: Subject) -> str:
    """A step with a name of the vocabulary has as many dimensions as it says, of the sizes that are known.

    Those are time, query, key, source and vocab; with an anatomy also the heads', the stream's width and the
    feed-forward's hidden size. A recurrent cell's width, an n-gram's order and a window are its author's own.
    """
    known = [name for name in subject.trace.steps if entry(name) is not None]
    for name in known:
        for problem in _misfits(subject, subject.trace, name):
            raise Fails(problem)
    return f"{len(known)} steps bear names of the vocabulary"


def _misfits(subject: Subject, trace: Trace, name: str) -> Iterator[str]:
    found = entry(name)
    assert found is not None
    sizes = _sizes(subject, trace, name)
    for array in trace.steps[name]:
        if array.ndim != len(found.dims):
            yield f"{name} has shape {array.shape}; the vocabulary says ({', '.join(found.dims)}): reshape or rename it"
            return
        for dim, size in zip(found.dims, array.shape, strict=True):
            if dim in sizes and size != sizes[dim]:
                yield f"{name} has {size} along {dim}, and the model {sizes[dim]}: transpose or rename it"


def _sizes(subject: Subject, trace: Trace, name: str) -> dict[str, int]:
    """What is known of the dimensions' sizes: a translator's encoder sees the source, its decoder the rest."""
    target = len(trace.ids) - trace.source
    time = trace.source if name.startswith("encoder.") else target
    sizes = {"time": time, "query": time, "key": time, "vocab": subject.tokenizer.vocab_size}
    if trace.source:
        sizes["source"] = trace.source
    if (anatomy := trace.anatomy) is not None and anatomy.blocks:
        sizes |= {"head": anatomy.heads, "kv_head": anatomy.kv_heads, "head_dim": anatomy.head_dim}
    return sizes | _widths(trace, name)


def _widths(trace: Trace, name: str) -> dict[str, int]:
    """The sizes that stand in the weights, of a step of a stream: its embedding's width, its feed-forward's inside."""
    found = re.match(r"(encoder\.|decoder\.)?(embed\.|final_norm$|window\.|blocks\.\d+\.(?!cell\.))", name)
    if found is None:
        return {}
    half, block = found[1] or "", found[2]
    params = trace.params
    tables = [params[each] for each in (f"{half}embed.W_E", "embed.W_E") if each in params]
    inside = params.get(f"{half}{block}mlp.W_in")
    sizes = {} if not tables else {"width": tables[0].shape[1]}
    return sizes if inside is None else sizes | {"hidden": inside.shape[1]}


def arithmetic(subject: Subject) -> str:
    """Every step that can be recomputed from the numbers beside it comes out the same."""
    checks = verify(subject.trace)
    for check in checks:
        if check.ok is False:
            rule = check.formula or "its own name"
            raise Fails(f"{check.step} breaks {rule}: record it where it is computed, or rename it ({check.reason})")
    held = sum(check.ok is True for check in checks)
    if not held:
        raise Skipped("no step can be recomputed from others")
    return f"{held} of {len(checks)} identities recomputed and found true"


def interventions(subject: Subject) -> str:
    """A step that is replaced moves the logits, and only in that pass.

    Each that the author has named; where every module's output is shown, some may lead nowhere.
    """
    module, ids, names = subject.learned, subject.ids(), subject.plugin.names()
    before = logits_of(module, ids)
    recording = record_trace(module, ids, names=names)
    named = record_trace(module, ids, names=names or {}).steps
    steps = [name for name, calls in recording.steps.items() if calls[0].is_floating_point()]
    acting = [name for name in steps if any(_acts(subject, name, each, recording.output) for each in (_zero, _noisy))]
    for name in steps:
        if name not in acting and (name in named or not acting):
            raise Fails(f"replacing {name} changes no logit: go on with what `record` returns, x = record({name!r}, x)")
    if not torch.equal(before, logits_of(module, ids)):
        raise Fails("an intervention is felt after its pass: in forward, keep nothing for the next call")
    return f"{len(acting)} of {len(steps)} steps move the logits where they are replaced, and nothing is left of it"


def _acts(subject: Subject, name: str, edit: Edit, plain: Tensor) -> bool:
    module, ids, names = subject.learned, subject.ids(), subject.plugin.names()
    try:
        return not torch.equal(plain, record_trace(module, ids, names=names, edits={name: edit}).output)
    except Exception as error:
        raise Fails(f"replacing {name} breaks forward: {type(error).__name__}: {error}") from error


def _zero(value: Tensor) -> Tensor:
    return torch.zeros_like(value)


def _noisy(value: Tensor) -> Tensor:
    """For a step that is zero everywhere: other numbers, the same at every call."""
    return value + torch.randn(value.shape, generator=torch.Generator().manual_seed(0)).to(value)
