"""The page Sequential and parallel in a real browser: each part is used as a reader would, its numbers recomputed."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.browser import sequential_reference as reference
from tests.browser.app import App, OpenPage, idle, pick_option, started, until
from tests.browser.reading import is_rounding_of, read_metrics, read_table
from tests.browser.reference import Array
from zoo.data.glass_box import DEFAULT as STORIES
from zoo.data.glass_pairs import DEFAULT as PAIRS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

COMPARE = reference.WEIGHTS.parents[1] / "compare"
LSTM, GPT = "lstm-stories", "gpt-stories-1m"
LEFT, BOTH = "gpt-glass-box", "bert-glass-box"
MEMORIES = {
    "Window network": "window-glass-box",
    "RNN": "rnn-glass-box",
    "LSTM, on the glass box": "lstm-glass-box",
    "GRU": "gru-glass-box",
    "GPT, small, on the glass box": "gpt-glass-box-300k",
}
TRANSLATORS = {
    "Seq2seq": "seq2seq-pairs",
    "Seq2seq with attention": "seq2seq-attention-pairs",
    "Transformer of 2017": "encoder-decoder-pairs",
}
EDGES = ((2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64), (65, 128))
ASKED_SEED, BLANK_SEED = 2**31 + 4, 2**31 + 1
"""Of the stories that models are asked about, and of those in which every word is a blank once."""
SLACK = 2e-5


def opened(page: Page, app: App) -> Page:
    """The whole page, down to its last part."""
    page.goto(app.address("sequential_and_parallel"))
    page.get_by_text("Every word of stories that neither has seen").wait_for(timeout=60_000)
    idle(page)
    return page


@pytest.fixture(scope="module")
def page(app: App, watch_module: OpenPage) -> Page:
    """The page, and another one on which the cost is being measured meanwhile."""
    return opened(watch_module().page, app)


@pytest.fixture(scope="module")
def measuring(page: Page, app: App, watch_module: OpenPage) -> Page:
    """A second tab in which the button of the costs has been pressed: it takes some 20 seconds."""
    other = opened(watch_module().page, app)
    press(other, "Measure on this machine", wait=False)
    return other


def press(page: Page, name: str, wait: bool = True) -> None:
    """Click a button by its words."""
    page.get_by_role("button", name=name, exact=True).click()
    if wait:
        settled(page)


def settled(page: Page) -> None:
    """The answer to what was just done stands there."""
    started(page)
    idle(page)


def drawn(page: Page, key: str) -> list[dict[str, Any]]:
    """The traces of a chart as Plotly holds them."""
    plot = page.locator(f".st-key-{key.replace('.', '-')} .js-plotly-plot")
    plot.wait_for()
    script = """node => node._fullData.map(({ name, x, y, z, text, type }) => (
        { name, x: x && [...x], y: y && [...y], z: z && [...z].map(row => [...row]), text, type }))"""
    found: list[dict[str, Any]] = plot.evaluate(script)
    return found


def said(page: Page | Locator, start: str) -> str:
    """The paragraph that begins so."""
    paragraph = page.locator("p", has_text=re.compile(f"^{re.escape(start)}")).first
    paragraph.wait_for()
    return " ".join(paragraph.inner_text().split())


def shares(text: str) -> list[str]:
    """Every share in a sentence: 12.3 %."""
    return re.findall(r"[\d.]+ %", text.replace("\u202f", " ").replace("\u00a0", " "))


def close(shown: Any, expected: Array) -> None:
    """All of it, up to rounding in float32."""
    np.testing.assert_allclose(np.array(shown, dtype=float), expected, atol=SLACK * max(1.0, np.abs(expected).max()))


def draws(page: Page, key: str, expected: Array) -> None:
    """The chart comes to show these values: a chart is drawn a moment after its page."""

    def holds() -> bool:
        try:
            close(drawn(page, key)[0]["z"], expected)
        except AssertionError:
            return False
        return True

    with contextlib.suppress(AssertionError):
        until(page, holds)
    close(drawn(page, key)[0]["z"], expected)


# --- two timelines on one clock ----------------------------------------------------------------


def test_the_clock_shows_what_each_cell_and_each_block_computed(page: Page) -> None:
    text = page.get_by_label("Text on the clock").input_value()
    lstm, gpt = reference.recurrent(LSTM), reference.gpt(GPT)
    ids = lstm.ids(text)
    assert ids == gpt.ids(text)
    for _ in range(2):  # from tick 2 to tick 4: the LSTM reads its 4th token
        press(page, "Next tick")
    states, tick = lstm.lstm(ids), 4
    shown = read_metrics(page)
    for letter, gate in (("i", "input"), ("f", "forget"), ("o", "output")):
        assert is_rounding_of(shown[f"{gate} gate {letter}, mean"], states[letter][tick - 1].mean(), 1e-4)
    for letter in "ch":
        assert is_rounding_of(shown[f"length of {letter}"], float(np.linalg.norm(states[letter][tick - 1])), 1e-3)
    draws(page, "sequential.gates", np.stack([states[letter][tick - 1] for letter in "ifo"]))
    draws(page, "sequential.states", np.stack([states[letter][tick - 1] for letter in "ch"]))
    draws(page, "sequential.glances", gpt.steps(ids)[f"blocks.{tick - 1}.attn.pattern"][:, -1])


def test_gold_is_what_is_done_now(page: Page) -> None:
    """At tick 4 the LSTM reads token 4 and reads out token 3; the GPT's last block does all tokens."""
    heats = [trace for trace in drawn(page, "sequential.clock") if trace["type"] == "heatmap"]
    gold = [[(r, c) for r, row in enumerate(heat["z"]) for c, state in enumerate(row) if state == 2] for heat in heats]
    assert gold == [[(2, 4), (3, 4)], [(row, 4) for row in range(len(heats[1]["z"]))]]
    assert [row.index("R") for row in heats[0]["text"]] == list(range(2, 2 + len(heats[0]["z"])))
    assert {row.index("R") for row in heats[1]["text"]} == {5}


