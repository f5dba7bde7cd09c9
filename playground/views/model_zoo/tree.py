"""The family tree: how one idea grew out of another, from counting words to GPT. Drawn before any model is loaded."""

from __future__ import annotations

import streamlit as st

from playground.components.tree import Node, tree
from playground.views.model_zoo import filters
from playground.views.model_zoo.keys import key

GENERATIONS = ("Words are counted", "Vectors are learned", "With a memory", "One network to another", "Attention alone")
"""The columns of the tree."""

NODES = (
    Node(
        "bag",
        "Bag of words",
        "1954",
        0,
        (),
        "Which words there are, and how often, says much of what comes next.",
        "Harris",
        ("zoo/bag-of-words",),
    ),
    Node(
        "n-gram",
        "N-gram",
        "1948",
        0,
        ("bag",),
        "The order of the last few words counts.",
        "Shannon; Kneser and Ney 1995",
        ("zoo/n-gram",),
    ),
    Node(
        "window",
        "Window network",
        "2003",
        1,
        ("n-gram",),
        "Not counted but learned: words become vectors, and alike words share what was seen of one.",
        "Bengio et al.",
        ("zoo/window",),
    ),
    Node(
        "word2vec",
        "word2vec",
        "2013",
        1,
        ("window",),
        "Only the vectors are kept, so that they can be learned from far more text.",
        "Mikolov et al.",
        ("zoo/skip-gram", "zoo/cbow"),
    ),
    Node(
        "rnn",
        "RNN",
        "1990",
        2,
        ("window",),
        "No window: a state is carried from word to word, in one vector.",
        "Elman; Mikolov et al. 2010",
        ("zoo/rnn",),
    ),
    Node(
        "gated",
        "LSTM and GRU",
        "1997",
        2,
        ("rnn",),
        "Gates decide what the state keeps, so that it lasts.",
        "Hochreiter and Schmidhuber; Cho et al. 2014",
        ("zoo/lstm", "zoo/gru"),
    ),
    Node(
        "seq2seq",
        "Seq2seq",
        "2014",
        3,
        ("gated",),
        "Two networks: one reads, one writes. Between them stands one vector of fixed size.",
        "Sutskever et al.; Cho et al.",
        ("zoo/seq2seq",),
    ),
    Node(
        "attention",
        "Seq2seq with attention",
        "2015",
        3,
        ("seq2seq",),
        "Before each word, look back at every word of the source.",
        "Bahdanau et al.; Luong et al.",
        ("zoo/seq2seq-attention",),
    ),
    Node(
        "transformer",
        "Transformer",
        "2017",
        4,
        ("attention",),
        "Attention and no recurrence: all places of a text at once.",
        "Vaswani et al.",
        ("zoo/encoder-decoder",),
    ),
    Node(
        "bert",
        "BERT",
        "2018",
        4,
        ("transformer",),
        "The encoder alone, reading both sides, to fill blanks.",
        "Devlin et al., printed 2019",
        ("zoo/bert",),
    ),
    Node(
        "gpt",
        "GPT",
        "2018",
        4,
        ("transformer",),
        "The decoder alone, reading the left side, to say the next word.",
        "Radford et al.",
        ("zoo/gpt",),
    ),
    Node(
        "modern",
        "GPT, modern",
        "since 2019",
        4,
        ("gpt",),
        "The same with parts exchanged: places as rotations, plain norms, a squared ReLU, layers that start at zero.",
        "Su et al. 2021; So et al. 2021; …",
        ("zoo/gpt-modern",),
    ),
)
"""Each after those that it grew out of."""


def draw() -> None:
    """The tree; a click finds the model's cards below."""
    st.subheader("What each step added", anchor=False)
    tree(NODES, GENERATIONS, key=key("tree"), on_open=_find)
    st.caption(
        "A line says what an idea adds to, not which came first: Shannon counted n-grams before anybody spoke of a bag "
        "of words, and recurrent networks are older than the window network. Choose an idea to find its models below."
    )


def _find(node: str) -> None:
    ids = next(each.models for each in NODES if each.id == node)
    filters.look_for(" ".join(ids))
