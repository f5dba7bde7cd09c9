"""Which models are on offer, and that each can be told from the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import catalogue
from playground.catalogue import Choice
from tests.playground.helpers import make_run, write_plugin
from zoo.pretrained.shipped import shipped_folder
from zoo.registry import discover
from zoo.training import Run


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A folder with nothing in it, from which the app is started."""
    monkeypatch.chdir(tmp_path)
    for name in ("PLUGINS", "RUNS", "MODELS"):
        monkeypatch.delenv(f"PLAYGROUND_{name}", raising=False)
    return tmp_path


def found() -> dict[str, Choice]:
    return {choice.key: choice for choice in catalogue.choices(discover().plugins)}


def huggingface(folder: Path, weights: bool = True) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    if weights:
        (folder / "model.safetensors").touch()
    return folder


def test_without_folders_the_shipped_models_are_offered_trained(home):
    choices = found()
    assert choices["zoo/gpt"] == Choice("zoo/gpt", "GPT", trained=True)
    assert catalogue.choices(discover().plugins)[0].trained


def test_plugins_runs_and_models_beside_the_app_are_found(home):
    (home / "plugins").mkdir()
    write_plugin(home / "plugins", "Averager")
    make_run(home / "runs" / "mine")
    huggingface(home / "models" / "llama")
    choices = found()
    assert not choices["you/averager"].trained
    assert choices["runs/mine"].trained
    assert "mine" in choices["runs/mine"].title
    assert "llama" in choices["models/llama"].title
    assert catalogue.choices(discover().plugins)[0].key == "zoo/gpt"


def test_the_environment_names_other_folders(home, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    make_run(other / "r" / "mine")
    huggingface(other / "m" / "llama")
    monkeypatch.setenv("PLAYGROUND_RUNS", str(other / "r"))
    monkeypatch.setenv("PLAYGROUND_MODELS", str(other / "m"))
    assert {str(other / "r" / "mine"), str(other / "m" / "llama")} <= set(found())


def test_a_run_that_has_just_begun_and_a_folder_without_weights_are_not_offered(home):
    run = make_run(home / "runs" / "begun")
    for file in run.checkpoints.glob("[0-9]*"):
        file.unlink()
    assert (run.checkpoints / "last.safetensors").exists()
    huggingface(home / "models" / "empty", weights=False)
    assert not {"runs/begun", "models/empty"} & set(found())


@pytest.mark.parametrize("content", [None, "a file"])
def test_a_folder_that_is_not_there_is_no_error(home, monkeypatch, content):
    if content:
        (home / "here").write_text(content)
    monkeypatch.setenv("PLAYGROUND_RUNS", str(home / "here"))
    monkeypatch.setenv("PLAYGROUND_MODELS", str(home / "here"))
    assert "zoo/gpt" in found()


def test_a_broken_plugin_does_not_take_the_others_away(home):
    (home / "plugins").mkdir()
    write_plugin(home / "plugins", "Averager")
    (home / "plugins" / "broken.py").write_text("raise RuntimeError('on purpose')\n")
    assert {"zoo/gpt", "you/averager"} <= set(found())


def test_models_of_one_name_in_two_folders_can_be_told_apart(home):
    make_run(home / "runs" / "same")
    huggingface(home / "models" / "same")
    (home / "plugins").mkdir()
    write_plugin(home / "plugins", "GPT")
    titles = [choice.title for choice in catalogue.choices(discover().plugins)]
    assert len(set(titles)) == len(titles)
    assert {"same (run)", "same (folder)"} <= set(titles)
    assert found()["zoo/gpt"].title != "GPT" != found()["you/gpt"].title


@given(st.dictionaries(st.text("ab/", min_size=1), st.sampled_from(["GPT", "LSTM", "Mine"])))
def test_no_two_titles_are_the_same(titles):
    distinct = catalogue.distinct([Choice(key, title) for key, title in titles.items()])
    assert [each.key for each in distinct] == list(titles)
    assert len({each.title for each in distinct}) == len(titles)


def test_a_run_of_the_app_is_offered_to_those_who_know_its_id(home):
    run = make_run(home / "runs" / "app" / "a-secret-id")
    make_run(home / "runs" / "app" / "another-id")
    assert not [key for key in found() if key.endswith("-id")]
    (choice,) = catalogue.app_choices(["a-secret-id", "no-such-run", "../app/another-id", ""])
    assert choice.key == str(Path("runs/app/a-secret-id"))
    assert choice.title == "zoo/gpt"
    assert choice.stamp
    info = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(json.dumps(info | {"title": "Mine"}))
    assert catalogue.app_choices(["a-secret-id"])[0].title == "Mine"
    both = catalogue.distinct([*catalogue.app_choices(["a-secret-id"]), Choice("zoo/x", "Mine")])
    assert [each.title for each in both] == ["Mine (a-secret-id)", "Mine (zoo/x)"]


def test_the_checkpoints_of_a_run_are_those_that_it_kept(home):
    run = make_run(home / "runs" / "mine")
    assert catalogue.checkpoints(str(run.folder)) == run.steps() == [0, 2]
    assert catalogue.checkpoints("zoo/gpt") == Run.open(shipped_folder("zoo/gpt")).steps()
    assert catalogue.checkpoints("nobody/knows") == []