def test_another_token_looks_and_the_end_of_the_clock_says_what_comes_next(page: Page) -> None:
    text = page.get_by_label("Text on the clock").input_value()
    lstm, gpt = reference.recurrent(LSTM), reference.gpt(GPT)
    ids = lstm.ids(text)
    pick_option(page, page.locator(".st-key-sequential-looking input"), "3 · ick")
    settled(page)
    draws(page, "sequential.glances", gpt.steps(ids)["blocks.3.attn.pattern"][:, 2])
    page.get_by_role("slider", name="Tick").press("End")
    settled(page)
    assert page.get_by_role("button", name="Next tick", exact=True).is_disabled()
    for column, probs, tokenizer in (
        (0, lstm.lstm(ids)["probs"][-1], lstm.tokenizer),
        (1, gpt.steps(ids)["probs"][-1], gpt.tokenizer),
    ):
        sentence = page.locator("p", has_text="Its layers are done").nth(column).inner_text()
        for (piece, prob), share in zip(reference.likeliest(probs, tokenizer), shares(sentence), strict=True):
            assert piece.strip() in sentence
            assert is_rounding_of(share, prob, 1e-5)


def test_writing_costs_what_the_sizes_of_the_models_say(page: Page) -> None:
    page.get_by_role("slider", name="Tokens to write").press("End")
    settled(page)
    rows = {row[0]: row[1:] for row in read_table(page, "")}
    lstm, gpt = reference.recurrent(LSTM).weights, reference.gpt(GPT).weights
    assert rows["parameters"] == [f"{sum(each.size for each in model.values()):,}" for model in (lstm, gpt)]
    assert rows["ticks for 64 tokens"] == [f"{64 * 3}", f"{64 * 6}"]
    tokens = len(reference.recurrent(LSTM).ids(page.get_by_label("Text on the clock").input_value()))
    (vocab, wide), (_, narrow) = lstm["embed.weight"].shape, gpt["embed.weight"].shape
    for name, place in (("operations for token 1", tokens), ("operations for token 64", tokens + 63)):
        mine = 16 * wide**2 + 2 * wide * vocab
        theirs = 4 * 24 * narrow**2 + 2 * narrow * vocab + 4 * 4 * narrow * place
        assert rows[name] == [f"{each / 1e6:,.2f} million" for each in (mine, theirs)]


