"""Corpora by name: the glass box with its settings, and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.data import language_of, open_corpus, pairs_of, read_corpus
from zoo.data.glass_box import DEFAULT, GlassBox
from zoo.data.glass_pairs import DEFAULT as BOTH
from zoo.data.glass_pairs import GlassPairs
from zoo.data.sources import FIELDS, PAIR_FIELDS


def test_a_glass_box_is_what_its_language_tells() -> None:
    corpus = open_corpus("glass-box:stories=12,seed=3")
    assert corpus.language is DEFAULT
    assert list(corpus.train) == [story.text for story in DEFAULT.stories(12, 3)]
    assert corpus.name == corpus.source["open"] == "glass-box:stories=12,seed=3"
    assert not set(corpus.train) & set(list(corpus.valid)[:50])


def test_it_is_opened_again_by_its_name() -> None:
    first = open_corpus("glass-box:seed=3,stories=12,fewest=0")  # in another order, and with a default
    again = open_corpus(first.source["open"])
    assert (again.sha256, again.train) == (first.sha256, first.train)
    assert open_corpus("glass-box:stories=12,seed=4").sha256 != first.sha256


def test_how_many_asides_may_be_said() -> None:
    corpus = open_corpus("glass-box:stories=5,fewest=2,most=2")
    assert corpus.language == GlassBox(2, 2)
    assert list(corpus.train) == [story.text for story in GlassBox(2, 2).stories(5, 0)]
    assert (FIELDS["fewest"], FIELDS["most"]) == (DEFAULT.fewest, DEFAULT.most)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("glass-box:stories", "is no corpus: write glass-box, or with numbers, glass-box:stories="),
        ("glass-box:stories=-1", "is no corpus: write glass-box"),
        ("glass-box:colour=3", "is no corpus: write glass-box"),
        ("glass-box:stories=0", "ask for 1 to 200,000 stories"),
        ("glass-box:stories=200001", "ask for 1 to 200,000 stories"),
        ("glass-box:stories=5,seed=2147483648", "a seed below 2\\*\\*31"),
        ("glass-box:stories=5,fewest=6", "no story has 6 to 3 asides"),
        ("glass-box-pairs:stories=5", "is no corpus: write glass-box-pairs, or with numbers, glass-box-pairs:pairs="),
        ("glass-box-pairs:pairs=0", "ask for 1 to 200,000 pairs"),
        ("glass-box-pairs:pairs=5,shortest=9,longest=8", "no sentences have 9 to 8 words"),
        ("glass-boxes", "cannot read the corpus glass-boxes"),
    ],
)
def test_what_cannot_be_opened(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        open_corpus(source)
    assert "\n" not in str(caught.value)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one two three four five")
    found = open_corpus(str(path))
    assert found == read_corpus(path)
    assert (found.source, found.language) == ({"open": str(path)}, None)


def test_a_language_is_known_by_what_a_run_says_of_its_corpus() -> None:
    for name in ("glass-box:stories=12", "glass-box:stories=12,fewest=1,most=2"):
        corpus = open_corpus(name)
        assert language_of(corpus.source) is corpus.language
    assert language_of(open_corpus("glass-box:stories=12").source) is DEFAULT
    assert language_of({"open": "corpus.txt"}) is None
    assert language_of({}) is None


def test_stories_of_a_language_that_was_changed_since_have_no_right_answer() -> None:
    source = open_corpus("glass-box:stories=12").source
    assert language_of(source | {"language": "0" * 16}) is None
    assert language_of({"open": source["open"]}) is None  # from before languages were told apart
    assert GlassBox(0, 3).fingerprint == DEFAULT.fingerprint != GlassBox(0, 4).fingerprint


def test_pairs_are_sentences_with_their_translations() -> None:
    corpus = open_corpus("glass-box-pairs:pairs=12,seed=3")
    assert (corpus.pairs, corpus.language) == (BOTH, None)
    assert list(corpus.train) == [pair.text for pair in BOTH.pairs(12, 3, part="train")]
    assert {BOTH.part_of(BOTH.split(text.split("\t")[0])) for text in corpus.valid} == {"valid"}
    assert (PAIR_FIELDS["shortest"], PAIR_FIELDS["longest"]) == (BOTH.shortest, BOTH.longest)


def test_pairs_are_opened_again_by_their_name() -> None:
    first = open_corpus("glass-box-pairs:seed=3,longest=9,pairs=12,shortest=3")
    assert first.name == first.source["open"] == "glass-box-pairs:pairs=12,seed=3,longest=9"
    again = open_corpus(first.source["open"])
    assert (again.sha256, again.train, again.pairs) == (first.sha256, first.train, GlassPairs(3, 9))
    assert open_corpus("glass-box-pairs:pairs=13,seed=3,longest=9").valid == first.valid


def test_both_languages_are_known_by_what_a_run_says_of_its_corpus() -> None:
    source = open_corpus("glass-box-pairs:pairs=12").source
    assert pairs_of(source) is BOTH
    assert pairs_of(source | {"pairs": "0" * 16}) is None
    assert pairs_of(open_corpus("glass-box:stories=12").source) is None
    assert language_of(source) is pairs_of({}) is None
