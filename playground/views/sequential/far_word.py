"""One word that was said long ago: the story up to it, and what each model makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from playground.catalogue import Choice
from playground.text import escaped, percent, plural, quoted, sentence
from playground.views.sequential import distance_live
from playground.views.sequential.distance_live import Example

DISTANCES = {"5–16": (5, 16), "17–32": (17, 32), "33–64": (33, 64), "65–128": (65, 128)}
DISTANCE, NUMBER = "sequential.distance.back", "sequential.distance.example"
START = "33–64"


def draw(chosen: Sequence[Choice]) -> None:
    """The example and the models' answers."""
    st.markdown("##### One such word")
    st.session_state.setdefault(DISTANCE, START)
    st.session_state.setdefault(NUMBER, 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Words back", list(DISTANCES), key=DISTANCE, required=True, persist_state="session")
        first, last = DISTANCES.get(str(st.session_state[DISTANCE]), DISTANCES[START])
        found = distance_live.examples(first, last)
        if not found:
            st.info("No story asks for a word so far back.")
            return
        st.session_state[NUMBER] = max(1, min(int(st.session_state[NUMBER]), len(found)))
        st.number_input("Story", 1, len(found), key=NUMBER, width=130, persist_state="session")
    example = found[int(st.session_state[NUMBER]) - 1]
    st.markdown(told(example))
    st.markdown(_answers(chosen, example))
    st.caption(
        f"The word that settles it stands {plural(example.back, 'word')} back. Without that word, the best guess of "
        f"one who knows all else is right in {percent(example.guess)}. Read live."
    )


def told(example: Example) -> str:
    """The story up to the word, both words marked; the one that is asked for with a frame of its own."""
    from zoo.data.glass_box import DEFAULT

    settles, last = len(example.words) - 1 - example.back, len(example.words) - 1
    before, between = DEFAULT.join(example.words[:settles]), DEFAULT.join(example.words[settles + 1 : last])
    word, asked = escaped(example.words[settles]), escaped(example.words[last])
    gap = "" if between[:1] in ".,!?" else " "
    return f"{escaped(before)} :orange-background[**{word}**]{gap}{escaped(between)} :violet-background[**{asked}**] …"


def _answers(chosen: Sequence[Choice], example: Example) -> str:
    word = quoted(example.words[-1])
    rows = [["model", f"gives {word}", "holds for likeliest"], ["---", "---:", "---"]]
    for choice in chosen:
        try:
            answer = distance_live.answered(choice.weights, example)
        except (ValueError, LookupError) as error:
            rows.append([escaped(choice.title), "–", escaped(sentence(str(error)))])
            continue
        rows.append(
            [
                escaped(choice.title),
                f"**{percent(answer.right)}**",
                f"{quoted(answer.likeliest)} {percent(answer.prob)}",
            ]
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
