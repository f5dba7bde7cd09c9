"""The entropy of a language and the length of its stories, exactly: what happens in every state, weighed.

By the chain rule the entropy of all decisions that make a story is the sum over the hidden states of
how often a state is visited, times the entropy of the decision taken there. Where every story can be
made in one way only, that is the entropy of the story's words.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from zoo.data.glass_box.network import UNSET, Bindings, Draw, Follow, Network, Stop, followers


@dataclass(frozen=True)
class Measure:
    """What a language's stories are on average."""

    entropy: float
    """Of a story, nats."""
    words: float
    """Of a story, its end counted as one."""


def measure(network: Network) -> Measure:
    """Follow the probability of every hidden state from the beginning to the end.

    States are told apart only by what later decisions depend on: which way a fork goes, and for values
    that others must not take, only which of them are the same (all values are equally likely).
    """
    asked = _asked(network)
    visits: list[defaultdict[Bindings, float]] = [defaultdict(float) for _ in network.nodes]
    visits[network.start][network.blank] = 1.0
    entropy = words = 0.0
    for index in range(network.start, -1, -1):
        for bindings, mass in visits[index].items():
            for prob, word, then, after in network.moves(index, bindings):
                entropy -= mass * prob * math.log(prob)
                words += mass * prob * bool(word)
                if not isinstance(network.nodes[index], Stop):
                    visits[then][_shape(network, asked[then], after)] += mass * prob
    return Measure(entropy, words)


class Asked(NamedTuple):
    """What later decisions depend on, as bits."""

    forks: int
    """Variables whose value decides a fork."""
    others: int
    """Variables that a later draw must differ from."""


def _asked(network: Network) -> list[Asked]:
    """For each node, what the decisions from it on depend on."""
    found: list[Asked] = []
    for node in network.nodes:
        forks = others = 0
        for then in followers(node):
            forks, others = forks | found[then].forks, others | found[then].others
        if isinstance(node, Follow):
            forks |= 1 << node.variable
        elif isinstance(node, Draw):
            drawn = 1 << node.variable
            forks, others = forks & ~drawn, others & ~drawn
            others |= sum(1 << other for other in node.other_than)
        found.append(Asked(forks, others))
    return found


def _shape(network: Network, asked: Asked, bindings: Bindings) -> Bindings:
    """Bindings that stand for all which are decided alike: others' values are renamed 0, 1, … as they come."""
    seen: dict[tuple[int, int], int] = {}
    counts = [0] * len(bindings)
    shape = [UNSET] * len(bindings)
    for variable, row in enumerate(bindings):
        table = network.tables[variable]
        if asked.forks >> variable & 1:
            shape[variable] = row
        elif asked.others >> variable & 1:
            if (table, row) not in seen:
                seen[table, row] = counts[table]
                counts[table] += 1
            shape[variable] = seen[table, row]
    return tuple(shape)
