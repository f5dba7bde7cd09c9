"""Checks of the model itself: it builds, gives logits, looks only back, learns, and comes back from a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import torch
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.inference import LoadedModel
from zoo.tasks.next_token import NextToken
from zoo.testing.subject import TEXTS, Fails, Skipped, Subject, logits_of
from zoo.training.optimizers import Optimizers
from zoo.training.recipe import Recipe
from zoo.training.run import parameter_count, weights_of
from zoo.validation import readable

STEPS = 30
FALL = 0.1
"""Nats by which the loss on one repeated batch has to fall within `STEPS` steps."""


def builds(subject: Subject) -> str:
    """The default config is valid, and a module comes of it that runs."""
    try:
        _ = subject.config
    except ValidationError as error:
        raise Fails(f"give every field of Config a valid default: {readable(error)}") from error
    logits_of(subject.module, subject.ids())
    return f"{parameter_count(subject.module):,} parameters"


def small_configs(subject: Subject) -> str:
    """Every field at its lower bound, and every choice, gives a model that runs, or is refused by Config."""
    tried = 0
    for given in _small(subject.plugin.Config.model_fields):
        try:
            config = subject.plugin.Config(**given)
        except ValidationError:
            continue  # fields that do not fit together: Config has said so
        words = ", ".join(f"{name}={value}" for name, value in given.items()) or "the default config"
        try:
            logits_of(subject.build(config).eval(), subject.ids(time=min(4, int(getattr(config, "context", 4)))))
        except Exception as error:
            raise Fails(f"make {words} work, or have Config refuse it: {type(error).__name__}: {error}") from error
        tried += 1
    return f"{tried} small configs run"


def _small(fields: dict[str, FieldInfo]) -> Iterator[dict[str, Any]]:
    """All fields as small as their bounds allow; then the same with each choice of each field."""
    lowest = {name: low for name, field in fields.items() if (low := _lower_bound(field)) is not None}
    yield lowest
    for name, field in fields.items():
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        for choice in (False, True) if field.annotation is bool else choices:
            yield {**lowest, name: choice}


def _lower_bound(field: FieldInfo) -> Any:
    for each in field.metadata:
        if (low := getattr(each, "ge", None)) is not None:
            return low
        if (low := getattr(each, "gt", None)) is not None and field.annotation is int:
            return low + 1
    return None


def shapes(subject: Subject) -> str:
    """(batch, time) -> (batch, time, vocab), one token included, and nothing but finite floats."""
    vocab = subject.tokenizer.vocab_size
    for batch, time in ((1, None), (1, 1), (3, None)):
        ids = subject.ids(batch, time)
        logits = logits_of(subject.module, ids)
        if tuple(logits.shape) != (*ids.shape, vocab):
            raise Fails(f"ids {tuple(ids.shape)} give logits {tuple(logits.shape)}; return {(*ids.shape, vocab)}")
        if not logits.is_floating_point() or not bool(torch.isfinite(logits).all()):
            raise Fails("some logits are not finite numbers: look for a division by 0 or a row that is wholly masked")
    return f"(batch, time) gives (batch, time, {vocab})"


def batches(subject: Subject) -> str:
    """A text's logits do not depend on the other texts of its batch."""
    ids = subject.ids(batch=3)
    together = logits_of(subject.module, ids)
    alone = torch.cat([logits_of(subject.module, row[None]) for row in ids])
    if (gap := _gap(together, alone)) > _tolerance(alone):
        raise Fails(f"a text's logits move by {gap:.2g} with its neighbours in the batch: don't mix along dimension 0")
    return "each text of a batch is on its own"


def determinism(subject: Subject) -> str:
    """One seed gives one model, and one model in eval mode one answer."""
    first, second = subject.build().eval(), subject.build().eval()
    for name, value in first.state_dict().items():
        if not torch.equal(value, second.state_dict()[name]):
            raise Fails(f"{name} differs between two builds of one seed: draw it from torch's global generator")
    ids = subject.ids()
    once = logits_of(first, ids)
    for module in (first, second):
        if not torch.equal(once, logits_of(module, ids)):
            raise Fails("the same text gives other logits the second time: in eval mode draw nothing, keep no state")
    return "one seed, one model, one answer"


