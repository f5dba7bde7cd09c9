"""The vocabulary of a trace: each step's name, dimensions, title, meaning, and the identity it obeys.

Imports nothing heavy: the app reads it before torch is there. `{i}` stands for a block's number.
Dimension words: time (token positions), query and key (the position that looks, the one looked at),
head, kv_head (fewer than heads where queries share them), head_dim, width, hidden (inside the
feed-forward), vocab; source (a translator's source tokens), window and order (of models that look back
so far). The other models' entries stand in `zoo.trace.entries`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from zoo.trace.entries import CELLS, OTHERS, Entry

__all__ = ["OTHERS", "SCHEMA", "Entry", "block_of", "entry"]

_TIME_WIDTH = ("time", "width")
_HEADS = ("head", "time", "head_dim")
_KV_HEADS = ("kv_head", "time", "head_dim")
_PAIRS = ("head", "query", "key")

SCHEMA: tuple[Entry, ...] = (
    Entry(
        "embed.tok",
        _TIME_WIDTH,
        "Token embedding",
        "Each token's own row of a learned table: what it means before any context.",
        "embed.tok[t] = W_E[id of token t]",
    ),
    Entry(
        "embed.prev",
        _TIME_WIDTH,
        "Previous token",
        "A second learned row, chosen by the token before: neighbours are known as a pair from the start.",
        "embed.prev[t] = W_prev[id of token t − 1]",
    ),
    Entry(
        "embed.pos",
        _TIME_WIDTH,
        "Position",
        "A vector for each place in the text, the same for every token that stands there.",
        "embed.pos[t] = W_pos[t]",
    ),
    Entry(
        "embed.out",
        _TIME_WIDTH,
        "Embedding",
        "What goes into the model: meaning, and place where the model adds one.",
        "embed.out = embed.tok + embed.pos",
    ),
    Entry(
        "blocks.{i}.norm1",
        _TIME_WIDTH,
        "Norm before attention",
        "Each token's vector brought to a common size, so that attention compares directions.",
        "norm1 = (x − mean) / √(variance + ε) · weight + bias",
    ),
    Entry(
        "blocks.{i}.attn.q",
        _HEADS,
        "Query",
        "What each token is looking for.",
        "q = norm1 · W_Q + b_Q",
    ),
    Entry(
        "blocks.{i}.attn.k",
        _KV_HEADS,
        "Key",
        "What each token offers to be found by.",
        "k = norm1 · W_K + b_K",
    ),
    Entry(
        "blocks.{i}.attn.v",
        _KV_HEADS,
        "Value",
        "What each token hands over when it is looked at.",
        "v = norm1 · W_V + b_V",
    ),
    Entry(
        "blocks.{i}.attn.q_norm",
        _HEADS,
        "Query, normed",
        "The query brought to a common length: its direction alone says what it looks for.",
        "q_norm = (q − mean) / √(variance + ε) · weight + bias",
    ),
    Entry(
        "blocks.{i}.attn.k_norm",
        _KV_HEADS,
        "Key, normed",
        "The key brought to a common length: no key can outshout the others.",
        "k_norm = (k − mean) / √(variance + ε) · weight + bias",
    ),
    Entry(
        "blocks.{i}.attn.q_rot",
        _HEADS,
        "Query, turned by its position",
        "The query rotated by an angle that grows with the position: rotary positions.",
        "q_rot = rotate(q, position)",
    ),
    Entry(
        "blocks.{i}.attn.k_rot",
        _KV_HEADS,
        "Key, turned by its position",
        "The key rotated by an angle that grows with the position: rotary positions.",
        "k_rot = rotate(k, position)",
    ),
    Entry(
        "blocks.{i}.attn.scores",
        _PAIRS,
        "Scores",
        "How well each query matches each key, divided by √(head size) so that the sums stay moderate.",
        "scores = q · kᵀ / √head_dim",
    ),
    Entry(
        "blocks.{i}.attn.mask",
        ("query", "key"),
        "Mask",
        "0 where a token may look, −∞ where it may not: a model that predicts must not see the future.",
        "mask[query, key] = −∞ where key > query, else 0",
    ),
    Entry(
        "blocks.{i}.attn.pattern",
        _PAIRS,
        "Attention pattern",
        "The scores as shares of attention: each row is positive and sums to 1.",
        "pattern = softmax(scores + mask)",
    ),
    Entry(
        "blocks.{i}.attn.z",
        _HEADS,
        "Weighted values",
        "Each token's mix of the values it attends to.",
        "z = pattern · v",
    ),
    Entry(
        "blocks.{i}.attn.out",
        _TIME_WIDTH,
        "Attention output",
        "The heads' answers side by side, projected back to the width of the stream.",
        "attn.out = concat(z) · W_O + b_O",
    ),
    Entry(
        "blocks.{i}.resid_mid",
        _TIME_WIDTH,
        "Stream after attention",
        "What the stream held, plus what attention found.",
        "resid_mid = x + attn.out",
    ),
    Entry(
        "blocks.{i}.norm2",
        _TIME_WIDTH,
        "Norm before feed-forward",
        "The stream brought to a common size again.",
        "norm2 = (resid_mid − mean) / √(variance + ε) · weight + bias",
    ),
    Entry(
        "blocks.{i}.mlp.pre",
        ("time", "hidden"),
        "Feed-forward, widened",
        "Each token alone, projected to more dimensions: each one tests for something.",
        "pre = norm2 · W_in + b_in",
    ),
    Entry(
        "blocks.{i}.mlp.up",
        ("time", "hidden"),
        "Feed-forward, the gated branch",
        "A second projection that the activated one opens or closes.",
        "up = norm2 · W_in + b_in",
    ),
    Entry(
        "blocks.{i}.mlp.act",
        ("time", "hidden"),
        "Activation",
        "The tests that fired; the others are pushed towards zero.",
        "act = activation(pre)",
    ),
    Entry(
        "blocks.{i}.mlp.out",
        _TIME_WIDTH,
        "Feed-forward output",
        "What the tests that fired add to the stream.",
        "mlp.out = act · W_out + b_out",
    ),
    Entry(
        "blocks.{i}.resid",
        _TIME_WIDTH,
        "Stream after the block",
        "What the stream held, plus what the feed-forward added.",
        "resid = resid_mid + mlp.out",
    ),
    Entry(
        "final_norm",
        _TIME_WIDTH,
        "Final norm",
        "The last stream, brought to a common size before it is read out.",
        "final_norm = (x − mean) / √(variance + ε) · weight + bias",
    ),
    Entry(
        "logits",
        ("time", "vocab"),
        "Logits",
        "A raw score for every token of the vocabulary; the model's answer stands in the last row.",
        "logits = final_norm · W_U + b_U",
    ),
    Entry(
        "probs",
        ("time", "vocab"),
        "Probabilities",
        "The logits made positive and scaled to sum to 1.",
        "probs = softmax(logits)",
    ),
    *CELLS,
)
"""The steps of a transformer that reads one text, and of recurrent cells; the others' are `OTHERS`."""

_PATTERNS = tuple(
    (re.compile(re.sub(r"\\\{[in]\\\}", r"\\d+", re.escape(e.name)) + "$"), e) for e in (*SCHEMA, *OTHERS)
)


@lru_cache(maxsize=4096)
def entry(name: str) -> Entry | None:
    """The vocabulary's entry for a step such as "blocks.3.attn.q"; None for a name outside of it.

    A leading "encoder." or "decoder." and what stands before ".cell." are the model's own.
    """
    bare = re.sub(r"^.*(?=\bcell\.)|^(encoder|decoder)\.", "", name)
    return next((found for asked in (name, bare) for pattern, found in _PATTERNS if pattern.match(asked)), None)


def block_of(name: str) -> int | None:
    """The number of the block that a step belongs to."""
    match = re.search(r"blocks\.(\d+)\.", name)
    return int(match[1]) if match else None
