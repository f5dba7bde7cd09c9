"""The part on memory: what it says follows from the figures, either way; what it measures is what the zoo measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from playground import engine
from playground.catalogue import Weights
from playground.figures.distance import Memory, Reach
from playground.views.sequential import distance_live, distance_words, far_word
from playground.views.sequential.distance_live import Example
from playground.views.sequential.distance_words import Ground
from tests.playground.helpers import quiet
from zoo.compare import distance, result
from zoo.compare.reach import gradient_reach
from zoo.compare.result import Compared, Comparison, Distances, Trial
from zoo.data.glass_box import DEFAULT
from zoo.inference import load

ON = Ground(["2", "3–4", "5–8"], [400, 400, 400], [0.25, 0.25, 0.25])


def memory(name: str, kind: str, *means: float) -> Memory:
    return Memory(name, kind, False, [[each] for each in means])


GPT, LSTM, WINDOW = (
    memory("GPT", "transformer", 0.9, 0.9, 0.9),
    memory("LSTM", "lstm", 0.95, 0.6, 0.24),
    memory("Window", "window", 0.98, 0.25, 0.2),
)


# --- what is said ------------------------------------------------------------------------------


def test_the_notice_names_the_farthest_the_fallen_and_who_is_better_nearby():
    said = distance_words.notice(ON, [GPT, LSTM, WINDOW])
    assert "At 5–8 words back **GPT** is right most often, in **90.0 %**; the best guess" in said
    assert "Window is no better than that guess from 3–4 words on." in said
    assert "LSTM is no better than that guess from 5–8 words on." in said
    assert "The transformer is beaten on words 2 back by Window (98.0 % against 90.0 %)." in said


def test_the_notice_can_come_out_the_other_way():
    lstm, gpt = memory("LSTM", "lstm", 0.9, 0.9, 0.8), memory("GPT", "transformer", 0.9, 0.3, 0.26)
    said = distance_words.notice(ON, [gpt, lstm])
    assert "At 5–8 words back **LSTM** is right most often" in said
    assert "GPT is no better than that guess from 5–8 words on." in said
    assert "words 3–4 back by LSTM (90.0 % against 30.0 %), 5–8 back by LSTM (80.0 % against 26.0 %)" in said


def test_a_difference_within_the_error_is_none():
    other = memory("LSTM", "lstm", 0.91, 0.89, 0.88)
    said = distance_words.notice(ON, [GPT, other])
    assert "about as often: LSTM" in said
    assert "At no distance is the transformer surely beaten." in said


def test_where_all_guess_it_says_so():
    said = distance_words.notice(ON, [memory("GPT", "transformer", 0.26, 0.2, 0.25)])
    assert "no model is surely better than the best guess without the word (25.0 %)" in said
    assert "GPT is no better than that guess at any distance." in said
    assert "beaten" not in said  # nobody is there who could


def test_few_words_make_nothing_sure():
    few = Ground(ON.labels, [4, 4, 4], ON.guess)
    assert "no model is surely better" in distance_words.notice(few, [memory("A", "lstm", 0.5, 0.5, 0.5)])


def test_distances_at_which_nothing_was_asked_are_left_out():
    on = Ground(ON.labels, [400, 400, 0], [0.25, 0.25, None])
    line = Memory("GPT", "transformer", False, [[0.9], [0.9], []])
    assert distance_words.notice(on, [line]).startswith("At 3–4 words back **GPT**")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 0.5, 0.0, 0.0], "exactly 0 from 2 tokens back on"),
        ([1, 0.5, 0.001, 0.5, 0.002], "below 1.0 % from 4 tokens back on"),
        ([1, 0.5, 0.2], "20.0 % still there 2 tokens back"),
    ],
)
def test_what_is_said_of_a_gradient(values, expected):
    assert expected in distance_words.reaches([Reach("It", "rnn", True, values)])


# --- a recorded comparison ---------------------------------------------------------------------


def trial(seed: int, accuracy: list[float], nats: float, ms: float, carried: float | None) -> Trial:
    return Trial(
        seed=seed,
        steps=10,
        seconds=1.0,
        tokens=100,
        tokens_per_second=100.0,
        nats=nats,
        bits_per_character=nats / 3,
        ms_per_token=ms,
        ms_per_token_carried=carried,
        accuracy=accuracy,
        probability=accuracy,
        grammar=0.99,
    )


def compared(id: str, title: str, family: str, trials: list[Trial], **config: object) -> Compared:
    return Compared(id=id, title=title, family=family, config=config, recipe={}, parameters=1234, trials=trials)


def made() -> Comparison:
    far = [0.9, 0.9, 0.8, 0.8, 0.7, 0.7, 0.6]
    near = [0.9, 0.8, 0.4, 0.2, 0.1, 0.1, 0.1]
    return Comparison(
        command="python -m zoo compare --models a,b",
        date="2026-01-02",
        versions={"torch": "9.9"},
        cpus=3,
        threads=1,
        corpus="glass-box",
        sha256="0",
        tokenizer="0",
        vocab_size=900,
        context=128,
        target=1200,
        same="60 seconds each",
        held_out_tokens=1000,
        floor=0.6,
        bigram=2.1,
        generated="32 tokens behind 32",
        distances=Distances(
            stories=200,
            first=[a for a, _ in distance.EDGES],
            last=[b for _, b in distance.EDGES],
            words=[500] * 7,
            guess=[0.2] * 7,
            grammar_words=900,
        ),
        models=[
            compared("zoo/gpt", "GPT", "gpt", [trial(0, far, 0.8, 4, None), trial(1, far, 0.9, 5, None)]),
            compared("zoo/window", "Window", "feed-forward", [trial(0, near, 1.0, 3, None)] * 2, window=8),
            compared("zoo/lstm", "LSTM", "rnn", [trial(0, near, 0.7, 9, 0.25)] * 2),
        ],
    )


def test_the_other_figures_name_the_least_whoever_has_it():
    said = distance_words.other_figures(made())
    assert "The lowest loss on held-out text: LSTM, 0.700 nats per token (the floor is 0.600)." in said
    assert "The cheapest token to write: LSTM, 0.25 ms; GPT needs 4.50 ms." in said


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "glass_box.json"
    monkeypatch.setattr(result, "RECORDED", file)
    return file


def test_the_page_shows_the_recorded_figures_with_their_command(part, empty_folder, kept):
    kept.write_text(made().model_dump_json())
    page = quiet(part("distance", empty_folder))
    text = " ".join(each.value for each in [*page.markdown, *page.caption])
    assert "`python -m zoo compare --models a,b` on 2026-01-02, torch 9.9, 3 CPUs" in text
    assert "Window sees 8 tokens" in text
    assert "At 65–128 words back **GPT** is right most often, in **60.0 %**" in text
    assert "| GPT | 90.0 % | 90.0 % | 80.0 % |" in text
    assert "No trained model on offer has learned these stories" in text
    assert not page.button


def test_without_a_recording_it_says_what_makes_one(part, empty_folder, kept):
    page = quiet(part("distance", empty_folder))
    assert "python -m zoo compare" in page.info[0].value


# --- live --------------------------------------------------------------------------------------


def shown(page: AppTest) -> str:
    return " ".join(each.value for each in page.markdown)


def test_the_button_asks_the_models_on_offer(part, trained_folder, kept):
    page = quiet(part("distance", trained_folder))
    (picked,) = page.multiselect
    assert picked.options == ["left (run)"]  # BERT does not predict the next word
    assert not [each for each in page.markdown if "Here and now" in each.value]
    page.number_input(key="sequential.distance.stories").set_value(5)
    page.button(key="sequential.distance.go").click().run()
    quiet(page)
    stories = [story.words for story in DEFAULT.stories(5, distance.SEED)]
    found = distance.measure(load(str(trained_folder / "runs" / "left")), DEFAULT, stories)
    assert "**Here and now**, on 5 stories" in shown(page)
    cells = " | ".join(f"{100 * each.accuracy:.1f} %" for each in found.buckets if each.accuracy is not None)
    assert f"left \\(run\\)\\, now | {cells}".replace("\\", "") in shown(page).replace("\\", "").replace(
        "0.00 %", "0.0 %"
    )


def test_an_example_is_what_the_language_says_it_is(part, trained_folder, kept):
    page = quiet(part("distance", trained_folder))
    example = distance_live.examples(33, 64)[0]
    need = DEFAULT.needs(example.words)[-1]
    assert (need.back, need.guess) == (example.back, example.guess)
    assert 33 <= example.back <= 64
    assert far_word.told(example) in shown(page)
    model = load(str(trained_folder / "runs" / "left"))
    logits = model.logits(model.ids(DEFAULT.join(example.words[:-1]))).astype(np.float64)
    probs = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    answer = distance_live.answered(Weights(str(trained_folder / "runs" / "left")), example)
    assert answer.right == pytest.approx(probs[model.ids(DEFAULT.join(example.words))[-1]])
    assert answer.prob == pytest.approx(probs.max())


def test_both_words_are_marked():
    said = far_word.told(Example(("Mia", "had", "a", "dog", ".", "The", "dog"), 3, 0.5))
    assert said == r"Mia had a :orange-background[**dog**]\. The :violet-background[**dog**] …"


def test_the_gradient_is_the_zoos(part, trained_folder, kept):
    page = quiet(part("distance", trained_folder))
    page.button(key="sequential.distance.reach").click().run()
    page.toggle(key="sequential.distance.untrained").set_value(True).run()
    text = shown(quiet(page))
    assert r"**left \(run\)**:" in text
    assert r"**left \(run\), untrained**:" in text.replace(r"\,", ",")
    weights = Weights(str(trained_folder / "runs" / "left"))
    found = distance_live.reach(weights)
    assert found[0] == 1.0
    assert len(found) == 97
    model = engine.model(weights)
    rows = [
        [*model.ids(DEFAULT.join(story.words)), model.tokenizer.end_of_text]
        for story in DEFAULT.stories(40, distance.SEED)
    ]
    stream = [token for row in rows for token in row][: 4 * 129]
    again = gradient_reach(model.module, torch.tensor(stream).view(4, 129), model.tokenizer.vocab_size)
    assert found == pytest.approx((again / again[0]).tolist())
