"""Shipping a run: a folder that loads, figures that can be recomputed, and a command that gives the same run again."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from zoo.__main__ import main as zoo
from zoo.data import Corpus, read_corpus
from zoo.inference import load
from zoo.pretrained.card import write_card
from zoo.pretrained.commands import portable, training_command
from zoo.pretrained.facts import CORPORA, Card
from zoo.pretrained.ship import main, score, ship
from zoo.sampling import Sampling
from zoo.tasks.next_token import NextToken, Windows
from zoo.tasks.streams import token_stream
from zoo.tokenizers import train_tokenizer
from zoo.training.run import Run

OPTIONS = shlex.split(
    "--model zoo/gpt --vocab-size 280 --steps 60 --set blocks=1 --set width=16 --set heads=2 --set context=16 "
    "--set batch=4 --set rate=0.01 --set evaluations=13 --set checkpoints=3 --set tied=true --set held_out_windows=8"
)


@dataclass(frozen=True)
class Shipped:
    """A tiny run and what was shipped of it."""

    run: Run
    corpus: Corpus
    file: Path
    folder: Path
    card: Card
    text: str


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    place = tmp_path_factory.mktemp("ship")
    file, folder = place / "tales.jsonl", place / "weights" / "tiny"
    rows = [{"text": f"The cat {i} sat on the mat; café no. {i % 7}.\n" * 9} for i in range(40)]
    file.write_text("".join(json.dumps(row | {"split": "valid" if i % 5 == 0 else "train"}) + "\n"
                            for i, row in enumerate(rows)))  # fmt: skip
    assert zoo(["train", "--corpus", str(file), "--run", str(place / "runs" / "tiny"), "--json", *OPTIONS]) == 0
    run, corpus = Run.open(place / "runs" / "tiny"), read_corpus(file)
    card = ship(run, corpus, folder)
    return Shipped(run, corpus, file, folder, card, (folder / "CARD.md").read_text("utf-8"))


def test_the_folder_is_a_run_with_one_float16_checkpoint(shipped: Shipped) -> None:
    files = sorted(path.relative_to(shipped.folder).as_posix() for path in shipped.folder.rglob("*") if path.is_file())
    assert files == ["CARD.md", "checkpoints/0000060.safetensors", "events.jsonl", "run.json", "tokenizer.json"]
    weights, trained = Run.open(shipped.folder).weights(), shipped.run.weights()
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    assert weights.keys() == trained.keys()
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor.float(), trained[name], rtol=2**-11, atol=2**-25)
    assert list(shipped.folder.parent.iterdir()) == [shipped.folder]  # no draft left beside it


def test_only_scored_events_are_kept(shipped: Shipped) -> None:
    everything, kept = shipped.run.events(), Run.open(shipped.folder).events()
    assert kept == [event for event in everything if "valid_loss" in event]
    assert (kept[0]["step"], kept[-1]["step"], len(kept)) == (0, 60, 14)


def test_the_model_loads_and_its_score_is_recomputed_token_by_token(shipped: Shipped) -> None:
    model = load(str(shipped.folder))
    stream = token_stream(model.tokenizer, shipped.corpus.valid).tolist()
    whole = (len(stream) - 1) // 16
    nats, text = [], ""
    for window in range(whole):
        ids = stream[window * 16 : window * 16 + 17]
        with torch.no_grad():
            logs = model.module(torch.tensor([ids[:-1]]))[0].double().log_softmax(-1)
        nats += [-float(logs[i, target]) for i, target in enumerate(ids[1:])]
        text += model.tokenizer.raw.decode(ids[1:])
    own = shipped.card.scores[-1]
    assert own.tokens == len(nats)
    assert own.characters == len(text)
    assert math.isclose(own.nats, np.mean(nats), rel_tol=1e-5)
    assert math.isclose(own.bits, sum(nats) / math.log(2) / len(text), rel_tol=1e-5)


def test_characters_are_counted_as_in_training(shipped: Shipped) -> None:
    model, own = load(str(shipped.folder)), shipped.card.scores[-1]
    windows = Windows(token_stream(model.tokenizer, shipped.corpus.valid), model.context)
    held_out = NextToken().evaluate(model.module, windows, model.tokenizer)
    assert held_out.characters == own.characters
    assert math.isclose(own.bits, held_out.bits_per_character, rel_tol=1e-9)


def test_all_models_are_scored_on_the_same_tokens(shipped: Shipped) -> None:
    """Held-out tokens 1 … 64 of four windows are scored; those outside are changed without any effect on a unigram."""
    model = load(str(shipped.folder))
    train = token_stream(model.tokenizer, shipped.corpus.train).numpy()
    valid = token_stream(model.tokenizer, shipped.corpus.valid).numpy()[: 4 * 16 + 9].copy()
    before = score(model, train, valid, 1)
    valid[0], valid[65:] = 0, 0
    after = score(model, train, valid, 1)
    assert [each.tokens for each in before] == [64] * 4
    assert [each.nats for each in before[:2]] == [each.nats for each in after[:2]]
    assert before[0].nats == math.log(280)


def test_scores_are_ordered_as_the_text_demands(shipped: Shipped) -> None:
    even, unigram, trigram, own = shipped.card.scores
    assert [each.name for each in shipped.card.scores] == ["even guess", "unigram", "trigram", "GPT"]
    assert trigram.nats < unigram.nats < even.nats
    assert own.nats < even.nats
    assert own.size == shipped.run.info.parameters < sum(shipped.card.weights.values())  # a tied table counts once


def test_every_measured_figure_stands_in_the_card(shipped: Shipped) -> None:
    for each in shipped.card.scores:
        line = f"| {each.name} | {each.nats:.4f} | {each.bits:.4f} | {math.exp(each.nats):,.1f} | {each.size:,} |"
        assert line in shipped.text
    assert f"| tokens seen | {60 * 4 * 16:,} " in shipped.text
    assert f"{shipped.run.info.parameters:,} parameters" in shipped.text
    assert shipped.corpus.sha256 in shipped.text
    assert "share of the budget spent | 100.0% |" in shipped.text


def test_the_curve_has_ten_rows_from_first_to_last(shipped: Shipped) -> None:
    section = shipped.text.split("## How it learned")[1].split("##")[0]
    rows = [line[2:-2].split(" | ") for line in section.splitlines() if re.match(r"\| \d", line)]
    by_step = {str(event["step"]): event for event in shipped.run.events()}
    assert len(rows) == 10
    assert [rows[0][0], rows[-1][0]] == ["0", "60"]
    for step, _, tokens, nats, bits in rows:
        assert tokens == f"{int(step) * 4 * 16:,}"
        assert nats == f"{by_step[step]['valid_loss']:.3f}"
        assert bits == f"{by_step[step]['bits_per_character']:.3f}"


def test_samples_are_what_the_shipped_weights_write(shipped: Shipped) -> None:
    model = load(str(shipped.folder))
    assert [sample.seed for sample in shipped.card.samples] == list(range(10))
    for sample in shipped.card.samples:
        ids = list(model.generate(model.ids("The"), 80, Sampling(temperature=0.8), sample.seed))
        assert sample.text == "The" + model.tokenizer.decode(ids)
        block = shipped.text.split(f"Seed {sample.seed}:\n\n")[1]
        lines = [line[4:] for line in block.split("\n")[: sample.text.count("\n") + 1]]
        assert "\n".join(lines) == sample.text


def test_a_licence_is_named_only_for_the_very_file_it_belongs_to(shipped: Shipped) -> None:
    assert "Licence: not recorded" in shipped.text
    (known,) = CORPORA
    same_name = shipped.card.info.model_copy(update={"corpus": {"name": "stories.jsonl.xz", "sha256": "0" * 64}})
    same_file = shipped.card.info.model_copy(update={"corpus": {"name": "mine.jsonl.xz", "sha256": known}})
    assert "Licence: not recorded" in write_card(replace(shipped.card, info=same_name))
    assert "Licence: public domain in the United States" in write_card(replace(shipped.card, info=same_file))


def test_text_of_a_sample_cannot_break_the_page(shipped: Shipped) -> None:
    text = "The\n\n## Limits\n```\n| a | b |\n\n\n\n<b>end"
    sample = replace(shipped.card.samples[0], text=text)
    card = write_card(replace(shipped.card, samples=[sample]))
    assert card.count("\n## Limits") == 1
    assert "    The\n\n    ## Limits\n    ```\n    | a | b |\n\n\n\n    <b>end\n\n## Limits" in card


def test_the_card_names_no_machine(shipped: Shipped) -> None:
    assert str(shipped.folder.parents[1]) not in shipped.text
    assert "python -m zoo.pretrained.ship runs/tiny" in shipped.text


def test_the_training_command_makes_the_same_run(shipped: Shipped, tmp_path: Path) -> None:
    words = shlex.split(training_command(shipped.card).replace("\\\n", " "))
    assert words[:3] == ["python", "-m", "zoo"]
    assert "tales.jsonl" in words
    here = {"tales.jsonl": str(shipped.file), "runs/tiny": str(tmp_path / "again")}
    assert zoo([here.get(word, word) for word in words[3:]]) == 0
    again = Run.open(tmp_path / "again")
    assert again.info == shipped.run.info
    assert again.events()[-1]["loss"] == shipped.run.events()[-1]["loss"]


@pytest.mark.parametrize("kind", ["bpe", "byte", "char", "word"])
def test_the_training_command_makes_the_same_tokenizer(shipped: Shipped, tmp_path: Path, kind: str) -> None:
    tokenizer = train_tokenizer(kind, shipped.corpus.train, 300)  # type: ignore[arg-type]
    words = shlex.split(training_command(replace(shipped.card, tokenizer=tokenizer)).replace("\\\n", " "))
    here = {"tales.jsonl": str(shipped.file), "runs/tiny": str(tmp_path / "again"), "60": "1"}
    assert zoo([here.get(word, word) for word in words[3:]]) == 0
    assert Run.open(tmp_path / "again").tokenizer.hash == tokenizer.hash


def test_shipping_again_gives_the_same_bytes(shipped: Shipped, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in shipped.folder.rglob("*") if path.is_file()}
    arguments = [str(shipped.run.folder), "--corpus", str(shipped.file), "--out", str(shipped.folder)]
    assert main(arguments) == 0
    assert {path: path.read_bytes() for path in shipped.folder.rglob("*") if path.is_file()} == before
    assert f"{shipped.card.scores[-1].nats:.4f} nats/token" in capsys.readouterr().out


def test_a_run_that_is_not_done_is_called_so(shipped: Shipped, tmp_path: Path) -> None:
    unfinished = Run(tmp_path / "half")
    unfinished.checkpoints.mkdir(parents=True)
    for name in ("run.json", "tokenizer.json", "events.jsonl", "checkpoints/0000020.safetensors"):
        (unfinished.folder / name).write_bytes((shipped.run.folder / name).read_bytes())
    ship(unfinished, shipped.corpus, tmp_path / "out")
    assert Run.open(tmp_path / "out").events()[-1]["step"] == 20
    assert "| 33.3%: taken from a run that was not done |" in (tmp_path / "out" / "CARD.md").read_text("utf-8")


def test_what_cannot_be_shipped_is_refused(
    shipped: Shipped, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("Another text altogether. " * 50)
    source, corpus = str(shipped.run.folder), str(shipped.file)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep me")

    def refusal(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        return message

    assert "another text (tales.jsonl)" in refusal(source, "--corpus", str(other), "--out", str(tmp_path / "out"))
    assert "is not a run folder" in refusal(str(mine), "--corpus", corpus, "--out", str(tmp_path / "out"))
    assert "something else" in refusal(source, "--corpus", corpus, "--out", str(mine))
    assert "something else" in refusal(source, "--corpus", corpus, "--out", source)  # it would delete the run itself
    monkeypatch.setattr("zoo.pretrained.ship.LIMIT", 1000)
    assert "at most 1,000" in refusal(source, "--corpus", corpus, "--out", str(tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "other.txt"]
    assert (mine / "letter.txt").read_text() == "keep me"
    assert shipped.run.load_last() is not None


def test_numbers_beyond_float16_are_refused(shipped: Shipped, tmp_path: Path) -> None:
    run = Run(tmp_path / "large")
    run.checkpoints.mkdir(parents=True)
    for name in ("run.json", "tokenizer.json"):
        (run.folder / name).write_bytes((shipped.run.folder / name).read_bytes())
    with pytest.raises(ValueError, match="no trained weights yet"):
        ship(run, shipped.corpus, tmp_path / "out")
    weights = load_file(shipped.run.checkpoints / "0000060.safetensors")
    weights["final_norm.weight"][3] = 70_000
    save_file(weights, run.checkpoints / "0000060.safetensors")
    with pytest.raises(ValueError, match=r"final_norm\.weight holds numbers that float16 cannot hold"):
        ship(run, shipped.corpus, tmp_path / "out")


def test_portable_paths() -> None:
    assert portable(Path("zoo/pretrained/weights/x")) == "zoo/pretrained/weights/x"
    assert portable(Path("/home/me/x")) == "x"
    assert portable(Path("../elsewhere/x")) == "x"


def test_the_corpus_on_our_shelf_is_the_one_with_a_known_licence(shared: Path) -> None:
    file = shared / "data" / "stories.jsonl.xz"
    if not file.is_file():
        pytest.skip("needs ../shared/data/stories.jsonl.xz, which is not part of the repository")
    assert hashlib.sha256(file.read_bytes()).hexdigest() in CORPORA
