"""What the page measures of a twin, kept for all sessions: each is computed once for the same weights and text."""

from __future__ import annotations

import numpy as np
import streamlit as st

from playground import engine
from playground.catalogue import Weights
from zoo.evaluation import Neighbour, Score, joined, neighbours, score
from zoo.sampling import Sampling


@st.cache_data(max_entries=256, show_spinner=False)
def judged(weights: Weights, ids: tuple[int, ...]) -> Score:
    """How a twin predicts these ids: each from those before it, or with a blank in its place from all others.

    Raises:
        ValueError: there are fewer than two ids, or the model's numbers are not finite.
    """
    model = engine.model(weights)
    if not model.fills_blanks:
        return score(model.trace_ids(ids, budget=0)["logits"], ids)
    from zoo.compare.blanks import predictions

    found = predictions(model, ids).float().numpy()  # (T − 1, V): row t about token t + 1
    return score(np.concatenate([found, found[-1:]]), ids)  # the last row is about what follows: nobody asks for it


def judged_together(weights: Weights, texts: tuple[tuple[int, ...], ...]) -> Score:
    """How a twin predicts several texts, each read on its own."""
    return joined([judged(weights, ids) for ids in texts])


@st.cache_data(max_entries=64, show_spinner=False)
def continuation(weights: Weights, ids: tuple[int, ...], tokens: int, sampling: Sampling, seed: int) -> list[int]:
    """The ids that a twin goes on with."""
    return list(engine.model(weights).generate(ids, tokens, sampling, seed))


@st.cache_data(max_entries=64, show_spinner=False)
def spread(weights: Weights) -> float:
    """The standard deviation of all numbers in a twin's weights."""
    import torch

    values = [each.detach().flatten().double() for each in engine.model(weights).module.parameters()]
    return float(torch.cat(values).std(correction=0)) if values else 0.0


@st.cache_data(max_entries=64, show_spinner=False)
def nearest(weights: Weights, token: int, count: int) -> list[Neighbour] | None:
    """The tokens whose embeddings lie nearest to a token's; None where the model doesn't show its table.

    Of two tables, as some translators have them, it is the one that the source is read with.

    Raises:
        ValueError: the token's embedding has no direction.
    """
    model = engine.model(weights)
    params = {} if model.anatomy is None else model.anatomy.params
    found = params.get("embed.W_E", params.get("encoder.embed.W_E"))
    found = None if found is None else found[: model.tokenizer.vocab_size]  # the mark is no token
    return None if found is None else neighbours(found.detach().float().numpy(), token, count)
