"""From a program to its network of states. Used by `GlassBox`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.data.glass_box.network import (
    Bindings,
    Choose,
    Draw,
    Follow,
    Network,
    Node,
    Recall,
    Say,
    Stop,
    followers,
    liveness,
    needed,
)
from zoo.data.glass_box.program import Asides, Beat, Fork, Program

PLACE = re.compile(
    r"\[(?P<draw>[\w.]+)\]|\{(?P<recall>[\w.]+)\}|\((?P<group>[^()]*)\)|<(?P<list>\w+)>"
    r"|(?P<word>\w+|[^\w\s\[\]{}()<>|])"
)
WEIGHT = re.compile(r"(\d+)\* (.*)", re.DOTALL)


def compile_program(program: Program, fewest: int, most: int) -> Network:
    """Lay out a program, with `fewest` to `most` sentences at each of its asides, each number equally likely.

    Raises:
        ValueError: a line cannot be read, names a variable, form or value that is not there, or says a
            variable that may have no value yet.
    """
    plan = _Plan(program, fewest, most)
    start = plan.steps(program.steps, plan.add(Stop()))
    tables = [variable.table for variable in program.variables]
    network = Network(
        nodes=tuple(plan.nodes),
        start=start,
        names=tuple(variable.name for variable in program.variables),
        sizes=tuple(len(table.rows) for table in tables),
        tables=tuple(tables.index(table) for table in tables),
        live=liveness(plan.nodes),
    )
    _check_drawn(network)
    return network


def _check_drawn(network: Network) -> None:
    """No variable is needed before it has a value, whichever way the forks go."""
    forks = {node.variable for node in network.nodes if isinstance(node, Follow)}
    drawn: list[dict[Bindings, int]] = [{} for _ in network.nodes]  # for each way of the forks: what surely has a value
    drawn[network.start][network.blank] = 0
    for index in range(network.start, 0, -1):
        node = network.nodes[index]
        for bindings, known in drawn[index].items():
            missing = needed(node) & ~known
            if missing:
                name = network.names[missing.bit_length() - 1]
                raise ValueError(f"the variable {name} is needed before it is drawn")
            if isinstance(node, Draw):
                known |= 1 << node.variable
            if (isinstance(node, Draw) and node.variable in forks) or isinstance(node, Follow):
                after = [(move.then, move.bindings) for move in network.moves(index, bindings)]
            else:
                after = [(then, bindings) for then in followers(node)]
            for then, state in after:
                drawn[then][state] = drawn[then].get(state, known) & known


@dataclass
class _Plan:
    """Nodes are added from the story's end to its beginning; each method gives where its part starts."""

    program: Program
    fewest: int
    most: int
    nodes: list[Node] = field(default_factory=list)

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def steps(self, steps: Sequence[Beat | Fork | Asides], then: int) -> int:
        for step in reversed(steps):
            if isinstance(step, Beat):
                then = self.beat(step, then)
            elif isinstance(step, Fork):
                then = self.fork(step, then)
            else:
                then = self.asides(step, then)
        return then

    def beat(self, beat: Beat, then: int) -> int:
        told = self.one_of(beat.lines, then)
        return told if beat.chance == 1 else self.add(Choose(((beat.chance, told), (1 - beat.chance, then))))

    def fork(self, fork: Fork, then: int) -> int:
        branches = {value: self.steps(steps, then) for value, steps in fork.branches}
        number = self.variable(fork.variable)
        values = self.program.variables[number].table.words("")
        if set(values) != set(branches):
            raise ValueError(f"the fork at {fork.variable} needs a branch for each of {', '.join(values)}")
        way = self.add(Follow(number, tuple(branches[value] for value in values)))
        if any(fork.variable in each.other_than for each in self.program.variables):
            raise ValueError(f"no fork can be at {fork.variable}: other variables are drawn to differ from it")
        return self.draw(fork.variable, (), way) if fork.draw else way

    def asides(self, asides: Asides, then: int) -> int:
        """Built from the last possible aside to the first: after k of them, any family may have been the last."""
        ring = len(asides.families)
        reach = min(asides.reach, ring)
        after = [then] * ring  # after[f]: where it goes on after an aside of family f
        for told in range(self.most - 1, -1, -1):
            entries = [self.one_of(family, after[f]) for f, family in enumerate(asides.families)]
            steps = range(1, reach + 1)
            on = [[entries[(f + step) % ring] for step in steps] for f in range(ring)] if told else [entries]
            after = [self.stop_or_go_on(told, targets, then) for targets in on]
        return after[0]

    def stop_or_go_on(self, told: int, targets: Sequence[int], then: int) -> int:
        """After so many asides: every number from `fewest` to `most` is equally likely."""
        stop = 0.0 if told < self.fewest else 1 / (self.most - told + 1)
        arms = [((1 - stop) / len(targets), target) for target in targets]
        return self.add(Choose(((stop, then), *arms) if stop else tuple(arms)))

    def one_of(self, lines: Sequence[str], then: int) -> int:
        """Several lines, or the options of a group, with their weights."""
        weighted = [_weighted(line) for line in lines]
        total = sum(weight for weight, _ in weighted)
        arms = tuple((weight / total, self.line(text, then)) for weight, text in weighted)
        return arms[0][1] if len(arms) == 1 else self.add(Choose(arms))

    def line(self, text: str, then: int) -> int:
        places = list(PLACE.finditer(text))
        if PLACE.sub("", text).strip() or not places:
            raise ValueError(f"the line {text!r} cannot be read: a bracket is left open, or it is empty")
        for place in reversed(places):
            then = self.place(place, then)
        return then

    def place(self, place: re.Match[str], then: int) -> int:
        if place["draw"]:
            name, _, form = place["draw"].partition(".")
            return self.draw(name, self.words(name, form), then)
        if place["recall"]:
            name, _, form = place["recall"].partition(".")
            return self.add(Recall(self.variable(name), self.words(name, form), then))
        if place["group"] is not None:
            return self.one_of(place["group"].split("|"), then)
        if place["list"]:
            return self.one_of(self.options(place["list"]).split("|"), then)
        return self.add(Say(place["word"], then))

    def options(self, name: str) -> str:
        lists = dict(self.program.lists)
        if name not in lists:
            raise ValueError(f"there is no list {name!r} among {', '.join(lists)}")
        return lists[name]

    def draw(self, name: str, words: tuple[str, ...], then: int) -> int:
        number = self.variable(name)
        variable = self.program.variables[number]
        others = tuple(self.variable(other) for other in variable.other_than)
        if any(self.program.variables[other].table != variable.table for other in others):
            raise ValueError(f"{name} can be other than a variable of its own table only")
        return self.add(Draw(number, words, tuple(range(len(variable.table.rows))), others, then))

    def variable(self, name: str) -> int:
        names = [variable.name for variable in self.program.variables]
        if name not in names:
            raise ValueError(f"there is no variable {name!r} among {', '.join(names)}")
        return names.index(name)

    def words(self, name: str, form: str) -> tuple[str, ...]:
        return self.program.variables[self.variable(name)].table.words(form)


def _weighted(line: str) -> tuple[int, str]:
    """ "3* soft" -> (3, "soft")"""
    weighted = WEIGHT.fullmatch(line)
    return (int(weighted[1]), weighted[2]) if weighted else (1, line)
