"""Accuracy by distance: counted by hand, and on models of which it is known what they remember."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.zoo.compare.languages import PETS, Bigram, Copier, Oracle, loaded, remembering, story, words_of
from zoo.compare.distance import EDGES, Answers, Asked, ByDistance, answers, by_distance, measure, planted, token_rows
from zoo.data.glass_box import DEFAULT, GlassBox
from zoo.data.glass_box.program import Beat, Program, Variable, table
from zoo.inference import LoadedModel
from zoo.registry import discover
from zoo.tokenizers import train_tokenizer

BACKS = {0: 4, 1: 7, 3: 13, 6: 22, 10: 34, 21: 67}
"""Asides in the story -> how far back the pet stands: 4 + 3 · asides."""


def measured(model: LoadedModel, language: GlassBox, stories: list[list[str]]) -> ByDistance:
    return measure(model, language, stories, planted(language, stories))


def test_distances_by_hand() -> None:
    language = remembering(2)
    asked = planted(language, [story("cat", 2)])
    settled = [each for each in asked if each.back is not None]
    assert [(each.position, each.back) for each in settled] == [(11, 10)]  # A cat came . It rained . It rained . The
    assert settled[0].guess == pytest.approx(1 / 3)
    grammar = [each.position for each in asked if each.back is None]
    assert grammar == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13]  # all but "A", which is never asked for, and the first pet


def test_what_nearer_words_tell_makes_the_guess_better() -> None:
    people = table("name he\nMia she\nAnn she\nTom he")
    lines = ("[who] sat. The sun shone and {who.he} slept. In the end, {who.he} woke and {who} sang.",)
    language = GlassBox(program=Program((Variable("who", people),), (Beat(lines),)))
    words = language.split("Mia sat. The sun shone and she slept. In the end, she woke and Mia sang.")
    found = {each.position: each for each in planted(language, [words]) if each.back is not None}
    assert found[7].guess == pytest.approx(2 / 3)  # she: two of the three
    assert found[14].guess == pytest.approx(2 / 3)  # she: without the she before, and the name
    assert (found[17].back, found[17].guess) == (17, pytest.approx(1 / 2))  # Mia: the she before leaves two


def test_another_persons_name_is_no_guess() -> None:
    people = table("name\nMia\nAnn\nTom")
    lines = ("[who] met [friend]. The sun shone. Then {friend} saw {who}.",)
    variables = (Variable("who", people), Variable("friend", people, other_than=("who",)))
    language = GlassBox(program=Program(variables, (Beat(lines),)))
    found = [each for each in planted(language, [language.split("Mia met Ann. The sun shone. Then Ann saw Mia.")])]
    assert [(each.back, each.guess) for each in found if each.back] == [(7, pytest.approx(1 / 2)), (11, 1 / 2)]


@pytest.mark.parametrize("asides", BACKS)
def test_the_exact_distribution_is_right_at_every_distance(asides: int) -> None:
    language = remembering(asides)
    tokenizer = words_of(language)
    found = measured(loaded(Oracle(language, tokenizer), tokenizer), language, [story(pet, asides) for pet in PETS])
    (bucket,) = [each for each in found.buckets if each.words]
    assert bucket.first <= BACKS[asides] <= bucket.last
    assert (bucket.words, bucket.accuracy, bucket.probability) == (3, 1.0, pytest.approx(1.0))
    assert bucket.guess == pytest.approx(1 / 3)
    assert (found.grammar.accuracy, found.grammar.probability) == (1.0, pytest.approx(1.0))


def test_the_exact_distribution_of_our_stories_is_right_everywhere() -> None:
    stories = [each.words for each in DEFAULT.stories(6, 5)]
    tokenizer = train_tokenizer("word", [DEFAULT.join(words) for words in stories] * 2, 4000)
    found = measured(loaded(Oracle(DEFAULT, tokenizer), tokenizer), DEFAULT, stories)
    asked = [each for each in found.buckets if each.words]
    assert len(asked) >= 6
    assert {each.accuracy for each in asked} == {1.0}
    assert all(each.guess is not None and each.guess < 0.7 for each in asked)


@pytest.mark.parametrize("asides", [1, 6, 21])
def test_who_looks_at_the_word_before_alone_is_as_good_as_a_guess(asides: int) -> None:
    language = remembering(asides)
    tokenizer, stories = words_of(language), [story(pet, asides) for pet in PETS]
    rows = [list(tokenizer.encode(language.join(words)).ids) for words in stories]
    found = measured(loaded(Bigram(rows, tokenizer.vocab_size), tokenizer), language, stories)
    (bucket,) = [each for each in found.buckets if each.words]
    assert bucket.accuracy == pytest.approx(bucket.guess)
    assert bucket.probability == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("window", [4, 7, 13, 22, 34])
def test_a_window_knows_what_is_in_it_and_guesses_beyond(window: int) -> None:
    for asides, back in BACKS.items():
        language = remembering(asides)
        tokenizer, stories = words_of(language), [story(pet, asides) for pet in PETS]
        kept = [tokenizer.encode(f"The {pet}").ids[-1] for pet in PETS]
        model = loaded(Copier(kept, tokenizer.vocab_size, window), tokenizer)
        (bucket,) = [each for each in measured(model, language, stories).buckets if each.words]
        assert bucket.accuracy == pytest.approx(1.0 if back <= window else 1 / 3)


def test_a_word_beyond_the_context_cannot_be_known() -> None:
    language, context = remembering(6), 10
    tokenizer, stories = words_of(language), [story(pet, 6) for pet in PETS]
    kept = [tokenizer.encode(f"The {pet}").ids[-1] for pet in PETS]
    module = Copier(kept, tokenizer.vocab_size, 100)
    found = measured(loaded(module, tokenizer, context), language, stories)
    (bucket,) = [each for each in found.buckets if each.words]
    assert bucket.accuracy == pytest.approx(1 / 3)
    assert max(map(len, module.fed)) == context
    assert measured(loaded(module, tokenizer, 30), language, stories).buckets[4].accuracy == 1.0


def test_long_and_short_stories_in_one_batch_answer_as_alone() -> None:
    """And beyond the context the model is given the nearest words, just as the app would give them."""
    language = GlassBox(0, 4)
    stories = [each.words for each in language.stories(5, 3)]
    tokenizer = train_tokenizer("word", [language.join(words) for words in stories] * 2, 4000)
    model = loaded(_gpt(tokenizer.vocab_size, context=32), tokenizer, 32)
    asked = planted(language, stories)
    rows = token_rows(model, language, stories)
    found = answers(model, rows, asked)
    for number in range(0, len(asked), 29):
        each = asked[number]
        logits = model.logits(rows[each.story][max(0, each.position - 32) : each.position]).astype(np.float64)
        probs = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        target = rows[each.story][each.position]
        assert found.prob[number] == pytest.approx(probs[target], rel=1e-4)
        assert found.right[number] == (probs.argmax() == target)


def _gpt(vocab_size: int, context: int) -> nn.Module:
    plugin = discover().get("zoo/gpt")
    return plugin.build(plugin.Config(blocks=1, heads=2, width=16, context=context), vocab_size)


def test_buckets_are_means_by_hand() -> None:
    asked = [Asked(0, 5, back, guess) for back, guess in [(2, 0.5), (3, 0.25), (4, 0.75), (1, 0.5), (129, 0.5)]]
    asked.append(Asked(0, 1, None, 1.0))
    found = by_distance(asked, Answers(np.array([1, 0.2, 0.6, 0, 0, 0.7]), np.array([1, 0, 1, 0, 0, 1], dtype=bool)))
    assert [(each.first, each.last) for each in found.buckets] == list(EDGES)
    assert [each.words for each in found.buckets] == [1, 2, 0, 0, 0, 0, 0]
    assert found.buckets[1].accuracy == 0.5
    assert found.buckets[1].probability == pytest.approx(0.4)
    assert found.buckets[1].guess == 0.5
    assert found.buckets[2].accuracy is None
    assert (found.grammar.words, found.grammar.accuracy, found.grammar.probability) == (1, 1.0, 0.7)


class _LooksAhead(nn.Module):
    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size

    def forward(self, ids: Tensor) -> Tensor:
        following = torch.cat([ids[:, 1:], ids[:, :1]], dim=1)
        return nn.functional.one_hot(following, self.vocab_size).float() * 9


def test_who_sees_the_answer_or_cannot_be_asked_is_refused() -> None:
    language = remembering(1)
    tokenizer, stories = words_of(language), [story("dog", 1)]
    with pytest.raises(ValueError, match="looks at words that come later"):
        measured(loaded(_LooksAhead(tokenizer.vocab_size), tokenizer), language, stories)
    oracle = Oracle(language, tokenizer)
    with pytest.raises(ValueError, match="does not predict the next word"):
        measured(loaded(oracle, tokenizer, task="masked-token"), language, stories)
    with pytest.raises(ValueError, match="are not the language's words"):
        measured(loaded(oracle, train_tokenizer("byte", [])), language, stories)
    seldom = train_tokenizer("word", [language.join(words).replace("dog", "cat") for words in stories])
    with pytest.raises(ValueError, match="has no token for “dog”"):
        measured(loaded(oracle, seldom), language, stories)
