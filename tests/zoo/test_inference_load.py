"""The ways to load a model: a run folder, a plugin with or without weights, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.data import Corpus
from zoo.inference import LoadedModel, load
from zoo.models.gpt import Config, GPTPlugin
from zoo.plugin import CONTEXT
from zoo.pretrained.shipped import SHIPPED, shipped_folder, shipped_tokenizer
from zoo.registry import Registry, UnknownModel, discover
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.training import Recipe, Run, train

BYTES = train_tokenizer("byte", [])  # 257 entries: the separator and each byte
TINY = {"blocks": 2, "heads": 2, "width": 8, "context": 12}
TEXT = Corpus("words.txt", ["the cat sat on the mat. " * 40], ["the dog sat on the cat. " * 8], "0" * 64)

PLUGIN = """
import torch
from pydantic import BaseModel, Field
from torch import nn
from zoo import ModelPlugin, ModelSpec, record

class Config(BaseModel):
    width: int = Field(8, ge=8, le=512)

class Averager(nn.Module):
    def __init__(self, width, vocab_size):
        super().__init__()
        self.embed, self.unembed = nn.Embedding(vocab_size, width), nn.Linear(width, vocab_size)
    def forward(self, ids):
        x = self.embed(ids)
        mean = x.cumsum(1) / (1 + torch.arange(x.shape[1], device=x.device))[:, None]
        return self.unembed(record("mean", mean))

class AveragerPlugin(ModelPlugin):
    spec = ModelSpec(id="you/averager", title="Averager", family="other", task="next-token", summary="A mean.")
    Config = Config
    def build(self, config, vocab_size):
        return Averager(config.width, vocab_size)
"""


def make_run(folder: Path, **config: object) -> Run:
    """A run folder of two training steps, with the weights of steps 0, 1 and 2."""
    run = Run.create(
        folder,
        model="zoo/gpt",
        config=Config(**{**TINY, **config}),
        tokenizer=BYTES,
        corpus={"name": TEXT.name, "sha256": TEXT.sha256},
        recipe=Recipe(steps=2, batch=2, seed=5, evaluations=1, held_out_windows=1, checkpoints=2),
        parameters=1,
    )
    for _ in train(run, GPTPlugin(), TEXT):
        pass
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run."""
    return make_run(tmp_path_factory.mktemp("runs") / "mine")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """The built-in models, and a plugin that nobody has trained."""
    (tmp_path / "averager.py").write_text(PLUGIN)
    return discover([tmp_path])


def weights(model: LoadedModel) -> Tensor:
    """All weights in one row."""
    return torch.cat([each.detach().flatten() for each in model.module.parameters()])


# --- a run folder -------------------------------------------------------------------


def test_a_run_folder_gives_its_last_weights(run, registry):
    model = load(str(run.folder), registry=registry)
    for name, value in run.weights(2).items():
        torch.testing.assert_close(model.module.state_dict()[name], value, rtol=0, atol=0)
    assert (model.id, model.title, model.family, model.context) == (str(run.folder), "GPT", "gpt", 12)
    assert (model.trained, model.about) == (True, "trained")
    assert not model.module.training
    assert model.tokenizer.hash == BYTES.hash


@pytest.mark.parametrize(("step", "trained"), [(0, False), (1, True), (2, True)])
def test_a_step_picks_a_checkpoint(run, registry, step, trained):
    model = load(str(run.folder), step=step, registry=registry)
    torch.testing.assert_close(model.module.state_dict()["embed.weight"], run.weights(step)["embed.weight"])
    assert model.trained is trained
    assert str(step) in model.about


def test_a_step_that_was_not_kept_is_refused_with_those_that_were(run, registry):
    with pytest.raises(ValueError, match=r"no checkpoint of step 7; it has \[0, 1, 2\]"):
        load(str(run.folder), step=7, registry=registry)


def test_the_untrained_twin_of_a_run_begins_where_the_run_began(run, registry):
    twin = load(str(run.folder), untrained=True, seed=5, registry=registry)  # 5 is the run's own seed
    torch.testing.assert_close(twin.module.state_dict(), run.weights(0), rtol=0, atol=0)
    assert not twin.trained
    assert twin.about == "untrained, seed 5"
    assert twin.module.config == Config(**TINY)


def test_the_same_seed_gives_the_same_random_weights_and_another_gives_others(run, registry):
    first, again, other = (load(str(run.folder), untrained=True, seed=s, registry=registry) for s in (1, 1, 2))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_loading_leaves_the_callers_random_numbers_alone(run, registry):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load(str(run.folder), untrained=True, seed=1, registry=registry)
    assert torch.equal(torch.rand(4), expected)


