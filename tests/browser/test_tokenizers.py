"""The page Tokenizers in a real browser: what it shows is worked out again with the library `tokenizers` alone.

See tests/browser/tokenizers_reference.py. The tests share one page, each with an address of its own.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import pytest
import tokenizers

from playground.text import count, number, percent, plural
from tests.browser import tokenizers_reference as outside
from tests.browser.app import ROOT, App, OpenPage, comes_to, idle, pick_option, until
from tests.browser.reading import read_table
from tests.browser.tokenizers_page import (
    EXPORT,
    chips,
    choose_piece,
    disagreements,
    downloaded,
    grid,
    ids,
    keyed,
    more,
    part,
    piece,
    pieces,
    ready,
    shown,
    the_text,
    total,
    type_own,
)
from zoo.tokenizers.presets import PARALLEL, PRESETS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PATH = "tokenizers"
GAPLESS = ["stories:word", "stories:bpe", "gpt2"]
TITLES = {
    "stories:word": "Words · stories",
    "stories:bpe": "BPE on bytes · stories",
    "stories:bpe-char": "BPE on characters · stories",
    "stories:wordpiece": "WordPiece · stories",
    "stories:unigram": "Unigram · stories",
    "gpt2": "GPT-2",
}
OWN = "Zoë \U0001f469\u200d\U0001f4bb said:\nשלום, the unhappiest dogs were playing 1234 times"
WATCHED, FERTILITY, CONSEQUENCES = "Training, watched", "Who pays more", "Consequences"
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def visit(app: App, watch_module: OpenPage) -> Open:
    """Opens an address of the page, in the one page that the tests share."""
    page = watch_module(height=1400).page

    def go(**query: object) -> Page:
        query = {name: ",".join(value) if isinstance(value, list) else value for name, value in query.items()}
        page.goto(app.address(PATH, **query))
        ready(page)
        return page

    return go


# The columns -----------------------------------------------------------------------------------


def test_ids_texts_rings_and_totals_are_the_librarys(visit: Open) -> None:
    page = visit(tokenizers=GAPLESS, text=OWN)
    assert the_text(page) == OWN
    comes_to(page, lambda: disagreements(page, GAPLESS, OWN), [])
    expected = outside.ringed(GAPLESS, OWN)
    assert any(map(any, expected))
    for key, marks in zip(GAPLESS, expected, strict=True):
        written = chips(page, key).evaluate_all("all => all.map(e => e.textContent.replace(/\\s/g, ''))")
        assert written == [outside.chip(key, OWN, i) for i in range(len(written))]
        rings = chips(page, key).evaluate_all("all => all.map(e => getComputedStyle(e, '::before').content !== 'none')")
        assert rings == marks


def test_an_example_ones_own_text_and_other_tokenizers_are_chosen(visit: Open) -> None:
    page = visit()
    assert the_text(page) == next(iter(PRESETS.values())).text
    comes_to(page, lambda: disagreements(page, GAPLESS, the_text(page)), [])

    pick_option(page, page.get_by_role("combobox", name="Example"), "Korean and emoji")
    until(page, lambda: the_text(page) == PRESETS["Korean and emoji"].text)
    comes_to(page, lambda: disagreements(page, GAPLESS, the_text(page)), [])
    until(page, lambda: "example=Korean" in page.url)

    type_own(page, OWN)
    comes_to(page, lambda: disagreements(page, GAPLESS, OWN), [])
    assert page.get_by_role("combobox", name="Example").input_value() == "My own text"

    for title in ("Words · stories", "GPT-2"):
        page.get_by_role("button", name=re.compile(f"^(Remove|Delete) {title}")).click()
        until(page, lambda title=title: page.locator(".column", has_text=title).count() == 0)
    for title in ("Unigram · stories", "BPE on characters · stories"):
        pick_option(page, page.get_by_role("combobox", name=re.compile("Tokenizers side by side")), title, typed=title)
        page.locator(".column", has_text=title).wait_for()
    keys = ["stories:bpe", "stories:unigram", "stories:bpe-char"]
    comes_to(page, lambda: disagreements(page, keys, OWN), [])
    assert page.locator(".column .chip.unknown").count() == sum(outside.unknown(key, OWN) for key in keys)


def test_a_text_file_of_a_megabyte_is_cut_on_the_screen_and_not_in_the_count(visit: Open, tmp_path: Path) -> None:
    line = "The little dog ran home, and 12 birds sang in the café. "
    whole = (line * (1_060_000 // len(line)))[:1_060_000]
    (tmp_path / "big.txt").write_text(whole, encoding="utf-8")
    keys = ["stories:wordpiece", "stories:bpe"]
    page = visit(tokenizers=keys)
    page.get_by_role("button", name="Open a text file").click()
    page.get_by_test_id("stPopoverBody").locator("input[type=file]").set_input_files(tmp_path / "big.txt")
    page.get_by_text(f"{count(len(whole))} characters; the first 1,000,000 are read").wait_for()
    comes_to(page, lambda: disagreements(page, keys, whole[:1_000_000]), [], 60)
    for key in keys:
        n = len(outside.encode(key, whole[:1_000_000]).ids)
        said = page.locator(f".column[data-column='{key}'] .cutoff").inner_text()
        assert said == f"The first 400 of {count(n)} tokens."
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Close the file and type").click()
    comes_to(page, lambda: disagreements(page, keys, the_text(page)), [])
    assert the_text(page) == next(iter(PRESETS.values())).text


# The figures -----------------------------------------------------------------------------------


def figures(key: str, text: str, width: int) -> list[str]:
    """A column of the table, as the page must write it; without the speed."""
    n, strange, vocabulary = len(outside.encode(key, text).ids), outside.unknown(key, text), outside.library(key)
    cost = (max(vocabulary.get_vocab().values()) + 1) * width
    return [
        count(n),
        number(len(text) / n),
        number(len(text.encode()) / n),
        percent(strange / n) if strange else "none",
        "yes" if outside.comes_back(key, text) else "no",
        count(vocabulary.get_vocab_size()),
        f"{number(cost / 1e6, 1)} M" if cost >= 1e6 else count(cost),
    ]


def test_the_table_to_decide_by_is_recomputed(visit: Open) -> None:
    keys = [*GAPLESS, "stories:wordpiece"]
    page = visit(tokenizers=keys, text=OWN)
    head, *rows = grid(page, "The figures of each tokenizer for this text")
    assert head[1:] == [TITLES[key] for key in keys]
    written = [list(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    lossless = {key: len(OWN) / len(outside.encode(key, OWN).ids) for key in keys if outside.comes_back(key, OWN)}
    for key, (*column, speed) in zip(keys, written, strict=True):
        expected = figures(key, OWN, 768)
        if lossless.get(key) == max(lossless.values()):
            expected[1] = f"*{expected[1]}*"
        assert column == expected
        assert float(speed) > 0
    assert rows[6][0] == "Embedding at width 768"

    head, *rows = grid(page, "Characters per token of each tokenizer on each example text")
    assert [row[0] for row in rows] == list(PRESETS)
    for name, *cells in rows:
        text = PRESETS[name].text
        per_token = {key: len(text) / len(outside.encode(key, text).ids) for key in keys}
        kept = [per_token[key] for key in keys if outside.comes_back(key, text)]
        for key, cell in zip(keys, cells, strict=True):
            back, bare = outside.comes_back(key, text), cell.strip("*")
            mark = "" if back else " ✗" if outside.unknown(key, text) else bare[-2:]
            assert bare == number(per_token[key]) + mark
            assert back or mark in (" ✗", " ≈")
            assert (bare != cell) == (back and per_token[key] == max(kept))


def test_what_each_language_pays_is_recomputed(visit: Open) -> None:
    keys = ["stories:bpe", "gpt2", "stories:unigram"]
    page = visit(tokenizers=keys, part=FERTILITY)
    page.get_by_text("Show the numbers").click()
    head, *rows = grid(page, "Tokens, english = 1 in each language")
    assert head[1:] == [TITLES[key] for key in keys]
    assert [row[0] for row in rows] == list(PARALLEL)
    for language, *cells in rows:
        text = PARALLEL[language].text
        for key, cell in zip(keys, cells, strict=True):
            premium = len(outside.encode(key, text).ids) / len(outside.encode(key, PARALLEL["English"].text).ids)
            mark = " ✗" if outside.unknown(key, text) else ""
            assert cell == number(premium) + mark


def test_the_recorded_race_is_read_from_its_file(visit: Open) -> None:
    page = visit(part=CONSEQUENCES)
    rows = read_table(page, "Tokenizer")
    raced = json.loads((ROOT / "zoo" / "compare" / "tokenizers.json").read_text(encoding="utf-8"))["raced"]
    assert len(rows) == len(raced) > 1
    for row, each in zip(rows, raced, strict=True):
        bits = [trial["curve"][-1]["bits"] for trial in each["trials"]]
        if not each["lost"]:
            assert row[1].split(" (")[0] == number(fmean(bits), 3)
        assert row[3] == number(each["characters"] / each["tokens"])
        assert row[4] == count(each["parameters"])
        assert row[5].split(" (")[0] == count(each["embedding"])


# How it got there ------------------------------------------------------------------------------


def test_a_click_on_a_token_opens_its_piece_and_every_merge_is_the_librarys(visit: Open) -> None:
    page = visit(tokenizers=GAPLESS, text=OWN, part=EXPORT)
    words = outside.words("gpt2", OWN)
    place = words.index("Ġunhappiest")
    ends = list(accumulate(len(outside.library("gpt2").model.tokenize(word)) for word in words))
    chips(page, "gpt2").nth(ends[place] - 1).click()
    page.get_by_text("In the model, each piece by itself").wait_for()
    until(page, lambda: piece(page) == f"{place + 1} · ␣unhappiest")
    idle(page)
    assert page.get_by_role("radio", name="GPT-2").get_attribute("aria-checked") == "true"

    steps = list(outside.merged("gpt2", "Ġunhappiest"))
    assert len(steps) > 4
    slider = page.get_by_role("slider", name="Merges done")
    comes_to(page, lambda: pieces(page, "symbols"), [outside.visible(outside.readable(each)) for each in "Ġunhappiest"])
    for n, (rank, symbols) in enumerate(steps, start=1):
        if n % 2:
            keyed(page, "merge-next").get_by_role("button").click()
        else:
            slider.press("ArrowRight")
        written = [outside.visible(outside.readable(each)) for each in symbols]
        comes_to(page, lambda: pieces(page, "symbols"), written)
        said = page.get_by_text(re.compile(rf"^Merge {n}: ")).inner_text()
        assert f"rank {count(rank)}, become" in said
        assert keyed(page, "symbols").locator(".piece.lit").count() == 1
    token_ids = [token.id for token in outside.library("gpt2").model.tokenize("Ġunhappiest")]
    assert [outside.library("gpt2").id_to_token(i) for i in token_ids] == steps[-1][1]
    assert said.endswith(f"The ids are {', '.join(map(str, token_ids))}.")
    keyed(page, "merge-back").get_by_role("button").click()
    before = [outside.visible(outside.readable(each)) for each in steps[-2][1]]
    comes_to(page, lambda: pieces(page, "symbols"), before)


def test_the_walk_of_wordpiece_and_the_best_split_of_unigram(visit: Open) -> None:
    page = visit(tokenizers=["stories:wordpiece", "stories:unigram"], text="The unhappiest dogs were playing")
    choose_piece(page, "2 · unhappiest")
    steps = outside.walk("stories:wordpiece", "unhappiest")
    assert len(steps) > 1
    comes_to(page, lambda: pieces(page, "matches"), [each.piece for each in steps])
    for each in steps:
        line = page.get_by_role("listitem").filter(has_text=f"From character {each.start + 1}:")
        assert line.locator("del").all_inner_texts() == each.refused
        assert line.locator("strong").inner_text() == each.piece
        assert line.inner_text().endswith(f"token {each.id}.")

    page.get_by_role("radio", name="Unigram · stories").click()
    page.get_by_text("Best split:").wait_for()
    place = outside.words("stories:unigram", "The unhappiest dogs were playing").index("▁unhappiest")
    choose_piece(page, f"{place + 1} · ␣unhappiest")
    best, second = outside.best_splits("stories:unigram", "▁unhappiest")[:2]
    for name, (sum_, split) in (("Best split:", best), ("Next best:", second)):
        line = page.locator("p", has_text=name)
        assert line.locator("code").all_inner_texts() == [each.replace("▁", "␣") for each in split]
        *parts, whole = outside.numbers(line.inner_text())[: len(split) + 1]
        assert [f"{each:.2f}" for each in parts] == [f"{outside.score('stories:unigram', each):.2f}" for each in split]
        assert f"{whole:.2f}" == f"{sum_:.2f}"
    tokens = [token.value for token in outside.library("stories:unigram").model.tokenize("▁unhappiest")]
    assert best[1] == tokens
    comes_to(page, lambda: pieces(page, "best"), [each.replace("▁", "␣") for each in tokens])


def test_training_watched_counts_the_pairs_and_merges_the_most_frequent(visit: Open) -> None:
    page = visit(part=WATCHED)
    text = page.get_by_label("A small text to learn from").input_value()
    merges: list[tuple[str, str]] = []
    for n in range(1, 5):
        counts = outside.pair_counts(text, merges)
        keyed(page, "watched-merge").get_by_role("button").click()
        line = page.locator("p", has_text=f"Step {n}.")
        line.wait_for()
        left, right, new = (each.replace("␣", "Ġ") for each in line.locator("code").all_inner_texts()[:3])
        assert (left + right, counts[left, right]) == (new, max(counts.values()))
        assert f"side by side {counts[left, right]} times" in line.inner_text()
        merges.append((left, right))
    raw = outside.learned(text, 256 + len(merges))
    assert [tuple(pair) for pair in json.loads(raw.to_str())["model"]["merges"]] == merges
    page.get_by_text(re.compile(r"The library's trainer chose the same \d+ merges")).wait_for()


# One's own -------------------------------------------------------------------------------------


def test_one_is_trained_in_the_page_and_its_file_cuts_the_same_elsewhere(visit: Open) -> None:
    text = " ".join(PARALLEL[language].text for language in ("English", "German", "French", "Spanish", "Turkish"))
    assert 600 < len(text) < 1000
    page = visit(tokenizers="gpt2", text=text)
    more(page, "Train one on the text above")
    page.get_by_role("button", name="Train it").click()
    page.get_by_text("It was trained on your text").first.wait_for()
    until(page, lambda: len(shown(page)) == 2)
    idle(page)
    key = shown(page)[1]
    assert key.startswith("own:bpe:512:")
    file = downloaded(page, page.get_by_test_id("stDownloadButton").get_by_role("button", name="tokenizer.json").first)
    made = tokenizers.Tokenizer.from_str(file)
    comes_to(page, lambda: ids(page, key), made.encode(text).ids[:400])
    assert total(page, key) == plural(len(made.encode(text).ids), "token")
    assert made.decode(made.encode(text).ids) == text
    assert made.get_vocab() == outside.learned(text, 512, "<|endoftext|>").get_vocab()


def test_a_tokenizer_json_is_read_and_a_bad_one_is_refused_in_a_sentence(visit: Open) -> None:
    text = "The little dogs were playing, " + "a" * 60 + "b"
    page = visit(tokenizers="gpt2", text=text)
    more(page, "Open a tokenizer.json")
    chooser = page.get_by_role("tabpanel").locator("input[type=file]")

    def give(name: str, content: bytes) -> None:
        chooser.set_input_files({"name": name, "mimeType": "application/json", "buffer": content})

    for name, (content, sentence) in outside.BAD.items():
        give(name, content)
        error = page.get_by_test_id("stAlert").filter(has_text=sentence)
        error.wait_for()
        assert "Choose the file tokenizer.json" in error.inner_text()
        assert shown(page) == ["gpt2"]

    give("good.json", outside.strange(lambda data: None))
    until(page, lambda: len(shown(page)) == 2)
    idle(page)
    good = shown(page)[1]
    comes_to(page, lambda: ids(page, good), outside.encode("stories:wordpiece", text).ids)
    assert page.get_by_test_id("stAlert").filter(has_text="Choose the file").count() == 0

    give("endless.json", outside.strange(lambda data: data.update(pre_tokenizer=outside.ENDLESS)))
    until(page, lambda: len(shown(page)) == 3)
    idle(page)
    alert = page.locator(".column").last.get_by_role("alert")
    assert re.fullmatch(r"[A-Z].{20,200}\.", alert.inner_text())
    comes_to(page, lambda: ids(page, "gpt2"), outside.encode("gpt2", text).ids)
    assert grid(page, "The figures of each tokenizer for this text")[1][3] == "–"


def test_a_name_on_the_hub_that_cannot_be_reached_is_told_in_a_sentence(visit: Open) -> None:
    page = visit(tokenizers="gpt2")
    more(page, "From the Hugging Face Hub")
    for name, sentence in (
        ("not a name", "A name on the Hub is written organisation/name"),
        ("someone/some-model", "cannot be reached"),
    ):
        page.get_by_label("Its name").fill(name)
        page.get_by_role("button", name="Fetch its tokenizer").click()
        page.get_by_test_id("stAlert").filter(has_text=sentence).wait_for(timeout=15_000)
    assert shown(page) == ["gpt2"]


# Taking it along -------------------------------------------------------------------------------


def test_the_files_hold_the_librarys_tokens_and_the_link_brings_the_view_back(visit: Open, watch: OpenPage) -> None:
    keys = ["gpt2", "stories:word"]
    page = visit(tokenizers=keys)
    type_own(page, OWN)
    comes_to(page, lambda: disagreements(page, keys, OWN), [])
    part(page, EXPORT)
    for key in keys:
        encoding, name = outside.encode(key, OWN), key.replace(":", "-")
        found = json.loads(downloaded(page, keyed(page, f"export-tokens-{name}-json").get_by_role("button")))
        assert (found["ids"], found["names"], found["tokens"]) == (encoding.ids, encoding.tokens, len(encoding.ids))
        raw = OWN.encode()
        rows = list(csv.DictReader(downloaded(page, keyed(page, f"export-tokens-{name}-csv")).splitlines()))
        assert [int(row["id"]) for row in rows] == encoding.ids
        assert [json.loads(row["name"]) for row in rows] == encoding.tokens
        for row, (start, end), token in zip(rows, outside.edges(key, OWN), encoding.tokens, strict=True):
            assert token == outside.UNKNOWN or bytes.fromhex(row["bytes"][2:]) == raw[start:end]
    fresh = watch(height=1400).page
    fresh.goto(page.url)
    ready(fresh)
    assert the_text(fresh) == OWN
    comes_to(fresh, lambda: disagreements(fresh, keys, OWN), [])
    assert fresh.get_by_role("radio", name=EXPORT).get_attribute("aria-checked") == "true"
    assert fresh.url == page.url