def test_a_text_of_nonsense_an_empty_one_and_one_too_long_leave_the_page_whole(page: Page) -> None:
    box = page.get_by_label("Text on the clock")
    before = box.input_value()
    for text, answer in (
        ("", "The text is empty"),
        ("\u202e<script>alert(1)</script> $x$ [a](b) \U0001f9d1\u200d\U0001f680", "For 1,000 tokens"),
        ("z" * 300, "The first 24 of".lower()),
        (before, "For 1,000 tokens"),
    ):
        box.fill(text)
        box.press("Enter")
        settled(page)
        assert page.get_by_text(answer).first.is_visible(), text
        assert page.get_by_text("Every word of stories that neither has seen").is_visible()


# --- cost against length -----------------------------------------------------------------------


def test_the_recorded_cost_is_the_file_s_and_its_slopes_fit_the_points(page: Page) -> None:
    recorded = json.loads((COMPARE / "cost.json").read_text())
    by_name = {line["name"]: line for line in recorded["lines"]}
    lines = [trace for trace in drawn(page, "sequential.cost.chart") if trace["name"] in by_name]
    assert len(lines) == 4
    for line in lines:
        points = by_name[line["name"]]["points"]
        close(line["x"], np.array([point["tokens"] for point in points]))
        close(line["y"], np.array([1e3 * point["seconds"] for point in points]))
    check_slopes(page)


def check_slopes(page: Page) -> None:
    """The exponents in the caption, refitted through the points that are drawn."""
    caption = page.locator("p", has_text="Growth, fitted over").inner_text()
    lines = [trace for trace in drawn(page, "sequential.cost.chart") if f"{trace['name']}: T" in caption]
    assert len(lines) >= 2
    for line in lines:
        found = re.search(re.escape(line["name"]) + r": T\^(−?[\d.]+)", caption)
        assert found, caption
        assert is_rounding_of(found[1].rstrip("."), reference.exponent(line["x"], line["y"]), 1e-6)


@pytest.mark.parametrize("quantity", ["Dependent steps", "FLOPs", "Memory"])
def test_what_is_counted_is_what_the_formula_says(page: Page, quantity: str) -> None:
    page.get_by_role("radio", name=quantity, exact=True).click()
    settled(page)
    lines = {trace["name"]: trace for trace in drawn(page, "sequential.cost.chart") if trace["name"]}
    if quantity == "Memory":
        for line in json.loads((COMPARE / "cost.json").read_text())["lines"]:
            if line["name"] in lines:
                close(
                    lines[line["name"]]["y"], np.array([point["peak_bytes"] for point in line["points"]], dtype=float)
                )
    else:
        time = np.array(lines["LSTM"]["x"], dtype=float)
        steps = {"LSTM": time + 3, "Transformer": np.full_like(time, 4)}
        flops = {
            "LSTM": (16 * 128**2 * 2 + 2 * 128 * 256) * time,
            "Transformer": (24 * 128**2 * 2 + 2 * 128 * 256) * time + 4 * 128 * 2 * time**2,
        }
        for name, expected in (steps if quantity == "Dependent steps" else flops).items():
            close(lines[name]["y"], expected)
    if quantity != "Dependent steps":
        check_slopes(page)


def test_the_number_of_pairs_follows_the_length_typed(page: Page) -> None:
    box = page.get_by_role("spinbutton", name="Tokens T")
    box.fill("2048")
    box.press("Enter")
    settled(page)
    text = said(page, "At T = 2,048")
    pairs, rest = 4 * 128 * 2 * 2048**2, (24 * 128**2 * 2 + 2 * 128 * 256) * 2048
    assert f"T² = {2048**2:,} scores" in text.replace("T2", "T²")
    assert is_rounding_of(shares(text)[0], pairs / (pairs + rest), 1e-9)


