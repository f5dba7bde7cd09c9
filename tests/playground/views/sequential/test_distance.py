"""The part on memory: what it says follows from the figures, either way; what it measures is what the zoo measures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from playground import engine
from playground.catalogue import Weights
from playground.figures.distance import Memory, Reach
from playground.views.sequential import distance as distance_page
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
    assert "Window is not surely better than that guess from 3–4 words on." in said
    assert "LSTM is not surely better than that guess from 5–8 words on." in said
    assert "The transformer is surely beaten on words 2 back by Window (98.0 % against 90.0 %)." in said


def test_the_notice_can_come_out_the_other_way():
    lstm, gpt = memory("LSTM", "lstm", 0.9, 0.9, 0.8), memory("GPT", "transformer", 0.9, 0.3, 0.26)
    said = distance_words.notice(ON, [gpt, lstm])
    assert "At 5–8 words back **LSTM** is right most often" in said
    assert "GPT is not surely better than that guess from 5–8 words on." in said
    assert "words 3–4 back by LSTM (90.0 % against 30.0 %), 5–8 back by LSTM (80.0 % against 26.0 %)" in said


def test_a_difference_within_the_error_is_none():
    other = memory("LSTM", "lstm", 0.91, 0.89, 0.88)
    said = distance_words.notice(ON, [GPT, other])
    assert "GPT** is right most often, in **90.0 %**, but not surely more often than LSTM (88.0 %); the" in said
    assert "At no distance is the transformer surely beaten." in said


def test_where_all_guess_it_says_so():
    said = distance_words.notice(ON, [memory("GPT", "transformer", 0.26, 0.2, 0.25)])
    assert "no model is surely better than the best guess without the word (25.0 %)" in said
    assert "GPT is not surely better than that guess at any distance." in said
    assert "beaten" not in said  # nobody is there who could


def seeds(name: str, kind: str, *values: float) -> Memory:
    return Memory(name, kind, False, [list(values)] * 3)


def test_seeds_far_apart_make_no_model_surely_better():
    wide, steady = seeds("GPT", "transformer", 0.65, 1.0, 0.6), seeds("LSTM", "lstm", 0.6, 0.59, 0.61)
    said = distance_words.notice(ON, [wide, steady])
    assert "GPT** is right most often, in **75.0 %** over 3 seeds (60.0 % to 100.0 %), but not surely more" in said
    same_mean = seeds("GPT", "transformer", 0.75, 0.74, 0.76)
    assert "not surely more" not in distance_words.notice(ON, [same_mean, steady])


def test_seeds_far_apart_are_not_surely_above_the_guess():
    wide, steady = seeds("A", "lstm", 0.1, 0.9, 0.2), seeds("B", "lstm", 0.39, 0.4, 0.41)
    assert not ON.above(wide, 2)
    assert ON.above(steady, 2)
    assert "no model is surely better than the best guess" in distance_words.notice(ON, [wide])


def test_a_transformer_whose_seeds_are_far_apart_is_not_surely_beaten():
    rival = seeds("LSTM", "lstm", 0.8, 0.79, 0.81)
    wide, steady = seeds("GPT", "transformer", 0.3, 0.9, 0.6), seeds("GPT", "transformer", 0.6, 0.59, 0.61)
    assert "At no distance is the transformer surely beaten." in distance_words.notice(ON, [wide, rival])
    assert "surely beaten on words 2 back by LSTM (80.0 % against 60.0 %)" in distance_words.notice(ON, [steady, rival])


def test_a_steady_rival_beats_where_the_highest_is_too_wide():
    lines = [seeds("GPT", "transformer", 0.3, 0.3, 0.3), seeds("GRU", "gru", 0.2, 1.0, 0.4), seeds("RNN", "rnn", 0.5)]
    assert "surely beaten on words 2 back by RNN (50.0 % against 30.0 %)" in distance_words.notice(ON, lines)


def test_the_error_is_of_seeds_and_words_together():
    """By hand: seeds 0.5, 0.7 have the standard error 0.1; 0.25 of 400 words has sqrt(0.25 · 0.75 / 400)."""
    assert distance_words.seeds_error([0.5, 0.7]) == pytest.approx(0.1)
    assert distance_words.seeds_error([0.5]) == 0
    edge = 0.25 + 2 * math.sqrt(0.01 + 0.25 * 0.75 / 400)
    assert not ON.above(seeds("A", "lstm", edge - 0.101, edge + 0.099), 0)
    assert ON.above(seeds("A", "lstm", edge - 0.099, edge + 0.101), 0)


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
        tokens_per_second=100.0 - 40 * seed,
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
    assert "The lowest loss on held-out text: LSTM, 0.700 nats per token (the floor is 0.600); next GPT, 0.850 " in said
    assert "next GPT, 0.850 (0.800 to 0.900)." in said
    assert (
        "The cheapest token to write: LSTM, 0.250 ms with its state kept. Where the whole text is read again for each "
        "token, LSTM needs 9.00 ms; GPT, which keeps no keys and values here, 4.50 ms (4.00 to 5.00). Times are of "
        "that machine and of its load on that day."
    ) in said
    assert "got through the most text" not in said  # all read the same


def test_a_loss_within_its_seeds_or_of_one_seed_is_no_sure_difference():
    found = made()
    near = [trial(0, [0.1] * 7, 0.5, 9, 0.25), trial(1, [0.1] * 7, 1.0, 9, 0.25)]
    wide = found.model_copy(update={"models": [found.models[0], compared("zoo/lstm", "LSTM", "rnn", near)]})
    assert (
        "LSTM, 0.750 (0.500 to 1.000) nats per token (the floor is 0.600); next GPT, 0.850 (0.800 to 0.900), no "
        in (distance_words.other_figures(wide))
    )
    assert "no sure difference" in distance_words.other_figures(one_seed())


def test_the_transformers_loss_is_said_wherever_it_comes():
    gpt, window, lstm = made().models
    poor = gpt.model_copy(update={"trials": [trial(0, [0.1] * 7, 2.0, 4, None)]})
    said = distance_words.other_figures(made().model_copy(update={"models": [poor, window, lstm]}))
    assert "LSTM, 0.700 nats per token (the floor is 0.600); next Window, 1.000; GPT, 2.000." in said


def test_the_cheapest_without_a_state_is_said_so():
    said = distance_words.other_figures(made().model_copy(update={"models": made().models[:2]}))
    assert "token to write: Window, 3.00 ms, the whole text read again for it; GPT, which keeps no" in said


def test_what_surely_means_is_said_and_what_one_seed_leaves_open():
    assert "of the words asked and of the seeds together" in distance_words.sure(made())
    assert "how far another seed would lie is not known" in distance_words.sure(one_seed())


@pytest.mark.parametrize(
    ("tokens", "expected"), [(2_000_896, "2 million"), (1_500_000, "1.5 million"), (100_352, "100 thousand"), (7, "7")]
)
def test_how_much_was_read(tokens: int, expected: str):
    assert distance_words.read(of_size(tokens)) == f"{expected} words"
    few = of_size(tokens).model_copy(update={"corpus": "glass-box:stories=1200"})
    assert distance_words.read(few) == f"{expected} words from 1,200 stories"


# --- what comes with the repository ------------------------------------------------------------


@pytest.mark.parametrize("file", [result.RECORDED, result.LITTLE, result.FEW], ids=lambda file: file.stem)
def test_the_recorded_files_say_what_their_figures_say(file: Path):
    found = Comparison.read(file)
    assert {len(each.trials) for each in found.models} == {3}
    assert {trial.tokens for each in found.models for trial in each.trials} == {found.models[0].trials[0].tokens}
    lines = distance_page.lines_of(found)
    said = distance_words.notice(distance_words.ground(found), lines) + distance_words.other_figures(found)
    least = min(found.models, key=lambda each: np.mean([trial.nats for trial in each.trials]))
    assert f"The lowest loss on held-out text: {least.title}, " in said
    beaten = [label for place, label in enumerate(distance_words.ground(found).labels) if beats_gpt(found, place)]
    assert [label for label in distance_words.ground(found).labels if f"{label} back by" in said] == beaten
    assert ("At no distance is the transformer surely beaten." in said) == (not beaten)


def beats_gpt(found: Comparison, place: int) -> bool:
    """Worked out once more: whether any other model is surely ahead of the one GPT and of the guess."""
    assert found.distances is not None
    words, guess = found.distances.words[place], found.distances.guess[place]
    assert guess is not None
    shares = {each.id: np.array(each.accuracies(place)) for each in found.models}

    def variance(of: np.ndarray) -> float:
        share = of.mean()
        return of.var(ddof=1) / len(of) + max(share * (1 - share), 1 / (4 * words)) / words

    gpt = shares.pop("zoo/gpt")
    return any(
        of.mean() - gpt.mean() > 2 * np.sqrt(variance(of) + variance(gpt))
        and of.mean() - guess > 2 * np.sqrt(of.var(ddof=1) / len(of) + guess * (1 - guess) / words)
        for of in shares.values()
    )


def test_the_recorded_files_are_of_one_setting_but_for_the_text_read():
    much, little, few = (Comparison.read(each) for each in (result.RECORDED, result.LITTLE, result.FEW))
    for other in (little, few):
        assert [(each.id, each.config) for each in much.models] == [(each.id, each.config) for each in other.models]
        assert (much.distances, much.floor) == (other.distances, other.floor)
    assert much.command.replace("2000000", "100000") == little.command
    assert much.command.replace("glass-box", "glass-box:stories=1200").replace("2000000", "1000000") == few.command
    words = sum(len(story.words) + 1 for story in DEFAULT.stories(1200, 0))
    assert words == pytest.approx(100_352, rel=0.05)  # as many different words as the other has read
    assert 9 < few.models[0].trials[0].tokens / words < 11


def one_seed() -> Comparison:
    alone = [each.model_copy(update={"trials": each.trials[:1]}) for each in made().models]
    return made().model_copy(update={"models": alone})


def of_size(tokens: int) -> Comparison:
    def read(each: Compared) -> Compared:
        return each.model_copy(update={"trials": [t.model_copy(update={"tokens": tokens}) for t in each.trials]})

    return made().model_copy(update={"models": [read(each) for each in made().models]})


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "glass_box.json"
    monkeypatch.setattr(result, "RECORDED", file)
    monkeypatch.setattr(result, "LITTLE", tmp_path / "little.json")
    monkeypatch.setattr(result, "FEW", tmp_path / "few.json")
    return file


def test_the_page_shows_the_recorded_figures_with_their_command(part, empty_folder, kept):
    kept.write_text(made().model_dump_json())
    page = quiet(part("distance", empty_folder))
    text = " ".join(each.value for each in [*page.markdown, *page.caption])
    assert "`python -m zoo compare --models a,b` on 2026-01-02, torch 9.9, 3 CPUs" in text
    assert "Window sees 8 tokens" in text
    assert "At 65–128 words back **GPT** is right most often, in **60.0 %**" in text
    assert "| GPT | 90.0 % | 90.0 % | 80.0 % |" in text
    assert "Whiskers: from the worst of 2 seeds to the best. “Surely”: by more than two standard errors" in text
    assert "| GPT | 1,234 | 0.850 (0.800 to 0.900) | 0.283 (0.267 to 0.300) | 100 | 80 (60 to 100) | 4.50 (4.00" in text
    assert "Speeds are of that machine and of its load on 2026-01-02" in text
    assert "No trained model on offer has learned these stories" in text
    assert not page.button
    assert not page.segmented_control  # one recording: nothing to choose


def test_the_other_recording_is_a_choice_away(part, empty_folder, kept):
    kept.write_text(of_size(2_000_896).model_dump_json())
    turned = of_size(100_352)
    lstm = [trial(0, [0.9] * 7, 0.7, 9, 0.25)] * 2
    gpt = [trial(0, [0.3] * 7, 2.0, 4, None)] * 2
    little = [compared("zoo/gpt", "GPT", "gpt", gpt), compared("zoo/lstm", "LSTM", "rnn", lstm)]
    result.LITTLE.write_text(turned.model_copy(update={"models": little}).model_dump_json())
    page = quiet(part("distance", empty_folder))
    assert "At 65–128 words back **GPT** is right most often" in shown(page)
    (choice,) = page.segmented_control
    assert choice.options == ["2 million words", "100 words"]
    choice.set_value(1).run()
    assert "At 65–128 words back **LSTM** is right most often, in **90.0 %**" in shown(quiet(page))
    assert "| GPT | 30.0 %" in shown(page)


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
    words = distance.planted(DEFAULT, stories)
    found = distance.measure(load(str(trained_folder / "runs" / "left")), DEFAULT, stories, words)
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
