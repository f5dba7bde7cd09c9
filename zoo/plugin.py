"""The contract between a model and the playground: what an author writes to add a model.

An author subclasses `ModelPlugin`, fills in `spec` and `Config`, and writes `build`. Everything
else is optional. The registry finds the class; the conformance kit (`zoo.testing`) checks it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from torch import nn

    from zoo.tokenizers import Tokenizer

API_VERSION = 1

Family = Literal[
    "bag-of-words", "n-gram", "word2vec", "feed-forward", "rnn", "seq2seq", "gpt", "bert", "encoder-decoder", "other"
]
Task = Literal["next-token", "masked-token", "skip-gram", "cbow", "translate"]
"""What a model is asked for. All but next-token and skip-gram know one id more than the tokenizer, its `vocab_size`:
the blank to be filled, or the mark between a source and its translation."""
Norm = Literal["layer_norm", "rms_norm"]
Activation = Literal["gelu", "gelu_tanh", "silu", "relu", "relu_squared"]
Positions = Literal["learned", "sinusoidal", "rotary", "none"]

CONTEXT = 128
"""Tokens that a model reads where its Config has no field `context`: trained on as many, asked with at most as many."""

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class ModelSpec:
    """What the catalogue shows of a model without building it.

    Raises:
        ValueError: the id is not "namespace/slug", or the family or task is unknown.
    """

    id: str
    title: str
    family: Family
    task: Task
    summary: str
    requires: tuple[str, ...] = ()
    api: int = API_VERSION

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"model id {self.id!r} is not of the form namespace/slug, in lower case")
        for name, value, allowed in (("family", self.family, Family), ("task", self.task, Task)):
            if value not in get_args(allowed):
                raise ValueError(f"{self.id}: unknown {name} {value!r}; choose one of {', '.join(get_args(allowed))}")


@dataclass(frozen=True)
class Anatomy:
    """A model's constants and weights under schema names, so that its steps can be recomputed.

    `params` holds every weight in "input @ W" orientation: `embed.W_E` (vocab, width), `embed.W_pos`
    (time, width), `embed.W_prev` (vocab + 1, width; its last row stands before the first token),
    `blocks.{i}.norm1.weight` (width), `blocks.{i}.attn.W_Q` (width, heads * head_dim), `…b_Q`, `…W_K`, `…W_V`,
    `blocks.{i}.attn.q_norm.weight` (head_dim), `blocks.{i}.attn.W_O` (heads * head_dim, width),
    `blocks.{i}.mlp.W_in` (width, hidden), `…W_gate` where gated, `…W_out` (hidden, width),
    `final_norm.weight`, `unembed.W_U` (width, vocab). What the model lacks, a bias say, is left out.

    Of a recurrent cell: `layers.{l}.cell.W_xi` (inputs, width), `…W_hi` (width, width), `…b_i` (width) for the
    gate i, and so on; `…b_hn`, the bias that a GRU's reset gate reaches. Of a decoder's block, `blocks.{i}.cross.…` as
    in `attn`. What belongs to one half of a translator begins with "encoder." or "decoder.".
    """

    params: Mapping[str, Any]
    blocks: int = 0
    """Transformer blocks; in either half of a translator."""
    heads: int = 1
    kv_heads: int = 1
    head_dim: int = 1
    norm: Norm = "layer_norm"
    norm_eps: float = 1e-5
    activation: Activation = "gelu_tanh"
    gated: bool = False
    positions: Positions = "learned"
    query_key_norm: bool = False
    rope_theta: float = 10_000.0
    causal: bool = True
    """Whether no token looks ahead; the encoder of a translator looks both ways in any case."""
    post_norm: bool = False
    """The stream goes on from the norm, x + attn(x) of the normed x (Vaswani et al. 2017), and not around it."""
    read_out: str = "final_norm"
    """The step that the logits are read from."""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scale(self) -> float:
        """What the scores are multiplied by: 1 / sqrt(head_dim)."""
        return float(self.head_dim**-0.5)


def context_of(config: object) -> int:
    """The longest text, in tokens, that a model of this config reads."""
    return int(getattr(config, "context", CONTEXT))


class ModelPlugin(ABC):
    """One model of the zoo. Subclass it in one file; the class itself is never given state."""

    spec: ClassVar[ModelSpec]
    Config: ClassVar[type[BaseModel]]

    @abstractmethod
    def build(self, config: Any, vocab_size: int) -> nn.Module:
        """The untrained module: ids (batch, time) -> logits (batch, time, vocab).

        Row t is about token t + 1; for a masked-token or cbow model about token t itself, for skip-gram about
        what stands near it. A translator's ids are the source, the id `vocab_size`, and the target so far:
        its logits begin with the row of that mark, (batch, time − source, vocab), and
        `translate(source, target)` gives them for texts of several lengths, padded with −1.

        A model that has nothing but counts gives `count(rows)` instead of parameters: rows (batch, time + 1)
        of text, of which each token after the first is to be learned.
        """

    def tokenizer(self, corpus: Iterable[str]) -> Tokenizer:
        """A tokenizer trained on `corpus`; by default the project's byte-level BPE."""
        from zoo.tokenizers import train_tokenizer

        return train_tokenizer("bpe", corpus, vocab_size=1024)

    def recipe(self) -> Mapping[str, object]:
        """What the author recommends for a brief training: fields of `zoo.training.Recipe`, {} for its defaults.

        Fields that a person gives win over these.
        """
        return {}

    def names(self) -> Mapping[str, str] | None:
        """Native module path -> schema name, `{i}` standing for any number.

        None (the default): every submodule's output is recorded under its own path.
        A mapping: only the modules that it names, under the names that it gives.
        """
        return None

    def anatomy(self, module: nn.Module) -> Anatomy | None:
        """Weights and constants under schema names; None where the model's steps are to be shown without them."""
        return None
