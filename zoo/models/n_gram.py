"""N-gram: the next word guessed by counting what followed the last few words before; nothing is trained.

Interpolated Kneser–Ney smoothing (Ney, Essen and Kneser 1994; Chen and Goodman 1999, equation 26). After
the last n − 1 tokens h, order n says

    own(w) = max(c(h w) − d, 0) / Σ          back_off = d · N(h) / c(h)

c(h w) counts how often w followed h, N(h) how many different tokens did, c(h) is the sum of the counts,
and d the discount: a little is taken from all that was seen, for what was not. Σ brings the sum to 1. The
longest order gets the share 1 − back_off of the answer, and what is left goes down to the next shorter one,
all of it where h was never seen; at the bottom all tokens are equally likely. In all but the longest order
c(h w) counts in how many different places "h w" stood, that is, behind how many different tokens:
"Francisco" is frequent, yet follows only "San". A row's beginning is one such place.

Each `record` call names a value; the page shows it under that name. Shape letters: B batch, T time,
V vocabulary; N = order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.plugin import Anatomy, ModelPlugin, ModelSpec
from zoo.trace.record import record

PENDING = 2**20
"""Grams that may wait to be merged into those counted before: merging sorts them all."""


class Config(BaseModel):
    """How many words are counted together."""

    order: int = Field(3, ge=1, le=5, description="Words in the longest gram: 3 looks two words back.")
    context: int = Field(128, ge=2, le=1024, description="The longest text the model can read, in tokens.")


@dataclass(frozen=True)
class Table:
    """What followed each context of one length. A context's followers stand together, one entry each."""

    contexts: Tensor
    """(contexts,) each context's tokens as one number, ascending."""
    starts: Tensor
    """(contexts,) where its followers begin."""
    followers: Tensor
    """(contexts,) how many different tokens followed: N(h)."""
    tokens: Tensor
    """(entries,) the token that followed."""
    counts: Tensor
    """(entries,) how often: c(h w)."""
    discount: float
    """d = n1 / (n1 + 2 n2), from how many counts are 1 and 2 (Ney et al. 1994); 1/2 where no count is 1."""

    @classmethod
    def of(cls, grams: Tensor, counts: Tensor, base: int) -> Table:
        """From the different grams (entries,) as numbers, ascending: context · base + token."""
        contexts, followers = torch.unique_consecutive(grams // base, return_counts=True)
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        discount = once / (once + 2 * twice) if once else 0.5
        return cls(contexts, followers.cumsum(0) - followers, followers, grams % base, counts, discount)

    def after(self, contexts: Tensor, vocab_size: int) -> Tensor:
        """(B, T) contexts -> (B, T, V): how often each token followed; zeros after a context never seen."""
        asked, place = torch.unique(contexts, return_inverse=True)  # (asked,), (B, T)
        dense = torch.zeros(len(asked), vocab_size)
        if len(self.contexts):
            found = torch.searchsorted(self.contexts, asked).clamp(max=len(self.contexts) - 1)
            seen = self.contexts[found] == asked
            lengths = torch.where(seen, self.followers[found], 0)
            rows = torch.arange(len(asked)).repeat_interleave(lengths)  # (entries of what is asked,)
            within = torch.arange(len(rows)) - (lengths.cumsum(0) - lengths)[rows]
            entries = self.starts[found][rows] + within
            dense[rows, self.tokens[entries]] = self.counts[entries].float()
        return dense[place]


class NGram(nn.Module):
    """ids (B, T) -> logits (B, T, V), which are log-probabilities: their softmax is the model's answer.

    What it has counted lies in two buffers that grow; there is no parameter. Before it has counted, all
    tokens are equally likely.

    Raises:
        ValueError: there are more possible grams than 63 bits can number.
    """

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config, self.vocab_size = config, vocab_size
        self.base = vocab_size + 1  # one more id: it stands where a row has not begun yet
        if self.base**config.order >= 2**63:
            raise ValueError(
                f"{config.order}-grams of {vocab_size:,} tokens are too many to number: lower order, or the vocabulary"
            )
        self.grams: Tensor  # (grams, N) the different longest grams, in ascending order
        self.counts: Tensor  # (grams,) how often each was seen
        self.register_buffer("grams", torch.empty(0, config.order, dtype=torch.int32))
        self.register_buffer("counts", torch.empty(0, dtype=torch.int32))
        self._pending: list[Tensor] = []
        self._tables: list[Table] | None = None

    @torch.no_grad()
    def count(self, rows: Tensor) -> None:
        """Learn rows (batch, time + 1) by counting; each token but a row's first is one that had to be guessed.

        Raises:
            ValueError: the rows hold ids outside of the vocabulary.
        """
        if not rows.numel():
            return
        if int(rows.min()) < 0 or int(rows.max()) >= self.vocab_size:
            raise ValueError(f"the text holds ids outside 0 … {self.vocab_size - 1}: it was made by another tokenizer")
        order = self.config.order
        padded = F.pad(rows.long(), (order - 2, 0), value=self.vocab_size)  # order 1 drops a row's first token
        self._pending.append(self._number(padded.unfold(1, order, 1).flatten(0, 1)))  # a gram for each target
        self._tables = None
        if sum(map(len, self._pending)) >= PENDING:
            self._merge()

    def forward(self, ids: Tensor) -> Tensor:
        order, time = self.config.order, ids.shape[1]
        if time > self.config.context:
            raise ValueError(f"the text has {time} tokens; this model reads at most {self.config.context}")
        tables = self.tables()
        counts = [self._counts(n, tables[n - 1], ids) for n in range(1, order + 1)]  # N of (B, T, V)
        totals = torch.stack([each.sum(-1) for each in counts], -1)  # (B, T, N)
        followers = torch.stack([(each > 0).sum(-1) for each in counts], -1)  # (B, T, N)
        discount = record("ngram.discount", torch.tensor([table.discount for table in tables]))  # (N,)
        record("ngram.seen", (totals > 0).sum(-1))  # (B, T): an order is seen only where all shorter ones are
        back_off = torch.where(totals > 0, discount * followers / totals.clamp(min=1), 1.0)  # (B, T, N)
        mix = record("ngram.mix", shares(record("ngram.back_off", back_off)))  # (B, T, N + 1)
        probs = mix[..., :1] / self.vocab_size  # (B, T, 1): what is left for the even guess
        for n in range(1, order + 1):
            own = (counts[n - 1] - discount[n - 1]).clamp_(min=0)  # (B, T, V); in place, where nothing is recorded yet
            own = record(f"ngram.own.{n}", own.div_(own.sum(-1, keepdim=True).clamp(min=1e-9)))  # rows sum to 1, or 0
            probs = torch.addcmul(probs, mix[..., n : n + 1], own)  # (B, T, V)
        return record("logits", probs.log_())  # (B, T, V)

    def _counts(self, n: int, table: Table, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, V): the counts of order n after the n − 1 tokens up to each; none where there are fewer."""
        padded = F.pad(ids, (n - 2, 0), value=self.vocab_size) if n > 1 else ids  # (B, n - 2 + T)
        contexts = self._number(padded.unfold(1, n - 1, 1)) if n > 1 else torch.zeros_like(ids)  # (B, T)
        return record(f"ngram.counts.{n}", table.after(contexts, self.vocab_size))

    def tables(self) -> list[Table]:
        """What followed the contexts of 0, 1 … N − 1 tokens, made of the longest grams."""
        self._merge()
        if self._tables is None:
            grams, counts, tables = self._number(self.grams.long()), self.counts.long(), list[Table]()
            for n in range(self.config.order, 0, -1):
                inside = grams // self.base ** (n - 1) != self.vocab_size  # not begun before its row
                tables.insert(0, Table.of(grams[inside], counts[inside], self.base))
                grams, counts = torch.unique(grams % self.base ** (n - 1), return_counts=True)  # one for each place
            self._tables = tables
        return self._tables

    def _merge(self) -> None:
        """Put what was counted last to the rest."""
        if not self._pending:
            return
        new, times = torch.unique(torch.cat(self._pending), return_counts=True)
        keys, place = torch.unique(torch.cat([self._number(self.grams.long()), new]), return_inverse=True)
        both = torch.cat([self.counts.long(), times])
        self.counts = torch.zeros_like(keys).index_add_(0, place, both).int()
        powers = self.base ** torch.arange(self.config.order - 1, -1, -1)
        self.grams = (keys[:, None] // powers % self.base).int()
        self._pending, self._tables = [], None

    def _number(self, grams: Tensor) -> Tensor:
        """(…, n) tokens -> (…): as the digits of one number, the first token highest."""
        numbers = torch.zeros_like(grams[..., 0])
        for i in range(grams.shape[-1]):
            numbers = numbers * self.base + grams[..., i]
        return numbers

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Everything counted so far."""
        self._merge()
        super()._save_to_state_dict(destination, prefix, keep_vars)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        """Counts of any number take the place of what was counted; grams of another length are refused."""
        for name, own in (("grams", self.grams), ("counts", self.counts)):
            given = state_dict.get(prefix + name)
            if given is not None and given.shape[1:] == own.shape[1:]:
                setattr(self, name, own.new_zeros(given.shape))
        self._pending, self._tables = [], None
        super()._load_from_state_dict(state_dict, prefix, *others)


def shares(back_off: Tensor) -> Tensor:
    """Each order's share of the answer, from what it hands on: (…, N) -> (…, N + 1), column 0 the even guess.

    The rows sum to 1: share[n] = (1 − back_off[n]) · back_off[n + 1] · … · back_off[N].
    """
    reached = back_off.flip(-1).cumprod(-1).flip(-1)  # what goes below order n
    reached = F.pad(reached, (0, 1), value=1.0)  # all of it reaches the longest order
    return reached * F.pad(1 - back_off, (1, 0), value=1.0)  # (…, N + 1)


class NGramPlugin(ModelPlugin):
    """The zoo's counting model."""

    spec = ModelSpec(
        id="zoo/n-gram",
        title="N-gram",
        family="n-gram",
        task="next-token",
        summary="Counts what followed the last two words; where it never saw them, it looks at one, or at none.",
    )
    Config = Config

    def build(self, config: Any, vocab_size: int) -> NGram:
        """A model that has counted nothing yet."""
        return NGram(config, vocab_size)

    def recipe(self) -> dict[str, object]:
        """Many windows a step: each step ends with tables to be made anew."""
        return {"batch": 64}

    def names(self) -> dict[str, str]:
        """Empty: every step is recorded by hand, above."""
        return {}

    def anatomy(self, module: nn.Module) -> Anatomy:
        """No weights: all that it knows are counts. Its answer is the orders' answers, mixed."""
        return Anatomy(params={}, positions="none", read_out="ngram.mix")
