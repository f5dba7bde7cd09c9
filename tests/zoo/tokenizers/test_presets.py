"""The presets hold what they promise to show; the paragraph is there in each language, in its own script."""

from __future__ import annotations

import unicodedata

import pytest

from zoo.tokenizers.presets import PARALLEL, PRESETS

SCRIPTS = {
    "Russian": "CYRILLIC", "Greek": "GREEK", "Arabic": "ARABIC", "Hebrew": "HEBREW", "Hindi": "DEVANAGARI",
    "Thai": "THAI", "Chinese": "CJK", "Korean": "HANGUL",
}  # fmt: skip


def letters(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char).startswith("L")]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_short_text_with_one_sentence(name):
    preset = PRESETS[name]
    assert 50 < len(preset.text) < 1000
    assert preset.text.encode()
    assert preset.look.endswith((".", "?"))


def test_the_presets_hold_what_they_are_there_for():
    assert "She enjoys playing tennis." in PRESETS["Plain English"].text
    assert "The quick brown fox jumps over the lazy dog." in PRESETS["Plain English"].text
    assert "\n        " in PRESETS["Code"].text
    compile(PRESETS["Code"].text, "preset", "exec")
    assert {*"éàçêœâë"} <= {*PRESETS["French"].text.lower()}
    korean = PRESETS["Korean and emoji"].text
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
    assert all(each in korean for each in (family, "\U0001f44b\U0001f3fd", "\U0001f1f0\U0001f1f7"))
    assert {*PRESETS["DNA"].text.split("\n", 1)[1]} == {*"ACGTN\n"}


def test_the_sums_are_right():
    sums = [line.split("=") for line in PRESETS["Numbers"].text.splitlines() if "=" in line]
    assert len(sums) == 4
    for left, right in sums:
        a, sign, b = left.split()
        assert (int(a) * int(b) if sign == "*" else int(a) + int(b)) == int(right)


def test_english_comes_first_and_every_text_is_of_its_own():
    assert next(iter(PARALLEL)) == "English"
    assert len({each.text for each in PARALLEL.values()}) == len(PARALLEL) >= 14


@pytest.mark.parametrize("language", PARALLEL)
def test_a_paragraph_has_its_script_and_is_composed(language):
    text = PARALLEL[language].text
    script = SCRIPTS.get(language, "LATIN")
    names = {unicodedata.name(char).split()[0] for char in letters(text)}
    assert names <= {script} if language != "Japanese" else names <= {"CJK", "HIRAGANA", "KATAKANA"}
    if language != "Hindi":  # its dotted letters have no composed form
        assert unicodedata.normalize("NFC", text) == text


@pytest.mark.parametrize("language", PARALLEL)
def test_where_spaces_part_words_there_are_about_as_many_as_in_english(language):
    words, english = len(PARALLEL[language].text.split()), len(PARALLEL["English"].text.split())
    assert (0.55 < words / english < 1.4) or not PARALLEL[language].spaces