def test_half_precision_checkpoints_are_computed_with_in_float32(tmp_path, registry):
    half = make_run(tmp_path / "half")
    half.save_weights(2, GPTPlugin().build(Config(**TINY), 257).to(torch.bfloat16))
    model = load(str(half.folder), registry=registry)
    assert {each.dtype for each in model.module.parameters()} == {torch.float32}


def test_a_run_of_a_plugin_that_is_gone_says_which(run, registry):
    del registry.plugins["zoo/gpt"]
    with pytest.raises(UnknownModel, match="zoo/gpt"):
        load(str(run.folder), registry=registry)


def changed(run: Run, folder: Path, change: Callable[[dict], None]) -> str:
    """A copy of the run with another run.json."""
    info = json.loads((run.folder / "run.json").read_text())
    change(info)
    folder.mkdir()
    for name in ("checkpoints", "tokenizer.json"):
        (folder / name).symlink_to(run.folder / name)
    (folder / "run.json").write_text(json.dumps(info))
    return str(folder)


@pytest.mark.parametrize("config", [{"width": 16}, {"blocks": 1}, {"positions": "none"}, {"width": 7}, {"blocks": 99}])
def test_weights_that_do_not_fit_their_config_are_refused_in_one_line(run, tmp_path, registry, config):
    source = changed(run, tmp_path / "changed", lambda info: info["config"].update(config))
    with pytest.raises(ValueError, match="changed") as caught:
        load(source, registry=registry)
    assert "\n" not in str(caught.value)


# --- a plugin -----------------------------------------------------------------------


def test_a_plugin_without_weights_is_offered_untrained_only(registry):
    with pytest.raises(LookupError, match="you/averager has no trained weights yet"):
        load("you/averager", registry=registry)
    model = load("you/averager", untrained=True, seed=4, registry=registry)
    assert model.id == "you/averager"
    assert not model.trained
    assert model.about == "untrained, seed 4"
    assert model.tokenizer.hash == shipped_tokenizer().hash
    assert model.context == CONTEXT  # its Config names none
    assert len(model.predict("a b", top=3)) == 3


def test_an_untrained_plugin_is_the_same_for_the_same_seed(registry):
    first, again, other = (load("you/averager", untrained=True, seed=s, registry=registry) for s in (1, 1, 2))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_the_shipped_model_loads_by_its_id_with_its_shipped_tokenizer(registry):
    model = load("zoo/gpt", registry=registry)
    folder = shipped_folder("zoo/gpt")
    assert folder is not None
    kept = Run.open(folder)
    torch.testing.assert_close(model.module.state_dict()["embed.weight"], kept.weights()["embed.weight"].float())
    assert model.id == "zoo/gpt"
    assert model.trained
    assert model.tokenizer.hash == shipped_tokenizer().hash == kept.info.tokenizer
    twin = load("zoo/gpt", untrained=True, seed=0, registry=registry)
    assert twin.module.config == model.module.config
    assert not torch.equal(weights(model), weights(twin))


def test_every_shipped_folder_is_a_run_of_its_own_plugin():
    for model_id in SHIPPED:
        assert Run.open(shipped_folder(model_id)).info.model == model_id
    assert shipped_folder("you/averager") is None
    assert isinstance(shipped_tokenizer(), Tokenizer)


def test_a_plugins_own_steps_are_traced_without_their_batch(registry):
    model = load("you/averager", untrained=True, registry=registry)
    trace = model.trace("ab cd")
    mean, embedded = trace["mean"], trace["embed"]
    assert mean.shape == embedded.shape == (len(trace.ids), 8)
    counts = np.arange(1, len(trace.ids) + 1)[:, None]
    np.testing.assert_allclose(mean, embedded.cumsum(0) / counts, rtol=1e-5, atol=1e-6)
    assert trace.anatomy is None


def test_an_unknown_id_suggests_near_ones(registry):
    with pytest.raises(LookupError, match=r"zoo/gtp.*did you mean .*zoo/gpt"):
        load("zoo/gtp", registry=registry)


def test_a_folder_that_is_neither_kind_says_what_it_lacks(tmp_path, registry):
    with pytest.raises(ValueError, match=r"neither a run folder \(run\.json\) nor a Hugging Face folder"):
        load(str(tmp_path), registry=registry)


def test_without_a_registry_the_environments_plugins_are_found(tmp_path, monkeypatch):
    (tmp_path / "averager.py").write_text(PLUGIN)
    monkeypatch.setenv("PLAYGROUND_PLUGINS", str(tmp_path))
    assert load("you/averager", untrained=True).title == "Averager"
