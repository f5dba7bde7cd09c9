"""The steps before the model: each is seen, has a sentence, and together they are what the library does."""

from __future__ import annotations

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from zoo.tokenizers import Tokenizer
from zoo.tokenizers.explain import Stage, explain, replay, sentences
from zoo.tokenizers.explain.readable import from_bytes


def word_level(normalizer=None, pre=None, added=(), decoder=None) -> Tokenizer:
    """A tokenizer that knows no word, so that only its steps matter."""
    raw = tokenizers.Tokenizer(models.WordLevel(vocab={"<unk>": 0}, unk_token="<unk>"))
    for part, value in (("normalizer", normalizer), ("pre_tokenizer", pre), ("decoder", decoder)):
        if value is not None:
            setattr(raw, part, value)
    for token in added:
        raw.add_tokens([token])
    return Tokenizer(raw)


def stages(text: str, *parts, **named) -> list[Stage]:
    return explain(word_level(*parts, **named), text).stages


def shown(stage: Stage) -> list[tuple[str, tuple[int, int]]]:
    return list(zip(stage.pieces, stage.spans, strict=True))


# --- one after another ---


def test_each_member_of_a_sequence_is_a_stage():
    normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Sequence([normalizers.StripAccents()])])
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits()])
    found = stages("d\u00e9j\u00e0 vu2", normalizer, pre)
    assert [stage.name for stage in found] == ["NFD", "StripAccents", "WhitespaceSplit", "Digits"]
    assert [stage.pieces for stage in found] == [
        ["de\u0301ja\u0300 vu2"],
        ["deja vu2"],
        ["deja", "vu2"],
        ["deja", "vu", "2"],
    ]
    assert found[-1].spans == [(0, 4), (5, 7), (7, 8)]


def test_places_are_those_of_the_text_as_it_was_typed():
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("b", ""), normalizers.Prepend("##")])
    found = stages("\ufb01b x\u00b2", normalizer, pre_tokenizers.WhitespaceSplit())
    assert found[-1].pieces == ["##fi", "x2"]
    assert found[-1].spans == [(0, 1), (3, 5)]


def test_a_tokenizer_without_steps_has_no_stages():
    assert stages("a b") == []


def test_bytes_are_read_back():
    found = stages("\u00e9 \u65e5!", None, pre_tokenizers.ByteLevel(add_prefix_space=False))
    assert shown(found[0]) == [("\u00e9", (0, 1)), (" \u65e5", (1, 3)), ("!", (3, 4))]
    cut = [pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.FixedLength(length=2)]
    assert stages("\u00e9\u65e5", None, pre_tokenizers.Sequence(cut))[-1].pieces == [
        "\u00e9",
        "<0xE6><0x97>",
        "<0xA5>",
    ]
    assert from_bytes("\u65e5") == "\u65e5"  # no byte is written so


PRE_TOKENIZERS = [
    pre_tokenizers.BertPreTokenizer(),
    pre_tokenizers.CharDelimiterSplit("b"),
    pre_tokenizers.Digits(),
    pre_tokenizers.Digits(individual_digits=True),
    pre_tokenizers.FixedLength(length=3),
    pre_tokenizers.Metaspace(),
    pre_tokenizers.Metaspace(prepend_scheme="never", split=False),
    pre_tokenizers.Punctuation("removed"),
    pre_tokenizers.Split("a", "merged_with_next"),
    pre_tokenizers.Split(Regex(r"\s"), "isolated", invert=True),
    pre_tokenizers.UnicodeScripts(),
    pre_tokenizers.Whitespace(),
    pre_tokenizers.WhitespaceSplit(),
]


@settings(max_examples=150)
@given(
    text=st.text() | st.text("abB12. ,\u00e9\u0301\u65e5\n"),
    parts=st.lists(st.sampled_from(PRE_TOKENIZERS), max_size=4),
)
def test_steps_one_by_one_are_the_whole(text, parts):
    whole = pre_tokenizers.Sequence(parts)
    found = stages(text, None, whole)
    assert len(found) == len(parts)
    if found:
        assert shown(found[-1])[:200] == whole.pre_tokenize_str(text)[:200]


