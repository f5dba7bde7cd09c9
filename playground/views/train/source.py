"""The text to learn from: glass-box stories, or one's own; how it becomes tokens, and what the run is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from playground import engine
from playground.text import count, escaped, plural, sentence
from playground.views.train.keys import key

if TYPE_CHECKING:
    from zoo.plugin import ModelPlugin

GLASS_BOX, PAIRS, OWN = "Glass-box stories", "Glass-box sentence pairs", "My own text"
AMOUNTS = [200, 500, 1000, 2000, 5000, 10_000, 20_000]
KINDS = {
    "bpe": "BPE: frequent pieces of words",
    "char": "Characters",
    "byte": "Bytes",
    "word": "Whole words",
}
UPLOAD = key("upload")
"""Name and text of the file that was uploaded last; no widget's key, so it outlives the uploader."""
LEAST = 400
"""Characters without which there is nothing to learn and to hold out."""


@dataclass(frozen=True)
class Source:
    """What was chosen here."""

    corpus: str
    words: str
    """What it is, in a few words."""
    text: str | None = None
    """The user's own."""
    tokenizer: str = ""
    vocab_size: int = 1024
    prompt: str = ""
    problem: str = ""
    """Why it cannot be trained on; "" where it can."""


def draw(plugin: ModelPlugin, *, fixed: bool) -> Source:
    """The choice of a text; `fixed`: the tokenizer is that of trained weights."""
    translates = plugin.spec.task == "translate"
    ours = PAIRS if translates else GLASS_BOX
    name = key("corpus.pairs" if translates else "corpus")
    st.session_state.setdefault(name, ours)
    chosen = st.segmented_control(
        "Sentences to learn from" if translates else "Text to learn from",
        [ours, OWN],
        key=name,
        required=True,
        persist_state="session",
    )
    if chosen == OWN:
        return _own(fixed, translates)
    return _pairs() if translates else _stories()


def _pairs() -> Source:
    """Sentences of two languages that say the same."""
    from zoo.data.glass_pairs import LANGUAGE

    left, right = st.columns([3, 4], gap="large")
    name = key("pairs")
    st.session_state.setdefault(name, AMOUNTS[-1])
    with left:
        amount = st.select_slider("How many pairs", AMOUNTS, format_func=count, key=name, persist_state="session")
    with right:
        prompt = _prompt("prompt.pairs", example_pair())
    st.caption(
        f"English sentences made by a small program of ours, with their translation into {LANGUAGE}, a language that "
        "is spoken nowhere else: its word order and its agreements are ours too. So the one right translation is "
        "known, and which word comes from which."
    )
    with st.expander("Read three of the pairs", icon=":material/translate:"):
        for source, target in three_pairs():
            st.text(f"{source}\n{target}")
    return Source(f"glass-box-pairs:pairs={amount}", f"{count(int(amount))} sentence pairs", prompt=prompt)


@st.cache_data(show_spinner=False)
def example_pair() -> str:
    """A sentence whose translation needs a word from far back."""
    from zoo.data.glass_pairs import DEFAULT

    return DEFAULT.example()


@st.cache_data(show_spinner=False)
def three_pairs() -> list[tuple[str, str]]:
    """Three sentences that no training sees, each with its translation."""
    from zoo.data.glass_pairs import DEFAULT

    return [(pair.source_text, pair.target_text) for pair in DEFAULT.pairs(3, 0, range(6, 16), "valid")]


def _stories() -> Source:
    left, right = st.columns([3, 4], gap="large")
    name = key("stories")
    st.session_state.setdefault(name, AMOUNTS[-1])
    with left:
        amount = st.select_slider(
            "How many stories",
            AMOUNTS,
            format_func=count,
            key=name,
            persist_state="session",
            help="With a few hundred, a model soon knows them by heart, and you can watch it overfit.",
        )
    with right:
        prompt = _prompt("prompt.stories", example())
        _unsayable(prompt)
    st.caption(
        "These stories are made by a small program of ours that rolls dice: who, which pet, what was promised. So the "
        "right probability of every next word is known exactly, and with it the lowest loss that any model can reach."
    )
    with st.expander("Read three of the stories", icon=":material/menu_book:"):
        for text in three():
            st.text(text)
    return Source(f"glass-box:stories={amount}", f"{count(int(amount))} glass-box stories", prompt=prompt)


def _unsayable(prompt: str) -> None:
    """A prompt outside of the language is not refused: it only has no right answer, and that is said."""
    from zoo.data.glass_box import DEFAULT

    try:
        DEFAULT.next_words(DEFAULT.split(prompt))
    except ValueError as error:
        st.info(escaped(sentence(str(error))) + " The run can be asked this, but no right answer stands beside it.")


@st.cache_data(show_spinner=False)
def example() -> str:
    """A beginning of a story whose next word is settled by a word far back."""
    from zoo.data.glass_box import DEFAULT

    return DEFAULT.example()


@st.cache_data(show_spinner=False)
def three() -> list[str]:
    """The first three stories."""
    from zoo.data.glass_box import DEFAULT

    return [story.text for story in DEFAULT.stories(3, 0)]


