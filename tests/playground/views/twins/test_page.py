"""The page as the app draws it, for every kind of model: its numbers are those of the models that it names."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch.nn import functional as F

from playground import engine, state
from playground.text import quoted
from playground.views.twins.judged import TEXT
from tests.playground.helpers import BYTES, ROOT, faultless, sent, shelves, tiny_gpt, unpack, write_plugin
from zoo.data import Corpus, open_corpus
from zoo.data.glass_box import DEFAULT, Story
from zoo.inference import LoadedModel, load
from zoo.models.gpt import Config, GPTPlugin
from zoo.sampling import Sampling
from zoo.tokenizers import train_tokenizer
from zoo.training import Recipe, Run, train

PAGE = "pages/untrained_and_pretrained.py"
JUDGED = "the dog sat."
ALL = "untrained.shuffled.halfway.trained"


@pytest.fixture(scope="session")
def glass_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An offer of a run on the glass-box language, with checkpoints at 0, 2, 4 and 6 steps."""
    folder = shelves(tmp_path_factory.mktemp("glass"))
    texts = [story.text for story in DEFAULT.stories(1500, seed=0)]
    tokenizer = train_tokenizer("word", texts, 4 * len(DEFAULT.vocabulary))
    run = Run.create(
        folder / "runs" / "glass",
        model="zoo/gpt",
        config=Config(blocks=1, heads=2, width=8, context=64),
        tokenizer=tokenizer,
        corpus={"name": "glass-box", "sha256": "0" * 64, "open": "glass-box", "language": DEFAULT.fingerprint},
        recipe=Recipe(steps=6, batch=2, evaluations=1, held_out_windows=1, checkpoints=3),
        parameters=1,
    )
    for _ in train(run, GPTPlugin(), Corpus("glass-box", texts[:100], texts[100:110], "0" * 64)):
        pass
    return folder


def all_sent(page: AppTest, component: str) -> list[dict]:
    """The heads of all components of a kind, in the order of the page."""
    found = [each.proto for each in page.get("bidi_component") if each.proto.component_name.endswith(component)]
    return [unpack(each.bytes)[0] for each in found]


def key_of(title: str) -> str:
    return {choice.title: choice.key for choice in engine.choices()}[title]


def torch_losses(model: LoadedModel, text: str) -> np.ndarray:
    """−log p of each token but the first, by torch."""
    ids = torch.tensor([model.ids(text)])
    with torch.no_grad():
        return F.cross_entropy(model.module(ids)[0, :-1].double(), ids[0, 1:], reduction="none").numpy()


def overview(page: AppTest) -> dict[str, list[str]]:
    """The table of means: first cell -> the others."""
    found = next(each.value for each in page.markdown if each.value.startswith("| weights"))
    rows = [[cell.strip(" `") for cell in line.strip("| ").split("|")] for line in found.split("\n")[2:]]
    return {row[0].replace("\\", ""): row[1:] for row in rows}


# --- the numbers of every twin ---------------------------------------------------------------


@pytest.fixture
def four(open_page) -> AppTest:
    return faultless(open_page(PAGE, model="tiny (run)", prompt="the cat", judged=JUDGED, twins=ALL, seed=3, shuffle=5))


@pytest.fixture
def models(four) -> dict[str, LoadedModel]:
    """The four, loaded without the app: by the names that the page should give them."""
    key = key_of("tiny (run)")
    return {
        "Random weights, seed 3": load(key, untrained=True, seed=3),
        "Shuffled weights, seed 5": load(key, shuffled=True, seed=5),
        "After 0 steps": load(key, step=0),
        "Trained": load(key),
    }


def test_each_twin_predicts_with_its_own_weights(four, models):
    shown = all_sent(four, "candidates")
    assert len(shown) == len(models) == 4
    for head, model in zip(shown, models.values(), strict=True):
        with torch.no_grad():
            logits = model.module(torch.tensor([model.ids("the cat")]))[0, -1].double()
        best = logits.argsort(descending=True, stable=True)[:8].tolist()
        assert [row["id"] for row in head["rows"]] == best
        np.testing.assert_allclose([row["prob"] for row in head["rows"]], logits.softmax(-1)[best], rtol=1e-4)
        assert head["others"] == len(logits) - 8
        assert head["others_prob"] == pytest.approx(1 - float(logits.softmax(-1)[best].sum()), abs=1e-6)


