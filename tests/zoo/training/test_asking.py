"""What a run is asked at each evaluation, against a model whose every probability is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from zoo.data import Corpus
from zoo.inference import LoadedModel, load
from zoo.models.gpt import GPTPlugin
from zoo.sampling import Sampling
from zoo.tasks.next_token import NextToken
from zoo.tokenizers import train_tokenizer
from zoo.training import Run, asking, train
from zoo.training.asking import Question

TOKENIZER = train_tokenizer("byte", ["x"])


class Follows(nn.Module):
    """After each id comes the next one for sure, and after `last` the end of the text; reads at most `context`."""

    def __init__(self, last: int = 10**9, context: int = 10**9) -> None:
        super().__init__()
        self.last, self.context = last, context

    def forward(self, ids: Tensor) -> Tensor:
        assert 0 < ids.shape[1] <= self.context
        following = torch.where(ids >= self.last, TOKENIZER.end_of_text, (ids + 1) % 257)
        return 100.0 * nn.functional.one_hot(following, 257)


def asked(prompt: str, context: int = 64) -> Question:
    return Question(NextToken(), TOKENIZER, prompt, context)


def test_candidates_are_the_likeliest_over_the_full_vocabulary() -> None:
    table = nn.Embedding(257, 257)
    ids = TOKENIZER.encode("ab").ids
    found = asked("ab").candidates(table)
    logits = table.weight[ids[-1]]
    probs, order = logits.double().softmax(-1).sort(descending=True)
    assert [each["id"] for each in found] == order[:8].tolist()
    assert [each["prob"] for each in found] == pytest.approx(probs[:8].tolist(), rel=1e-9)
    assert [each["logit"] for each in found] == pytest.approx(logits[order[:8]].tolist())
    assert [each["token"] for each in found] == [TOKENIZER.piece(int(i)) for i in order[:8]]


def test_a_sample_goes_on_until_the_text_ends() -> None:
    d = TOKENIZER.encode("d").ids[0]
    assert asked("a").sample(Follows(last=d), seed=0) == "bcd"
    assert len(asked("a").sample(Follows(), seed=0)) == asking.TOKENS


def test_no_more_than_the_context_is_read() -> None:
    question = asked("abcdefgh", 3)
    assert question.ids == TOKENIZER.encode("fgh").ids
    assert len(question.sample(Follows(context=3), seed=0)) == asking.TOKENS
    assert not asked("", 3)


def test_a_sample_is_what_the_loaded_model_draws(make_run: Callable[..., Run], corpus: Corpus) -> None:
    """The same logits, the same draws: the events can be recomputed from the kept weights."""
    run = make_run(steps=4, prompt="the", seed=3)
    events = [event for event in train(run, GPTPlugin(), corpus) if "valid_loss" in event]
    assert [event["step"] for event in events] == run.steps()
    for event in events:
        model: LoadedModel = load(str(run.folder), step=event["step"])
        best = model.predict("the", top=8)
        assert [each["id"] for each in event["next"]] == [each.id for each in best]
        assert [each["prob"] for each in event["next"]] == pytest.approx([each.prob for each in best], rel=1e-5)
        ids = model.ids("the")
        drawn = list(model.generate(ids, asking.TOKENS, Sampling(), seed=3))  # stops where the context ends
        text = TOKENIZER.decode([i for i in drawn if i != TOKENIZER.end_of_text])
        assert text.rstrip("\N{REPLACEMENT CHARACTER}")
        assert event["sample"].startswith(text.rstrip("\N{REPLACEMENT CHARACTER}"))
        assert math.isfinite(event["valid_loss"])


def test_a_run_without_a_prompt_is_asked_nothing(make_run: Callable[..., Run], corpus: Corpus) -> None:
    events = list(train(make_run(steps=1), GPTPlugin(), corpus))
    assert not any("next" in event or "sample" in event for event in events)
