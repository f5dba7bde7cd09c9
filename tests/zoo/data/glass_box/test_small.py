"""Languages so small that every story can be written down: the engine against plain enumeration."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest

from zoo.data.glass_box import END, GlassBox, Need
from zoo.data.glass_box.program import Asides, Beat, Fork, Program, Variable, table

PETS = table("""
pet  sound
dog  barked
cat  purred
hen  clucked
""")
VARIABLES = (
    Variable("pet", PETS),
    Variable("friend", PETS, other_than=("pet",)),
    Variable("food", table("food a\napple an\negg an\nbun a")),
    Variable("ending", table("ending\nglad\nsad")),
)
SMALL = GlassBox(
    fewest=0,
    most=2,
    program=Program(
        VARIABLES,
        (
            Beat(("3* A [pet] <did>.", "An old [pet] came.")),
            Asides((("It rained.", "It ate [food.a] {food}."), ("A [friend] slept.",)), reach=1),
            Fork("ending", (("glad", (Beat(("The {pet} {pet.sound}.",)),)), ("sad", ())), draw=True),
            Beat(("Good night!",), chance=0.75),
        ),
        (("did", "2* came|ran"),),
    ),
)


def small_stories() -> dict[str, float]:
    """Every story of SMALL with its probability, by nested loops."""
    sounds, found = {"dog": "barked", "cat": "purred", "hen": "clucked"}, defaultdict[str, float](float)
    for pet, sound in sounds.items():
        friends = [f" A {friend} slept." for friend in sounds if friend != pet]
        rain = {" It rained.": 1 / 2} | dict.fromkeys([" It ate an apple.", " It ate an egg.", " It ate a bun."], 1 / 6)
        slept = dict.fromkeys(friends, 1 / 2)
        asides = {"": 1 / 3}
        for first, second in ((rain, slept), (slept, rain)):  # the ring has two families
            asides |= {a: p / 2 / 3 for a, p in first.items()}
            asides |= {a + b: p * q / 2 / 3 for a, p in first.items() for b, q in second.items()}
        begun = {f"A {pet} came.": 3 / 4 * 2 / 3, f"A {pet} ran.": 3 / 4 / 3, f"An old {pet} came.": 1 / 4}
        for beginning, p in begun.items():
            for aside, q in asides.items():
                for ending in (f" The {pet} {sound}.", ""):
                    found[beginning + aside + ending + " Good night!"] += p / 3 * q / 2 * 3 / 4
                    found[beginning + aside + ending] += p / 3 * q / 2 / 4
    return dict(found)


def after_every_prefix(box: GlassBox, stories: dict[str, float]) -> dict[tuple[str, ...], dict[str, float]]:
    """The next words after every prefix, from the stories and their probabilities."""
    counts: defaultdict[tuple[str, ...], defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for text, prob in stories.items():
        words = (*box.split(text), END)
        for position, word in enumerate(words):
            counts[words[:position]][word] += prob
    return {prefix: {word: p / sum(after.values()) for word, p in after.items()} for prefix, after in counts.items()}


def test_next_words_after_every_prefix_of_a_small_language() -> None:
    stories = small_stories()
    assert sum(stories.values()) == pytest.approx(1, rel=1e-12)
    expected = after_every_prefix(SMALL, stories)
    assert len(expected) > 1000
    for prefix, after in expected.items():
        assert SMALL.next_words(prefix) == pytest.approx(after, rel=1e-12), prefix


def test_entropy_rate_of_a_small_language() -> None:
    stories = small_stories()
    entropy = -sum(p * math.log(p) for p in stories.values())
    words = sum(p * (len(SMALL.split(text)) + 1) for text, p in stories.items())
    assert SMALL.measure.entropy == pytest.approx(entropy, rel=1e-12)
    assert SMALL.measure.words == pytest.approx(words, rel=1e-12)
    assert SMALL.entropy_rate == pytest.approx(entropy / words, rel=1e-12)


def test_the_vocabulary_of_a_small_language() -> None:
    words = {word for text in small_stories() for word in SMALL.split(text)}
    assert SMALL.vocabulary == (*sorted(words), END)


def test_sampled_stories_have_their_probability() -> None:
    stories = small_stories()
    for story in SMALL.stories(300, seed=4):
        assert math.exp(story.log_prob) == pytest.approx(stories[story.text], rel=1e-12)
        assert math.exp(-SMALL.surprisals(story.words).sum()) == pytest.approx(stories[story.text], rel=1e-12)


def test_ways_that_give_the_same_words_are_summed() -> None:
    lines = ("The dog ran.", "The [pet] ran.", "The [pet] slept.")
    box = GlassBox(program=Program(VARIABLES, (Beat(lines), Beat(("Good {pet}!",), chance=0)), ()))
    with pytest.raises(ValueError, match="pet is needed before it is drawn"):
        box.stories(1, 0)
    box = GlassBox(program=Program(VARIABLES, (Beat(lines),), ()))
    assert box.next_words(["The"]) == pytest.approx({"dog": 5 / 9, "cat": 2 / 9, "hen": 2 / 9})
    assert box.next_words(["The", "dog"]) == pytest.approx({"ran": 4 / 5, "slept": 1 / 5})
    assert box.next_words(["The", "hen"]) == pytest.approx({"ran": 1 / 2, "slept": 1 / 2})
    assert box.surprisals(["The", "dog", "ran", "."]).sum() == pytest.approx(-math.log(1 / 3 + 1 / 9))


CHANCE, GRAMMAR = Need("chance"), Need("grammar")


def test_needs_by_hand() -> None:
    text = "A dog ran. It ate an egg. A hen slept. The dog barked."
    expected = [
        *[CHANCE, CHANCE, CHANCE, GRAMMAR],  # A dog ran .
        *[CHANCE, CHANCE, CHANCE, CHANCE, GRAMMAR],  # It ate an egg .
        *[CHANCE, CHANCE, GRAMMAR, GRAMMAR],  # A hen slept .
        *[CHANCE, Need("far", 13), Need("near", 1), GRAMMAR],  # The dog barked .
        CHANCE,  # END
    ]
    assert SMALL.needs([*SMALL.split(text), END]) == expected


def test_what_only_one_value_could_be_is_settled_by_its_article() -> None:
    needs = SMALL.needs(SMALL.split("An old cat came. It ate a bun."))
    assert needs[-2] == Need("near", 1)  # "a bun": an apple and an egg are out
    assert needs[1] == GRAMMAR  # "An old": whatever comes


def test_a_pronoun_tells_what_it_tells_and_no_more() -> None:
    people = table("name he\nMia she\nAnn she\nTom he")
    lines = ("[who] sat. The sun shone and {who.he} slept. In the end, {who.he} woke and {who} sang.",)
    box = GlassBox(program=Program((Variable("who", people),), (Beat(lines),)))
    words = box.split("Mia sat. The sun shone and she slept. In the end, she woke and Mia sang.")
    needs = box.needs(words)
    assert needs[7] == Need("far", 7)  # she: from Mia
    assert needs[14] == Need("far", 7)  # she: from the she before
    assert needs[17] == Need("far", 17)  # Mia: she could be Ann too
    words = box.split("Tom sat. The sun shone and he slept. In the end, he woke and Tom sang.")
    assert box.needs(words)[17] == Need("near", 3)  # there is only one he


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("The [pets] ran.",), "there is no variable 'pets' among pet, friend, food, ending"),
        (("The [pet.colour] ran.",), "there is no form 'colour' among pet, sound"),
        (("The <size> dog ran.",), "there is no list 'size' among did"),
        (("The {pet} ran.",), "the variable pet is needed before it is drawn"),
        (("The [friend] ran.",), "the variable pet is needed before it is drawn"),
        (("The [pet ran.",), "cannot be read"),
        (("The (big|small dog ran.",), "cannot be read"),
        (("The (big||small) dog.",), "cannot be read"),
        (("",), "cannot be read"),
    ],
)
def test_a_program_with_a_mistake_is_refused_with_a_sentence(lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GlassBox(program=Program(VARIABLES, (Beat(lines),), (("did", "ran"),))).stories(1, 0)


def test_forks_and_variables_with_a_mistake_are_refused() -> None:
    fork = Fork("ending", (("glad", ()),), draw=True)
    with pytest.raises(ValueError, match="a branch for each of glad, sad"):
        GlassBox(program=Program(VARIABLES, (fork,))).stories(1, 0)
    fork = Fork("pet", (("dog", ()), ("cat", ()), ("hen", ())), draw=True)
    with pytest.raises(ValueError, match="no fork can be at pet"):
        GlassBox(program=Program(VARIABLES, (fork,))).stories(1, 0)
    odd = (Variable("food", PETS), Variable("drink", table("drink\nmilk"), other_than=("food",)))
    with pytest.raises(ValueError, match="a variable of its own table only"):
        GlassBox(program=Program(odd, (Beat(("A [food] and [drink].",)),))).stories(1, 0)


def test_tables_with_a_mistake_are_refused() -> None:
    with pytest.raises(ValueError, match="rows of 2 words"):
        table("pet sound\ndog barked loudly")
    with pytest.raises(ValueError, match="the same value twice"):
        table("pet\ndog\ndog")
    with pytest.raises(ValueError, match="rows of 1 words"):
        table("pet")
