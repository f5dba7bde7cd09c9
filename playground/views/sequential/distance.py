"""Memory against distance: accuracy on words that were said long ago, one such word, and the gradient's reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from playground.catalogue import Choice
from playground.figures.distance import Memory, memory_chart
from playground.figures.style import CHART
from playground.text import count, escaped, percent, plural, sentence
from playground.views.sequential import distance_live, distance_words, far_word, gradient, offer
from playground.views.sequential.distance_words import Ground

if TYPE_CHECKING:
    from zoo.compare.distance import ByDistance
    from zoo.compare.result import Compared, Comparison

CHOSEN, STORIES, DONE, READ = (f"sequential.distance.{name}" for name in ("models", "stories", "done", "read"))
FIRST = ("Window network", "RNN", "LSTM, on the glass box", "GRU", "GPT, small, on the glass box")
"""Models of one size that learned from the same tokens: what is asked unless others are chosen."""
MAKE = (
    "python -m zoo compare --models zoo/window,zoo/rnn,zoo/lstm,zoo/gru,zoo/gpt --corpus glass-box "
    "--parameters 300000 --tokens 2000000 --seeds 3 --out zoo/compare/glass_box.json"
)


def draw() -> None:
    """The recorded comparison with what is measured live, an example, and the gradient."""
    st.subheader("Who still knows a word from long ago?", anchor="distance")
    st.markdown(
        "The stories of the glass box say a thing once and need it again later: the pet that was a goat on the first "
        "line is a goat on the last. There **one word is certain** for whoever still knows what was said, and the "
        "answer of a model shows whether it does. How often is it right, by how far back the word stands?"
    )
    choices = distance_live.offered()
    chosen = _controls(choices)
    live = _live(chosen)
    found = _picked(recorded())
    if found is None:
        st.info(f"No comparison has been recorded yet; this makes one:\n\n```\n{MAKE}\n```", icon=":material/timer:")
    _memory(found, live)
    if chosen:
        far_word.draw(chosen)
        gradient.draw(chosen)


def recorded() -> list[Comparison]:
    """The comparisons that come with the repository: after much text, after little, and after a few stories."""
    from zoo.compare import result

    files = [each for each in (result.RECORDED, result.LITTLE, result.FEW) if each.is_file()]
    return [_read(str(each), each.stat().st_mtime_ns) for each in files]


def _picked(found: Sequence[Comparison]) -> Comparison | None:
    """The one that the reader asks for; the first until then."""
    if len(found) < 2:
        return found[0] if found else None
    st.session_state[READ] = min(st.session_state.get(READ, 0), len(found) - 1)
    place = st.segmented_control(
        "Recorded, after each model has read",
        range(len(found)),
        key=READ,
        required=True,
        format_func=[distance_words.read(each) for each in found].__getitem__,
        persist_state="session",
        help="Little data can mean that little was read, or that a few stories were read again and again: see both.",
    )
    return found[place or 0]


@st.cache_data(max_entries=4, show_spinner=False)
def _read(path: str, stamp: int) -> Comparison:
    from pathlib import Path

    from zoo.compare.result import Comparison

    return Comparison.read(Path(path))


def lines_of(found: Comparison) -> list[Memory]:
    """The recorded models' lines."""
    places = range(len(found.distances.words)) if found.distances else ()
    return [
        Memory(each.title, distance_live.kind(each.id), False, [each.accuracies(place) for place in places])
        for each in found.models
    ]