# --- memory against distance -------------------------------------------------------------------


def test_the_recorded_memory_is_the_file_s(page: Page, measuring: Page) -> None:
    recorded = json.loads((COMPARE / "glass_box.json").read_text())
    lines = {trace["name"]: trace["y"] for trace in drawn(page, "sequential.distance.chart")}
    for model in recorded["models"]:
        close(lines[model["title"]], np.mean([trial["accuracy"] for trial in model["trials"]], axis=0))


def test_models_are_asked_here_and_now(page: Page) -> None:
    box = page.get_by_label("New stories")
    box.fill("5")
    box.press("Enter")
    settled(page)
    press(page, "Ask")
    page.get_by_text("Here and now, on 5 stories").wait_for()
    lines = {trace["name"]: trace["y"] for trace in drawn(page, "sequential.distance.chart")}
    for title, run in MEMORIES.items():
        if run not in ("rnn-glass-box", "gpt-glass-box-300k"):
            continue
        expected = reference.accuracy(run, 5, ASKED_SEED, EDGES)
        assert [pytest.approx(each) for each in expected] == lines[f"{title}, now"]


def test_one_such_word_is_asked_of_every_model(page: Page) -> None:
    page.get_by_role("radio", name="17–32", exact=True).click()
    settled(page)
    story = said(page, STORIES.stories(1, ASKED_SEED)[0].words[0])
    words = STORIES.split(story.removesuffix("…"))
    rows = [row for row in read_table(page, "model") if len(row) == 3]
    assert len(rows) == len(MEMORIES)
    for title, right, best in rows:
        model = reference.loaded(MEMORIES[title])
        ids = model.tokenizer.encode(STORIES.join(words)).ids
        probs = reference.asked(model, ids[:-1])
        assert is_rounding_of(right, probs[ids[-1]], 1e-5)
        assert best.split()[0] == model.piece(int(probs.argmax())).strip()
        assert is_rounding_of(shares(best)[0], probs.max(), 1e-5)


def test_the_gradient_is_that_of_the_chain_rule(page: Page) -> None:
    press(page, "Measure the gradient")
    page.locator(".st-key-sequential-distance-reach-chart .js-plotly-plot").wait_for()
    lines = {trace["name"]: trace for trace in drawn(page, "sequential.distance.reach.chart")}
    model = reference.recurrent("rnn-glass-box")
    end = reference.loaded("rnn-glass-box").tokenizer.end_of_text
    stream = [t for story in STORIES.stories(40, ASKED_SEED) for t in [*model.ids(STORIES.join(story.words)), end]]
    total = np.zeros(97)
    for row in np.array(stream[: 4 * 129]).reshape(4, 129):
        for place in np.linspace(96, 127, 6).round().astype(int):
            total += model.rnn_gradients(row[:-1], place, row[place + 1])[:97]
    np.testing.assert_allclose(lines["RNN"]["y"], total / total[0], rtol=1e-3)
    seen = [y for y in lines["Window network"]["y"] if y]
    assert len(seen) == 8  # its window, and not one token more


# --- the bottleneck ----------------------------------------------------------------------------


def test_the_recorded_translations_are_the_file_s(page: Page) -> None:
    recorded = json.loads((COMPARE / "translation.json").read_text())
    lines = {trace["name"].removesuffix(" (recorded)"): trace["y"] for trace in drawn(page, "bottleneck.chart")}
    for line in recorded["lines"]:
        close(lines[line["title"]], np.array([each["exact"] / each["sentences"] for each in line["buckets"]]))


