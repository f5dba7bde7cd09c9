"""The vocabulary's entries for every model that is not GPT: cells, seq2seq, BERT's head, and models that only count.

`zoo.trace.schema` puts them behind the transformer's own. `{i}` stands for a block's number, `{n}` for an order's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One step of the vocabulary."""

    name: str
    dims: tuple[str, ...]
    title: str
    about: str
    formula: str = ""
    """The identity that the step obeys, in the names of other steps; empty where it is an input."""


_TIME_WIDTH = ("time", "width")
_TARGET = ("head", "time", "head_dim")
_SOURCE = ("head", "source", "head_dim")
_ACROSS = ("head", "query", "source")
_COUNTS = ("time", "vocab")

_SUM = "x · W_x{0} + h before · W_h{0} + b_{0}"
_BENT = {"i": "sigmoid", "f": "sigmoid", "g": "tanh", "o": "sigmoid", "r": "sigmoid", "z": "sigmoid"}
_FORMULAS = {letter: f"{letter} = {bend}({_SUM.format(letter)})" for letter, bend in _BENT.items()} | {
    "c": "c = f · c before + i · g",
    "n": "n = tanh(x · W_xn + b_n + r · (h before · W_hn + b_hn))",
}

CELLS: tuple[Entry, ...] = tuple(
    Entry(f"cell.{letter}", ("width",), title, about, _FORMULAS.get(letter, ""))
    for letter, title, about in (
        ("i", "Input gate", "How much of the new candidate is let in."),
        ("f", "Forget gate", "How much of the old cell state is kept."),
        ("g", "Candidate", "What could be written into the cell state."),
        ("o", "Output gate", "How much of the cell state is shown."),
        ("c", "Cell state", "The long memory, carried from step to step."),
        ("h", "Hidden state", "What the cell hands to the next step, and to the layer above."),
        ("r", "Reset gate", "How much of the old state the candidate may see."),
        ("z", "Update gate", "How much of the old state is kept."),
        ("n", "Candidate", "The new state that is proposed."),
    )
)
"""Each is recorded once a token, (width,); put together they are (time, width)."""

CROSS: tuple[Entry, ...] = (
    Entry(
        "blocks.{i}.norm_cross",
        _TIME_WIDTH,
        "Norm before cross attention",
        "Each target token's vector brought to a common size, before it asks the source.",
        "norm_cross = (resid_mid − mean) / √(variance + ε) · weight + bias",
    ),
    Entry(
        "blocks.{i}.cross.q",
        _TARGET,
        "Cross attention, query",
        "What each target token is looking for in the source.",
        "q = norm_cross · W_Q + b_Q",
    ),
    Entry(
        "blocks.{i}.cross.k",
        _SOURCE,
        "Cross attention, key",
        "What each source token offers to be found by.",
        "k = encoder.final_norm · W_K + b_K",
    ),
    Entry(
        "blocks.{i}.cross.v",
        _SOURCE,
        "Cross attention, value",
        "What each source token hands over when it is looked at.",
        "v = encoder.final_norm · W_V + b_V",
    ),
    Entry(
        "blocks.{i}.cross.scores",
        _ACROSS,
        "Cross attention, scores",
        "How well each target token's query matches each source token's key.",
        "scores = q · kᵀ / √head_dim",
    ),
    Entry(
        "blocks.{i}.cross.mask",
        ("query", "source"),
        "Cross attention, mask",
        "0 everywhere: the whole source is known before the first target token is written.",
        "mask[query, key] = 0",
    ),
    Entry(
        "blocks.{i}.cross.pattern",
        _ACROSS,
        "Cross attention, pattern",
        "How each target token divides its attention over the source: each row sums to 1.",
        "pattern = softmax(scores + mask)",
    ),
    Entry(
        "blocks.{i}.cross.z",
        _TARGET,
        "Cross attention, weighted values",
        "Each target token's mix of the source's values.",
        "z = pattern · v",
    ),
    Entry(
        "blocks.{i}.cross.out",
        _TIME_WIDTH,
        "Cross attention output",
        "The heads' answers side by side, projected back to the width of the stream.",
        "cross.out = concat(z) · W_O + b_O",
    ),
    Entry(
        "blocks.{i}.resid_cross",
        _TIME_WIDTH,
        "Stream after cross attention",
        "What the stream held, plus what the source answered.",
        "resid_cross = norm_cross + cross.out",
    ),
)
"""Of a decoder's block: the target asks the source. Dimension word `source`: the source's tokens."""

HEAD: tuple[Entry, ...] = (
    Entry(
        "head.pre",
        _TIME_WIDTH,
        "Head",
        "One layer more before the words are read off, of each token alone.",
        "head.pre = final_norm · W + b",
    ),
    Entry("head.act", _TIME_WIDTH, "Head, bent", "The layer's tests that fired.", "head.act = gelu(head.pre)"),
    Entry(
        "head.norm",
        _TIME_WIDTH,
        "Head, normed",
        "Brought to a common size, to be compared with every row of the embedding table.",
        "head.norm = (head.act − mean) / √(variance + ε) · weight + bias",
    ),
)

