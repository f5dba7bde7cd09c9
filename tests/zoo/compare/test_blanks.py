"""Blanks: a model's answer is its logits' own, the language's are those of whole texts, and GPT sees no right."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from zoo.compare import blanks
from zoo.compare.exact import tokens_of
from zoo.data.glass_box import DEFAULT
from zoo.inference import LoadedModel
from zoo.models.bert import BERT
from zoo.models.bert import Config as BERTConfig
from zoo.models.gpt import GPT
from zoo.models.gpt import Config as GPTConfig
from zoo.tokenizers import Tokenizer, train_tokenizer

WORDS = DEFAULT.stories(1, 5)[0].words


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer("word", [story.text for story in DEFAULT.stories(1500, seed=0)], 4 * len(DEFAULT.vocabulary))


@pytest.fixture(scope="module")
def gpt(tokenizer: Tokenizer) -> LoadedModel:
    torch.manual_seed(0)
    module = GPT(GPTConfig(blocks=1, heads=2, width=16, context=128), tokenizer.vocab_size)
    return LoadedModel("g", "GPT", "gpt", "", _far(module), tokenizer, 128)


@pytest.fixture(scope="module")
def bert(tokenizer: Tokenizer) -> LoadedModel:
    torch.manual_seed(1)
    module = BERT(BERTConfig(blocks=1, heads=2, width=16, context=128), tokenizer.vocab_size)
    return LoadedModel("b", "BERT", "bert", "", _far(module), tokenizer, 128, task="masked-token")


def _far(module: torch.nn.Module) -> torch.nn.Module:
    """Weights far from their beginnings, so that each token matters."""
    with torch.no_grad():
        for each in module.parameters():
            each.add_(torch.randn_like(each) * 0.3)
    return module.eval()


@torch.no_grad()
def test_the_answer_is_the_row_that_answers(gpt: LoadedModel, bert: LoadedModel) -> None:
    ids, place = tokens_of(DEFAULT, gpt.tokenizer, WORDS), 9
    row = gpt.module(torch.tensor([ids[:place]]))[0, -1].double()
    np.testing.assert_allclose(blanks.answer(gpt, ids, place), (row - row.logsumexp(0)).numpy(), atol=1e-9)
    shown = [*ids[:place], bert.tokenizer.vocab_size, *ids[place + 1 :]]
    row = bert.module(torch.tensor([shown]))[0, place].double()
    np.testing.assert_allclose(blanks.answer(bert, ids, place), (row - row.logsumexp(0)).numpy(), atol=1e-9)


def test_one_pass_over_a_story_asks_the_same_as_one_blank_at_a_time(gpt: LoadedModel, bert: LoadedModel) -> None:
    ids = tokens_of(DEFAULT, gpt.tokenizer, WORDS)
    for model in (gpt, bert):
        one_by_one = [-blanks.answer(model, ids, place)[ids[place]] for place in range(1, len(ids))]
        np.testing.assert_allclose(blanks.surprisals(model, ids), one_by_one, atol=1e-4)


def test_the_last_token_is_asked_for_and_not_fed(gpt: LoadedModel) -> None:
    """So a text may have one token more than the model reads."""
    ids = tokens_of(DEFAULT, gpt.tokenizer, WORDS)
    small = GPT(GPTConfig(blocks=1, heads=2, width=16, context=16), gpt.tokenizer.vocab_size).eval()
    model = LoadedModel("s", "small", "gpt", "", small, gpt.tokenizer, 16)
    assert len(blanks.surprisals(model, ids[:17])) == 16


def test_only_who_reads_both_sides_notices_the_right(gpt: LoadedModel, bert: LoadedModel) -> None:
    ids = tokens_of(DEFAULT, gpt.tokenizer, WORDS)
    changed = [*ids[:10], ids[3], *ids[11:]]
    assert (blanks.answer(gpt, ids, 9) == blanks.answer(gpt, changed, 9)).all()
    assert np.abs(blanks.answer(bert, ids, 9) - blanks.answer(bert, changed, 9)).max() > 1e-3
    with pytest.raises(ValueError, match="nothing stands left"):
        blanks.answer(gpt, ids, 0)


@pytest.mark.parametrize("place", [1, 8, 20, len(WORDS) - 2])
def test_the_exact_answer_from_both_sides_is_that_of_whole_texts(place: int) -> None:
    left, right = WORDS[:place], WORDS[place + 1 :]
    whole = {}
    for word in DEFAULT.next_words(left):
        try:
            whole[word] = math.exp(-float(DEFAULT.surprisals([*left, word, *right], end=False).sum()))
        except ValueError:
            continue
    found = blanks.from_both(DEFAULT, left, right)
    assert found.keys() == whole.keys()
    for word, prob in found.items():
        assert prob == pytest.approx(whole[word] / sum(whole.values()))
    assert sum(found.values()) == pytest.approx(1)


def test_without_a_right_side_both_exact_answers_are_one() -> None:
    left = WORDS[:8]
    assert blanks.from_both(DEFAULT, left, ()) == pytest.approx(blanks.from_left(DEFAULT, left))
    with pytest.raises(ValueError, match="no word of the language fits"):
        blanks.from_both(DEFAULT, left, ("zebra",))


def test_the_example_is_open_from_the_left_and_settled_from_both_sides() -> None:
    found = blanks.example(DEFAULT)
    assert found.blank.left == found.other.left
    assert sum(a != b for a, b in zip(found.blank.right, found.other.right, strict=True)) == 1
    for blank in (found.blank, found.other):
        assert DEFAULT.next_words(blank.left)[blank.word] < 0.5
        assert blanks.from_both(DEFAULT, blank.left, blank.right)[blank.word] >= blanks.SURE


def test_the_means_over_stories_recomputed(gpt: LoadedModel, bert: LoadedModel) -> None:
    found = blanks.sides(gpt, bert, DEFAULT, 2)
    stories = [story.words for story in DEFAULT.stories(2, blanks.HELD_OUT_SEED)]
    assert (found.words, found.stories) == (sum(len(words) - 1 for words in stories), 2)
    of = {model.title: [] for model in (gpt, bert)}  # type: dict[str, list[float]]
    for words in stories:
        ids = tokens_of(DEFAULT, gpt.tokenizer, words)
        for model in (gpt, bert):
            of[model.title] += [-blanks.answer(model, ids, place)[ids[place]] for place in range(1, len(ids))]
    assert found.left == pytest.approx(np.mean(of["GPT"]), abs=1e-5)
    assert found.both == pytest.approx(np.mean(of["BERT"]), abs=1e-5)
    exact = np.concatenate([DEFAULT.surprisals(words, end=False)[1:] for words in stories])
    assert found.left_exact == pytest.approx(exact.mean())
    assert found.both_exact < found.left_exact  # to know more cannot hurt one who is right, in the mean
    difference = np.array(of["GPT"]) - np.array(of["BERT"])
    assert found.error == pytest.approx(difference.std(ddof=1) / math.sqrt(len(difference)), rel=1e-4)
