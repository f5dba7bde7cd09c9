"""Starting a run: what is put together from an order, what is refused, and what is left behind (nothing)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
import torch
from pydantic import BaseModel
from torch import nn

from zoo.data import Corpus, open_corpus
from zoo.inference import load
from zoo.launch import SECONDS, Order, default_prompt, launch, recipe_of, relaunch
from zoo.models.gpt import GPTPlugin
from zoo.plugin import ModelPlugin, ModelSpec
from zoo.pretrained.shipped import shipped_folder
from zoo.registry import Registry
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.training import Event, Run, Unwritable, train

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"blocks": 1, "heads": 2, "width": 16, "context": 16}
TEXT = "the cat sat on the mat and the dog sat on the log. " * 40
GLASS = "glass-box:stories=60"


class Config(BaseModel):
    width: int = 4


class TablePlugin(ModelPlugin):
    """A plugin with a tokenizer and a recipe of its own, and without a context."""

    spec = ModelSpec(id="test/table", title="Table", family="other", task="next-token", summary="A test.")
    Config = Config

    def build(self, config: Config, vocab_size: int) -> nn.Module:
        if config.width > 100:
            raise RuntimeError("too wide\nby far")
        if torch.empty(0).is_meta:  # as a plugin may be that looks at the numbers while it is built
            raise NotImplementedError("numbers are needed")
        return nn.Sequential(nn.Embedding(vocab_size, config.width), nn.Linear(config.width, vocab_size))

    def tokenizer(self, corpus: Iterable[str]) -> Tokenizer:
        return train_tokenizer("char", [*corpus, *corpus], 300)

    def recipe(self) -> Mapping[str, object]:
        return {"seconds": 5, "rate": 0.5, "batch": 3}


class NeedyPlugin(TablePlugin):
    spec = ModelSpec(
        id="test/needy", title="", family="other", task="next-token", summary="", requires=("no-such-thing",)
    )


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    for plugin in (GPTPlugin, TablePlugin, NeedyPlugin):
        found.add(plugin, "a test")
    return found


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "own.txt"
    path.write_text(TEXT)
    return str(path)


@pytest.fixture
def order(text: str) -> Callable[..., Order]:
    """A tiny GPT, three steps, bytes, on own text; fields given win."""

    def make(**fields: object) -> Order:
        recipe = {"steps": 3, "batch": 2, "evaluations": 1, "checkpoints": 1}
        own = {"model": "zoo/gpt", "config": SMALL, "recipe": recipe, "corpus": text, "tokenizer": "byte"}
        return Order.model_validate(own | fields)

    return make


def finish(begun: object) -> list[Event]:
    return list(train(begun.run, begun.plugin, begun.corpus))  # type: ignore[attr-defined]


class TestLaunch:
    def test_what_is_ordered_is_written(
        self, order: Callable[..., Order], registry: Registry, text: str, tmp_path: Path
    ) -> None:
        begun = launch(order(prompt="the dog", title="mine"), tmp_path / "run", registry)
        info = Run.open(tmp_path / "run").info
        assert (info.model, info.prompt, info.title, info.start) == ("zoo/gpt", "the dog", "mine", None)
        assert info.config["width"] == 16
        assert (info.recipe.steps, info.recipe.seconds, info.recipe.batch) == (3, None, 2)
        assert info.corpus == {"name": "own.txt", "sha256": begun.corpus.sha256, "open": text}
        module = GPTPlugin().build(GPTPlugin.Config(**info.config), begun.run.tokenizer.vocab_size)
        assert info.parameters == sum(each.numel() for each in module.parameters())
        events = finish(begun)
        assert [event["step"] for event in events] == [0, 1, 2, 3]
        assert load(str(tmp_path / "run"), registry=registry).predict("the", top=1)[0].token

    def test_the_glass_box_has_words_for_tokens_a_prompt_and_a_floor(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        begun = launch(order(corpus=GLASS, tokenizer=""), tmp_path / "run", registry)
        language = begun.corpus.language
        assert language is not None
        tokenizer, info = begun.run.tokenizer, begun.run.info
        for story in list(begun.corpus.train)[:5]:
            assert [piece.strip() for piece in tokenizer.encode(story).pieces] == language.split(story)
        assert info.prompt == language.example() == default_prompt(begun.corpus)
        assert info.corpus["open"] == GLASS
        first, *_ = finish(begun)
        assert len(first["next"]) == 8
        assert begun.run.yardsticks is not None
        assert begun.run.yardsticks.floor is not None

    def test_own_text_is_asked_its_held_out_beginning(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        begun = launch(order(), tmp_path / "run", registry)
        prompt = begun.run.info.prompt
        held_out = "".join(begun.corpus.valid)
        assert 10 < len(prompt) <= 40
        assert held_out.strip().startswith(prompt)
        assert held_out.strip()[len(prompt)] == " "

    def test_the_plugins_recipe_tokenizer_and_context_come_into_play(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        begun = launch(Order(model="test/table", corpus=order().corpus), tmp_path / "run", registry)
        recipe = begun.run.info.recipe
        assert (recipe.seconds, recipe.steps, recipe.rate, recipe.batch) == (5, None, 0.5, 3)
        assert begun.run.tokenizer.hash == TablePlugin().tokenizer(begun.corpus.train).hash
        assert begun.run.info.parameters == 4 * begun.run.tokenizer.vocab_size * 2 + begun.run.tokenizer.vocab_size

    def test_given_fields_win_over_the_plugins(self) -> None:
        given = recipe_of(Order(recipe={"steps": 7, "batch": 9}), TablePlugin())
        assert (given.steps, given.seconds, given.rate, given.batch) == (7, None, 0.5, 9)
        assert recipe_of(Order(recipe={"seconds": None, "steps": "4"}), TablePlugin()).steps == 4
        assert recipe_of(Order(), GPTPlugin()).seconds == SECONDS

    def test_a_folder_with_other_things_in_it_is_used_and_left_alone(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        """As the app has it: its own files and the user's text lie in the run's folder already."""
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / "corpus.txt").write_text(TEXT)
        (folder / "order.json").write_text("{}")
        own = str(folder / "corpus.txt")
        with pytest.raises(ValueError, match="batch"):
            launch(order(corpus=own, recipe={"steps": 1, "batch": 0}), folder, registry)
        assert sorted(each.name for each in folder.iterdir()) == ["corpus.txt", "order.json"]
        launch(order(corpus=own), folder, registry)
        assert Run.open(folder).info.corpus["open"] == "corpus.txt"
        moved = tmp_path / "moved"
        folder.rename(moved)
        assert [event["step"] for event in finish(relaunch(moved, registry))] == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("fields", "error", "message"),
        [
            ({"model": "zoo/gtp"}, LookupError, "no model has the id 'zoo/gtp'; did you mean zoo/gpt"),
            ({"model": "test/needy", "config": {}}, LookupError, "needs no-such-thing: pip install no-such-thing"),
            ({"config": {"width": 9}}, ValueError, "width 9 is not a multiple of heads 4"),
            ({"config": {"width": "wide"}}, ValueError, "width: Input should be a valid integer"),
            ({"recipe": {"steps": 0}}, ValueError, "steps: Input should be greater than or equal to 1"),
            ({"recipe": {"steps": 1, "seconds": 1}}, ValueError, "give a budget in seconds or in steps"),
            ({"recipe": {"clip": "nan"}}, ValueError, "clip: Input should be a finite number"),
            ({"corpus": "gone.txt"}, ValueError, "cannot read the corpus gone.txt"),
            ({"corpus": "glass-box:tales=3"}, ValueError, "glass-box:tales=3 is no corpus: write glass-box"),
            ({"corpus": "glass-box:stories=0"}, ValueError, "ask for 1 to 200,000 stories"),
            ({"tokenizer": "morse"}, ValueError, "wordpiece, unigram or a tokenizer.json"),
            ({"tokenizer": "bpe", "vocab_size": 5}, ValueError, "a byte-level tokenizer needs 257 entries"),
            ({"config": {"context": 1000}}, ValueError, "the model's context of 1000 asks for at least 1001"),
            ({"model": "test/table", "config": {"width": 101}}, ValueError, "not be built: RuntimeError: too wide"),
            ({"start": "nowhere"}, LookupError, "no model has the id 'nowhere'"),
            ({"start": "test/table", "model": ""}, LookupError, "test/table has no trained weights yet"),
            ({"start": "zoo/gpt", "model": "test/table"}, ValueError, "zoo/gpt is a zoo/gpt, not a test/table"),
            ({"start": "zoo/gpt", "start_step": 3}, ValueError, "has no checkpoint of step 3"),
        ],
    )
    def test_refused_in_one_sentence_and_nothing_left(
        self,
        order: Callable[..., Order],
        registry: Registry,
        tmp_path: Path,
        fields: dict[str, object],
        error: type[Exception],
        message: str,
    ) -> None:
        with pytest.raises(error) as caught:
            launch(order(**fields), tmp_path / "run", registry)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run").exists()

    def test_too_large_a_model_is_refused_before_it_is_made(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        huge = {"blocks": 24, "heads": 1, "width": 1024, "context": 16}
        with pytest.raises(ValueError, match=r"would have 302,\d{3},\d{3} parameters; at most 1,000 are"):
            launch(order(config=huge), tmp_path / "run", registry, max_parameters=1000)
        assert not (tmp_path / "run").exists()

    def test_a_folder_that_cannot_be_used(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(Unwritable, match=r"cannot write .*: Not a directory; make room, or choose another folder"):
            launch(order(), tmp_path / "file" / "run", registry)
        launch(order(), tmp_path / "run", registry)
        with pytest.raises(ValueError, match="holds a run already"):
            launch(order(), tmp_path / "run", registry)

    def test_an_order_is_json_and_holds_no_unknown_field(self, order: Callable[..., Order]) -> None:
        made = order(prompt="x")
        assert Order.model_validate_json(made.model_dump_json()) == made
        with pytest.raises(ValueError, match="extra"):
            order(colour="red")


class TestRelaunch:
    def test_it_goes_on(self, order: Callable[..., Order], registry: Registry, tmp_path: Path) -> None:
        begun = launch(order(), tmp_path / "run", registry)
        events = train(begun.run, begun.plugin, begun.corpus)
        next(events), next(events)
        events.close()
        assert [event["step"] for event in finish(relaunch(tmp_path / "run", registry))] == [2, 3]

    def test_the_text_must_be_there_and_the_same(
        self, order: Callable[..., Order], registry: Registry, text: str, tmp_path: Path
    ) -> None:
        launch(order(), tmp_path / "run", registry)
        Path(text).write_text(TEXT + "!")
        with pytest.raises(ValueError, match=r"was started on another text \(own.txt\)"):
            relaunch(tmp_path / "run", registry)
        Path(text).unlink()
        with pytest.raises(ValueError, match=r"cannot read the corpus .*own.txt"):
            relaunch(tmp_path / "run", registry)
        with pytest.raises(ValueError, match="is not a run folder"):
            relaunch(tmp_path / "nothing", registry)


class TestFineTuning:
    def test_it_begins_with_the_trained_weights(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        parent = launch(order(), tmp_path / "parent", registry)
        finish(parent)
        fine = {"model": "", "config": {}, "tokenizer": "", "start": str(tmp_path / "parent"), "start_step": 0}
        begun = launch(order(**fine | {"start_step": None}), tmp_path / "fine", registry)
        info = begun.run.info
        assert info.start == {"source": str(tmp_path / "parent"), "step": 3, "about": "trained"}
        old = parent.run.info
        assert (info.model, info.config, info.tokenizer) == ("zoo/gpt", old.config, old.tokenizer)
        events = finish(begun)
        trained = parent.run.weights(3)
        assert all(torch.equal(tensor, trained[name]) for name, tensor in begun.run.weights(0).items())
        assert events[0]["valid_loss"] == pytest.approx(parent.run.events()[-1]["valid_loss"], rel=1e-6)
        assert not torch.equal(begun.run.weights()["unembed.weight"], trained["unembed.weight"])
        earlier = launch(order(**fine), tmp_path / "earlier", registry)
        start = {"source": str(tmp_path / "parent"), "step": 0, "about": "after 0 training steps"}
        assert earlier.run.info.start == start
        assert torch.equal(earlier.run.weights(0)["unembed.weight"], parent.run.weights(0)["unembed.weight"])

    def test_started_anew_it_still_begins_there(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        finish(launch(order(), tmp_path / "parent", registry))
        fine = order(start=str(tmp_path / "parent"), config={})
        whole, part = (launch(fine, tmp_path / name, registry) for name in ("whole", "part"))
        finish(whole)
        events = train(part.run, part.plugin, part.corpus)
        next(events), next(events)
        del events
        (part.run.checkpoints / "last.safetensors").unlink()
        again = finish(relaunch(tmp_path / "part", registry))
        assert [event["loss"] for event in again] == [event["loss"] for event in whole.run.events()]

    def test_the_shipped_model_can_be_trained_on(
        self, order: Callable[..., Order], registry: Registry, text: str, tmp_path: Path
    ) -> None:
        Path(text).write_text(TEXT * 4)
        begun = launch(order(start="zoo/gpt", config={}, recipe={"steps": 1, "batch": 1}), tmp_path / "run", registry)
        folder = shipped_folder("zoo/gpt")
        assert folder is not None
        shipped = Run.open(folder)
        assert begun.run.info.start is not None
        assert begun.run.info.start["step"] == shipped.steps()[-1]
        assert begun.run.tokenizer.hash == shipped.tokenizer.hash
        weights = shipped.weights()
        assert all(torch.equal(tensor, weights[name].float()) for name, tensor in begun.run.weights(0).items())

    def test_a_hugging_face_folder_is_refused(
        self, order: Callable[..., Order], registry: Registry, tmp_path: Path
    ) -> None:
        folder = tmp_path / "hub"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
        with pytest.raises(ValueError, match=r"hub is a Hugging Face folder: only a run, or"):
            launch(order(start=str(folder)), tmp_path / "run", registry)


PRELOADED = """
import threading
from zoo import launch
from zoo.registry import discover
launch.GLASS_BOX = "glass-box:stories=300"
corpus = launch.preload()
done = dict(corpus.memo)
assert launch.preload() is corpus
import tempfile, pathlib
from zoo.training import train
order = launch.Order(model="zoo/gpt", corpus=launch.GLASS_BOX, recipe={"steps": 1})
begun = launch.launch(order, pathlib.Path(tempfile.mkdtemp()) / "run", discover(folders=[]))
assert begun.corpus is corpus
print(threading.active_count(), len(list(train(begun.run, begun.plugin, begun.corpus))), set(corpus.memo) - set(done))
"""


def test_what_is_preloaded_is_all_that_a_default_run_works_out() -> None:
    found = subprocess.run([sys.executable, "-c", PRELOADED], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout == "1 2 set()\n"


def test_an_order_needs_no_torch() -> None:
    code = "import sys, zoo.launch; zoo.launch.Order(model='zoo/gpt'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_corpora_of_one_name_are_one_object() -> None:
    assert open_corpus(GLASS) is open_corpus(f"{GLASS},seed=0")
    assert open_corpus(GLASS).valid == open_corpus("glass-box:stories=61").valid


def test_the_prompt_of_sentence_pairs_is_a_source() -> None:
    assert default_prompt(Corpus("own", ["a b\tc d"], ["the fox\tle renard"], "0")) == "the fox"
