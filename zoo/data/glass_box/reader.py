"""Reading word by word: an exact filter over the hidden states that the words so far leave possible."""

from __future__ import annotations

import math
from collections import defaultdict

from zoo.data.glass_box.network import END, Bindings, Network, Said, Say

States = dict[tuple[int, Bindings], float]
"""Hidden states and their probabilities, given the words so far; they sum to 1."""


class Reader:
    """What the language can say next, exactly. Feed it a word at a time; after END a new story begins.

    States that are the same from here on are one, their probabilities summed, so that the work for a
    word does not grow with the length of what was read.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.states: States = {(network.start, network.blank): 1.0}
        self._ways: list[tuple[float, Said]] | None = None

    def next_words(self) -> dict[str, float]:
        """The probability of every word that can come next, likeliest first; they sum to 1."""
        probs: defaultdict[str, float] = defaultdict(float)
        for weight, way in self.ways():
            probs[way.word] += weight * way.prob
        return dict(sorted(probs.items(), key=lambda item: (-item[1], item[0])))

    def feed(self, word: str) -> float:
        """Read a word. Returns its surprisal, −log p, in nats.

        Raises:
            ValueError: the language cannot say it here; the reader stays where it was.
        """
        certain = self._certain(word)
        if certain is not None:
            self.states, self._ways = certain, None
            return 0.0
        states: defaultdict[tuple[int, Bindings], float] = defaultdict(float)
        for weight, way in self.ways():
            if way.word == word:
                states[way.then, self.network.forget(way.then, way.bindings)] += weight * way.prob
        total = sum(states.values())
        if not total:
            raise ValueError(self._refusal(word))
        self.states, self._ways = {state: weight / total for state, weight in states.items()}, None
        return max(0.0, -math.log(total))

    def ways(self) -> list[tuple[float, Said]]:
        """Every way to the next word, with the probability of the state that it leads from."""
        if self._ways is None:
            self._ways = [(weight, way) for state, weight in self.states.items() for way in self.network.ways(*state)]
        return self._ways

    def _certain(self, word: str) -> States | None:
        """The short way where only one state is possible and it says just this word; None elsewhere."""
        if len(self.states) > 1:
            return None
        ((index, bindings),) = self.states
        node = self.network.nodes[index]
        return {(node.then, bindings): 1.0} if isinstance(node, Say) and node.word == word else None

    def _refusal(self, word: str) -> str:
        if word not in self.network.words():
            return f"the glass-box language has no word {word!r}"
        could = ["the story's end" if each == END else repr(each) for each in self.next_words()]
        more = f", or {len(could) - 5} other words" if len(could) > 5 else ""
        said = "the story's end" if word == END else repr(word)
        return f"the glass-box language cannot say {said} here; it could say {', '.join(could[:5])}{more}"