def test_translators_are_measured_now(page: Page) -> None:
    page.get_by_role("slider", name="Sentences of each length").press("Home")
    settled(page)
    page.locator(".st-key-bottleneck-measure button").click()
    settled(page)
    page.get_by_text("Measured here just now, 10 held-out sentences").wait_for(timeout=60_000)
    lines = {trace["name"]: trace for trace in drawn(page, "bottleneck.chart")}
    for title, run in TRANSLATORS.items():
        assert lines[title]["x"][2] == 15
        right = [reference.translation(run, pair.source_text) == [*pair.target] for pair in reference.held_out(15, 10)]
        assert lines[title]["y"][2] == pytest.approx(np.mean(right))


def test_a_sentence_is_translated_word_by_word_and_set_beside_the_right_alignment(page: Page) -> None:
    (pair,) = PAIRS.pairs(1, seed=99, length=range(16, 17), part="valid")
    box = page.get_by_label("An English sentence of the glass pairs")
    box.fill(pair.source_text)
    box.press("Enter")
    settled(page)
    assert said(page, "Right, in Lirumo").endswith(pair.target_text)
    for title, run in TRANSLATORS.items():
        given, line = reference.translation(run, pair.source_text), said(page, f"{title}:")
        words = re.sub(r" (— right|\(\d+ words? wrong, \d+ missing\))$", "", line.removeprefix(f"{title}:"))
        assert PAIRS.split(words) == given
        assert line.endswith("— right") == (given == [*pair.target])
    known = np.zeros((len(pair.target), len(pair.source)))
    for row, sources in enumerate(pair.alignment):
        known[row, list(sources)] = 1
    draws(page, "bottleneck.right", known)
    pattern = np.array(drawn(page, "bottleneck.looked")[0]["z"])
    close(pattern.sum(1), np.ones(len(pattern)))
    model = reference.loaded(TRANSLATORS["Seq2seq with attention"])
    source, target = (model.tokenizer.encode(text).ids for text in (pair.source_text, pair.target_text))
    trace = model.trace_ids([*source, model.tokenizer.vocab_size, *target[:-1]])
    close(pattern, np.concatenate(trace.steps["decoder.cross.pattern"], axis=-2)[0])
    share = shares(page.locator("p", has_text="of this attention falls on the framed cells").inner_text())[0]
    assert is_rounding_of(share, float((pattern * known).sum() / len(pattern)), 1e-4)


def test_what_is_no_sentence_is_told_so(page: Page) -> None:
    box = page.get_by_label("An English sentence of the glass pairs")
    for text in ("colourless green ideas", "", "the the the " * 20):
        box.fill(text)
        box.press("Enter")
        settled(page)
        assert page.locator("[data-testid=stAlert]").count() == 1, text
    box.fill(PAIRS.example())
    box.press("Enter")
    settled(page)
    assert page.locator("[data-testid=stAlert]").count() == 0


# --- both sides of a blank ---------------------------------------------------------------------


def sides_of(page: Page) -> tuple[list[str], list[str]]:
    """The words on either side of the blank in the box."""
    left, right = page.get_by_label("A story's beginning with one blank").input_value().split("___")
    return STORIES.split(left), STORIES.split(right)


def answers(page: Page) -> tuple[Array, Array]:
    """What GPT and BERT make of the blank in the box, recomputed."""
    left, right = sides_of(page)
    gpt, bert = reference.gpt(LEFT), reference.loaded(BOTH)
    ids = bert.tokenizer.encode(STORIES.join([*left, "goat", *right])).ids
    return gpt.steps(gpt.ids(STORIES.join(left)))["probs"][-1], reference.blank(bert, ids, len(left))


def bars(page: Page, side: str) -> tuple[Array, Array]:
    """The model's bars and the right ones."""
    model, right = (np.array(trace["x"], dtype=float) for trace in drawn(page, f"sides.bars.{side}"))
    return model, right


