"""The distribution over the next token: the likeliest as bars, the rest as one honest sum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from playground import engine, state
from playground.components.candidates import Candidate, candidates
from playground.run_files import language_of_model
from playground.text import count, number, percent, plural, quoted
from playground.views.controls import Subject
from zoo.compare.exact import divergence, impossible, next_tokens
from zoo.trace.trace import Trace

TOP = 10


def draw(subject: Subject, position: int | None) -> None:
    """What the model expects next, or expected in the place of the token at `position`."""
    if position is not None and subject.model is not None and subject.model.fills_blanks:
        position = None if position == len(subject.trace.ids) - 1 else position  # the blank itself
    if (why := _nothing_expected(subject, position)) is not None:
        st.subheader("No prediction here")
        st.info(why)
        _back()
        return
    trace, row = asked(subject, position)
    taken = None if position is None or _near(subject) else subject.trace.ids[position]
    st.subheader(_title(subject, position))
    if taken is not None and position is not None:
        _what_came(subject, trace, row, taken, position)
    answer = right_answer(subject, row) if _follows(subject) else None
    rows = top_rows(trace, row, subject, taken, answer)
    probs = trace["probs"][row]
    candidates(
        rows,
        others=probs.size - len(rows),
        others_prob=max(0.0, 1 - sum(each.prob for each in rows)),
        key="candidates",
        taken=taken,
        on_take=None if position is not None or not subject.live else _take,
    )
    st.caption(_columns(position, subject.live, answer is not None) + _share(subject))
    st.markdown(notice(probs))
    if answer is not None:
        st.markdown(_against(answer, probs))
    if position is not None:
        _back()


def asked(subject: Subject, position: int | None) -> tuple[Trace, int]:
    """Where the answer for the token at `position` stands, or for what comes next: a trace, and a row of its logits.

    A model that fills blanks is asked with a blank in that place; a translator's rows begin with its mark.
    """
    trace, model = subject.trace, subject.model
    if position is None:
        return trace, len(trace["logits"]) - 1
    if model is not None and model.fills_blanks:
        ids = trace.ids[:-1]  # without the blank at the end
        return engine.trace(
            subject.weights, (*ids[:position], model.tokenizer.vocab_size, *ids[position + 1 :])
        ), position
    return trace, position - trace.source - (not _near(subject))


def _nothing_expected(subject: Subject, position: int | None) -> str | None:
    """Why there is no prediction for the token at `position`; None where there is one."""
    if position is None or _near(subject) or (subject.model is not None and subject.model.fills_blanks):
        return None
    if position <= subject.trace.source and subject.trace.source:
        return "This is the text to be translated: the model reads it, and predicts the words of its translation only."
    if position == 0:
        return "Nothing stands before the first token, so this model gives no prediction for it."
    return None


def _follows(subject: Subject) -> bool:
    """Whether the model says what follows: the recording's does."""
    return subject.model is None or subject.model.task == "next-token"


def _near(subject: Subject) -> bool:
    """Whether it says what stands near a word."""
    return subject.model is not None and subject.model.task == "skip-gram"


def _title(subject: Subject, position: int | None) -> str:
    if _near(subject):
        return "What stands near this token" if position is not None else "What stands near the last token"
    if position is not None:
        return "What the model expected here"
    if subject.trace.source:
        return "The next token of the translation"
    return "What fills the blank" if subject.model is not None and subject.model.fills_blanks else "The next token"


def right_answer(subject: Subject, row: int) -> dict[int, float] | None:
    """The exact probability of what can come after the token at `row`; None where nobody knows it."""
    if subject.model is None or (language := language_of_model(subject.weights.key)) is None:
        return None
    tokenizer = subject.model.tokenizer
    try:
        return next_tokens(language, tokenizer, tokenizer.decode(subject.trace.ids[: row + 1]))
    except ValueError:
        return None