SEQ2SEQ: tuple[Entry, ...] = (
    Entry(
        "encoder.out",
        _TIME_WIDTH,
        "Encoder's states",
        "The encoder's last layer after each source token: all that the decoder can ask for.",
        "encoder.out = cell.h of the last layer",
    ),
    Entry(
        "context",
        ("width",),
        "Context vector",
        "The encoder's last state: the whole source in one vector, all that the decoder ever learns of it.",
        "context = encoder.out of the last source token",
    ),
    Entry(
        "start",
        ("width",),
        "Decoder's first state",
        "The encoder's last state, from which the decoder sets out.",
        "start = encoder.out of the last source token",
    ),
    Entry(
        "cross.q",
        _TARGET,
        "Query",
        "The decoder's state, as it asks the source.",
    ),
    Entry("cross.k", _SOURCE, "Key", "What each of the encoder's states offers to be found by."),
    Entry("cross.scores", _ACROSS, "Scores", "How well each source token answers each target token's query."),
    Entry(
        "cross.pattern",
        _ACROSS,
        "Attention pattern",
        "How much of each encoder state goes into the mix; each row is positive and sums to 1.",
        "pattern = softmax(scores)",
    ),
    Entry(
        "cross.context",
        _TIME_WIDTH,
        "Context vectors",
        "The mix of the encoder's states: another one for each target token.",
        "context = pattern · encoder.out",
    ),
    Entry(
        "decoder.out",
        _TIME_WIDTH,
        "Context and state, mixed",
        "What the source says and what has been written so far, put together: the next token is read from it.",
        "decoder.out = tanh(context · W_c + h · W_h + b)",
    ),
)

COUNTING: tuple[Entry, ...] = (
    Entry(
        "bag.counts",
        _COUNTS,
        "Counts",
        "How often each token of the vocabulary came so far; the order is thrown away.",
        "bag.counts[t, v] = how many of the tokens 0 … t are v",
    ),
    Entry(
        "bag.shares",
        _COUNTS,
        "Shares",
        "The counts, divided by how many tokens there are: each row sums to 1.",
        "bag.shares = bag.counts / number of tokens",
    ),
    Entry(
        "bag.mean",
        _TIME_WIDTH,
        "Mean vector",
        "The mean of the vectors of all tokens so far: the whole bag in one vector.",
        "bag.mean = bag.shares · W_E",
    ),
    Entry(
        "window.input",
        ("time", "window", "width"),
        "Window",
        "For each token its own vector, behind those of the tokens just before it; zeros before the text begins.",
        "window.input[t, n] = embed.tok of the n-th of the last tokens up to t",
    ),
    Entry(
        "window.pre",
        ("time", "hidden"),
        "Hidden layer",
        "All vectors of the window side by side, projected: each number tests for something in some place.",
        "window.pre = concat(window.input) · W + b",
    ),
    Entry(
        "window.hidden",
        ("time", "hidden"),
        "Hidden layer, bent",
        "The tests' answers, between −1 and 1.",
        "window.hidden = tanh(window.pre)",
    ),
    Entry(
        "cbow.shares",
        ("query", "key"),
        "Shares",
        "Who goes into each place's mix: the words around it, in equal shares, and never itself.",
        "cbow.shares[t, s] = 1 / number of words within the window, 0 outside of it",
    ),
    Entry(
        "cbow.mean",
        _TIME_WIDTH,
        "Mean of the words around",
        "The mix of the neighbours' vectors: the word itself is not in it.",
        "cbow.mean = cbow.shares · embed.tok",
    ),
    Entry(
        "ngram.counts.{n}",
        _COUNTS,
        "Counts after the last tokens",
        "How often each token followed the last tokens in the text that was counted (in shorter orders: in how many "
        "different places).",
    ),
    Entry("ngram.discount", ("order",), "Discount", "What is taken from every count, for what was never seen."),
    Entry("ngram.seen", ("time",), "Longest order seen", "How many tokens in a row were found among those counted."),
    Entry(
        "ngram.back_off",
        ("time", "order"),
        "Handed on",
        "The share that each order hands on to the next shorter one; all of it where it never saw these tokens.",
        "back_off = discount · kinds of followers / counts",
    ),
    Entry(
        "ngram.mix",
        ("time", "order"),
        "Each order's share",
        "How the answer is divided among the orders, the even guess first: each row sums to 1.",
        "mix[n] = (1 − back_off[n]) · back_off[n + 1] · …",
    ),
    Entry(
        "ngram.own.{n}",
        _COUNTS,
        "One order's answer",
        "The counts less the discount, scaled to sum to 1; zeros where these tokens were never seen.",
        "own = max(counts − discount, 0) / their sum",
    ),
)

OTHERS = (*CROSS, *HEAD, *SEQ2SEQ, *COUNTING)