def _own(fixed: bool, translates: bool) -> Source:
    limit = engine.jobs().limits.characters
    if translates:
        st.caption("One pair a line: the sentence, a tab, its translation.")
    text, words = _text(limit)
    left, middle, right = st.columns([2.4, 1.4, 4], gap="medium")
    tokenizer, size = "", 1024
    if not fixed:
        with left:
            tokenizer = _kind()
        with middle:
            size = _size(tokenizer)
    with right:
        prompt = _prompt("prompt.own", "", "Left empty: the beginning of the text that is held out")
    return Source(
        "glass-box",
        words,
        text=text,
        tokenizer=tokenizer,
        vocab_size=size,
        prompt=prompt,
        problem=_too_little(text, limit) or (_no_pairs(text) if translates else ""),
    )


def _text(limit: int) -> tuple[str, str]:
    """The text, and what to call it: an uploaded file goes before what was pasted."""
    paste, upload = st.columns([5, 3], gap="large")
    with upload:
        st.file_uploader(
            "… or choose a .txt file",
            type=["txt"],
            key=key("file"),
            on_change=_take,
            args=(limit,),
            max_upload_size=max(1, -(-4 * limit // 2**20)),
            help=f"UTF-8 text of at most {count(limit)} characters. It stays on this server, in your run's folder, "
            "until you delete the run.",
        )
        if problem := st.session_state.get(key("file.problem")):
            st.error(escaped(problem), icon=":material/error:")
        found: tuple[str, str] | None = st.session_state.get(UPLOAD)
        if found:
            st.caption(escaped(f"{found[0]}: {plural(len(found[1]), 'character')}."))
            st.button("Put the file away", icon=":material/close:", on_click=_put_away, key="train.away")
    with paste:
        pasted = st.text_area(
            "Paste a text",
            key=key("paste"),
            height=180,
            max_chars=limit,
            placeholder="A few pages at least: a diary, a chapter, a song book …",
            disabled=found is not None,
            persist_state="session",
        )
        st.caption(
            "The file is used, not this box."
            if found
            else f"Up to {count(limit)} characters. The last tenth is held out: what is read there was never learnt."
        )
    if found:
        return found[1], found[0]
    return pasted or "", "your text"


def _take(limit: int) -> None:
    """Read the uploaded file; it is kept until another comes."""
    file = st.session_state[key("file")]
    st.session_state.pop(key("file.problem"), None)
    if file is None:
        return
    try:
        text = read_text(file.getvalue(), limit)
    except ValueError as error:
        st.session_state[key("file.problem")] = sentence(str(error))
        return
    st.session_state[UPLOAD] = (file.name[:80], text)


def read_text(raw: bytes, limit: int) -> str:
    """A text file's characters.

    Raises:
        ValueError: it is not UTF-8, or longer than `limit`.
    """
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the file is not UTF-8 text: byte {count(error.start)} cannot be read; save it as UTF-8"
        ) from error
    if len(text) > limit:
        raise ValueError(f"the file has {count(len(text))} characters; at most {count(limit)} can be trained on here")
    return text.replace("\r\n", "\n")


def _put_away() -> None:
    st.session_state.pop(UPLOAD, None)


def _too_little(text: str, limit: int) -> str:
    if not text.strip():
        return "paste a text or choose a file first; or train on the glass-box stories"
    if len(text) < LEAST:
        return f"the text has {plural(len(text), 'character')}; give it {count(LEAST)} at least"
    if len(text) > limit:
        return f"the text has {count(len(text))} characters; at most {count(limit)} can be trained on here"
    return ""


def _no_pairs(text: str) -> str:
    from zoo.tasks.translate import check_lines

    try:
        check_lines(text)
    except ValueError as error:
        return str(error)
    return ""


def _kind() -> str:
    name = key("tokenizer")
    st.session_state.setdefault(name, "bpe")
    return str(
        st.selectbox(
            "Tokens",
            list(KINDS),
            format_func=lambda kind: KINDS[kind],
            key=name,
            persist_state="session",
            help="How the text is cut into what the model reads. The tokenizer is trained on your text first.",
        )
    )


def _size(kind: str) -> int:
    limits, name = engine.jobs().limits, key("vocabulary")
    st.session_state.setdefault(name, 1024)
    return int(
        st.number_input(
            "Vocabulary",
            258,
            limits.vocabulary,
            key=name,
            persist_state="session",
            disabled=kind == "byte",
            help="How many different tokens there are at most. Bytes are always 256, and one that ends a text.",
        )
    )


def _prompt(name: str, default: str, placeholder: str = "") -> str:
    place = key(name)
    st.session_state.setdefault(place, default)
    return str(
        st.text_area(
            "What the model is asked again and again",
            key=place,
            height=88,
            max_chars=500,
            placeholder=placeholder or None,
            persist_state="session",
            help="At every evaluation it says what it expects after these words, so you can see the answer move.",
        )
        or ""
    )