def check_blank(page: Page) -> tuple[Array, Array]:
    """The bars and the sentences below them; returns the answers."""
    found, (left, right) = answers(page), sides_of(page)
    exact = STORIES.next_words(left), reference.words_between(left, right)
    for side, probs, known in zip(("the-left-side", "both-sides"), found, exact, strict=True):
        model, gold = bars(page, side)
        for share in model:
            assert np.abs(probs - share).min() < SLACK, side
        for share in gold:
            assert min(abs(share - each) for each in (*known.values(), 0.0)) < 1e-9, side
        assert max(gold) == pytest.approx(max(known.values()))
        assert max(model) == pytest.approx(probs.max(), abs=SLACK)
    true = [page.locator("p", has_text="The true word").nth(column).inner_text() for column in (0, 1)]
    word = true[0].split()[3]
    gpt_id = reference.gpt(LEFT).ids(f" {word}")[-1]
    bert_id = reference.loaded(BOTH).tokenizer.encode(f" {word}").ids[-1]
    for sentence, probs, token, known in zip(true, found, (gpt_id, bert_id), exact, strict=True):
        assert is_rounding_of(shares(sentence)[0], float(probs[token]), 1e-5)
        assert is_rounding_of(shares(sentence)[1], known[word], 1e-9)
    return found


def test_a_blank_is_filled_and_only_bert_sees_what_is_broken_behind_it(page: Page) -> None:
    before = check_blank(page)
    page.get_by_role("button", name="Break it").click()
    settled(page)
    after = check_blank(page)
    assert np.array_equal(before[0], after[0])
    notice = said(page, "Notice. Only what stands right of the blank was changed.")
    assert is_rounding_of(shares(notice)[0], float(np.abs(after[1] - before[1]).sum() / 2), 1e-5)
    assert "did not move at all" in notice
    press(page, "The story's own right side")
    assert page.get_by_text("Break it: change what stands right").is_visible()


def test_the_losses_on_held_out_stories_are_those_of_one_blank_at_a_time(page: Page) -> None:
    page.get_by_role("slider", name="Held-out stories").press("Home")
    settled(page)
    page.locator(".st-key-sides-measure button").click()
    settled(page)
    (losses,) = drawn(page, "sides.losses")
    gpt, bert, found = reference.gpt(LEFT), reference.loaded(BOTH), [list[float]() for _ in range(3)]
    for story in STORIES.stories(4, BLANK_SEED):
        words = story.words[: min(bert.context, 128)]
        text = STORIES.join(words)
        left, both = gpt.ids(text), bert.tokenizer.encode(text).ids
        probs = gpt.steps(left)["probs"]
        found[0] += [-np.log(probs[at - 1, left[at]]) for at in range(1, len(words))]
        found[1] += STORIES.surprisals(words, end=False)[1:].tolist()
        found[2] += [-np.log(reference.blank(bert, both, at)[both[at]]) for at in range(1, len(words))]
    close(losses["x"][:3], np.array([np.mean(each) for each in found]))


# --- measured on this machine, on the other tab ------------------------------------------------


def test_the_cost_measured_here_is_counted_and_fitted_alike(page: Page, measuring: Page) -> None:
    measuring.locator("p", has_text="Measured on this machine").wait_for(timeout=180_000)
    idle(measuring)
    check_slopes(measuring)
    lines = {trace["name"]: trace for trace in drawn(measuring, "sequential.cost.chart") if trace["name"]}
    notice = said(measuring, "Notice. With fused kernels the LSTM takes")
    if "processor time" in notice:
        measuring.get_by_role("radio", name="Processor time", exact=True).click()
        settled(measuring)
        lines = {trace["name"]: trace for trace in drawn(measuring, "sequential.cost.chart") if trace["name"]}
    pairs = (("LSTM, fused", "Transformer, fused attention"), ("LSTM, cell by cell", "Transformer, scores written out"))
    ratios = [lines[one]["y"][at] / lines[other]["y"][at] for one, other in pairs for at in (0, -1)]
    told = re.findall(r"takes ([\d.]+) times .*? and ([\d.]+) times at", notice)
    for text, expected in zip([each for pair in told for each in pair], ratios, strict=True):
        assert is_rounding_of(text, expected, 1e-6)
    page.reload()  # another session: what was measured is there for all
    page.locator("p", has_text="Measured on this machine").wait_for(timeout=60_000)