def _controls(choices: Sequence[Choice]) -> list[Choice]:
    """Which models to ask here and now; the button."""
    if not choices:
        st.caption("No trained model on offer has learned these stories: train one on the page Train to ask it here.")
        return []
    by_title = {each.title: each for each in choices}
    kept = [title for title in st.session_state.get(CHOSEN, []) if title in by_title]
    alike = [title for title in FIRST if title in by_title]
    st.session_state[CHOSEN] = kept or alike or list(by_title)[: distance_live.MOST_MODELS]
    st.session_state.setdefault(STORIES, distance_live.STORIES)
    titles = st.multiselect(
        "Ask these models here and now",
        list(by_title),
        key=CHOSEN,
        max_selections=distance_live.MOST_MODELS,
        persist_state="session",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("New stories", 5, distance_live.MOST_STORIES, key=STORIES, width=130, persist_state="session")
        if st.button("Ask", icon=":material/play_arrow:", key="sequential.distance.go"):
            st.session_state[DONE] = (tuple(titles), _stories())
    return [by_title[title] for title in titles][: distance_live.MOST_MODELS]


def _stories() -> int:
    return max(5, min(int(st.session_state[STORIES]), distance_live.MOST_STORIES))


def _live(chosen: Sequence[Choice]) -> list[tuple[Choice, ByDistance]]:
    """What was asked with the button, of the models that are still chosen."""
    titles, stories = st.session_state.get(DONE, ((), distance_live.STORIES))
    found = []
    with st.spinner("The models are reading …", show_time=True):
        for choice in chosen:
            if choice.title not in titles:
                continue
            try:
                found.append((choice, distance_live.remembered(choice.weights, stories)))
            except (ValueError, LookupError) as error:
                st.warning(escaped(sentence(str(error))), icon=":material/block:")
    return found


def _memory(found: Comparison | None, live: Sequence[tuple[Choice, ByDistance]]) -> None:
    lines = [] if found is None else lines_of(found)
    on = None if found is None else distance_words.ground(found)
    here = [_line(choice, result) for choice, result in live]
    if here and on is None:
        on = _ground(live[0][1])
    if on is None:
        return
    if found is not None:
        st.markdown(f"**Notice.** {distance_words.notice(on, lines)}")
        st.markdown(distance_words.other_figures(found))
    if here:
        stories = st.session_state[DONE][1]
        ours = distance_words.notice(_ground(live[0][1]), [_line(choice, result, "") for choice, result in live])
        st.markdown(f"**Here and now**, on {plural(stories, 'story').replace('storys', 'stories')}: {ours}")
    st.plotly_chart(
        memory_chart(on.labels, on.words, on.guess, [*lines, *here]),
        key="sequential.distance.chart",
        config=CHART,
        alt="Accuracy by distance. " + distance_words.notice(on, [*lines, *here]).replace("*", "").replace("\\", ""),
    )
    if found is not None:
        st.caption(_source(found))
    if here:
        st.caption(
            "Dotted, open marks: measured here and now, each model of its own size and a single training. “Surely” "
            "is then of the words asked alone: how far another training would lie is not known."
        )
    _numbers(found, on, [*lines, *here], _ground(live[0][1]).words if here and found is not None else None)


def _line(choice: Choice, result: ByDistance, when: str = ", now") -> Memory:
    values = [[] if each.accuracy is None else [each.accuracy] for each in result.buckets]
    return Memory(f"{choice.title}{when}", distance_live.kind(offer.info(choice)[0]), True, values)


def _ground(result: ByDistance) -> Ground:
    labels = distance_words.spans([each.first for each in result.buckets], [each.last for each in result.buckets])
    return Ground(labels, [each.words for each in result.buckets], [each.guess for each in result.buckets])


def _source(found: Comparison) -> str:
    seeds = len(found.models[0].trials)
    asked = found.distances
    assert asked is not None
    whiskers = f"Whiskers: from the worst of {seeds} seeds to the best. " if seeds > 1 else "One seed, so no whiskers. "
    windows = [f"{each.title} sees {each.config['window']} tokens" for each in found.models if "window" in each.config]
    return (
        f"Measured with `{found.command}` on {found.date}, torch {found.versions.get('torch', '?')}, "
        f"{plural(found.cpus, 'CPU')}: {escaped(found.same)}; about {count(found.target)} parameters each, by each "
        f"model's own recipe. {whiskers}{distance_words.sure(found)} "
        f"Asked on {count(asked.stories)} held-out stories; each model is given up to {count(found.context)} tokens"
        f"{''.join(f', {escaped(each)}' for each in windows)}. Dashed: the best guess of one who knows all else."
    )


def _numbers(found: Comparison | None, on: Ground, lines: Sequence[Memory], now: Sequence[int] | None) -> None:
    """The chart as a table; `now`: how many words were asked here and now, where that was of other stories."""
    with st.expander("Show the numbers", icon=":material/table:", key="sequential.distance.numbers"):
        rows = [["right, by words back", *on.labels], ["---"] + ["---:"] * len(on.labels)]
        rows += [[escaped(line.name), *[_share(line.mean(place)) for place in range(len(on.labels))]] for line in lines]
        rows.append(["best guess without the word", *[_share(each) for each in on.guess]])
        rows.append(["words asked", *[count(each) for each in on.words]])
        if now is not None:
            rows.append(["words asked now", *[count(each) for each in now]])
        st.markdown(_table(rows))
        if found is not None:
            head = ["model", "parameters", "nats per token", "bits per character", "tokens trained", "tokens a second"]
            head += ["ms a token", "ms a token, state kept"]
            st.markdown(_table([head, ["---"] + ["---:"] * 7, *[_figures(each) for each in found.models]]))
            st.caption(
                f"Means over the seeds, in brackets from the lowest to the highest. Speeds are of that machine and of "
                f"its load on {found.date}: the brackets tell how steady it was. Milliseconds: "
                f"{escaped(found.generated)}, as the app does it; with the state kept, a "
                "recurrent model reads only the last token. A cache of keys and values "
                "would spare the transformer most of the reading too: this app has none."
            )


def _figures(model: Compared) -> list[str]:
    return [
        escaped(model.title),
        count(model.parameters),
        distance_words.ranged(model, lambda trial: trial.nats, 3),
        distance_words.ranged(model, lambda trial: trial.bits_per_character, 3),
        distance_words.ranged(model, lambda trial: trial.tokens, 0),
        distance_words.ranged(model, lambda trial: trial.tokens_per_second, 0),
        distance_words.ranged(model, lambda trial: trial.ms_per_token),
        distance_words.ranged(model, lambda trial: trial.ms_per_token_carried, 3),
    ]


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
