"""`compare`: what it says is what was measured, on models of one size that were trained on the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zoo.compare import distance
from zoo.compare.result import Comparison, written
from zoo.compare.table import BATCH, Plan, compare
from zoo.data import open_corpus
from zoo.inference import load
from zoo.registry import discover
from zoo.tasks import task_of
from zoo.training import Run

CORPUS = "glass-box:stories=80"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return Plan(
        ["zoo/rnn", "zoo/gpt"],
        CORPUS,
        steps=2,
        seeds=2,
        parameters=25_000,
        context=16,
        stories=8,
        runs=tmp_path_factory.mktemp("compare") / "runs",
        command="as typed",
    )


@pytest.fixture(scope="module")
def found(plan: Plan) -> Comparison:
    return compare(plan, discover())


def folders(plan: Plan, model: str) -> list[Path]:
    return sorted(plan.runs.glob(f"{model.replace('/', '-')}-*"))


def test_all_were_trained_on_the_same(plan: Plan, found: Comparison) -> None:
    assert [each.id for each in found.models] == ["zoo/rnn", "zoo/gpt"]
    for each in found.models:
        assert [trial.seed for trial in each.trials] == [0, 1]
        assert {(trial.steps, trial.tokens) for trial in each.trials} == {(2, 2 * BATCH * 16)}
        assert abs(each.parameters - 25_000) < 1_500
        assert each.config["context"] == 16
    assert "the same 512 tokens" in found.same
    tokenizers = {Run(folder).info.tokenizer for folder in plan.runs.iterdir() if folder.is_dir()}
    assert tokenizers == {found.tokenizer}


@pytest.mark.parametrize("model", ["zoo/rnn", "zoo/gpt"])
def test_the_figures_are_those_of_the_models_in_the_folders(plan: Plan, found: Comparison, model: str) -> None:
    corpus = open_corpus(CORPUS)
    language = corpus.language
    assert language is not None
    stories = [story.words for story in language.stories(8, distance.SEED)]
    for folder, trial in zip(folders(plan, model), next(m for m in found.models if m.id == model).trials, strict=True):
        loaded = load(str(folder))
        task = task_of(loaded.task)
        examples = task.examples(corpus, "valid", loaded.tokenizer, 16, limit=128)
        scored = task.evaluate(loaded.module, examples, loaded.tokenizer, limit=128)
        assert trial.nats == pytest.approx(scored.nats_per_token, rel=1e-5)
        assert trial.bits_per_character == pytest.approx(scored.bits_per_character, rel=1e-5)
        assert scored.tokens == found.held_out_tokens
        again = distance.measure(loaded, language, stories, distance.planted(language, stories))
        assert trial.accuracy == [bucket.accuracy for bucket in again.buckets]
        assert trial.probability == pytest.approx([bucket.probability for bucket in again.buckets])
        assert trial.grammar == again.grammar.accuracy
        assert found.distances is not None
        assert found.distances.words == [bucket.words for bucket in again.buckets]
        assert found.distances.guess == [bucket.guess for bucket in again.buckets]
        assert trial.ms_per_token > 0
        assert (trial.ms_per_token_carried is not None) == (model == "zoo/rnn")


def test_seeds_differ_and_their_mean_lies_between(found: Comparison) -> None:
    for each in found.models:
        spread, mean = each.spread(lambda trial: trial.nats), each.mean(lambda trial: trial.nats)
        assert spread is not None
        assert mean is not None
        assert spread[0] < mean < spread[1]


def test_it_is_read_back_as_it_was_written(found: Comparison, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    file.write_text(found.model_dump_json(indent=1))
    assert Comparison.read(file) == found
    assert found.command == "as typed"
    assert found.floor is not None
    assert found.bigram is not None
    file.write_text("{}")
    with pytest.raises(ValueError, match=r"found.json is no comparison"):
        Comparison.read(file)
    with pytest.raises(ValueError, match="cannot read"):
        Comparison.read(tmp_path / "gone.json")


def test_the_table_shows_every_figure(found: Comparison) -> None:
    text = written(found)
    for each in found.models:
        assert f"{each.parameters:,}" in text
        assert f"{each.mean(lambda trial: trial.nats):.3f}" in text
        slow, fast = sorted(trial.tokens_per_second for trial in each.trials)
        assert f"{(slow + fast) / 2:,.0f} ({slow:,.0f}-{fast:,.0f})" in text
        for place in range(7):
            shares = each.accuracies(place)
            assert f"{100 * sum(shares) / 2:.0f} %" in text if shares else "–" in text
    assert "best guess without it" in text


def test_what_was_trained_is_not_trained_again(plan: Plan, found: Comparison) -> None:
    files = sorted(plan.runs.glob("*/events.jsonl"))
    before = [file.read_bytes() for file in files]
    again = compare(replace(plan, models=["zoo/gpt"], seeds=1), discover())
    assert [file.read_bytes() for file in sorted(plan.runs.glob("*/events.jsonl"))] == before
    assert again.models[0].trials[0].accuracy == found.models[1].trials[0].accuracy


def test_any_text_and_a_model_that_counts(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat and the dog sat on the log. " * 60)
    plan = Plan(["zoo/n-gram", "zoo/rnn"], str(text), tokens=300, context=16, parameters=9000, runs=tmp_path / "runs")
    found = compare(plan, discover())
    assert found.distances is None
    assert [each.trials[0].accuracy for each in found.models] == [None, None]
    assert [each.trials[0].steps for each in found.models][1] == 2  # 300 tokens are more than one step of 16 · 16
    assert found.models[0].parameters == 0
    assert "words back" not in written(found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": ["zoo/bert"]}, "zoo/bert is made for masked-token: only models that predict the next token"),
        ({"models": ["zoo/gpt", "zoo/gpt"]}, "named twice"),
        ({"seconds": 1.0}, "one of the three"),
        ({"steps": None, "seconds": float("nan")}, "more than nothing"),
        ({"corpus": "glass-box-pairs"}, "no text to go on with"),
        ({"context": 4000}, "Input should be less than or equal to 1024"),
    ],
)
def test_what_cannot_be_compared(plan: Plan, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(replace(plan, **({"runs": tmp_path / "runs"} | changes)), discover())  # type: ignore[arg-type]
