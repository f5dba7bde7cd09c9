"""What is said of a comparison of tokenizers: every sentence from its figures. No Streamlit, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.text import count, escaped, number, percent, sentence
from playground.views.tokenizers.kinds import TITLES

if TYPE_CHECKING:
    from zoo.compare.race import Measured, Raced

HEAD = (
    "Tokenizer",
    "Bits a character",
    "Perplexity a token",
    "Characters a token",
    "Parameters",
    "of them embeddings",
    "Tokens a second",
    "Characters a second",
)


def title(kind: str, size: int) -> str:
    """ "BPE on bytes · 512"; "Bytes"."""
    return TITLES[kind] if kind == "byte" else f"{TITLES[kind]} · {count(size)}"


def of(each: Raced) -> str:
    """What a tokenizer is called, with the entries that it got."""
    return title(each.kind, each.vocab_size)


def table(raced: Sequence[Raced]) -> str:
    """The figures, a row a tokenizer, as Markdown; the best bits per character in bold."""
    from zoo.compare import race

    best = next(iter(race.comparable(raced)), None)
    rows = [HEAD, ("---", *["---:"] * (len(HEAD) - 1))]
    for each in raced:
        bits = spread(each.bits, 3) if each.bits else "not comparable"
        rows.append(
            (
                escaped(of(each)),
                f"**{bits}**" if each is best else bits,
                spread(each.perplexities, 1),
                number(each.characters_per_token),
                count(each.parameters),
                f"{count(each.embedding)} ({each.embedding / each.parameters:.0%})",
                count(round(each.tokens_per_second)),
                count(round(each.characters_per_second)),
            )
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def spread(values: Sequence[float], places: int) -> str:
    """The mean over the seeds, and from where to where they go."""
    from zoo.compare import race

    low, high = (number(each, places) for each in (min(values), max(values)))
    return number(race.mean(values), places) + ("" if low == high else f" ({low} to {high})")


def notice(raced: Sequence[Raced]) -> str:
    """Who needs the fewest bits, whether that is clear, and what perplexity would have said."""
    from zoo.compare import race

    ranked = race.comparable(raced)
    if len(ranked) < 2:
        return ""
    best, *others = ranked
    seeds = f", in each of {len(best.trials)} seeds" if len(best.trials) > 1 else ""
    if close := [each for each in others if not race.below(best.bits, each.bits)]:
        *named, last = [f"{escaped(of(each))} ({figures(each)})" for each in close]
        named.insert(0, f"{escaped(of(best))} ({figures(best)} bits per character)")
        first = f"{', '.join(named)} and {last} are too close to call."
    else:
        first = f"{escaped(of(best))} needs the fewest bits per character, {figures(best)}{seeds}; "
        first += f"next is {escaped(of(others[0]))} with {figures(others[0])}."
    return f"{first} {_contradiction(raced)}"


def figures(each: Raced) -> str:
    """Its bits per character, in words."""
    return spread(each.bits, 3)


def _contradiction(raced: Sequence[Raced]) -> str:
    """Whether the order by perplexity per token is another one, with the two perplexities."""
    from zoo.compare import race

    ranked, turned = race.comparable(raced), race.contradictions(raced)
    pairs = len(ranked) * (len(ranked) - 1) // 2
    if not turned:
        low, high = ranked[0], ranked[-1]
        return (
            f"By perplexity per token ({spread(low.perplexities, 1)} and {spread(high.perplexities, 1)}) no pair "
            "clearly changes places this time. That need not be so: the two figures do not measure the same thing."
        )
    one, other = max(turned, key=lambda pair: race.mean(pair[0].perplexities) / race.mean(pair[1].perplexities))
    share = "" if pairs == 1 else f" So it is for {len(turned)} of {pairs} pairs here."
    return (
        f"**Perplexity per token says the opposite**: {escaped(of(one))} has {spread(one.perplexities, 1)} and "
        f"{escaped(of(other))} {spread(other.perplexities, 1)}, which looks better, and is worse: "
        f"{figures(other)} bits per character, where {escaped(of(one))} needs {figures(one)}.{share}"
    )


def why(raced: Sequence[Raced]) -> str:
    """Why perplexity per token does not compare tokenizers, with two of the measured ones."""
    from zoo.compare import race

    ranked = sorted(raced, key=lambda each: each.characters_per_token)
    fine, coarse = ranked[0], ranked[-1]
    lower = ""
    if race.below(fine.perplexities, coarse.perplexities):
        lower = f"The small ones got the lower figure, {spread(fine.perplexities, 1)} against "
        lower += f"{spread(coarse.perplexities, 1)}, and nothing has been learnt by that. "
    return (
        "**Perplexity per token** says among how many tokens the model was, on average, as unsure as among equals. "
        "But a token is no unit that two tokenizers share. On the same "
        f"{count(fine.characters)} held-out characters the model is asked {count(fine.tokens)} small questions by "
        f"{escaped(of(fine))}, and {count(coarse.tokens)} large ones by {escaped(of(coarse))}. {lower}"
        "**Bits per character** adds up what all answers cost, −log₂ p of every token, and divides by the characters, "
        "of which there are as many for everybody."
    )


def seen(raced: Sequence[Raced], context: int) -> str:
    """How far back each sees: as many tokens, not as many characters."""
    each_sees = [
        f"{escaped(of(each))} up to about {count(round(context * each.characters_per_token))} characters"
        f" ({count(round(each.seen * each.characters_per_token))} on average)"
        for each in raced
    ]
    return f"The models read {context} tokens at most, and so not equally far: {'; '.join(each_sees)}."


def reach(raced: Sequence[Raced], context: int) -> str:
    """The same, and what else comes with a coarser tokenizer."""
    return (
        f"{seen(raced, context)} A coarser tokenizer sees further back, and a second of training takes it through "
        "more text; for that it pays with larger tables. All of this is in the result, for all of it comes with the "
        "tokenizer."
    )


def begins(raced: Sequence[Raced]) -> str:
    """Where the curves begin, which may be above the chart."""
    from zoo.compare import race

    starts = [
        f"{escaped(of(each))} {number(race.mean(bits))}"
        for each in raced
        if (bits := [trial.curve[0].bits for trial in each.trials if trial.curve[0].bits is not None])
    ]
    return (
        f"One line a seed. Untrained, at 0 seconds: {', '.join(starts)}. That is a blind guess: log₂ of the vocabulary "
        "for each token."
    )


def left_out(raced: Sequence[Raced]) -> list[str]:
    """Those whose bits per character mean nothing here, each with the reason."""
    return [
        f"{escaped(of(each))} is not ranked: it loses some of the text ({escaped(each.lost)}). What it predicts is "
        "another, simpler text, so its bits per character are not comparable."
        for each in raced
        if each.lost
    ]


def source(found: Measured) -> str:
    """How the recorded comparison was made."""
    processors = "1 processor" if found.processors == 1 else f"{found.processors} processors"
    model = f"a GPT of {found.blocks} blocks and width {found.width}"
    known = found.raced[0]
    done = [sum(trial.tokens for trial in heat) for heat in zip(*(each.trials for each in found.raced), strict=True)]
    return (
        f"**Recorded**, not measured now: {escaped(found.when)}, {escaped(found.processor)} ({processors}), torch "
        f"{escaped(found.torch)}, one thread. For each tokenizer {model} learned from the same text "
        f"({escaped(found.corpus)}) for {escaped(found.budget)}, with {len(known.trials)} seeds. Within a seed they "
        "took turns, step by step, so that what else the machine did fell on all alike: there was no "
        f"processor for them in {percent(found.busy)} of the time, and a seed got through {count(min(done))} to "
        f"{count(max(done))} tokens in all. So they are compared seed by seed. Each predicted the same "
        f"{count(known.characters)} held-out characters, every one of them once. Repeat it: `{found.command}`"
    )


def once(seconds: Sequence[float]) -> str:
    """What a single race is worth."""
    shortest, longest = min(seconds), max(seconds)
    uneven = ""
    if longest > shortest * 1.1:
        uneven = f" One trained for {number(shortest, 1)} s and the other for {number(longest, 1)} s: that is no "
        uneven += "equal budget, so read it with care."
    return "One seed each: a small difference may be luck. Another seed shows how much it moves." + uneven


def failed(name: str, message: str) -> str:
    """A run that ended before its time."""
    return sentence(f"{escaped(name)}: {escaped(message)}")
