"""The stories themselves: their grammar, their long dependencies, their words, and how they are read."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from zoo.data.glass_box import DEFAULT, END, NEAR, GlassBox, Story
from zoo.data.glass_box.network import Draw, Network, Recall, Say, Stop, followers
from zoo.data.glass_box.tables import COLOURS, DAYS, HOMES, NUMBERS, PEOPLE, PETS
from zoo.tokenizers import train_tokenizer
from zoo.tokenizers.tokenizer import END_OF_TEXT
from zoo.tokenizers.train import UNKNOWN


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    return DEFAULT.stories(2000, seed=1)


def test_stories_are_the_same_for_the_same_seed(stories: list[Story]) -> None:
    assert GlassBox().stories(2000, seed=1) == stories
    assert DEFAULT.stories(20, seed=1) == stories[:20]
    assert len({story.text for story in [*stories, *DEFAULT.stories(2000, seed=2)]}) == 4000  # and none comes twice


def test_stories_are_short_paragraphs(stories: list[Story]) -> None:
    lengths = [len(story.words) for story in stories]
    assert max(lengths) < 130
    assert 60 < np.mean(lengths) < 90
    for story in stories:
        assert re.fullmatch(r"([A-Z][\w, ]*\w[.!?] )*[A-Z][\w, ]*\w[.!?]", story.text), story.text


def test_words_and_text_are_two_ways_to_write_a_story(stories: list[Story]) -> None:
    assert all(tuple(DEFAULT.split(story.text)) == story.words for story in stories)
    assert DEFAULT.join(["Mia", ",", "come", "!"]) == "Mia, come!"
    assert DEFAULT.split(f"It rained.{END}Mia") == ["It", "rained", ".", END, "Mia"]
    assert DEFAULT.split("") == []


def test_the_vocabulary_is_what_is_said(stories: list[Story]) -> None:
    said = {word for story in stories for word in story.words}
    assert said | {END} == set(DEFAULT.vocabulary)
    assert 300 < len(DEFAULT.vocabulary) < 600
    assert DEFAULT.vocabulary[-1] == END == END_OF_TEXT


def test_a_token_of_the_word_tokenizer_is_a_word(stories: list[Story]) -> None:
    tokenizer = train_tokenizer("word", (story.text for story in stories), vocab_size=2000)
    pieces = set()
    for story in DEFAULT.stories(2000, seed=3):
        encoded = tokenizer.encode(story.text)
        assert tuple(piece.strip() for piece in encoded.pieces) == story.words
        pieces.update(encoded.pieces)
    assert UNKNOWN not in pieces
    assert {piece.strip() for piece in pieces} == set(DEFAULT.vocabulary) - {END}


def test_subject_and_verb_agree_across_what_stands_between(stories: list[Story]) -> None:
    seen = Counter[tuple[bool, bool, str]]()
    for story in stories:
        for subject, between, verb in re.findall(
            r"[Tt]he (birds?|robins?|bees?|squirrels?) (?:in|near|on) the (\w+ \w+) (was|were)", story.text
        ):
            seen[subject.endswith("s"), between.endswith("s"), verb] += 1
    assert {subject for subject, _, verb in seen if verb == "were"} == {True}
    assert {subject for subject, _, verb in seen if verb == "was"} == {False}
    assert len(seen) == 4
    assert min(seen.values()) > 20  # with nouns of either number in between


def test_a_and_an_agree_with_what_follows(stories: list[Story]) -> None:
    for story in stories:
        for article, word in re.findall(r"\b([Aa]n?) (\w+)", story.text):
            assert article.endswith("n") == (word[0] in "aeiou" or word == "hour"), story.text


def test_he_and_she_are_those_of_the_name() -> None:
    girls = {row[0] for row in PEOPLE.rows if row[1] == "she"}
    for story in DEFAULT.stories(300, seed=6):
        who = next(word for word in story.words if word in PEOPLE.words(""))
        for pronoun in re.findall(r"(?<=[.!?] )(He|She)\b", story.text):
            assert (pronoun == "She") == (who in girls)


FOR_ANOTHER = [(HOMES, ""), (DAYS, ""), (COLOURS, ""), (PETS, ""), (NUMBERS, "less")]


@pytest.mark.parametrize(("table", "form"), FOR_ANOTHER, ids=lambda each: getattr(each, "forms", [each])[0])
def test_another_introduction_changes_what_is_needed_far_away(table: object, form: str) -> None:
    """Say it all again with another value in the beginning: what was certain becomes the other value's word."""
    values, words = table.words(""), table.words(form)  # type: ignore[attr-defined]
    changed = 0
    for story in DEFAULT.stories(150, seed=7):
        told = list(story.words)
        for position, need in enumerate(DEFAULT.needs(told)):
            back = position - (need.back or 0)
            if need.kind != "far" or told[position] not in words or told[back] not in values:
                continue
            old = told[back]
            if words[values.index(old)] != told[position] or told[:position].count(old) > 1:
                continue  # one of the asides' words, or said more than once
            new = values[values.index(old) - 1]
            other = [*told[:back], new, *told[back + 1 : position]]
            assert DEFAULT.next_words(told[:position]) == {told[position]: 1.0}
            assert DEFAULT.next_words(other) == {words[values.index(new)]: 1.0}
            changed += 1
    assert changed > 15