def test_the_means_are_torchs_losses(four, models):
    rows = overview(four)
    for name, model in models.items():
        losses = torch_losses(model, JUDGED)
        assert rows[name][0] == f"{losses.mean():.2f}"
        every = torch.cat([each.detach().flatten() for each in model.module.parameters()]).double()
        assert rows[name][4] == f"{float(every.std(correction=0)):.4f}"
    assert rows["guessing evenly: ln V"][0] == f"{math.log(BYTES.vocab_size):.2f}"


def test_shuffling_keeps_the_spread_of_the_weights(four):
    rows = overview(four)
    assert rows["Shuffled weights, seed 5"][4] == rows["Trained"][4] != rows["Random weights, seed 3"][4]


def test_the_text_carries_the_losses_of_the_two_that_are_compared(open_page, models):
    page = faultless(
        open_page(
            PAGE, model="tiny (run)", prompt="the", judged=JUDGED, twins=ALL, seed=3, shuffle=5, pair="trained.shuffled"
        )
    )
    head, arrays = sent(page, "surprise")
    assert head["names"] == ["Trained", "Shuffled weights, seed 5"]
    assert "".join(head["pieces"]) == JUDGED
    wanted = np.stack([torch_losses(models[name], JUDGED) for name in head["names"]])
    np.testing.assert_allclose(arrays["losses"][:, 1:], wanted, rtol=1e-4, atol=1e-5)
    assert np.isnan(arrays["losses"][:, 0]).all()
    np.testing.assert_allclose(arrays["difference"][1:], wanted[0] - wanted[1], atol=1e-4)


def test_they_write_with_the_same_seed(open_page, models):
    page = faultless(
        open_page(PAGE, model="tiny (run)", prompt="the", twins=ALL, seed=3, shuffle=5, draw=8, temperature=0.7)
    )
    for shown, model in zip(page.text, models.values(), strict=True):
        ids = model.ids("the")
        added = list(model.generate(ids, 30, Sampling(0.7), 8))
        assert shown.value.replace("▸", "", 1) == model.tokenizer.decode(ids + added)


def test_the_same_head_is_in_view_in_all(open_page, models):
    page = faultless(
        open_page(PAGE, model="tiny (run)", prompt="the cat", twins=ALL, step="blocks.1.attn.pattern", head=1)
    )
    grids = [each.proto for each in page.get("bidi_component") if each.proto.component_name.endswith("heads")]
    assert [unpack(each.bytes)[0]["selected"] for each in grids] == [[1, 1]] * 4
    for grid in grids:
        np.testing.assert_allclose(unpack(grid.bytes)[1]["patterns"].sum(-1), 1, atol=1e-5)


def test_the_neighbours_are_those_of_the_chosen_word(open_page):
    page = faultless(open_page(PAGE, model="tiny (run)", prompt="the cat", word="a", twins="untrained.trained"))
    tables = [each.value for each in page.markdown if each.value.startswith("| neighbour")]
    rows = load(key_of("tiny (run)")).module.embed.weight.detach().double()
    cosine = F.cosine_similarity(rows, rows[BYTES.encode("a").ids[0]][None]).sort(descending=True).values[1:9]
    assert re.findall(r"`(−?\d\.\d\d)` \|", tables[1]) == [f"{float(c):.2f}".replace("-", "−") for c in cosine]


# --- which twins there are -------------------------------------------------------------------


@pytest.mark.parametrize("title", ["GPT", "Averager", "tiny (run)"])
def test_it_works_with_every_model(open_page, title):
    page = faultless(open_page(PAGE, model=title, prompt="the cat"))
    assert len(all_sent(page, "candidates")) == 3
    assert len(page.text) == 3