NORMALIZERS = [
    normalizers.BertNormalizer(),
    normalizers.Lowercase(),
    normalizers.NFC(),
    normalizers.NFD(),
    normalizers.NFKC(),
    normalizers.NFKD(),
    normalizers.Nmt(),
    normalizers.Prepend("\u2581"),
    normalizers.Replace("a", "bb"),
    normalizers.Replace(Regex(r"\s"), ""),
    normalizers.Strip(),
    normalizers.StripAccents(),
]


@settings(max_examples=150)
@given(
    text=st.text() | st.text("abB12. ,\u00e9\u0301\ufb01\n"), parts=st.lists(st.sampled_from(NORMALIZERS), min_size=1)
)
def test_normalisers_one_by_one_are_the_whole(text, parts):
    written = normalizers.Sequence(parts).normalize_str(text) if text else ""
    found = stages(text, normalizers.Sequence(parts))
    assert "".join(found[-1].pieces) == written
    for step, before, after in zip(parts, [None, *found], found, strict=False):
        assert "".join(after.pieces) == (step.normalize_str("".join(before.pieces) if before else text) if text else "")


# --- added tokens ---


def test_added_tokens_are_cut_out_before_and_after_the_normaliser():
    added = [AddedToken("<a>", normalized=False), AddedToken("Yes", normalized=True)]
    found = stages("YES <A>yes<a>no", normalizers.Lowercase(), pre_tokenizers.Whitespace(), added=added)
    assert [stage.name for stage in found] == ["AddedTokens", "Lowercase", "AddedTokens", "Whitespace"]
    assert shown(found[0]) == [("YES <A>yes", (0, 10)), ("<a>", (10, 13)), ("no", (13, 15))]
    assert shown(found[2])[:3] == [("yes", (0, 3)), (" <a>", (3, 7)), ("yes", (7, 10))]
    assert "as it was typed" in found[0].sentence
    assert "as it is now" in found[2].sentence


@pytest.mark.parametrize(
    ("settings_", "text", "pieces"),
    [
        ({}, "ab xab", ["ab", " x", "ab"]),
        ({"single_word": True}, "ab xab", ["ab", " xab"]),
        ({"single_word": True}, "\u0345ab \u200dab-ab\u2167", ["\u0345ab \u200dab-ab\u2167"]),
        ({"lstrip": True}, "a \t\u3000ab b", ["a", " \t\u3000ab", " b"]),
        ({"rstrip": True}, "a ab \x1c ab\u0085\u2028", ["a ", "ab ", "\x1c ", "ab\u0085\u2028"]),
    ],
)
def test_how_an_added_token_is_found(settings_, text, pieces):
    tokenizer = word_level(
        None, pre_tokenizers.Split("~", "isolated"), [AddedToken("ab", normalized=False, **settings_)]
    )
    found = explain(tokenizer, text)
    assert found.stages[0].pieces == pieces
    assert "".join(pieces) == text
    assert [word.word for word in found.words] == pieces
    assert [word.id for word in found.words] == [int(piece.strip() == "ab") for piece in pieces]


def test_of_two_added_tokens_in_one_place_the_longer_is_cut_out():
    added = [AddedToken(content, normalized=False) for content in ("<a", "<a>", "a>b")]
    assert stages("<a>b <a", added=added)[0].pieces == ["<a>", "b ", "<a"]


def test_blanks_that_another_token_swallowed_are_no_token():
    added = [AddedToken("a", normalized=False, rstrip=True), AddedToken(" ", normalized=False, lstrip=True)]
    tokenizer = word_level(added=added)
    assert explain(tokenizer, "a b").stages[0].pieces == ["a ", "b"]
    assert replay(tokenizer, "a b") == tokenizer.encode("a b").ids == [1, 0]
    assert replay(tokenizer, "b b") == tokenizer.encode("b b").ids == [0, 2, 0]


def test_special_tokens_in_a_text_are_text():
    special = AddedToken("<s>", special=True, normalized=False)
    tokenizer = word_level(added=[special])
    assert explain(tokenizer, "a<s>").stages == []
    tokenizer.raw.encode_special_tokens = False
    assert explain(tokenizer, "a<s>").stages[0].pieces == ["a", "<s>"]