def test_needs_say_chance_just_where_more_than_one_word_can_come() -> None:
    for story in DEFAULT.stories(40, seed=8):
        reader = DEFAULT.reader()
        words = [*story.words, END]
        for word, need in zip(words, DEFAULT.needs(words), strict=True):
            assert (need.kind == "chance") == (len(reader.next_words()) > 1)
            assert (need.back is None) == (need.kind in ("chance", "grammar"))
            assert need.back is None or (need.back <= NEAR) == (need.kind == "near")
            reader.feed(word)


def test_far_dependencies_lie_mostly_8_to_60_words_back() -> None:
    needs = [need for story in DEFAULT.stories(200, seed=9) for need in DEFAULT.needs(story.words)]
    far = np.array([need.back for need in needs if need.kind == "far"])
    assert len(far) > 0.1 * len(needs)
    assert ((far >= 8) & (far <= 60)).mean() > 0.7
    assert 0.25 < np.mean([need.kind == "chance" for need in needs]) < 0.5


def test_more_asides_lie_between_where_asked_for() -> None:
    def farthest(box: GlassBox) -> float:
        stories = box.stories(40, seed=10)
        return float(np.median([max(need.back or 0 for need in box.needs(story.words)) for story in stories]))

    none, many = GlassBox(0, 0), GlassBox(12, 16)
    assert farthest(none) < farthest(DEFAULT) < farthest(many)
    assert farthest(many) > 128
    assert none.entropy_rate != many.entropy_rate
    story = many.stories(1, seed=0)[0]
    assert -many.surprisals(story.words).sum() == pytest.approx(story.log_prob)


@pytest.mark.parametrize(("fewest", "most"), [(-1, 4), (5, 4), (0, 101)])
def test_an_impossible_number_of_asides_is_refused(fewest: int, most: int) -> None:
    with pytest.raises(ValueError, match="give 0 ≤ fewest ≤ most ≤ 100"):
        GlassBox(fewest, most)


def test_the_example_ends_where_a_word_from_far_back_is_certain() -> None:
    words = DEFAULT.split(DEFAULT.example())
    ((word, prob),) = DEFAULT.next_words(words).items()
    assert prob == 1
    assert word in words[:-20]
    assert DEFAULT.example() == GlassBox().example()


def test_a_reader_reads_on_from_where_it_is(stories: list[Story]) -> None:
    words = [*stories[0].words, END, *stories[1].words[:7]]
    reader = DEFAULT.reader()
    surprisals = []
    for position, word in enumerate(words):
        assert reader.next_words() == pytest.approx(DEFAULT.next_words(words[:position]))
        surprisals.append(reader.feed(word))
    np.testing.assert_allclose(DEFAULT.surprisals(words, end=False), surprisals)


def test_surprisals_count_the_end_once(stories: list[Story]) -> None:
    words = stories[0].words
    whole = DEFAULT.surprisals(words)
    assert whole.shape == (len(words) + 1,)
    assert (whole >= 0).all()
    np.testing.assert_array_equal(DEFAULT.surprisals([*words, END]), whole)
    np.testing.assert_array_equal(DEFAULT.surprisals(words, end=False), whole[:-1])


def test_what_the_language_cannot_say_gets_a_sentence(stories: list[Story]) -> None:
    with pytest.raises(ValueError, match=r"^word 2 after “Mia”: the glass-box language cannot say 'had' here"):
        DEFAULT.next_words(["Mia", "had", "a", "zebra"])
    with pytest.raises(ValueError, match=r"^word 1: the glass-box language has no word 'Zebras'$"):
        DEFAULT.next_words(["Zebras"])
    with pytest.raises(ValueError, match="cannot say the story's end here; it could say"):
        DEFAULT.surprisals(stories[0].words[:-1])
    reader = DEFAULT.reader()
    before = reader.next_words()
    with pytest.raises(ValueError, match=r"or \d+ other words$"):
        reader.feed("dog")
    assert reader.next_words() == before


def test_no_two_ways_through_the_program_say_the_same() -> None:
    """For all stories, and not only for samples: two ways that part never meet again on the same words.

    Variables may say any of their words here, so this is stricter than need be. Values are told apart where
    they are drawn, or by their name right after it ("an apple", "a girl called Mia", "under the bed").
    """
    network = DEFAULT.network
    stack, seen = [(network.start, network.start)], set[tuple[int, int]]()
    while stack:
        one, other = stack.pop()
        if (one, other) in seen or STOPPED in (one, other):
            continue
        seen.add((one, other))
        ways, others = emissions(network, one), emissions(network, other)
        for i, (words, then) in enumerate(ways):
            for j, (other_words, other_then) in enumerate(others):
                if one == other and i == j:
                    stack.append((then, then))
                elif words & other_words:
                    assert then != other_then, (words & other_words, one, other)
                    stack.append((then, other_then))
    assert sum(one != other for one, other in seen) > 100


STOPPED = -1


def emissions(network: Network, node: int) -> list[tuple[frozenset[str], int]]:
    """Every way to a next word, with all words that it might be."""
    match network.nodes[node]:
        case Say(word, then):
            return [(frozenset([word]), then)]
        case Recall(_, words, then) | Draw(_, words, _, _, then) if words:
            return [(frozenset(words), then)]
        case Stop():
            return [(frozenset([END]), STOPPED)]
        case _:
            return [way for then in dict.fromkeys(followers(network.nodes[node])) for way in emissions(network, then)]


def test_the_glass_box_needs_no_torch() -> None:
    code = "import sys, zoo.data.glass_box as g; g.DEFAULT.stories(1, 0); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
