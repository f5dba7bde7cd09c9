"""The distribution over the next token: the likeliest as bars, the rest as one honest sum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from playground import right, state
from playground.components.candidates import Candidate, candidates
from playground.text import count, number, percent, plural, quoted
from playground.views.controls import Subject
from zoo.trace.trace import Trace

TOP = 10


def draw(subject: Subject, position: int | None) -> None:
    """What the model expects next, or expected in the place of the token at `position`."""
    trace = subject.trace
    if position == 0:
        st.subheader("Before the first token")
        st.info("Nothing stands before the first token, so this model gives no prediction for it.")
        _back()
        return
    row = len(trace.ids) - 1 if position is None else position - 1
    taken = None if position is None else trace.ids[position]
    st.subheader("The next token" if position is None else "What the model expected here")
    if taken is not None and position is not None:
        _what_came(trace, row, taken)
    answer = right_answer(subject, row)
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
    st.caption(_columns(position, subject.live, answer is not None))
    st.markdown(notice(probs))
    if answer is not None:
        st.markdown(_against(answer, probs))
    if position is not None:
        _back()


def right_answer(subject: Subject, row: int) -> dict[int, float] | None:
    """The exact probability of what can come after the token at `row`; None where nobody knows it."""
    if subject.model is None or (language := right.language_of_model(subject.weights.key)) is None:
        return None
    tokenizer = subject.model.tokenizer
    try:
        return right.next_tokens(language, tokenizer, tokenizer.decode(subject.trace.ids[: row + 1]))
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


def _what_came(trace: Trace, row: int, taken: int) -> None:
    probs = trace["probs"][row]
    rank = int((trace["logits"][row] > trace["logits"][row][taken]).sum()) + 1
    surprise = -float(np.log(max(float(probs[taken]), 1e-45)))
    st.markdown(
        f"{quoted(trace.tokens[row + 1])} stands here. Reading only what is before it, the model gave it "
        f"**{percent(float(probs[taken]))}**, rank {count(rank)} of {count(probs.size)}; "
        f"its surprise is −ln p = {number(surprise)} nats."
    )


def _against(answer: Mapping[int, float], probs: np.ndarray) -> str:
    """How far the model's distribution is from the exact one."""
    return (
        f"**The right answer** is known here: the model learned from the glass-box language, whose program says that "
        f"{plural(len(answer), 'token')} can stand in this place. The model's distribution is "
        f"{number(right.divergence(answer, probs), 3)} nats away from it (KL(right ‖ model)); it gives "
        f"{percent(right.impossible(answer, probs))} to what cannot stand here."
    )


def _columns(position: int | None, live: bool, known: bool) -> str:
    columns = "Rank, token, probability and logit, over the whole vocabulary at temperature 1."
    if known:
        columns = (
            "Rank, token, the model's probability, the exact one (green, and a green line on the bar) and the logit, "
            "at temperature 1."
        )
    return f"{columns} Click a row to add its token." if position is None and live else columns


def _take(token: int) -> None:
    state.set_added([*state.added(), token])


def _back() -> None:
    st.button("Back to the next token", icon=":material/arrow_back:", on_click=state.set_token, args=(None,))
