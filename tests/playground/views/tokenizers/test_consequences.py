"""The part Consequences: what is recorded is shown as recorded, and a race shows what its two runs hold."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from playground import engine, state
from playground.catalogue import app_runs
from playground.jobs import Limits
from playground.jobs.service import digest
from playground.views.tokenizers import consequences, race_score, race_setup, race_words
from playground.views.train.source import UPLOAD
from tests.playground.helpers import ROOT, shelves
from tests.playground.views.train.conftest import InProcess
from zoo.compare import race
from zoo.compare.per_character import held_out, score
from zoo.compare.race import Entrant
from zoo.data import open_corpus
from zoo.inference import load
from zoo.training import Run

TEXT = "".join(
    f"The {pet} sat on the {place}, and {name} laughed.\n"
    for pet in ("cat", "dog", "hen", "pony")
    for place in ("mat", "log", "wall", "roof", "shed")
    for name in ("Ann", "Bob", "Cleo", "Dan")
)
PART = """
import streamlit as st
from playground import state
from playground.views.tokenizers import consequences
from playground.views.tokenizers.lab import Lab
state.begin("tokenizers")
consequences.draw(Lab(st.session_state["text of the page"], []))
state.end(False)
"""


class Quick(InProcess):
    """The same orders, of a few steps each; the last that come are refused, where the test says so."""

    refuse_after = 99

    def submit(self, order, owner, text=None):
        if len(self.orders) >= self.refuse_after:
            self.refusal = "you have 2 runs under way or in line: stop one, or wait for it"
        shape = {"width": 16, "blocks": 1, "heads": 2, "context": 16}
        self.asked = [*getattr(self, "asked", []), order]
        short = {"steps": 4, "seconds": None, "checkpoints": 2, "batch": 2, "held_out_windows": 2}
        return super().submit(order.model_copy(update={"config": shape, "recipe": order.recipe | short}), owner, text)


@pytest.fixture
def jobs(tmp_path, monkeypatch, warm, offer):
    shelves(tmp_path)
    offer(tmp_path)
    found = Quick(app_runs())
    found.limits = Limits()
    monkeypatch.setattr(engine, "jobs", lambda: found)
    monkeypatch.setattr(state, "owner", lambda: "me")
    monkeypatch.setattr(race_score, "CHARACTERS", 600)
    return found


def opened(text: str = TEXT, query: str = "", **kept: object) -> AppTest:
    page = AppTest.from_string(PART, default_timeout=90)
    page.session_state["text of the page"] = text
    for name, value in kept.items():
        page.session_state[name] = value
    if query:
        page.query_params[state.RACE] = query
    return page.run()


def started(kinds: tuple[str, str] = ("byte", "bpe"), where: str = race_setup.HERE) -> AppTest:
    page = opened()
    for place, kind in zip("ab", kinds, strict=True):
        page.selectbox(key=f"tokenizers.race.kind.{place}").set_value(kind)
    page.run()
    for place, kind in zip("ab", kinds, strict=True):
        if kind != "byte":
            page.number_input(key=f"tokenizers.race.size.{place}").set_value(300)
    page.segmented_control(key="tokenizers.race.text").set_value(where)
    page.run()
    return page.button(key="tokenizers.race.go").click().run()


def texts(page: AppTest) -> str:
    return "\n".join(each.value for each in [*page.markdown, *page.caption, *page.warning, *page.info])


def charts(page: AppTest) -> dict[str, dict]:
    return {
        each.proto.id.rsplit("-tokenizers.race.", 1)[-1]: json.loads(each.proto.spec)
        for each in page.get("plotly_chart")
    }


def test_the_recorded_comparison_is_shown_as_recorded_with_its_figures(jobs):
    page, found = opened(), race.recorded()
    assert not page.exception
    said = texts(page)
    assert "**Recorded**, not measured now" in said
    assert found.command in said
    for each in found.raced:
        assert race_words.spread(each.bits, 3) in said
    drawn = charts(page)["recorded"]["data"]
    assert [each["y"] for each in drawn] == [
        [point.bits for point in trial.curve] for each in found.raced for trial in each.trials
    ]


def test_without_a_recorded_one_the_race_is_still_there(jobs, monkeypatch):
    consequences.recorded.clear()
    monkeypatch.setattr(race, "RECORDED", ROOT / "nowhere.json")
    page = opened()
    consequences.recorded.clear()
    assert not page.exception
    assert page.button(key="tokenizers.race.go")


def test_both_runs_are_alike_but_for_the_tokenizer(jobs):
    started()
    one, other = jobs.asked
    changed = {"tokenizer": "", "vocab_size": 0, "title": ""}
    assert one.model_copy(update=changed) == other.model_copy(update=changed)
    assert (one.tokenizer, other.tokenizer, other.vocab_size) == ("byte", "bpe", 300)
    assert one.recipe["seconds"] == 20
    assert one.model == "zoo/gpt"
    assert [text for _, text in jobs.orders] == [TEXT, TEXT]


def test_the_figures_are_those_of_the_runs(jobs):
    page = started()
    assert not page.exception
    assert not page.error
    said, runs = texts(page), [Run.open(job.folder) for job in jobs.jobs.values()]
    for run, line in zip(runs, charts(page)["live"]["data"], strict=True):
        valid = held_out(open_corpus(str(run.folder / "corpus.txt")).valid, 600)
        bits = []
        for step in run.steps():
            model = load(str(run.folder), step=step)
            bits.append(score(model.module, model.tokenizer, valid, 16).bits_per_character)
        assert line["y"] == pytest.approx(bits)
        assert line["x"] == [event["elapsed"] for event in run.events() if event["step"] in run.steps()]
        assert f"{bits[-1]:.3f}" in said
        assert race_score.raced(run).trials[0].sample in [each.value for each in page.text]
    assert "**Notice.**" in said


def test_a_reload_finds_the_race_by_its_address(jobs):
    page = started()
    query = page.query_params[state.RACE]
    assert query == ".".join(jobs.jobs)
    again = opened(query=query)
    assert charts(again)["live"]["data"] == charts(page)["live"]["data"]


def test_somebody_else_can_look_and_not_steer(jobs):
    started()
    for run in jobs.jobs:
        jobs.change(run, owner=digest("another"))
    page = opened(query=".".join(jobs.jobs))
    assert "somebody else's race" in texts(page)
    assert "tokenizers.race.delete" not in [each.key for each in page.button]


def test_a_race_that_is_gone_says_so_and_leads_back(jobs):
    page = opened(query="gone0000.gone0001")
    assert any("not here any more" in each.value for each in page.warning)
    page = page.button(key="tokenizers.race.new").click().run()
    assert page.button(key="tokenizers.race.go")


def test_where_the_second_is_refused_the_first_is_taken_back(jobs):
    jobs.refuse_after = 1
    page = started()
    assert ["runs under way" in each.value for each in page.error] == [True]
    assert jobs.jobs == {}
    assert state.RACE not in page.query_params


def test_twice_the_same_is_refused(jobs):
    page = started(("bpe", "bpe"))
    assert "twice the same tokenizer" in page.error[0].value
    assert jobs.orders == []


def test_a_lossy_tokenizer_is_not_ranked(jobs):
    page = started(("byte", "wordpiece"))
    assert not page.exception
    assert any("loses some of the text" in each.value for each in page.warning)
    assert "not comparable" in texts(page)
    assert [each["name"] for each in charts(page)["live"]["data"] if each["y"]] == ["Bytes"]


def test_while_both_go_on_they_can_be_stopped(jobs):
    jobs.ends = "running"
    page = started()
    assert "tokenizers.race.another" not in [each.key for each in page.button]
    page.button(key="tokenizers.race.stop").click().run()
    assert [call for call in jobs.calls if call[0] == "stop"] == [("stop", run) for run in jobs.jobs]
    assert ("beat", next(iter(jobs.jobs))) in jobs.calls


def test_a_failed_run_says_why_and_there_is_no_verdict(jobs):
    page = started()
    first, second = jobs.jobs
    jobs.jobs[second] = replace(jobs.jobs[second], state="failed", message="the *text* is too short")
    page = opened(query=f"{first}.{second}")
    assert any("too short" in each.value and "\\*text\\*" in each.value for each in page.error)
    assert any("no verdict" in each.value for each in page.info)


def test_deleting_both_leads_back_to_the_form(jobs):
    page = started()
    page = page.button(key="tokenizers.race.delete").click().run()
    assert not page.exception
    assert jobs.jobs == {}
    assert page.button(key="tokenizers.race.go")


def test_a_short_text_is_not_offered_and_the_reason_is_said(jobs):
    page = opened(text="too short")
    assert page.segmented_control(key="tokenizers.race.text").options == [race_setup.GLASS_BOX]
    assert "2,000 characters at least; it has 9" in texts(page)


def test_the_text_of_the_page_train_is_offered(jobs):
    page = opened(**{UPLOAD: ("book.txt", TEXT)})
    assert race_setup.TRAIN in page.segmented_control(key="tokenizers.race.text").options


def test_settings_beyond_their_range_are_held_to_it(jobs):
    page = opened(**{"tokenizers.race.seconds": 9999, "tokenizers.race.size.b": 1, "tokenizers.race.kind.a": "magic"})
    assert not page.exception
    assert page.number_input(key="tokenizers.race.seconds").value == race_setup.MOST_SECONDS
    assert page.number_input(key="tokenizers.race.size.b").value == race_setup.LEAST_SIZE
    assert page.selectbox(key="tokenizers.race.kind.a").value == "byte"


def test_the_stories_of_the_glass_box_go_in_as_one_text(jobs, monkeypatch):
    monkeypatch.setattr(race_setup, "stories", lambda: race.glass_box_text(40))
    page = started(where=race_setup.GLASS_BOX)
    assert not page.error
    assert jobs.orders[0][1] == race.glass_box_text(40)


@pytest.mark.parametrize("size", [2000, 5000, 100_000])
def test_the_context_is_one_that_the_text_has_room_for(jobs, size):
    race_setup.submit([Entrant("word", 300), Entrant("byte")], (TEXT * 50)[:size], 10, 0)
    assert jobs.asked[0].config["context"] == race.context_for(size)