def test_a_folder_of_hugging_face_has_twins_too(open_page, monkeypatch, stories260k):
    monkeypatch.setenv("PLAYGROUND_MODELS", str(stories260k.parent))
    engine._common.clear()
    page = faultless(open_page(PAGE, model="stories260k (folder)", judged="Once upon a time there was a dog."))
    rows, model = overview(page), load(str(stories260k))
    assert rows["Trained"][0] == f"{torch_losses(model, 'Once upon a time there was a dog.').mean():.2f}"
    assert (
        float(rows["Trained"][0]) < float(rows["guessing evenly: ln V"][0]) < float(rows["Shuffled weights, seed 0"][0])
    )


def test_what_nobody_trained_shows_other_seeds_and_says_why(open_page):
    page = faultless(open_page(PAGE, model="Averager", seed=6, judged=JUDGED))
    assert list(overview(page))[1:] == [f"Random weights, seed {seed}" for seed in (6, 7, 8)]
    assert "Nobody has trained this model yet" in page.info[0].value
    assert "nothing has been learned" in page.markdown[1].value
    losses = torch_losses(load("you/averager", untrained=True, seed=7), JUDGED)
    assert overview(page)["Random weights, seed 7"][0] == f"{losses.mean():.2f}"


def test_a_model_without_attention_or_anatomy_is_explained(open_page, tmp_path, monkeypatch):
    write_plugin(tmp_path, "Lstm", "return self.unembed(self.lstm(x)[0])", family="rnn")
    monkeypatch.setenv("PLAYGROUND_PLUGINS", str(tmp_path))
    engine._common.clear()
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    page.switch_page(PAGE)
    page.query_params["model"] = "Lstm"
    faultless(page.run())
    said = " ".join(each.value for each in page.info)
    assert "never compares tokens in pairs" in said
    assert "doesn't say which of its weights is the embedding table" in said


@pytest.mark.parametrize("model", ["BERT", "Seq2seq"])
def test_the_last_token_is_the_texts_own_and_not_the_models_mark(open_page, model):
    page = faultless(open_page(PAGE, model=model, prompt="The boy saw Tom"))
    said = next(each.value for each in page.caption if "The last token of your text" in each.value)
    assert quoted(" Tom") in said
    assert not any("embedding table" in each.value for each in page.info)


def test_one_twin_alone_is_no_comparison(open_page):
    page = open_page(PAGE, model="tiny (run)", prompt="the cat", twins="trained")
    assert len(all_sent(faultless(page), "candidates")) == 3
    page.session_state["twins.shown"] = ["trained"]
    faultless(page.run())
    assert len(all_sent(page, "candidates")) == 3


def test_a_model_without_checkpoints_has_no_half_way(open_page):
    page = faultless(open_page(PAGE, model="GPT", twins=ALL))
    assert len(all_sent(page, "candidates")) == 3
    assert any("its last weights only" in each.value for each in page.caption)


@pytest.mark.parametrize("chosen", [("halfway", "trained"), ("trained", "untrained")])
def test_choosing_the_same_twin_twice_has_the_two_change_places(open_page, chosen):
    page = open_page(PAGE, model="tiny (run)", prompt="the cat", twins=ALL, pair=".".join(chosen))
    page.selectbox(key="pair.other").set_value(chosen[0]).run()
    assert faultless(page).session_state[state.PAIR] == f"{chosen[1]}.{chosen[0]}"


# --- the glass box ---------------------------------------------------------------------------


def unseen(seed: int) -> Story:
    """The page's story of this seed: none that a run is trained on, or scored on."""
    story = DEFAULT.stories(1, 2**30 + seed)[0]
    corpus = open_corpus("glass-box")
    assert story.text not in {*corpus.train, *corpus.valid}
    return story


def test_the_right_answer_stands_beside_the_twins(open_page, glass_folder, monkeypatch):
    story = unseen(0)
    page = glass(open_page, glass_folder, monkeypatch, prompt=DEFAULT.join(story.words[:5]))
    exact = DEFAULT.surprisals(story.words[:64], end=False)[1:]
    assert overview(page)["**the right answer**"][0] == f"{exact.mean():.2f}"
    wanted = DEFAULT.next_words(story.words[:5])
    shown = next(each.value for each in page.markdown if each.value.startswith("| token |"))
    found = [float(each) for each in re.findall(r"`([\d.]+)\u00a0%`", shown)]
    np.testing.assert_allclose(found, [100 * p for p in sorted(wanted.values(), reverse=True)[:8]], atol=0.051)


