"""What stands on a card before it is drawn, its figures, and which cards a search finds."""

from __future__ import annotations

import json
import struct

import pytest
from safetensors.numpy import load_file

from playground import engine
from playground.catalogue import Choice
from playground.views.model_zoo import facts, offer
from playground.views.model_zoo.cards import demoted, megabytes
from playground.views.model_zoo.facts import licence_of, stored
from playground.views.model_zoo.filters import TRAINED, UNTRAINED, Wanted, fits
from tests.playground.views.model_zoo.conftest import LACKING
from zoo.inference import load
from zoo.pretrained.shipped import WEIGHTS, shipped_tokenizer
from zoo.registry import discover
from zoo.training.run import Run, parameter_count


def test_every_choice_of_the_app_has_one_card(cards):
    assert list(cards) == [choice.title for choice in engine.choices()]
    assert len({card.slug for card in cards.values()}) == len(cards)


def test_where_a_model_comes_from(cards, shelf):
    assert cards["GPT"].origin == cards["LSTM"].origin == offer.BUILT_IN
    assert cards["Averager"].origin == offer.FOLDER
    assert cards["Averager"].source.endswith("plugins/averager.py")
    assert cards["tiny (run)"].origin == offer.RUN
    assert str(shelf) not in cards["tiny (run)"].slug + cards["tiny (run)"].source
    assert offer.origin_of("a.b:Plugin (package some-models)")[0] == offer.PACKAGE


def test_a_plugin_that_lacks_a_package_says_which(cards):
    assert cards["Needy"].missing == (LACKING,)
    assert not cards["Needy"].usable
    assert facts.facts(cards["Needy"]).parameters is None


def test_a_run_of_a_plugin_that_is_gone_says_so(cards, tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"model": "you/gone"}))
    card = offer.card_of(Choice(str(tmp_path), "Gone"))
    assert not card.usable
    assert "you/gone" in card.problem
    (tmp_path / "run.json").write_text("{")
    assert "run.json" in offer.card_of(Choice(str(tmp_path), "Gone")).problem


def test_an_untrained_models_size_is_that_of_the_model_on_the_pages(cards):
    found, module = facts.facts(cards["Averager"]), load("you/averager", untrained=True).module
    assert found.parameters == parameter_count(module)
    assert found.memory == sum(each.nbytes for each in module.state_dict().values())


@pytest.mark.parametrize("model", ["zoo/lstm", "zoo/bert", "zoo/seq2seq", "zoo/n-gram"])
def test_a_plugin_is_counted_at_its_default_config(stocked, model):
    found, plugin = facts.built(model, 0), discover([]).get(model)
    module = plugin.build(plugin.Config(), shipped_tokenizer().vocab_size)
    assert found.parameters == parameter_count(module)
    assert found.config == plugin.Config().model_dump(mode="json")
    assert found.memory == sum(each.nbytes for each in module.state_dict().values())


def test_a_trained_models_size_is_read_from_its_files(cards):
    for title, folder in (("GPT", WEIGHTS / "gpt-stories"), ("GPT, learning the glass box", WEIGHTS / "gpt-glass-box")):
        found, module = facts.facts(cards[title]), load(cards[title].choice.key).module
        assert found.parameters == parameter_count(module) == Run.open(folder).info.parameters
        assert found.memory == sum(each.nbytes for each in module.state_dict().values())


def test_what_it_learned_from_is_what_the_run_says(cards):
    found, run = facts.facts(cards["GPT"]).learned, Run.open(WEIGHTS / "gpt-stories")
    event = [each for each in run.events() if "valid_loss" in each and each["step"] <= run.steps()[-1]][-1]
    assert (found.corpus, found.tokens, found.step) == (run.info.corpus["name"], event["tokens"], event["step"])
    assert found.loss == event["valid_loss"]
    assert found.bits == event["bits_per_character"]
    assert found.licence == "public domain in the United States"
    assert found.card == (WEIGHTS / "gpt-stories" / "CARD.md").read_text(encoding="utf-8")
    assert licence_of("no word of it") == ""


def test_the_head_of_a_weights_file_names_what_it_holds(tmp_path):
    path = next((WEIGHTS / "gpt-stories" / "checkpoints").glob("*.safetensors"))
    assert {each.name: each.numbers for each in stored(path)} == {n: a.size for n, a in load_file(path).items()}
    for damage in (b"", b"short", struct.pack("<Q", 9) + b"not json."):
        (tmp_path / "x.safetensors").write_bytes(damage)
        assert list(stored(tmp_path / "x.safetensors")) == []


def test_a_hugging_face_folder_has_its_own_figures(stories260k, stocked):
    card = offer.card_of(Choice(str(stories260k), "stories260k (folder)"))
    assert card.origin == offer.HUGGING_FACE
    module = load(str(stories260k)).module
    assert facts.facts(card).parameters == parameter_count(module)


def test_a_plugin_that_does_not_build_says_why(cards, monkeypatch):
    plugin = engine.registry().get("you/averager")
    monkeypatch.setattr(type(plugin), "build", lambda *_: 1 / 0)
    facts.built.clear()
    assert "ZeroDivisionError" in facts.facts(cards["Averager"]).problem
    facts.built.clear()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted("hochreiter"), {"LSTM"}),
        (Wanted("  ATTENTION is all you  "), {"Transformer of 2017"}),
        (Wanted("zoo/lstm zoo/gru"), {"LSTM", "GRU"}),
        (Wanted("no such word"), set()),
        (Wanted(family="rnn"), {"RNN", "LSTM", "GRU"}),
        (Wanted(task="masked-token"), {"BERT"}),
        (Wanted(origin=offer.FOLDER), {"Averager", "Faulty", "Needy"}),
        (Wanted(origin=offer.RUN), {"tiny (run)"}),
        (Wanted("averager", family="rnn"), set()),
    ],
)
def test_search_and_choices_find_the_cards_that_fit(cards, wanted, found):
    fit = {title: card for title, card in cards.items() if fits(card, wanted)}
    assert {title for title, card in fit.items() if card.choice.key == card.plugin or card.origin == offer.RUN} == found


def test_trained_and_untrained_models_part_the_list(cards):
    trained = {title for title, card in cards.items() if fits(card, Wanted(weights=TRAINED))}
    others = {title for title, card in cards.items() if fits(card, Wanted(weights=UNTRAINED))}
    assert trained == {title for title, card in cards.items() if card.choice.trained}
    assert trained | others == set(cards)
    assert not trained & others


def test_the_heads_of_a_card_fit_into_the_page_and_its_code_stays():
    assert demoted("# A\ntext # b\n```\n# c\n```\n### D") == "##### A\ntext # b\n```\n# c\n```\n###### D"


def test_bytes_in_words():
    assert [megabytes(n) for n in (96, 1500, 17_068_032)] == ["96 bytes", "2 kB", "17.1 MB"]
