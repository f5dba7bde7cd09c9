"""What can truly be said of a measurement of cost: computed from its figures, whichever way they came out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.text import count, escaped, number, percent, plural

if TYPE_CHECKING:
    from playground.figures.cost import Curve
    from zoo.compare.cost import Line, Measured

TITLES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "transformer": "Transformer"}
BUSY = 0.15
"""Where a pass waits longer than this share of its time, what it took on the wall says more of the others."""
LAST = 4
"""Over how many lengths, the longest ones, an exponent is fitted."""
_SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))

HELP = (
    "Time: the median of all rounds. Processor time: the part of it in which the pass had a processor. Dependent "
    "steps: counted as on the clock above. FLOPs: multiplications and additions in matrix products, by formula, for "
    "the way that is written out; a fused kernel may leave out what is masked. Memory: all tensors that torch "
    "makes during the pass, watched one by one; weights are not counted, nor what a kernel takes and gives back."
)


def amount(n: float) -> str:
    """12,345 · 1.23 million · 4.57 billion."""
    found = next(((size, word) for size, word in _SCALES if n >= size), None)
    return f"{n / found[0]:,.2f} {found[1]}" if found else f"{n:,.0f}"


def cell(value: float | None) -> str:
    """A cost in a table: two decimals where it is small; a dash where it was not measured."""
    if value is None:
        return "–"
    return count(int(value)) if float(value).is_integer() else number(value)


def basis(measured: Measured) -> str:
    """Which time the sentences are about: on a busy machine that of the processor."""
    return "processor" if measured.busy > BUSY else "seconds"


def source(measured: Measured, live: bool) -> str:
    """What was measured, where and when."""
    where = "Measured on this machine" if live else ":material/history: Recorded, and not yet measured on this machine"
    size = f"width {measured.width}, {plural(measured.layers, 'layer')}, a vocabulary of {measured.vocab_size} tokens"
    machine = escaped(f"{measured.processor}, {plural(measured.processors, 'processor')}, torch {measured.torch}")
    waited = (
        f" A pass had to wait {percent(measured.busy)} of its time for a processor." if measured.busy > 0.02 else ""
    )
    return (
        f"{where}: {escaped(measured.when)}, by `{measured.command}`. One pass, forward only, one text at a time "
        f"(batch 1), untrained weights, {size}, {measured.heads} attention heads. On one thread of: {machine}.{waited}"
    )


def notice(measured: Measured) -> str:
    """How the LSTM and the transformer compare, fused and written out, and how the loop and the kernel do."""
    attribute = basis(measured)
    said = [_pair(measured, fused, attribute) for fused in (True, False)]
    said.append(_loop(measured, attribute))
    if attribute == "processor":
        said.append("This machine had other work, so these sentences are about processor time.")
    last = measured.line("lstm", True).points[-1]
    other = measured.line("transformer", True).points[-1]
    said.append(
        f"Fused or not, at {count(last.tokens)} tokens the LSTM's steps that wait for each other are "
        f"{count(last.steps)}, the transformer's {count(other.steps)}: what a machine with thousands of processors "
        "makes of that is not measured here."
    )
    return " ".join(said)


def _times(line: Line, attribute: str) -> tuple[list[int], list[float]]:
    return [point.tokens for point in line.points], [getattr(point, attribute) for point in line.points]


def _pair(measured: Measured, fused: bool, attribute: str) -> str:
    one, other = measured.line("lstm", fused), measured.line("transformer", fused)
    (lengths, mine), (_, theirs) = _times(one, attribute), _times(other, attribute)
    met = [length for length, _ in crossed((lengths, mine), (lengths, theirs))]
    way = "With fused kernels" if fused else "With both written out"
    short, long = mine[0] / theirs[0], mine[-1] / theirs[-1]
    ends = f"at {count(lengths[0])} tokens and {number(long)} times at {count(lengths[-1])}"
    if not met:
        return f"{way} the LSTM takes {number(short)} times as long as the transformer {ends}; the lines do not cross."
    where = " and ".join(f"about {count(round(length))}" for length in met)
    return f"{way} the LSTM takes {number(short)} times as long as the transformer {ends}; they cross at {where}."


def _loop(measured: Measured, attribute: str) -> str:
    loop, fused = (_times(measured.line("lstm", each), attribute)[1][-1] for each in (False, True))
    tokens = count(measured.line("lstm", True).points[-1].tokens)
    if loop >= fused:
        return f"At {tokens} tokens the LSTM cell by cell takes {number(loop / fused, 1)} times as long as fused."
    return f"At {tokens} tokens the fused LSTM takes {number(fused / loop, 1)} times as long as cell by cell."


def slopes(curves: Sequence[Curve]) -> str:
    """The fitted exponents."""
    from zoo.compare.scaling import slope

    fitted = [(curve.name, slope(curve.lengths, curve.costs, LAST)) for curve in curves]
    said = " · ".join(f"{escaped(name)}: T\\^{number(each)}" for name, each in fitted if each is not None)
    if not said:
        return ""
    return f"Growth, fitted over the longest {LAST} lengths of each (T\\^1: twice the text, twice the cost): {said}."


def met(crossings: Sequence[str]) -> str:
    """Where the lines cross."""
    if not crossings:
        return "No recurrent line here crosses that of a transformer run in the same way."
    return "Ringed: " + "; ".join(escaped(each) for each in crossings) + "."


def crossed(
    one: tuple[Sequence[float], Sequence[float]], other: tuple[Sequence[float], Sequence[float]]
) -> list[tuple[float, float]]:
    """Length and cost of each crossing of two lines (lengths, costs), over the lengths that both have."""
    from zoo.compare.scaling import crossings

    theirs = dict(zip(*other, strict=True))
    known = [(x, y, theirs[x]) for x, y in zip(*one, strict=True) if x in theirs]
    if not known:
        return []
    lengths, mine, others = zip(*known, strict=True)
    return [(length, _between(length, lengths, mine)) for length in crossings(lengths, mine, others)]


def _between(at: float, lengths: Sequence[float], costs: Sequence[float]) -> float:
    """A line's height, drawn straight on log-log paper."""
    for i in range(1, len(lengths)):
        if at <= lengths[i]:
            share = math.log(at / lengths[i - 1]) / math.log(lengths[i] / lengths[i - 1])
            return math.exp((1 - share) * math.log(costs[i - 1]) + share * math.log(costs[i]))
    return float(costs[-1])