# --- words ---


def members(module, base) -> set[str]:
    """The steps that the library has."""
    found = {name for name, each in vars(module).items() if isinstance(each, type) and issubclass(each, base)}
    return found - {base.__name__, "Sequence"}


def test_every_step_of_the_library_has_a_sentence():
    known = members(normalizers, normalizers.Normalizer) | members(pre_tokenizers, pre_tokenizers.PreTokenizer)
    assert known <= set(sentences._STEPS)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (
            normalizers.BertNormalizer(),
            "are dropped, every blank becomes a space, Chinese characters get spaces around them, accents are dropped",
        ),
        (normalizers.BertNormalizer(False, False, None, False), "all of it turned off"),
        (normalizers.BertNormalizer(False, False, True, False), "cleaning: accents are dropped."),
        (normalizers.Strip(left=False), "Blanks at the end are dropped."),
        (normalizers.Strip(), "Blanks at the start and the end are dropped."),
        (normalizers.Strip(left=False, right=False), "No blanks are dropped."),
        (normalizers.Replace("\n", ""), "Each “\\u{A}” is dropped."),
        (normalizers.Replace(Regex("x+"), "y"), "Each match of “x+” becomes “y”."),
        (normalizers.Prepend("\u2581"), "“\u2581” is put in front of the text, or of each part between added tokens"),
        (normalizers.Nmt(), "Most ASCII control characters are dropped; tabs, line breaks and some invisible signs,"),
        (normalizers.ByteLevel(), "Each character counts as its bytes from here on"),
        (pre_tokenizers.ByteLevel(), "First, a space is put in front of each piece that begins with none; the text"),
        (pre_tokenizers.ByteLevel(), "each with the space before it, and into other blanks; 's and the like behind a"),
        (pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), "Each character counts as its bytes"),
        (pre_tokenizers.CharDelimiterSplit("|"), "Cut at each “|”, which is dropped."),
        (pre_tokenizers.Digits(individual_digits=True), "Each digit is"),
        (pre_tokenizers.Digits(), "Each run of digits"),
        (pre_tokenizers.FixedLength(length=7), "pieces of 7 characters"),
        (pre_tokenizers.Metaspace("_"), "“_”, and every piece that begins with none gets one in front; a new piece"),
        (pre_tokenizers.Metaspace("_"), "; a new piece begins at each “_”."),
        (pre_tokenizers.Metaspace(prepend_scheme="first", split=False), "one in front, unless it begins with one."),
        (pre_tokenizers.Metaspace(prepend_scheme="never", split=False), "Each space is written as “\u2581”."),
        (pre_tokenizers.Punctuation("contiguous"), "punctuation: each mark is a piece, together with others"),
        (pre_tokenizers.Split("a", "merged_with_next"), "Cut by “a”: each match begins the piece after it."),
        (pre_tokenizers.Split(Regex("a" * 99), "removed", True), "two matches is dropped."),
        (
            pre_tokenizers.Split(Regex("a" * 99), "isolated"),
            f"the pattern “{'a' * 59}…”: each match is a piece by itself.",
        ),
    ],
)
def test_sentences_say_the_settings(part, words):
    is_normalizer = isinstance(part, normalizers.Normalizer)
    (stage,) = stages("a", part) if is_normalizer else stages("a", None, part)
    assert words in stage.sentence


# --- what a sentence claims, worked out by hand, is what the library does ---

TAG = AddedToken("<t>", normalized=False)
BLANKS = pre_tokenizers.WhitespaceSplit()


def after(*steps) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(list(steps))


