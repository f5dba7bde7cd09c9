"""The command: runs of a few steps, whose figures are those of their checkpoints."""

from __future__ import annotations

import json
import math

import pytest

from zoo.compare import race, tokenizers
from zoo.compare.per_character import held_out, score
from zoo.compare.race import Entrant, Measured
from zoo.data import open_corpus
from zoo.inference import load
from zoo.launch import launch
from zoo.registry import discover
from zoo.training import train

LINES = [f"The {pet} sat on the {place}, and {name} laughed at it.\n" for pet in ("cat", "dog", "hen", "pony")
         for place in ("mat", "log", "wall", "roof", "shed") for name in ("Ann", "Bob", "Cleo", "Dan")]  # fmt: skip


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(LINES) * 2, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"WIDTH": 16, "BLOCKS": 1, "HEADS": 2, "CONTEXT": 16, "BATCH": 2, "CHECKPOINTS": 2}.items():
        monkeypatch.setattr(race, name, value)


def test_the_figures_are_those_of_the_checkpoints(text, tmp_path):
    begun = launch(race.order(Entrant("bpe", 300), {"steps": 4}, str(text), context=16), tmp_path / "run", discover())
    for _ in train(begun.run, begun.plugin, begun.corpus):
        pass
    texts = held_out(begun.corpus.valid, 600)
    scores = {step: tokenizers.checkpoint(begun.run, step, texts) for step in begun.run.steps()}
    found = tokenizers.raced(begun.run, scores, "")
    assert [point.step for point in found.trials[0].curve] == begun.run.steps() == [0, 2, 4]
    model = load(str(tmp_path / "run"), step=4)
    again = score(model.module, model.tokenizer, texts, 16)
    last = found.trials[0].last
    assert last.bits == again.bits_per_character
    assert last.perplexity == pytest.approx(again.perplexity)
    assert last.seconds == begun.run.events()[-1]["elapsed"]
    assert found.parameters == sum(each.numel() for each in model.module.parameters())
    assert found.embedding == model.module.embed.weight.numel() + model.module.unembed.weight.numel()
    assert (found.kind, found.vocab_size) == ("bpe", model.tokenizer.vocab_size)


def test_all_are_scored_on_the_same_characters_and_what_is_lossy_is_not_ranked(text):
    found = tokenizers.run(
        [Entrant("byte"), Entrant("bpe", 300), Entrant("wordpiece", 300)],
        str(text),
        {"steps": 2},
        seeds=2,
        context=16,
        characters=600,
    )
    assert {each.characters for each in found.raced} == {sum(map(len, held_out(open_corpus(str(text)).valid, 600)))}
    assert [[trial.seed for trial in each.trials] for each in found.raced] == [[0, 1]] * 3
    fine, coarse, lossy = found.raced
    assert fine.tokens == fine.characters > coarse.tokens
    assert len(fine.bits) == len(coarse.bits) == 2
    assert lossy.bits == []
    assert "comes back as" in lossy.lost
    assert lossy.perplexities
    assert fine.trials[0].last.bits != fine.trials[1].last.bits


def test_the_glass_box_has_a_floor_that_nobody_is_below(monkeypatch):
    monkeypatch.setattr(race.glass_box_text, "__defaults__", (200,))
    found = tokenizers.run([Entrant("byte")], "glass-box", {"steps": 2}, seeds=1, context=16, characters=2000)
    assert found.floor is not None
    assert found.corpus == "glass-box"
    assert 0 < found.floor < min(found.raced[0].bits)


def test_the_command_prints_and_writes_what_was_found(text, tmp_path, capsys):
    given = ["--kinds", "byte,bpe:300", "--corpus", str(text), "--steps", "2", "--seeds", "1", "--characters", "600"]
    given += ["--context", "16"]
    assert tokenizers.main([*given, "--json", "--out", str(tmp_path / "out.json")]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = Measured.read((tmp_path / "out.json").read_bytes())
    assert [each["kind"] for each in printed["raced"]] == ["byte", "bpe"]
    assert found.command == (
        "python -m zoo.compare.tokenizers --kinds byte,bpe:300 --corpus text.txt --steps 2 --seeds 1 --characters 600"
    )
    assert str(tmp_path) not in json.dumps(printed)
    shown = tokenizers.table(found)
    for each in found.raced:
        assert f"{each.bits[0]:.3f}" in shown
        assert math.isclose(each.perplexities[0], each.trials[0].last.perplexity)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"--kinds": "byte,bqe"}, "is no tokenizer"),
        ({"--kinds": "byte,byte"}, "none of them twice"),
        ({"--corpus": "nowhere.txt"}, "cannot read the corpus"),
        ({"--steps": "0"}, "steps"),
    ],
)
def test_bad_input_is_one_line(changed, why, text, capsys):
    given = {"--kinds": "byte", "--corpus": str(text), "--steps": "2", "--context": "16"} | changed
    assert tokenizers.main([part for pair in given.items() for part in pair]) == 2
    said = capsys.readouterr().err.splitlines()
    assert why in said[-1]
