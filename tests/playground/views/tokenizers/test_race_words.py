"""What is said of a race: each sentence follows from the figures, whichever way they fall."""

from __future__ import annotations

import math

import pytest

from playground.text import escaped
from playground.views.tokenizers import race_words
from playground.views.tokenizers.kinds import TITLES
from zoo.compare.race import Entrant, Measured, Point, Raced, Trial
from zoo.tokenizers import KINDS


def raced(kind: str, bits: list[float], perplexities: list[float], lost: str = "", tokens: int = 500) -> Raced:
    trials = tuple(
        Trial(
            seed,
            1000,
            (Point(0, 0.0, math.log(300), None if lost else 9.0), Point(9, 2.0, math.log(p), None if lost else b)),
            "",
        )
        for seed, (b, p) in enumerate(zip(bits, perplexities, strict=True))
    )
    return Raced(kind, 1300, 10_000, 600, lost, tokens=tokens, characters=1000, seen=64.0, trials=trials)


FINE, COARSE = raced("byte", [3.0, 3.1], [8.0, 9.0], tokens=1000), raced("bpe", [2.0, 2.2], [30.0, 32.0])


def test_every_kind_has_a_title():
    assert set(TITLES) == set(KINDS)
    assert race_words.title(Entrant.of("bpe:512").kind, 512) == "BPE on bytes · 512"


def test_where_perplexity_says_the_opposite_both_are_named():
    said = race_words.notice([FINE, COARSE])
    assert "needs the fewest bits per character, 2.100 (2.000 to 2.200), in each of 2 seeds" in said
    assert "**Perplexity per token says the opposite**" in said
    assert "31.0 (30.0 to 32.0) and Bytes 8.5 (8.0 to 9.0)" in said


def test_of_a_single_seed_no_more_is_said():
    said = race_words.notice([raced("byte", [3.0], [8.0]), raced("bpe", [2.0], [30.0])])
    assert "seed" not in said
    assert "needs the fewest bits per character, 2.000; next is Bytes with 3.000." in said


def test_where_it_says_the_same_that_is_said():
    said = race_words.notice([FINE, raced("bpe", [2.0, 2.2], [5.0, 6.0])])
    assert "no pair clearly changes places" in said
    assert "5.5 (5.0 to 6.0) and 8.5 (8.0 to 9.0)" in said


def test_seeds_that_disagree_are_too_close_to_call():
    said = race_words.notice([FINE, raced("bpe", [2.0, 3.15], [30.0, 32.0])])
    assert "too close to call" in said
    assert "opposite" not in said


def test_every_other_has_to_be_beaten_in_every_seed():
    best, next_one, third = raced("bpe", [2.0, 2.2], [9, 9]), raced("byte", [2.1, 2.3], [9, 9]), [2.5, 2.19]
    assert "fewest bits per character" in race_words.notice([best, next_one])
    said = race_words.notice([best, next_one, raced("char", third, [9, 9])])
    assert "fewest" not in said
    assert said.startswith(
        "BPE on bytes · 1,300 (2.100 (2.000 to 2.200) bits per character) and Characters · 1,300 (2.345 (2.190 to "
        "2.500)) are too close to call."
    )
    other = raced("unigram", [2.6, 2.19], [9, 9])
    assert race_words.notice([best, next_one, raced("char", third, [9, 9]), other]).startswith(
        "BPE on bytes · 1,300 (2.100 (2.000 to 2.200) bits per character), Characters · 1,300 (2.345 (2.190 to "
        "2.500)) and Unigram · 1,300 (2.395 (2.190 to 2.600)) are too close to call."
    )


def test_the_lower_figure_of_small_questions_is_only_said_where_it_was_measured():
    said = race_words.why([FINE, COARSE])
    assert "is asked 1,000 small questions by Bytes, and 500 large ones by BPE on bytes · 1,300." in said
    assert "The small ones got the lower figure, 8.5 (8.0 to 9.0) against 31.0 (30.0 to 32.0), and nothing" in said
    for perplexities in ([5.0, 6.0], [9.0, 8.5]):
        said = race_words.why([FINE, raced("bpe", [2.0, 2.2], perplexities)])
        assert "lower figure" not in said
        assert "500 large ones by BPE on bytes · 1,300. **Bits per character**" in said


def test_of_more_than_two_the_share_of_pairs_is_counted():
    said = race_words.notice([FINE, COARSE, raced("char", [3.5, 3.6], [11.0, 12.0])])
    assert "So it is for 2 of 3 pairs here." in said


def test_what_is_lossy_is_not_ranked_and_the_reason_is_text():
    lossy = raced("word", [1.0], [90.0], lost="3 of 90 *tokens*")
    assert race_words.notice([FINE, lossy]) == ""
    (said,) = race_words.left_out([FINE, lossy])
    assert escaped("3 of 90 *tokens*") in said
    assert "not comparable" in race_words.table([FINE, lossy])


def test_the_table_has_the_figures_and_marks_the_best():
    _, _, fine, coarse = race_words.table([FINE, COARSE]).splitlines()
    assert "| 3.050 (3.000 to 3.100) | 8.5 (8.0 to 9.0) | 1.00 | 10,000 | 600 (6%) |" in fine
    assert "**2.100 (2.000 to 2.200)**" in coarse
    assert "**" not in fine


def test_the_reach_is_the_context_in_characters():
    said = race_words.seen([FINE, COARSE], 128)
    assert "Bytes up to about 128 characters (64 on average)" in said
    assert "up to about 256 characters (128 on average)" in said


def test_unequal_budgets_are_named():
    assert "no equal budget" in race_words.once([20.0, 12.0])
    assert "no equal budget" not in race_words.once([20.0, 20.1])


@pytest.mark.parametrize("processors", [1, 2])
def test_the_source_says_what_it_was_measured_on(processors):
    found = Measured(
        (FINE,), "python -m x", "t.txt", "0", "20 seconds", 128, 64, 3, None, "now", "2", processors, "CPU", 0.25
    )
    said = race_words.source(found)
    for part in ("**Recorded**", "25.0 %", "2 seeds", "`python -m x`", "3 blocks and width 64", "1,000 held-out"):
        assert part in said
