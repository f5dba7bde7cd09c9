"""N-gram models: the next token guessed by counting which tokens followed the last one or two before.

The yardstick for trained models: `zoo.pretrained.ship` scores one on the tokens that a shipped model
was trained on. Interpolated Kneser–Ney smoothing (Ney, Essen and Kneser 1994; Chen and Goodman 1999):

    p(w | u v) = max(c(u v w) − d, 0) / c(u v)  +  d · N(u v ·) / c(u v) · p(w | v)

c counts in the longest order; in the shorter ones it is in how many different places a piece was
seen. N(u v ·) is how many different tokens followed, d the discount of the order. p(w | v) is made
in the same way, and below p(w) stands 1 / vocabulary, so nothing has probability 0. NumPy, no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Order:
    """The counts of one length of gram. A gram is packed into one number, its first token highest."""

    length: int
    vocab_size: int
    grams: Ints
    """(grams,) the different grams, ascending."""
    counts: Ints
    """(grams,) how often each was seen (longest order), or after how many different tokens (shorter ones)."""
    contexts: Ints
    """(contexts,) the different beginnings of the grams (all but the last token), ascending."""
    totals: Ints
    """(contexts,) the sum of the counts of each context's grams."""
    followers: Ints
    """(contexts,) how many different tokens followed each context."""
    discount: float

    @classmethod
    def of(cls, grams: Ints, counts: Ints, length: int, vocab_size: int) -> _Order:
        """From the different grams, ascending, and their counts."""
        contexts, starts = np.unique(grams // vocab_size, return_index=True)
        totals = np.add.reduceat(counts, starts) if len(starts) else counts
        followers = np.diff(starts, append=len(grams))
        return cls(length, vocab_size, grams, counts, contexts, totals, followers, _discount(counts))

    def probs(self, rows: NDArray[np.integer], shorter: Floats) -> Floats:
        """p(last | those before it) of rows (n, >= length), given p of the next shorter order (n,)."""
        keys = _pack(rows[:, -self.length :], self.vocab_size)
        count = _look_up(self.grams, self.counts, keys)
        total = _look_up(self.contexts, self.totals, keys // self.vocab_size)
        followers = _look_up(self.contexts, self.followers, keys // self.vocab_size)
        seen = np.maximum(count - self.discount, 0) + self.discount * followers * shorter
        return np.where(total > 0, seen / np.maximum(total, 1), shorter)


@dataclass(frozen=True)
class NGram:
    """A counted model. Made by `count_ngrams`."""

    orders: tuple[_Order, ...]
    """Shortest first."""
    vocab_size: int

    @property
    def size(self) -> int:
        """How many different grams it has counted, all lengths together."""
        return sum(len(order.grams) for order in self.orders)

    def log_probs(self, stream: NDArray[np.integer]) -> Floats:
        """log p of each token given those before it: (tokens,) -> (tokens,) in nats, all below or at 0.

        The first tokens of the stream have fewer before them, and are given by the shorter orders.

        Raises:
            ValueError: the stream is not one row of ids below the vocabulary's size.
        """
        _check(stream, self.vocab_size)
        longest = len(self.orders)
        starts = [self._probs(stream[None, : i + 1]) for i in range(min(longest - 1, len(stream)))]
        rest = [self._probs(sliding_window_view(stream, longest))] if len(stream) >= longest else []
        logs: Floats = np.log(np.concatenate([*starts, *rest, np.empty(0)]))
        return logs

    def distribution(self, context: Sequence[int]) -> Floats:
        """p of every token after `context`, of which the last order − 1 tokens count: (vocab,), sums to 1."""
        kept = list(context)[max(0, len(context) - len(self.orders) + 1) :]
        before = np.tile(np.asarray(kept, dtype=np.int64), (self.vocab_size, 1))  # (vocab, kept)
        return self._probs(np.column_stack([before, np.arange(self.vocab_size)]))

    def _probs(self, rows: NDArray[np.integer]) -> Floats:
        """p of the last token of each row (n, 1 … order)."""
        probs = np.full(len(rows), 1 / self.vocab_size)
        for order in self.orders[: rows.shape[1]]:
            probs = order.probs(rows, probs)
        return probs


def count_ngrams(stream: NDArray[np.integer], vocab_size: int, order: int) -> NGram:
    """Count a stream of ids (tokens,); `order` 1 is a unigram model, 3 a trigram model.

    Raises:
        ValueError: the stream is shorter than the order or holds other than ids, or a gram of this
            order does not fit into 63 bits.
    """
    _check(stream, vocab_size)
    if order < 1 or len(stream) < order:
        raise ValueError(f"cannot count {order}-grams in {len(stream)} tokens: give a longer text or a shorter order")
    if vocab_size**order >= 2**63:
        raise ValueError(f"{order}-grams of {vocab_size:,} tokens are too many to number: choose a shorter order")
    keys = _pack(sliding_window_view(stream, order), vocab_size)
    grams, counts = np.unique(keys, return_counts=True)
    del keys
    levels = [(grams, counts)]
    for length in range(order - 1, 0, -1):  # an ending counts once for each different token before it
        levels.insert(0, np.unique(levels[0][0] % vocab_size**length, return_counts=True))
    orders = tuple(_Order.of(*level, length, vocab_size) for length, level in enumerate(levels, 1))
    return NGram(orders, vocab_size)


def _discount(counts: Ints) -> float:
    """n1 / (n1 + 2 n2), from how many grams were seen once and twice (Ney et al. 1994); 1/2 without any such."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once else 0.5


def _pack(rows: NDArray[np.integer], vocab_size: int) -> Ints:
    """Rows of ids (n, length) as one number each: (n,)."""
    keys = np.zeros(len(rows), dtype=np.int64)
    for column in range(rows.shape[1]):
        keys = keys * vocab_size + rows[:, column]
    return keys


def _look_up(table: Ints, values: Ints, keys: Ints) -> Ints:
    """The value at each key's place in the ascending table; 0 for keys that are not in it."""
    place = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[place] == keys, values[place], 0)


def _check(stream: NDArray[np.integer], vocab_size: int) -> None:
    if stream.ndim != 1 or not np.issubdtype(stream.dtype, np.integer):
        raise ValueError(f"a stream is one row of token ids, not {stream.dtype} of shape {stream.shape}")
    if len(stream) and not 0 <= int(stream.min()) <= int(stream.max()) < vocab_size:
        raise ValueError(f"the stream holds ids outside 0 … {vocab_size - 1}: it was made by another tokenizer")
