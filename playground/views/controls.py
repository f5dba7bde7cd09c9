"""The bar that every page shares: the model, trained or not, and the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from playground import engine, recorded, state
from playground.catalogue import Choice, Weights
from playground.text import count, escaped, plural, sentence
from playground.views import beginning, timeline
from zoo.tokenizers import UNKNOWN
from zoo.trace.trace import Trace

if TYPE_CHECKING:
    from zoo.inference import LoadedModel


@dataclass(frozen=True)
class Subject:
    """What the page is about: a text in a model. `model` is None while only the recording is there."""

    trace: Trace
    text: str
    """The prompt and what was added to it, without a start token."""
    answers: range
    """Where in the trace's ids the answers so far stand: the tokens that were added to the prompt."""
    model: LoadedModel | None
    weights: Weights
    """What `engine.trace` takes."""

    def piece(self, token_id: int) -> str:
        """What a token writes; the recording brings its own tokenizer, which needs no torch."""
        tokenizer = self.model.tokenizer if self.model else recorded.tokenizer()
        return tokenizer.piece(token_id)

    @property
    def live(self) -> bool:
        """Whether the model itself answers."""
        return self.model is not None


def subject() -> Subject | None:
    """Draw the bar and run the text through the model; None after an error, which is on the page."""
    if state.is_first_visit() and not engine.ready() and recorded.PATH.exists():
        return _recorded()
    if not engine.ready():
        with st.spinner("The models are being loaded, which takes a few seconds the first time …"):
            engine.wait()
    weights = _bar(engine.choices())
    try:
        model = engine.model(weights)
        ids = state.ids(model)
        trace = engine.trace(weights, tuple(ids))
        if not np.isfinite(trace["logits"]).all():
            raise ValueError(f"{model.title} gave numbers that are not finite, so it predicts nothing: train it anew")
        text = model.tokenizer.decode([each for each in ids if each not in (model.bos, model.mark)])
        found = Subject(trace, text, _answers(model, ids), model, weights)
        st.caption(escaped(about(found)))
        _unknown_words(model, ids, weights.key)
        return found
    except (ValueError, LookupError) as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
    except Exception as error:  # a user's own plugin may raise anything
        st.error(
            escaped(
                f"The model {weights.key} failed with {type(error).__name__}. Its check says more: python -m zoo check"
            ),
            icon=":material/error:",
        )
    return None


def _answers(model: LoadedModel, ids: list[int]) -> range:
    """Behind the prompt, and behind the mark of a translator; before the blank of a model that fills it."""
    prompt = model.ids(state.get(state.PROMPT))
    start = len(prompt) - model.fills_blanks
    return range(start, start + len(ids) - len(prompt))


def _unknown_words(model: LoadedModel, ids: list[int], key: str) -> None:
    """Say that a tokenizer of whole words lacks some of the text's, and offer a text that the model knows."""
    lacking = model.tokenizer.raw.token_to_id(UNKNOWN)
    unknown = sum(each == lacking for each in ids)
    if not unknown:
        return
    st.info(
        f"Of {plural(len(ids), 'token')}, {count(unknown)} {'is' if unknown == 1 else 'are'} unknown to this model: "
        "its tokenizer has only whole words, those of the text that it was trained on.",
        icon=":material/help:",
    )
    beginning.button(key, _take)


def _take(text: str) -> None:
    st.session_state[state.PROMPT] = text
    state.set_added([])


def _recorded() -> Subject:
    weights = _bar([Choice(state.DEFAULT_MODEL, state.DEFAULT_TITLE)])
    trace = recorded.trace()
    st.caption(
        ":material/history: This is a recording of the model named above, shown while the model itself loads.",
    )
    _look_again()
    return Subject(trace, "".join(trace.tokens), range(len(trace.ids), len(trace.ids)), None, weights)


@st.fragment(run_every=1.0)
def _look_again() -> None:
    """Ask until the models are there, then draw the page live."""
    if engine.ready():
        st.rerun()


def _bar(models: list[Choice]) -> Weights:
    by_title = {choice.title: choice for choice in models}
    state.choose(state.MODEL, list(by_title))
    left, middle, right = st.columns([5, 2.4, 2.2], vertical_alignment="bottom")
    left.text_input(
        "Your text",
        key=state.PROMPT,
        max_chars=state.MAX_CHARACTERS,
        placeholder="Type a few words",
        on_change=state.set_added,
        args=([],),
    )
    middle.selectbox(
        "Model",
        list(by_title),
        key=state.MODEL,
        on_change=state.set_added,
        args=([],),
    )
    choice = by_title[state.get(state.MODEL)]
    with right:
        untrained = _untrained(choice)
    if untrained:
        return Weights(choice.key, "untrained", _seed(), choice.stamp)
    return Weights(choice.key, "trained", 0, choice.stamp, timeline.choose(choice))


def _untrained(choice: Choice) -> bool:
    """Whether the untrained twin is asked for, or all that there is."""
    if not choice.trained:
        st.segmented_control(
            "Weights",
            [state.UNTRAINED],
            default=state.UNTRAINED,
            required=True,
            key="only_weights",
            help="Nobody has trained this model yet: its weights are random, made from a seed.",
        )
        return True
    state.choose(state.WEIGHTS, [state.TRAINED, state.UNTRAINED])
    st.segmented_control(
        "Weights",
        [state.TRAINED, state.UNTRAINED],
        required=True,
        key=state.WEIGHTS,
        help="Untrained: the same architecture and the same tokenizer, with random weights made from a seed.",
    )
    return bool(state.get(state.WEIGHTS) == state.UNTRAINED)


def _seed() -> int:
    st.number_input(
        "Seed of the random weights",
        min_value=0,
        max_value=state.MAX_SEED,
        step=1,
        key=state.SEED,
        width=240,
        help="The same seed gives the same random weights, today and tomorrow.",
    )
    return int(state.get(state.SEED))


def about(subject: Subject) -> str:
    """One line on the model that answers: what it is and how large, in its own numbers."""
    assert subject.model is not None
    size = sum(p.numel() for p in subject.model.module.parameters())
    vocabulary = plural(subject.model.tokenizer.vocab_size, "token")
    model = f"{subject.model.title}, {subject.model.about}"
    learned = f"{size / 1e6:.2g} million parameters" if size else "no parameters but counts"
    return f"{model}: {learned}, {vocabulary} to choose from."
