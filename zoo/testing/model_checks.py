"""Checks of what the model answers: logits of the right shape, the same every time, from what it may see alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.testing.subject import Fails, Skipped, Subject, gap, logits_of, tolerance


def shapes(subject: Subject) -> str:
    """(batch, time) -> (batch, time, vocab), one token included, and nothing but finite floats.

    A translator has no rows for its source.
    """
    vocab = subject.tokenizer.vocab_size
    for module in (subject.module, subject.learned):
        for batch, time in ((1, None), (1, 1), (3, None)):
            ids = subject.ids(batch, time)
            logits, wanted = logits_of(module, ids), (batch, ids.shape[1] - subject.source(ids), vocab)
            if tuple(logits.shape) != wanted:
                raise Fails(f"ids {tuple(ids.shape)} give logits {tuple(logits.shape)}; return {wanted}")
            if not logits.is_floating_point() or not bool(torch.isfinite(logits).all()):
                raise Fails(
                    "some logits are not finite numbers: look for a division by 0 or a row that is wholly masked"
                )
    return f"(source + target) gives (target, {vocab})" if subject.translates else f"(time) gives (time, {vocab})"


def batches(subject: Subject) -> str:
    """A text's logits do not depend on the other texts of its batch, nor on what fills it up to their length."""
    ids = subject.ids(batch=3)
    together = logits_of(subject.learned, ids)
    alone = torch.cat([logits_of(subject.learned, row[None]) for row in ids])
    if (moved := gap(together, alone)) > tolerance(alone):
        raise Fails(
            f"a text's logits move by {moved:.2g} with its neighbours in the batch: don't mix along dimension 0"
        )
    if subject.translates:
        _filled_up(subject, ids, alone)
        return "each pair of a batch is on its own, however long the others are"
    return "each text of a batch is on its own"


@torch.no_grad()
def _filled_up(subject: Subject, ids: Tensor, alone: Tensor) -> None:
    """Ids below 0 behind a source or a target are nothing."""
    module, split = subject.learned, subject.source(ids)
    if not callable(translate := getattr(module, "translate", None)):
        raise Fails("a translator needs translate(source, target) -> logits: make it a PairModel (zoo/layers/pairs.py)")
    source, target = ids[:, :split], ids[:, split:]
    longer = torch.cat([torch.cat([source, source[:, :2]], 1), F.pad(source, (0, 2), value=-1)])  # (6, S + 2)
    for given, fed, words in (
        (longer, torch.cat([target, target]), "a source"),
        (torch.cat([source, source]), torch.cat([F.pad(target, (0, 2)), F.pad(target, (0, 2), value=-1)]), "a target"),
    ):
        found = translate(given, fed)[len(ids) :, : target.shape[1]]
        if not (moved := gap(found, alone)) <= tolerance(alone):
            raise Fails(f"filling up {words} with −1 moves the logits by {moved:.2g}: mask ids below 0")


def determinism(subject: Subject) -> str:
    """One seed gives one model, and one model in eval mode one answer."""
    first, second = subject.build().eval(), subject.build().eval()
    for name, value in first.state_dict().items():
        if not torch.equal(value, second.state_dict()[name]):
            raise Fails(f"{name} differs between two builds of one seed: draw it from torch's global generator")
    ids = subject.ids()
    for module, others in ((first, (first, second)), (subject.learned, (subject.learned,))):
        once = logits_of(module, ids)
        if not all(torch.equal(once, logits_of(other, ids)) for other in others):
            raise Fails("the same text gives other logits the second time: in eval mode draw nothing, keep no state")
    return "one seed, one model, one answer"


def causality(subject: Subject) -> str:
    """Each answer comes from no more than its task lets it see, and from no less than what stands nearest.

    How far back it sees beyond that is the model's own affair: a window ends, a memory fades.
    """
    ids = subject.ids()
    if ids.shape[1] < 3:
        raise Skipped("the context has room for two tokens at most")
    if subject.mark is None:
        return _one_way(subject, ids)
    return _across(subject, ids) if subject.translates else _both_ways(subject, ids)


def _one_way(subject: Subject, ids: Tensor) -> str:
    """What comes later changes nothing before it; a skip-gram model sees the word itself alone."""
    alone = subject.plugin.spec.task == "skip-gram"
    moves, rows = influence(subject.learned, ids), range(ids.shape[1])
    for place in rows:
        if seers := [row for row in rows if moves[place, row] and (row < place or (alone and row != place))]:
            advice = "a word's neighbours are asked for, so don't show them" if alone else "mask what lies ahead"
            raise Fails(f"changing token {place} moves the logits of token {seers[0]}: {advice}")
    _own(moves)
    if alone:
        return "no token sees another"
    back = max((row - place for place, row in moves.nonzero().tolist()), default=0)
    return f"no token sees those after it; here one still counts {back} place{'s' * (back != 1)} further on"


def _own(moves: Tensor, words: str = "token", first: int = 0) -> None:
    """Where any token counts, each from the first on counts in the row at its own place: moves (time, rows)."""
    deaf = [place for place in range(first, len(moves)) if not moves[place, place]]
    if bool(moves.any()) and deaf:
        raise Fails(f"changing {words} {deaf[0]} leaves its own row's logits as they are: read the token of the row")


def _both_ways(subject: Subject, ids: Tensor) -> str:
    """A blank sees both of its neighbours; a place's own word tells a CBOW model nothing of it."""
    moves = influence(subject.learned, ids)
    blank = ids[0].tolist().index(subject.mark)
    for place, side in ((blank - 1, "left"), (blank + 1, "right")):
        if place < ids.shape[1] and not moves[place, blank]:
            raise Fails(f"what stands to the {side} of a blank changes nothing in its answer: let it see both sides")
    if subject.plugin.spec.task == "cbow" and any(moves[place, place] for place in range(ids.shape[1])):
        raise Fails("a word changes what is said about its own place: leave it out of the words around it")
    return "a blank sees both sides"


def _across(subject: Subject, ids: Tensor) -> str:
    """Every row sees the whole source, and of the target what stands before it."""
    split = subject.source(ids)
    moves = influence(subject.learned, ids)
    for place in range(split):
        if not moves[place, 0]:
            raise Fails(f"source token {place} of {split} changes nothing in the first answer: read the whole source")
    for place in range(split + 1, ids.shape[1]):
        if seers := [row for row in range(place - split) if moves[place, row]]:
            at = place - split
            raise Fails(f"changing target token {at} moves the logits of token {seers[0]}: mask what lies ahead")
    _own(moves[split:], "target token", first=1)  # token 0 of the target is the mark, which cannot be changed
    return "the whole source is seen, and no target token sees those after it"


def influence(module: nn.Module, ids: Tensor) -> Tensor:
    """ids (1, time) -> (time, rows) bool: whether another token at a place moves the logits of a row.

    The mark, or a blank, stays where it is: its row is False.
    """
    before = logits_of(module, ids)  # (1, rows, vocab)
    vocab, limit = before.shape[-1], tolerance(before)
    found = torch.zeros(ids.shape[1], before.shape[1], dtype=torch.bool)
    for place in range(ids.shape[1]):
        if ids[0, place] < vocab:
            changed = ids.clone()
            changed[0, place] = (changed[0, place] + 1) % vocab
            found[place] = (logits_of(module, changed) - before)[0].abs().amax(-1) > limit
    return found
