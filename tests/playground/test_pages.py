"""Both pages as the app draws them, for every kind of model: what they send to the browser is the model's own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from playground import engine, recorded, state
from playground.views.route import route
from tests.playground.helpers import (
    BYTES,
    FORWARD_PASS,
    NEXT_WORD,
    TEXT,
    faultless,
    make_run,
    sent,
    shelves,
    subject_of,
    write_plugin,
)
from zoo.inference import load
from zoo.sampling import Sampling
from zoo.tokenizers import train_tokenizer

PAGES = [NEXT_WORD, FORWARD_PASS]
MODELS = {
    "shipped": {},
    "untrained twin": {"weights": "untrained", "seed": 7},
    "plugin": {"model": "Averager"},
    "run": {"model": "tiny (run)"},
    "folder": {"model": "stories260k (folder)"},
}


@pytest.fixture(params=MODELS)
def query(request, monkeypatch, open_page) -> dict[str, object]:
    """The address of each model on offer."""
    if request.param == "folder":
        monkeypatch.setenv("PLAYGROUND_MODELS", str(request.getfixturevalue("stories260k").parent))
        engine._common.clear()
    return MODELS[request.param]


def model_of(query: dict[str, object]):
    """The model that an address names, loaded without the app."""
    key = {choice.title: choice.key for choice in engine.choices()}[query.get("model", "GPT")]
    untrained = query.get("weights") == "untrained" or query.get("model") == "Averager"
    return load(key, untrained=untrained, seed=int(query.get("seed", 0)))


# --- every model on both pages ---------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_drawn_for_every_model(open_page, query, page):
    app = faultless(open_page(page, prompt="the cat sat", **query))
    chips, _ = sent(app, "chips")
    model = model_of(query)
    assert chips["ids"] == model.ids("the cat sat")
    assert chips["pieces"] == [model.tokenizer.piece(i) for i in chips["ids"]]


def test_the_candidates_are_the_models_own_distribution(open_page, query):
    rows = sent(open_page(NEXT_WORD, prompt="the cat", **query), "candidates")[0]
    model = model_of(query)
    with torch.no_grad():
        logits = model.module(torch.tensor([model.ids("the cat")]))[0, -1].double()
    probs, best = logits.softmax(-1), logits.argsort(descending=True, stable=True)[:10].tolist()
    assert [row["id"] for row in rows["rows"]] == best
    assert [row["rank"] for row in rows["rows"]] == list(range(1, 11))
    assert [row["piece"] for row in rows["rows"]] == [model.tokenizer.piece(i) for i in best]
    np.testing.assert_allclose([row["prob"] for row in rows["rows"]], probs[best], rtol=1e-4)
    np.testing.assert_allclose([row["logit"] for row in rows["rows"]], logits[best], rtol=1e-4, atol=1e-4)
    assert rows["others"] == len(logits) - 10
    assert rows["others_prob"] == pytest.approx(float(1 - probs[best].sum()), abs=1e-4)


def test_a_token_of_the_text_reopens_what_was_expected_in_its_place(open_page):
    rows = sent(faultless(open_page(model="tiny (run)", prompt="the cat", token=4)), "candidates")[0]
    model = model_of({"model": "tiny (run)"})
    ids = model.ids("the cat")
    with torch.no_grad():
        logits = model.module(torch.tensor([ids]))[0, 3].double()  # read before the token at 4
    row = next(row for row in rows["rows"] if row["id"] == ids[4])
    assert rows["taken"] == ids[4]
    assert row["prob"] == pytest.approx(float(logits.softmax(-1)[ids[4]]), rel=1e-4)
    assert row["rank"] == int((logits > logits[ids[4]]).sum()) + 1
    assert not rows["clickable"]


def test_nothing_is_predicted_before_the_first_token(open_page):
    app = faultless(open_page(prompt="the cat", token=0))
    assert app.info
    assert not [each for each in app.get("bidi_component") if each.proto.component_name.endswith("candidates")]


@pytest.mark.parametrize("name", ["tiny (run)", "Averager", "Lstm"])
def test_every_step_opens_and_shows_the_models_numbers(open_page, offer, folders, tmp_path, name):
    if name == "Lstm":
        shelves(tmp_path)
        write_plugin(tmp_path / "plugins", "Lstm", "return self.unembed(self.lstm(x)[0])", family="rnn")
        offer(tmp_path)
    key = {choice.title: choice.key for choice in engine.choices()}[name]
    subject = subject_of(load(key, untrained=name != "tiny (run)"))
    stops = route(subject)
    app, shown = open_page(FORWARD_PASS, model=name, prompt="the cat"), 0
    for stop in stops:
        app.session_state[state.STEP] = stop.id
        faultless(app.run())
        spine = sent(app, "spine")[0]
        assert spine["selected"] == stop.id
        if stop.missing:
            assert app.info
            continue
        head, arrays = sent(app, "matrix")
        calls = subject.trace.steps[stop.id]
        full = np.asarray(calls if len(calls) > 1 else calls[0], np.float32)  # of a cell: a row for each token
        wanted = full.reshape(-1, *np.atleast_2d(full).shape[-2:])[..., : arrays["values"].shape[-1]]
        if stop.id in ("logits", "probs"):
            wanted = full[None][..., head["column_ids"]]
        np.testing.assert_allclose(arrays["values"], wanted, rtol=1e-5, atol=1e-5)
        assert head["error"] is None or head["error"] < 1e-4
        shown += 1
    assert shown >= 4


# --- what the user types ---------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("text", ["", "word " * 380])
def test_a_text_that_cannot_be_read_gets_one_sentence(open_page, page, text):
    app = open_page(page)
    app.text_input(key=state.PROMPT).set_value(text).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value
    assert not app.get("bidi_component")
    app.text_input(key=state.PROMPT).set_value("the cat").run()
    faultless(app)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "text", ["*a* `b` $c$ :red[d] <b>e</b> [f](g) | # h", "né 日本 🙂 \u200b", "   ", "<|endoftext|>"]
)
def test_any_text_is_only_text(open_page, page, text):
    app = faultless(open_page(page, prompt=text))
    ids = sent(app, "chips")[0]["ids"]
    assert recorded.tokenizer().decode(ids) == text
    for position in range(1, 4):
        app.session_state[state.TOKEN] = str(position)
        faultless(app.run())


def test_an_address_longer_than_the_box_is_cut(open_page):
    app = open_page(prompt="a" * 5000)
    assert not app.exception
    assert sum(map(len, (app.text_input(key=state.PROMPT).value or ""))) <= 5000


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "query",
    [
        {
            "added": "999999999.abc.-1..7",
            "token": "-5",
            "step": "nonsense",
            "seed": 10**30,
            "what_if": "nonsense",
            "weights": "untrained",
        },
        {"temperature": "nan", "top_k": "-4", "top_p": "9", "draw": 10**30, "model": "nobody/nothing"},
        {"temperature": "1e400", "top_k": "x", "top_p": "-0.5", "draw": "-1", "weights": "both"},
        {"token": "99999", "added": ".".join(["9"] * 5000), "step": "blocks.99.attn.pattern"},
        {"token": "٣", "added": "4095.4096.9999999", "step": "<script>", "seed": "-1", "weights": "untrained"},
        {"temperature": "1e-308", "top_p": "1e-308"},
        {"what_if": "Block 9, head 99 off", "temperature": "0", "top_k": "1e9", "prompt": "\ud83d?"},
    ],
)
def test_a_hostile_address_still_gives_a_page(open_page, page, query):
    faultless(open_page(page, **{name: str(value).encode(errors="replace").decode() for name, value in query.items()}))


def test_added_tokens_that_the_model_does_not_know_are_left_out(open_page):
    app = faultless(open_page(model="tiny (run)", prompt="the", added=f"5.{BYTES.vocab_size}.9999999.6"))
    chips = sent(app, "chips")[0]
    assert chips["ids"] == [*BYTES.encode("the").ids, 5, 6]
    assert chips["new_from"] == 3


def test_added_tokens_end_where_the_context_ends(open_page):
    app = faultless(open_page(model="tiny (run)", prompt="the", added=".".join(["9"] * 100)))
    assert len(sent(app, "chips")[0]["ids"]) == 16
    assert app.info
    assert all(each.disabled for each in app.button if each.label.startswith("Add"))


# --- going on --------------------------------------------------------------------------------


def press(app, label: str):
    """Press the button whose label begins so."""
    return next(each for each in app.button if each.label.startswith(label)).click().run()


def test_adding_one_by_one_draws_what_ten_at_once_draw_and_each_is_the_models(open_page):
    query = {"model": "tiny (run)", "prompt": "the", "temperature": "2.0", "draw": 3}
    one, ten = open_page(**query), open_page(**query)
    for _ in range(10):
        faultless(press(one, "Add one"))
    faultless(press(ten, "Add 10"))
    model = model_of(query)
    expected = list(model.generate(model.ids("the"), 10, Sampling(temperature=2.0), 3))
    assert one.session_state[state.ADDED] == ten.session_state[state.ADDED] == ".".join(map(str, expected))
    assert one.query_params[state.ADDED] in (ten.session_state[state.ADDED], [ten.session_state[state.ADDED]])


def test_taking_back_starting_over_and_a_new_text_drop_what_was_added(open_page):
    app = open_page(model="tiny (run)", prompt="the")
    press(app, "Add 10")
    before = sent(app, "chips")[0]["ids"]
    faultless(press(app, "Take one back"))
    assert sent(app, "chips")[0]["ids"] == before[:-1]
    faultless(press(app, "Start over"))
    assert sent(app, "chips")[0]["ids"] == before[:3]
    assert state.ADDED not in app.query_params
    press(app, "Add one")
    app.text_input(key=state.PROMPT).set_value("cat").run()
    assert sent(faultless(app), "chips")[0]["pieces"] == ["c", "a", "t"]


def test_what_was_chosen_goes_with_the_user_to_the_other_page(open_page):
    app = open_page(model="tiny (run)", prompt="the", weights="untrained", seed=5)
    press(app, "Add one")
    ids = sent(app, "chips")[0]["ids"]
    app.switch_page(FORWARD_PASS).run()
    assert sent(faultless(app), "chips")[0]["ids"] == ids
    matrix, arrays = sent(app, "matrix")
    trace = load(str(Path(os.environ["PLAYGROUND_RUNS"]) / "tiny"), untrained=True, seed=5).trace_ids(ids)
    np.testing.assert_allclose(arrays["values"], trace[matrix["step"]], rtol=1e-6)


def test_the_untrained_twin_reads_the_same_tokens_and_predicts_otherwise(open_page):
    pages = [open_page(prompt="the cat", **each) for each in ({}, {"weights": "untrained"}, {"weights": "untrained"})]
    chips, rows = zip(
        *[(sent(each, "chips")[0]["ids"], sent(each, "candidates")[0]["rows"]) for each in pages], strict=True
    )
    assert chips[0] == chips[1]
    assert rows[0] != rows[1]
    assert rows[1] == rows[2]


# --- switching a part off --------------------------------------------------------------------


def test_a_part_that_is_off_changes_the_distribution_as_zeroed_weights_do(open_page):
    app = open_page(FORWARD_PASS, model="tiny (run)", prompt="the cat")
    options = app.selectbox(key=state.WHAT_IF).options
    chosen = next(each for each in options if each.startswith("Block 1") and "feed-forward" in each)
    app.selectbox(key=state.WHAT_IF).select(chosen).run()
    app.session_state[state.STEP] = "probs"
    faultless(app.run())
    model = model_of({"model": "tiny (run)"})
    with torch.no_grad():
        down = model.module.blocks[1].mlp.down
        down.weight.zero_(), down.bias.zero_()
        expected = model.module(torch.tensor([model.ids("the cat")]))[0].softmax(-1)
    head, arrays = sent(app, "matrix")
    np.testing.assert_allclose(arrays["values"][0], expected[:, head["column_ids"]], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["tiny (run)", "stories260k (folder)"])
def test_every_part_can_be_switched_off_on_every_step(open_page, monkeypatch, request, name):
    if "folder" in name:
        monkeypatch.setenv("PLAYGROUND_MODELS", str(request.getfixturevalue("stories260k").parent))
        engine._common.clear()
    app = faultless(open_page(FORWARD_PASS, model=name, prompt="the cat", step="probs"))
    whole = sent(app, "matrix")[1]["values"]
    options = app.selectbox(key=state.WHAT_IF).options
    assert len(options) > 8
    for option in options[1:9]:
        app.selectbox(key=state.WHAT_IF).select(option).run()
        assert np.abs(sent(faultless(app), "matrix")[1]["values"] - whole).max() > 0, option


# --- models that are unlike the others -------------------------------------------------------


@pytest.fixture
def offered(offer, open_page, tmp_path):
    """(title, forward, more) -> a plugin with this forward is on offer."""
    shelves(tmp_path)

    def add(title: str, forward: str, more: str = "") -> None:
        write_plugin(tmp_path / "plugins", title, forward, more=more)
        offer(tmp_path)

    add.folder = tmp_path
    return add


@pytest.mark.parametrize("page", PAGES)
def test_a_vocabulary_smaller_than_the_list_of_candidates_is_shown_whole(offer, offered, open_page, page):
    make_run(offered.folder / "runs" / "few", tokenizer=train_tokenizer("word", TEXT.train, 6))
    offer(offered.folder)
    app = faultless(open_page(page, model="few (run)", prompt="the cat sat"))
    if page == NEXT_WORD:
        rows = sent(app, "candidates")[0]
        assert sorted(row["id"] for row in rows["rows"]) == list(range(6))
        assert rows["others"] == 0
        assert rows["others_prob"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("step", ["scale", "row", "grid"])
def test_steps_of_any_shape_that_a_plugin_records_can_be_opened(offered, open_page, step):
    offered(
        "Shapes",
        "record('scale', torch.tensor(2.0)); record('row', torch.arange(5.0)); record('grid', x[:, None, None]);"
        " return self.unembed(x)",
    )
    app = faultless(open_page(FORWARD_PASS, model="Shapes", prompt="the cat", step=step))
    assert sent(app, "spine")[0]["selected"] == step


def test_a_plugin_that_names_only_some_of_its_weights_is_shown_without_the_lens(offered, open_page):
    offered(
        "Partial",
        "x = record('blocks.0.resid', record('embed.out', x) * 2);"
        " return self.unembed(record('final_norm', self.norm(x)))",
        "def names(self): return {}\n"
        "    def anatomy(self, module):\n"
        "        params = {'unembed.W_U': module.unembed.weight.mT.detach()}\n"
        "        return Anatomy(params=params, blocks=2, heads=1, kv_heads=1, head_dim=8)",
    )
    faultless(open_page(FORWARD_PASS, model="Partial", prompt="the cat"))


@pytest.mark.parametrize("page", PAGES)
def test_a_plugin_that_raises_is_named_and_the_app_goes_on(offered, open_page, page):
    offered("Boom", "raise RuntimeError('no *good*')")
    app = open_page(page, model="Boom")
    assert not app.exception
    assert len(app.error) == 1
    assert "boom" in app.error[0].value
    assert "*good*" not in app.error[0].value
    app.selectbox(key=state.MODEL).select("GPT").run()
    faultless(app)


def test_models_of_one_title_can_both_be_chosen(offered, open_page):
    for name, factor in (("One", 1), ("Two", 2)):
        offered(name, f"return self.unembed(x * {factor})")
        path = offered.folder / "plugins" / f"{name.lower()}.py"
        path.write_text(path.read_text().replace(f'title="{name}"', 'title="Same"'))
    engine._common.clear()
    titles = [choice.title for choice in engine.choices() if choice.key.startswith("you/")]
    assert len(set(titles)) == 2
    rows = [sent(faultless(open_page(model=title, prompt="the cat")), "candidates")[0]["rows"] for title in titles]
    assert rows[0] != rows[1]


FILM = "GPT, learning the glass box"


def test_words_that_a_model_does_not_know_are_counted_and_a_text_that_it_knows_is_offered(open_page):
    app = faultless(open_page(NEXT_WORD, prompt="She enjoys playing the lute", model=FILM))
    (info,) = [each.value for each in app.info]
    assert "Of 5 tokens, 4 are unknown" in info  # no story begins with She, or speaks of the rest but "the"
    (button,) = [each for each in app.button if each.label.startswith("Take a story")]
    app = faultless(button.click().run())
    assert not app.info
    assert app.text_input(key=state.PROMPT).value == "Once a cheerful girl called Zoe lived near the"


def test_the_right_answer_stands_beside_the_models_and_both_are_exact(open_page):
    from zoo.data.glass_box import DEFAULT

    text = "Once a cheerful girl called Zoe lived near the"
    app = faultless(open_page(NEXT_WORD, prompt=text, model=FILM, at="600"))
    rows = sent(app, "candidates")[0]["rows"]
    exact = DEFAULT.next_words(DEFAULT.split(text))
    assert {row["piece"].strip() for row in rows} >= set(exact)
    assert all(row["right"] == pytest.approx(exact.get(row["piece"].strip(), 0.0)) for row in rows)
    (words,) = [each.value for each in app.markdown if "The right answer" in each.value]
    probs = {row["piece"].strip(): row["prob"] for row in rows}
    divergence = sum(p * np.log(p / probs[word]) for word, p in exact.items())
    assert f"{divergence:.3f} nats" in words
    assert f"{len(exact)} tokens can stand" in words
