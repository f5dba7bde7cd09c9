"""Boundaries that not all tokenizers have, against a look at every single byte."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.tokenizers import KINDS, train_tokenizer
from zoo.tokenizers.boundaries import boundaries
from zoo.tokenizers.cut import Cut, cut

CORPUS = ["The cat sat on the mat. The dog sat on the log.\n" * 3, "Café über 日本語!"]
TRAINED = {kind: train_tokenizer(kind, CORPUS, 320) for kind in KINDS}
TEXTS = st.text(alphabet="The cat\né日👍 .", max_size=40)


def hand(*edges: tuple[int, int], length: int, total: int | None = None) -> Cut:
    """A cut with these edges; nothing else in it matters here."""
    n = len(edges)
    none = [""] * n
    return Cut(total or n, 0, length, [0] * n, none, none, [[]] * n, none, list(edges), list(edges), [False] * n)


def owners(one: Cut, reach: int) -> list[int]:
    """Which token each byte of the text belongs to; −1 for a byte that was dropped."""
    found = [-1] * (reach + 1)
    for i, (start, end) in enumerate(one.edges):
        for at in range(start, min(end, reach + 1)):
            found[at] = i
    return found


@settings(deadline=None, max_examples=80)
@given(
    text=TEXTS,
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
    mosts=st.lists(st.integers(1, 25), min_size=4, max_size=4),
)
@example(text="The  cat", kinds=["wordpiece", "byte", "bpe"], mosts=[9, 9, 9, 9])
def test_a_boundary_is_apart_where_a_token_of_another_runs_across(text, kinds, mosts):
    cuts = [cut(TRAINED[kind], text=text, most=most) for kind, most in zip(kinds, mosts, strict=False)]
    found = boundaries(cuts)
    assert found.reach == min(each.reach for each in cuts)
    columns = [owners(each, found.reach) for each in cuts]

    def whole(at: int) -> bool:
        """No token runs across from the byte in front of this position to the byte behind it."""
        return all(own[at - 1] != own[at] or own[at] < 0 for own in columns if at > 0)

    shared, apart = set(), set()
    for each, marks in zip(cuts, found.marks, strict=True):
        assert len(marks) == len(each.ids)
        for i in range(1, len(each.ids)):
            low, high = each.edges[i - 1][1], each.edges[i][0]
            if low >= found.reach:
                assert not marks[i]
                continue
            free = [at for at in range(low, min(high, found.reach) + 1) if whole(at)]
            assert marks[i] == (not free)
            shared |= set(free[:1])
            apart |= set() if free else {low}
    assert (found.shared, found.apart) == (sorted(shared), sorted(apart))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(text=st.text(alphabet="Theﬁﷺİ é日\u0301\n", max_size=30))
def test_a_tokenizer_agrees_with_itself_everywhere(kind, text):
    one = cut(TRAINED[kind], text=text)
    found = boundaries([one, one, one])
    assert found.apart == []
    assert not any(map(any, found.marks))


def test_a_dropped_blank_is_one_boundary_whichever_side_the_others_cut_on():
    dropping, keeping = hand((0, 3), (4, 7), length=7), hand((0, 3), (3, 7), length=7)
    found = boundaries([dropping, keeping])
    assert (found.shared, found.apart, found.marks) == ([3], [], [[False, False], [False, False]])
    behind = hand((0, 4), (4, 7), length=7)
    found = boundaries([dropping, behind, keeping])  # the last two cut on different sides of the blank
    assert (found.shared, found.apart) == ([], [3, 4])
    assert found.marks == [[False, True]] * 3


def test_only_what_all_columns_show_is_compared():
    short, long = hand((0, 2), (2, 4), length=9, total=5), hand((0, 1), (1, 4), (4, 6), (6, 7), (7, 9), length=9)
    found = boundaries([short, long])
    assert (found.reach, found.shared, found.apart) == (4, [], [1, 2])
    assert found.marks == [[False, True], [False, True, False, False, False]]


def test_a_character_that_was_rewritten_and_then_cut_is_a_boundary_of_its_own():
    one, other = hand((0, 3), (0, 3), (3, 4), length=4), hand((0, 3), (3, 4), length=4)
    found = boundaries([one, other])
    assert (found.shared, found.apart, found.marks) == ([3], [0], [[False, True, False], [False, False]])


def test_tokens_that_overlap_do_not_cross_their_own_boundaries():
    one = hand((0, 4), (0, 1), (1, 4), (4, 5), length=5)
    assert boundaries([one, one]).apart == []


def test_nothing_to_compare():
    assert boundaries([]).marks == []
    assert boundaries([hand(length=3), hand((0, 3), length=3)]).marks == [[], [False]]