def top_rows(
    trace: Trace, row: int, subject: Subject, taken: int | None, answer: Mapping[int, float] | None = None
) -> list[Candidate]:
    """The most probable tokens after the token at `row`, and the one that was taken, if it is not among them."""
    probs, logits = trace["probs"][row], trace["logits"][row]
    order = np.argsort(-logits, kind="stable")
    ids = [int(i) for i in order[:TOP]]
    if taken is not None and taken not in ids:
        ids.append(taken)
    ranks = {int(i): rank for rank, i in enumerate(order if taken is not None else order[:TOP], 1)}
    exact = {i: None if answer is None else answer.get(i, 0.0) for i in ids}
    return [Candidate(subject.piece(i), i, float(logits[i]), float(probs[i]), ranks[i], exact[i]) for i in ids]


def notice(probs: np.ndarray) -> str:
    """One sentence on how sure the model is, measured: exp(entropy) is the number of equal choices."""
    positive = probs[probs > 0].astype(np.float64)
    entropy = float(-(positive * np.log(positive)).sum())
    choices, size = float(np.exp(entropy)), probs.size
    if choices > size / 2:
        verdict = "It is as good as guessing"
    elif choices < 2:
        verdict = "It is nearly sure"
    else:
        verdict = "It has narrowed the choice down"
    return (
        f"**Notice.** {verdict}: the distribution is as uncertain as a fair draw from {number(choices, 1)} tokens "
        f"(entropy {number(entropy)} nats; of {count(size)} tokens, ln {count(size)} = {number(float(np.log(size)))})."
    )


def _what_came(subject: Subject, trace: Trace, row: int, taken: int, position: int) -> None:
    probs = trace["probs"][row]
    rank = int((trace["logits"][row] > trace["logits"][row][taken]).sum()) + 1
    surprise = -float(np.log(max(float(probs[taken]), 1e-45)))
    st.markdown(
        f"{quoted(subject.trace.tokens[position])} stands here. {_reading(subject)}, the model gave it "
        f"**{percent(float(probs[taken]))}**, rank {count(rank)} of {count(probs.size)}; "
        f"its surprise is −ln p = {number(surprise)} nats."
    )


def _reading(subject: Subject) -> str:
    """What the model was shown."""
    if subject.model is not None and subject.model.fills_blanks:
        return "With a blank in its place, reading on both sides of it"
    if subject.trace.source:
        return "Reading the source, and of the translation only what is before it"
    return "Reading only what is before it"


def _against(answer: Mapping[int, float], probs: np.ndarray) -> str:
    """How far the model's distribution is from the exact one."""
    return (
        f"**The right answer** is known here: the model learned from the glass-box language, whose program says that "
        f"{plural(len(answer), 'token')} can stand in this place. The model's distribution is "
        f"{number(divergence(answer, probs), 3)} nats away from it (KL(right ‖ model)); it gives "
        f"{percent(impossible(answer, probs))} to what cannot stand here."
    )


def _columns(position: int | None, live: bool, known: bool) -> str:
    columns = "Rank, token, probability and logit, over the whole vocabulary at temperature 1."
    if known:
        columns = (
            "Rank, token, the model's probability, the exact one (green, and a green line on the bar) and the logit, "
            "at temperature 1."
        )
    return f"{columns} Click a row to add its token." if position is None and live else columns


def _share(subject: Subject) -> str:
    """Of models that learned to tell true words from drawn ones: their softmax is no chance of a word."""
    if subject.model is None or subject.model.task not in ("skip-gram", "cbow"):
        return ""
    return (
        " Here the probability is a share of the softmax: by the way word2vec learns, it grows with how much *more "
        "often than by chance* a word stands there, so a rare word may lead."
    )


def _take(token: int) -> None:
    state.set_added([*state.added(), token])


def _back() -> None:
    st.button("Back to the next token", icon=":material/arrow_back:", on_click=state.set_token, args=(None,))
