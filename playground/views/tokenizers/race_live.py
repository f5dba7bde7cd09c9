"""A race of two, watched: how far each is, their curves, and in the end what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from playground import engine, state
from playground.figures.style import CHART
from playground.figures.tokenizer_race import Curve, race_chart
from playground.jobs import ACTIVE
from playground.run_files import last_event
from playground.text import count, escaped, number, sentence
from playground.views.runs import BADGES, opened
from playground.views.tokenizers import race_score, race_words
from playground.views.tokenizers.keys import key

if TYPE_CHECKING:
    from playground.jobs import Job
    from zoo.compare.race import Raced
    from zoo.training import Run

TICK = 1.0
"""Seconds between two looks while one of them goes on."""
ALL = 10**6
BROKEN = "\ufffd"
"""What decoding leaves of bytes that are no character."""
PROBLEM = key("race.problem")
Entry = tuple["Job", "Run | None"]


def pair(text: str) -> tuple[str, str] | None:
    """The two runs that the address or the session names."""
    ids = text.split(".")
    return (ids[0], ids[1]) if len(ids) == 2 and ids[0] != ids[1] else None


def draw(runs: tuple[str, str]) -> None:
    """Both runs, live; after their end the result."""
    try:
        found = [engine.jobs().look(run) for run in runs]
    except LookupError:
        st.warning(
            "A run of this race is not here any more. It may have been deleted, or belong to another server.",
            icon=":material/search_off:",
        )
        st.button("Set up a new race", type="primary", key=key("race.new"), on_click=_leave)
        return
    if not engine.ready():
        with st.spinner("The models are being loaded, which takes a few seconds the first time …"):
            engine.wait()
    going = any(job.state in ACTIVE for job in found)
    st.fragment(_live, run_every=TICK if going else None)(runs, [job.state for job in found])
    if not going:
        _result([(job, opened(job)) for job in found])


def _live(runs: tuple[str, str], known: list[str]) -> None:
    """What changes while they go on; after it the whole page, where a state has changed."""
    jobs, mine = engine.jobs(), state.owner()
    try:
        found = [jobs.look(run) for run in runs]
    except LookupError:
        st.rerun()
    for job in found:
        if job.owned_by(mine) and job.state in ACTIVE:
            jobs.beat(job.id, mine)
    entries = [(job, opened(job)) for job in found]
    for i, (column, entry) in enumerate(zip(st.columns(2, gap="large"), entries, strict=True)):
        with column:
            _entry(i, *entry)
    _buttons(found)
    _chart(entries)
    if [job.state for job in found] != known:
        st.rerun()


def _entry(place: int, job: Job, run: Run | None) -> None:
    """One of the two: its name, its state, and how far it is."""
    words, colour, icon = BADGES[job.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escaped(name(run) or ('The first', 'The second')[place])}**", width="content")
        st.badge(words, color=colour, icon=f":material/{icon}:")  # type: ignore[arg-type]
    if job.state == "failed":
        st.error(race_words.failed(name(run) or "This run", job.message), icon=":material/error:")
        return
    event = None if run is None else last_event(run.folder)
    if run is None or event is None:
        waits = "It waits in line, and starts by itself." if job.state == "queued" else "Text and tokens are prepared …"
        st.caption(waits if job.state in ACTIVE else "It was stopped before it began.")
        return
    spent = run.info.recipe.spent(event["step"], event["elapsed"])
    st.progress(spent, text=f"{number(event['elapsed'], 1)} s, {count(event['step'])} steps")


def name(run: Run | None) -> str:
    """A run by its tokenizer; "" where that is not there yet."""
    from zoo.tokenizers import kind_of

    if run is None:
        return ""
    tokenizer = run.tokenizer
    return race_words.title(kind_of(tokenizer), tokenizer.vocab_size)


def _buttons(found: Sequence[Job]) -> None:
    jobs = engine.jobs()
    mine = all(job.owned_by(state.owner()) for job in found)
    going = any(job.state in ACTIVE for job in found)
    with st.container(horizontal=True):
        if mine and going:
            st.button(
                "Stop both", icon=":material/stop:", key=key("race.stop"), on_click=_each, args=(jobs.stop, found)
            )
        if mine and not going:
            st.button(
                "Delete both runs",
                icon=":material/delete:",
                key=key("race.delete"),
                on_click=_delete,
                args=(found,),
                help="For good. Otherwise they stay under “My runs” on the page Train.",
            )
        if not going or not mine:
            st.button("Set up another race", icon=":material/add:", key=key("race.another"), on_click=_leave)
    if not mine:
        st.caption("You are watching somebody else's race: you can look, and only they can steer it.")
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(escaped(problem), icon=":material/error:")


def _each(act: Callable[[str, str], None], found: Sequence[Job]) -> None:
    """Do it to both; what is wrong with it is said on the page."""
    for job in found:
        try:
            act(job.id, state.owner())
        except (LookupError, ValueError, OSError) as error:
            st.session_state[PROBLEM] = sentence(str(error))


def _delete(found: Sequence[Job]) -> None:
    _each(engine.jobs().delete, found)
    _leave()


def _leave() -> None:
    """Back to the form, which still holds what was set."""
    st.session_state[state.RACE] = ""


def _chart(entries: Sequence[Entry]) -> None:
    """Both curves as far as they have come, each checkpoint scored on the same characters: one at a look."""
    curves, floor = list[Curve](), None
    going = any(job.state in ACTIVE for job, _ in entries)
    for i, (_, run) in enumerate(entries):
        if run is None or not run.steps():
            continue
        try:
            _score(run, going)
            known = [(each.seconds, each.bits) for each in race_score.points(run) if each.bits is not None]
            floor = race_score.floor(str(run.folder))
        except (ValueError, LookupError, OSError) as error:
            st.error(race_words.failed(name(run), str(error)), icon=":material/error:")
            continue
        curves.append(Curve(name(run), i, [seconds for seconds, _ in known], [bits for _, bits in known]))
    if not any(curve.bits for curve in curves):
        return
    budgets = [run.info.recipe.seconds for _, run in entries if run is not None]
    st.plotly_chart(
        race_chart(curves, floor, next(iter(budgets), None)),
        key=key("race.live"),
        config=CHART,
        alt="Bits per character by seconds of training. Now: "
        + ", ".join(f"{curve.name} {number(curve.bits[-1])}" for curve in curves if curve.bits)
        + ".",
    )


def _score(run: Run, going: bool) -> None:
    """One checkpoint at a look while the race goes on; then all that are left."""
    if going:
        race_score.more(run, most=1)
        return
    with st.spinner("The checkpoints read the held-out text …"):
        race_score.more(run, most=ALL)


def _result(entries: Sequence[Entry]) -> None:
    """The verdict, the figures, and what each model writes."""
    runs = [run for _, run in entries if run is not None]
    if len(runs) < 2 or any(job.state == "failed" for job, _ in entries):
        st.info("There is no verdict: only one of the two came to an end.", icon=":material/balance:")
        return
    try:
        raced = [race_score.raced(run) for run in runs]
    except (ValueError, LookupError, OSError) as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
        return
    st.markdown(race_words.table(raced))
    if said := race_words.notice(raced):
        st.markdown(f"**Notice.** {said}")
    for said in race_words.left_out(raced):
        st.warning(said, icon=":material/content_cut:")
    st.caption(
        f"Measured here, on the same {count(raced[0].characters)} held-out characters. "
        f"{race_words.once([each.trials[0].last.seconds for each in raced])} "
        f"{race_words.seen(raced, int(runs[0].info.config['context']))} {race_words.begins(raced)}"
    )
    _samples(raced, runs[0].info.prompt)


def _samples(raced: Sequence[Raced], prompt: str) -> None:
    st.markdown(f"What each writes behind “{escaped(' ⏎ '.join(prompt.splitlines()))}”, in the end")
    for column, each in zip(st.columns(len(raced), gap="large"), raced, strict=True):
        with column, st.container(border=True):
            st.caption(race_words.of(each))
            st.text(each.trials[0].sample or "(it ends the text at once)")
            if BROKEN in each.trials[0].sample:
                st.caption(f"{BROKEN} stands for bytes that are no character: who writes byte by byte can write those.")
