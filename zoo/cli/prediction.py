"""`python -m zoo predict` and `trace`: use a model on a text."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli import BadInput, installed, one_thread

if TYPE_CHECKING:
    from zoo.inference import LoadedModel
    from zoo.trace.trace import Trace
    from zoo.trace.verify import Check


def predict_command(options: argparse.Namespace) -> int:
    """Print the most probable next tokens, with probabilities over the full vocabulary at temperature 1."""
    model = _load(options)
    found = model.predict(options.prompt, options.top)
    _say_unknown(model, options.prompt)
    if options.json:
        print(json.dumps([asdict(each) for each in found]))
        return 0
    width = max(len(repr(each.token)) for each in found)
    for each in found:
        print(f"{each.token!r:{width}}  id {each.id:6d}  logit {each.logit:9.4f}  {each.prob:8.4%}")
    return 0


def trace_command(options: argparse.Namespace) -> int:
    """Save every step under its schema name, and say whether the numbers hold; returns 1 where one does not."""
    from zoo.trace.verify import verify

    model = _load(options)
    trace = model.trace(options.prompt)
    _save(trace, Path(options.out))
    _say_unknown(model, options.prompt)
    checks = verify(trace)
    if options.json:
        report = {"out": options.out, "steps": len(trace.steps), "checks": [asdict(each) for each in checks]}
        print(json.dumps(report))
    else:
        print(f"{len(trace.steps)} steps of {len(trace.ids)} tokens saved in {options.out}")
        print("\n".join(_summary(checks)))
    return int(any(each.ok is False for each in checks))


def _load(options: argparse.Namespace) -> LoadedModel:
    from zoo.inference import load

    one_thread()
    return load(options.model, untrained=options.untrained, seed=options.seed, registry=installed())


def _say_unknown(model: LoadedModel, prompt: str) -> None:
    """On standard error: how much of the prompt a tokenizer of whole words lacks. The model answers all the same."""
    from zoo.tokenizers import UNKNOWN

    ids = model.tokenizer.encode(prompt).ids
    lacking = model.tokenizer.raw.token_to_id(UNKNOWN)
    if unknown := sum(each == lacking for each in ids):
        print(f"zoo: note: {unknown} of the text's {len(ids)} tokens are unknown to {model.title}", file=sys.stderr)


def _save(trace: Trace, path: Path) -> None:
    from safetensors import SafetensorError

    if path.is_dir():
        raise BadInput(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise BadInput(f"cannot write {path}: there is no folder {path.parent}")
    try:
        trace.save(path)
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"cannot write {path}: {reason}") from error


def _summary(checks: list[Check]) -> list[str]:
    held = [each for each in checks if each.ok]
    largest = max((each.max_error or 0.0 for each in held), default=0.0)
    lines = [f"{len(held)} identities recomputed and found true, largest difference {largest:.1e}"]
    reasons = sorted({each.reason for each in checks if each.ok is None})
    if reasons:
        count = sum(each.ok is None for each in checks)
        lines.append(f"{count} cannot be recomputed: {reasons[0]}" + (" (and other reasons)" if reasons[1:] else ""))
    return lines + [f"FALSE: {each.step} ({each.formula}): {each.reason}" for each in checks if each.ok is False]