@pytest.mark.parametrize(
    ("pre", "text", "pieces"),
    [
        # every piece that begins with none gets one in front; a new piece begins at each, typed ones too
        (pre_tokenizers.Metaspace(), "a b\u2581c", ["\u2581a", "\u2581b", "\u2581c"]),
        (pre_tokenizers.Metaspace(), " a", ["\u2581a"]),
        (pre_tokenizers.Metaspace(), "\u2581a<t>b c", ["\u2581a", "<t>", "\u2581b", "\u2581c"]),
        (after(BLANKS, pre_tokenizers.Metaspace()), " a b", ["\u2581a", "\u2581b"]),
        (after(BLANKS, pre_tokenizers.Metaspace(split=False)), "a b\u2581c", ["\u2581a", "\u2581b\u2581c"]),
        # the piece at the very start of the text as typed, unless it begins with one
        (pre_tokenizers.Metaspace(prepend_scheme="first"), "a b", ["\u2581a", "\u2581b"]),
        (pre_tokenizers.Metaspace(prepend_scheme="first"), " a", ["\u2581a"]),
        (pre_tokenizers.Metaspace(prepend_scheme="first"), "\u2581a", ["\u2581a"]),
        (pre_tokenizers.Metaspace(prepend_scheme="first"), "<t>a", ["<t>", "a"]),
        (after(BLANKS, pre_tokenizers.Metaspace(prepend_scheme="first")), "a b", ["\u2581a", "b"]),
        (after(BLANKS, pre_tokenizers.Metaspace(prepend_scheme="first")), " a b", ["a", "b"]),
        # a space in front of each piece that begins with none
        (pre_tokenizers.ByteLevel(), "a<t>b", [" a", "<t>", " b"]),
        (after(BLANKS, pre_tokenizers.ByteLevel()), "a b", [" a", " b"]),
        (pre_tokenizers.ByteLevel(use_regex=False), " a b", [" a b"]),
        (pre_tokenizers.ByteLevel(), "\ta", [" ", "\t", "a"]),
        # words, numbers and runs of signs, each with the space before it; other blanks; 's and the like alone
        (
            pre_tokenizers.ByteLevel(add_prefix_space=False),
            "it's 12 !? x\n y  z_",
            ["it", "'s", " 12", " !?", " x", "\n", " y", " ", " z", "_"],
        ),
    ],
)
def test_where_spaces_are_put_in_front_and_where_it_is_cut(pre, text, pieces):
    assert stages(text, None, pre, added=[TAG])[-1].pieces == pieces


@pytest.mark.parametrize(
    ("normalizer", "dropped", "spaces", "kept"),
    [
        (
            normalizers.Nmt(),
            "\x01\x08\x0b\x0e\x1f\x7f",
            "\t\n\r\f\u2028\u200b\u200c\u200d\ufeff\u2581\ufffd",
            "\u00a0\u3000\u2003\u00ad",
        ),
        (
            normalizers.BertNormalizer(handle_chinese_chars=False, lowercase=False),
            "\x00\x01\x1f\x7f\x80\x9f\u200b\u200c\u200d\u00ad\u2060\ufeff\ue000\ufffd",
            "\t\n\r\u00a0\u3000\u2003\u2028",
            "\u0301\u2581A\u4e00",
        ),
    ],
)
def test_which_characters_are_cleaned_away(normalizer, dropped, spaces, kept):
    for chars, becomes in ((dropped, ""), (spaces, " "), (kept, None)):
        for char in chars:
            (stage,) = stages(f"a{char}b", normalizer)
            assert stage.pieces == [f"a{char if becomes is None else becomes}b"], f"U+{ord(char):04X}"


def test_nmt_drops_most_of_asciis_control_characters():
    (stage,) = stages("".join(map(chr, range(32))) + "\x7f", normalizers.Nmt())
    assert stage.pieces == ["\x00" + " " * 4]


def test_what_is_put_in_front_stands_in_each_part_between_added_tokens():
    found = stages("a<t>\u2581b<t>", normalizers.Prepend("\u2581"), added=[TAG])
    assert found[-1].pieces == ["\u2581a", "<t>", "\u2581\u2581b", "<t>"]


def test_a_step_that_is_unknown_here_is_named(monkeypatch):
    monkeypatch.delitem(sentences._STEPS, "Lowercase")
    (stage,) = stages("A", normalizers.Lowercase())
    assert (stage.name, stage.title, stage.pieces) == ("Lowercase", "Lowercase", ["a"])
    assert stage.sentence == "A step of the library named Lowercase; what it did is seen in the pieces."


def test_words_are_read_as_the_tokens_are():
    pre = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = explain(word_level(None, pre, decoder=decoders.ByteLevel()), "\u00e9 \u65e5").words
    assert [word.word for word in words] == ["\u00e9", " \u65e5"]
