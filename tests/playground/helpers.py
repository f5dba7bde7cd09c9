"""For the tests of the playground: models of every kind to offer, and reading what a page sends to the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from playground.catalogue import Weights
from playground.views.controls import Subject
from zoo.data import Corpus
from zoo.inference import LoadedModel
from zoo.models.gpt import Config, GPTPlugin
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.training import Recipe, Run, train

ROOT = Path(__file__).resolve().parents[2]
NEXT_WORD, FORWARD_PASS = "pages/next_word.py", "pages/forward_pass.py"
TINY = {"blocks": 2, "heads": 2, "width": 8, "context": 16}
BYTES = train_tokenizer("byte", [])
TEXT = Corpus("words.txt", ["the cat sat on the mat. " * 40], ["the dog sat on the cat. " * 8], "0" * 64)
TYPES = {"f4": np.float32, "f8": np.float64, "i4": np.int32, "u1": np.uint8}

_HEAD = """
import torch
from pydantic import BaseModel, Field
from torch import nn
from zoo import Anatomy, ModelPlugin, ModelSpec, record

class Config(BaseModel):
    width: int = Field(8, ge=8, le=512, description="Size of each token's vector.")
"""
_PLUGIN = """
class Module(nn.Module):
    def __init__(self, width, vocab_size):
        super().__init__()
        self.embed, self.unembed = nn.Embedding(vocab_size, width), nn.Linear(width, vocab_size)
        self.norm, self.lstm = nn.LayerNorm(width), nn.LSTM(width, width, batch_first=True)
    def forward(self, ids):
        x = self.embed(ids)
        {forward}

class Plugin(ModelPlugin):
    spec = ModelSpec(id="you/{slug}", title="{title}", family="{family}", task="next-token", summary="For a test.")
    Config = Config
    def build(self, config, vocab_size):
        return Module(config.width, vocab_size)
    {more}
"""
AVERAGER = "return self.unembed(record('mean', x.cumsum(1) / (1 + torch.arange(x.shape[1]))[:, None]))"


def write_plugin(folder: Path, title: str, forward: str = AVERAGER, family: str = "other", more: str = "") -> None:
    """A plugin file; `forward` ends in `return`, with x the embedded ids."""
    slug = title.lower()
    body = _PLUGIN.format(slug=slug, title=title, forward=forward, family=family, more=more)
    (folder / f"{slug}.py").write_text(_HEAD + body)


def shelves(folder: Path) -> Path:
    """The folder itself, with what the app looks for in it: `plugins`, `runs` and `models`, all empty."""
    for name in ("plugins", "runs", "models"):
        (folder / name).mkdir()
    return folder


def make_run(folder: Path, tokenizer: Tokenizer = BYTES, **config: Any) -> Run:
    """A run folder of two training steps."""
    run = Run.create(
        folder,
        model="zoo/gpt",
        config=Config(**(TINY | config)),
        tokenizer=tokenizer,
        corpus={"name": TEXT.name, "sha256": TEXT.sha256},
        recipe=Recipe(steps=2, batch=2, evaluations=1, held_out_windows=1, checkpoints=1),
        parameters=1,
    )
    for _ in train(run, GPTPlugin(), TEXT):
        pass
    return run


def tiny_gpt(**config: Any) -> LoadedModel:
    """A zoo/gpt of two blocks over bytes, its weights far from their initial values."""
    plugin, settings = GPTPlugin(), Config(**(TINY | config))
    module, generator = plugin.build(settings, BYTES.vocab_size), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for each in module.parameters():
            each.normal_(0, 0.5, generator=generator)
    return LoadedModel(
        "zoo/gpt",
        "GPT",
        "gpt",
        "",
        module.eval(),
        BYTES,
        settings.context,
        names=plugin.names(),
        anatomy=plugin.anatomy(module),
    )


def subject_of(model: LoadedModel, text: str = "the cat", added: list[int] | None = None) -> Subject:
    """What a page is about: this text in this model."""
    prompt = model.ids(text)
    trace = model.trace_ids([*prompt, *(added or [])])
    answers = range(len(prompt), len(trace.ids))
    return Subject(trace, model.tokenizer.decode(trace.ids), answers, model, Weights("test"))


def unpack(raw: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A component's head and arrays, by the description in playground/components/bundle.py."""
    start = 8 + int.from_bytes(raw[:4], "little")
    head = json.loads(raw[8:start])
    arrays = {
        name: np.frombuffer(raw, TYPES[at["type"]], int(np.prod(at["shape"])), start + at["offset"]).reshape(
            at["shape"]
        )
        for name, at in head.pop("arrays").items()
    }
    return head, arrays


def sent(page: AppTest, component: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a page sends to one of its components."""
    found = [each.proto.bytes for each in page.get("bidi_component") if each.proto.component_name.endswith(component)]
    assert len(found) == 1, f"{len(found)} components {component}"
    return unpack(found[0])


def quiet(part: AppTest) -> AppTest:
    """The part of a page itself, which shows neither an exception nor an error."""
    assert not part.exception, part.exception
    assert not part.error, [each.value for each in part.error]
    return part


def faultless(page: AppTest) -> AppTest:
    """The page itself, with its title, which shows neither an exception nor an error."""
    assert len(quiet(page).title) == 1
    return page


def texts(page: AppTest) -> str:
    """What stands in its paragraphs, captions and notes."""
    return "\n".join(each.value for each in [*page.markdown, *page.caption, *page.info])


def press(page: AppTest, label: str) -> AppTest:
    """Click the first button with this label; the page goes on without an exception."""
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception, page.exception
    return page