def causality(subject: Subject) -> str:
    """What comes later changes nothing before it."""
    if subject.plugin.spec.task != "next-token":
        raise Skipped(f"a {subject.plugin.spec.task} model may look ahead")
    ids = subject.ids()
    if ids.shape[1] < 2:
        raise Skipped("the context has room for one token only")
    before = logits_of(subject.module, ids)
    for place in range(1, ids.shape[1]):
        changed = ids.clone()
        changed[0, place] = (changed[0, place] + 1) % subject.tokenizer.vocab_size
        moved = (logits_of(subject.module, changed) - before)[0, :place].abs().amax(-1)
        if float(moved.max()) > _tolerance(before):
            seer = int(moved.argmax())
            raise Fails(f"changing token {place} moves the logits of token {seer}: mask what lies ahead")
    return "no token sees those after it"


def gradient(subject: Subject) -> str:
    """Every parameter is learned: within a few steps each gets a gradient that is not 0."""
    module = subject.build()
    learned = [name for name, each in module.named_parameters() if each.requires_grad]
    if not learned:
        raise Skipped("the model has nothing to learn")
    reached: set[str] = set()
    for _ in _steps(subject, module, 4):  # more than one: layers that start at 0 pass nothing on at first
        reached |= {n for n, p in module.named_parameters() if p.grad is not None and bool(p.grad.any())}
    if lost := [name for name in learned if name not in reached]:
        raise Fails(f"no gradient reaches {', '.join(lost[:3])}: use it in forward, or set requires_grad to False")
    return f"reaches all {len(learned)} parameter tensors"


def learns(subject: Subject) -> str:
    """The loss falls on a short text that is shown again and again."""
    if subject.plugin.spec.task != "next-token":
        raise Skipped(f"training for {subject.plugin.spec.task} is not part of the kit")
    module = subject.build()
    if not any(each.requires_grad for each in module.parameters()):
        raise Skipped("the model has nothing to learn")
    losses = list(_steps(subject, module, STEPS))
    if not min(losses) < losses[0] - FALL:
        raise Fails(f"the loss stays at {losses[0]:.2f} nats: look for a detach() or no_grad() between ids and logits")
    return f"loss {losses[0]:.2f} -> {min(losses):.2f} nats in {STEPS} steps"


def _steps(subject: Subject, module: nn.Module, count: int) -> Iterator[float]:
    """Train on one batch; yields each loss while the gradient stands, before the step."""
    module.train()
    optimizers = Optimizers(module, Recipe(steps=count, optimizer="adamw", rate=0.01))
    time = min(12, subject.context)
    rows = (torch.arange(4)[:, None] + torch.arange(time + 1)) % 7  # (4, time + 1): counting to seven, again and again
    for _ in range(count):
        loss = NextToken().loss(module, (rows[:, :-1], rows[:, 1:]))
        loss.backward()  # type: ignore[no-untyped-call]
        yield float(loss.detach())
        optimizers.step(1.0)


def save_and_load(subject: Subject) -> str:
    """Weights written to safetensors and read into another model give the same logits, bit by bit."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        save_file(weights_of(subject.module), file)
        other = subject.build(seed=1).eval()
        other.load_state_dict(load_file(file))
    if not torch.equal(logits_of(subject.module, subject.ids()), logits_of(other, subject.ids())):
        raise Fails("a saved and reloaded model answers differently: keep its state in parameters or register_buffer")
    return "a reloaded model gives the same logits"


def texts(subject: Subject) -> str:
    """Its own tokenizer works; a text may fill the context, and gets a clear error where empty or longer."""
    model = subject.loaded(subject.plugin.tokenizer(TEXTS))
    if not model.predict(TEXTS[0][:8]):
        raise Fails("the tokenizer's vocabulary is empty: train it on the corpus that `tokenizer` is given")
    vocab = model.tokenizer.vocab_size
    try:
        model.logits([i % vocab for i in range(model.context)])
    except Exception as error:
        raise Fails(
            f"a text of all {model.context} tokens of the context fails: {type(error).__name__}: {error}"
        ) from error
    for text, words in (("", "an empty text"), (TEXTS[0] * model.context, "a text longer than the context")):
        _must_refuse(model, text, words)
    return f"reads 1 to {model.context} tokens"


def _must_refuse(model: LoadedModel, text: str, words: str) -> None:
    try:
        model.predict(text)
    except ValueError:
        return
    raise Fails(f"{words} is answered: give Config a field `context`, and a tokenizer that makes no tokens of nothing")


def _gap(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


def _tolerance(logits: Tensor) -> float:
    """What rounding may move logits by where the same sum is made in another order."""
    return 1e-5 * max(1.0, float(logits.abs().max()))
