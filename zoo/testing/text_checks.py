"""Checks with texts, as the app gives them: a tokenizer that writes what it read, and clear words where none fits."""

from __future__ import annotations

from collections.abc import Callable

from zoo.inference import LoadedModel
from zoo.sampling import Sampling
from zoo.tasks import task_of
from zoo.testing.subject import TEXTS, Fails, Subject, logits_of


def tokenizer(subject: Subject) -> str:
    """The plugin's own tokenizer gives the texts that it was trained on back, character by character."""
    own = subject.plugin.tokenizer(subject.texts)
    for text in subject.texts:
        ids = own.encode(text).ids
        if not all(0 <= each < own.vocab_size for each in ids):
            raise Fails(f"the tokenizer gives ids outside of its own {own.vocab_size}: correct its vocab_size")
        if (back := own.decode(ids)) != text:
            raise Fails(f"the tokenizer turns {text!r} into {back!r}: give it a decoder that undoes what it does")
    return f"{own.vocab_size} tokens write every text as it was"


def texts(subject: Subject) -> str:
    """A text may fill the context, and gets a clear error where it is empty or too long."""
    model = subject.loaded(subject.plugin.tokenizer(subject.texts))
    if not model.predict(TEXTS[0][:8]):
        raise Fails("the tokenizer's vocabulary is empty: train it on the corpus that `tokenizer` is given")
    if not list(model.generate(model.ids(TEXTS[0][:8]), 2, Sampling())):
        raise Fails("the model generates nothing: give its Config a `context` with room for more than a few tokens")
    _full(model)
    for text, words in (("", "an empty text"), (TEXTS[0] * model.context, "a text longer than the context")):
        advice = "give Config a field `context`, and a tokenizer that makes no tokens of nothing"
        _must_refuse(lambda text=text: model.predict(text), words, advice)  # type: ignore[misc]
    _beyond(subject)
    return f"reads 1 to {model.context} tokens"


def _full(model: LoadedModel) -> None:
    """The longest text that the app lets through."""
    vocab, room = model.tokenizer.vocab_size, model.context - (model.mark is not None)
    try:
        model.logits(task_of(model.task).fed([i % vocab for i in range(room)], [], vocab))
    except Exception as error:
        raise Fails(
            f"a text of all {model.context} tokens of the context fails: {type(error).__name__}: {error}"
        ) from error


def _must_refuse(ask: Callable[[], object], words: str, advice: str) -> None:
    try:
        ask()
    except ValueError as error:
        _must_be_clear(error, words)
        return
    raise Fails(f"{words} is answered: {advice}")


def _beyond(subject: Subject) -> None:
    """The module itself, asked for more than its context: it answers, or says why not."""
    words = f"{subject.context + 1} tokens, one more than the context"
    try:
        logits_of(subject.module, subject.ids(time=subject.context + 1))
    except ValueError as error:
        _must_be_clear(error, words)
    except Exception as error:
        raise Fails(
            f"{words}, give a bare {type(error).__name__}: raise a ValueError with a sentence in forward"
        ) from error


def _must_be_clear(error: ValueError, words: str) -> None:
    if len(str(error).split()) < 4:
        raise Fails(f"{words}, give the error {str(error)!r}: say in a sentence what to do") from error
