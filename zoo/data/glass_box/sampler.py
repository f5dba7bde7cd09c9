"""Drawing stories: one walk through the network, with the log-probability of its decisions."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from zoo.data.glass_box.network import Choose, Draw, Follow, Network, Recall, Say
from zoo.data.glass_box.text import join


@dataclass(frozen=True)
class Story:
    """One story."""

    words: tuple[str, ...]
    """Its words and punctuation marks, without END."""
    log_prob: float
    """The log-probability of the decisions that made it, in nats, its end included."""

    @property
    def text(self) -> str:
        """As it is printed."""
        return join(self.words)


class Sampler:
    """Draws from a network. Deterministic given the random numbers."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._thresholds = [
            tuple(accumulate(prob for prob, _ in node.arms))[:-1] if isinstance(node, Choose) else ()
            for node in network.nodes
        ]

    def story(self, random: Random) -> Story:
        """One story. A plain loop over the kinds of nodes, since a corpus has a million words."""
        nodes, index, values = self._network.nodes, self._network.start, list(self._network.blank)
        words: list[str] = []
        prob = 1.0  # of all decisions: some 20 to 100 of them, so that it stays well above the smallest number
        log_prob = 0.0
        while True:
            node = nodes[index]
            if isinstance(node, Say):
                words.append(node.word)
            elif isinstance(node, Choose):
                way = bisect_right(self._thresholds[index], random.random())
                taken, index = node.arms[way]
                prob *= taken
                continue
            elif isinstance(node, Recall):
                words.append(node.words[values[node.variable]])
            elif isinstance(node, Draw):
                options = node.options(tuple(values))
                values[node.variable] = row = options[int(random.random() * len(options))]
                prob /= len(options)
                log_prob, prob = log_prob + math.log(prob), 1.0
                if node.words:
                    words.append(node.words[row])
            elif isinstance(node, Follow):
                index = node.then[values[node.variable]]
                continue
            else:
                return Story(tuple(words), log_prob + math.log(prob))
            index = node.then
