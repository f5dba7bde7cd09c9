"""What the page measures of a twin, kept for all sessions: each is computed once for the same weights and text."""

from __future__ import annotations

import streamlit as st

from playground import engine
from playground.catalogue import Weights
from zoo.evaluation import Neighbour, Score, joined, neighbours, score
from zoo.sampling import Sampling


@st.cache_data(max_entries=256, show_spinner=False)
def judged(weights: Weights, ids: tuple[int, ...]) -> Score:
    """How a twin predicts these ids, each from those before it.

    Raises:
        ValueError: there are fewer than two ids, or the model's numbers are not finite.
    """
    logits = engine.model(weights).trace_ids(ids, budget=0)["logits"]
    return score(logits, ids)


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

    Raises:
        ValueError: the token's embedding has no direction.
    """
    anatomy = engine.model(weights).anatomy
    found = None if anatomy is None else anatomy.params.get("embed.W_E")
    return None if found is None else neighbours(found.detach().float().numpy(), token, count)