def test_the_stories_change_with_their_seed(open_page, glass_folder, monkeypatch):
    page = glass(open_page, glass_folder, monkeypatch)
    assert page.text_area[0].value == unseen(0).text
    page.button(key="another_story").click().run()
    assert faultless(page).text_area[0].value == unseen(1).text
    assert any("40 freshly drawn stories" in each.value for each in page.caption)


def test_a_text_that_the_language_cannot_say_has_no_right_answer(open_page, glass_folder, monkeypatch):
    page = glass(open_page, glass_folder, monkeypatch, judged="quite another text it is", prompt="She enjoys playing")
    assert "**the right answer**" not in overview(page)
    assert any("cannot begin with your text" in each.value for each in page.caption)


def glass(open_page, folder: Path, monkeypatch, **query: object) -> AppTest:
    """The page on the glass-box run."""
    monkeypatch.setenv("PLAYGROUND_RUNS", str(folder / "runs"))
    engine._common.clear()
    page = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    page.switch_page(PAGE)
    for name, value in {"model": "glass (run)", **query}.items():
        page.query_params[name] = str(value)
    return faultless(page.run())


# --- what the user types ---------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "word " * 380])
def test_a_prompt_that_cannot_be_read_gets_one_sentence(open_page, text):
    page = open_page(PAGE)
    page.text_input(key=state.PROMPT).set_value(text).run()
    assert not page.exception
    assert len(page.error) == 1
    assert not page.get("bidi_component")


@pytest.mark.parametrize(
    "text", ["*a* `b|c` $d$ :red[e] <b>f</b> | # h", "né 日本 🙂 \u200b", "x", "<|endoftext|>", "a\nb\n\nc"]
)
def test_any_text_is_only_text(open_page, text):
    page = faultless(open_page(PAGE, prompt=text, judged=text, word=text))
    pieces = [piece for head in all_sent(page, "surprise") for piece in head["pieces"]]
    broken = any(piece.startswith("<0x") for piece in pieces)  # a character in several tokens
    assert broken or "".join(pieces) == (text if len(text) > 1 else "")
    page.session_state["token_numbers"] = True
    faultless(page.run())
    numbers = [each.value for each in page.markdown if each.value.startswith("| place")]
    assert len(numbers) == (len(text) > 1)
    assert all(table.count("\n") == len(pieces) for table in numbers)  # two lines of head, and no row for the first


def test_an_emptied_box_holds_the_pages_own_text_again(open_page):
    page = open_page(PAGE, judged=JUDGED)
    assert page.text_area[0].value == JUDGED
    page.text_area[0].set_value("").run()
    assert faultless(page).text_area[0].value == TEXT


@pytest.mark.parametrize(
    "query",
    [
        {"twins": "nonsense.trained.trained", "halfway": "99999999999", "pair": "trained.trained", "shuffle": "-4"},
        {"twins": ALL, "halfway": "٣", "pair": "a.b.c", "story": 10**30, "word": "\n", "head": "99"},
        {"twins": "." * 5000, "halfway": "1", "step": "blocks.99.attn.pattern", "judged": " "},
    ],
)
def test_a_hostile_address_still_gives_a_page(open_page, query):
    faultless(open_page(PAGE, model="tiny (run)", prompt="the cat", **query))


def test_a_model_that_gives_no_numbers_is_told_apart_from_the_others(open_page, monkeypatch):
    broken = tiny_gpt()
    with torch.no_grad():
        broken.module.final_norm.weight.fill_(float("nan"))
    real = engine.model

    def model(weights):
        return broken if weights.kind == "shuffled" else real(weights)

    monkeypatch.setattr(engine, "model", model)
    engine.trace.clear()
    page = open_page(PAGE, model="tiny (run)", prompt="the cat", twins=ALL)
    engine.trace.clear()
    assert not page.exception
    assert "not finite" in page.error[0].value
    assert len(all_sent(page, "candidates")) == 3
