"""What a comparison of tokenizers orders and concludes; and that the recorded one agrees with itself."""

from __future__ import annotations

import math

import pytest

from zoo.compare import race
from zoo.compare.race import Entrant, Measured, Point, Raced, Trial
from zoo.data.glass_box import DEFAULT
from zoo.models.gpt import Config, GPTPlugin


def raced(kind: str, bits: list[float], perplexities: list[float], lost: str = "") -> Raced:
    trials = tuple(
        Trial(seed, 1000, (Point(9, 2.0, math.log(p), None if lost else b),), "")
        for seed, (b, p) in enumerate(zip(bits, perplexities, strict=True))
    )
    return Raced(kind, 300, 10_000, 600, lost, tokens=500, characters=1000, seen=64.0, trials=trials)


def test_only_the_tokenizer_differs():
    one, other = (
        race.order(Entrant(*each), {"seconds": 20.0}, "text.txt", seed=3) for each in [("bpe", 512), ("byte",)]
    )
    changed = {"tokenizer": "", "vocab_size": 0}
    assert one.model_copy(update=changed) == other.model_copy(update=changed)
    assert (one.tokenizer, one.vocab_size, other.tokenizer) == ("bpe", 512, "byte")
    assert one.recipe["seed"] == 3


def test_a_name_is_read_back():
    assert Entrant.of("bpe:512") == Entrant("bpe", 512)
    assert Entrant.of(" byte ").name == "byte"
    for wrong in ("bqe", "bpe:", "bpe:many", ""):
        if wrong != "bpe:":
            with pytest.raises(ValueError, match="is no tokenizer"):
                Entrant.of(wrong)


def test_embedding_parameters_are_those_of_the_model():
    module = GPTPlugin().build(Config(width=race.WIDTH), 300)
    assert race.embedding_parameters(300) == module.embed.weight.numel() + module.unembed.weight.numel()


def test_the_fewest_bits_come_first_and_what_is_lossy_is_left_out():
    found = [raced("byte", [3.0], [8.0]), raced("word", [1.0], [90.0], "gone"), raced("bpe", [2.0], [30.0])]
    assert [each.kind for each in race.comparable(found)] == ["bpe", "byte"]


def test_a_contradiction_needs_both_orders_to_be_clear():
    fine, coarse = raced("byte", [3.0, 3.1], [8.0, 8.5]), raced("bpe", [2.0, 2.1], [30.0, 32.0])
    assert race.contradictions([fine, coarse]) == [(coarse, fine)]
    assert race.contradictions([fine, raced("bpe", [2.0, 3.15], [30.0, 32.0])]) == []
    assert race.contradictions([fine, raced("bpe", [2.0, 2.1], [7.0, 7.5])]) == []


def test_less_than_a_hundredth_apart_is_equal():
    assert not race.below([1.995], [2.0])
    assert race.below([1.97], [2.0])


def test_a_busy_seed_raises_the_figures_of_all_and_settles_nothing():
    assert race.below([2.2, 2.7], [2.4, 2.9])
    assert not race.below([2.2, 2.9], [2.4, 2.7])


def test_the_floor_of_stories_is_their_surprise_by_character():
    lines = race.glass_box_text(3).splitlines()
    nats = sum(sum(DEFAULT.surprisals(DEFAULT.split(line))) for line in lines)
    assert race.floor(["".join(f"{line}\n" for line in lines)]) == pytest.approx(
        nats / math.log(2) / sum(len(line) + 1 for line in lines)
    )
    assert race.floor(["Call me Ishmael.\n"]) is None


@pytest.mark.parametrize("characters", [2000, 5000, 10_000, 50_000, 1_000_000])
def test_the_context_fits_the_held_out_tenth_in_words(characters):
    context = race.context_for(characters)
    assert context + 1 < characters / 10 / 6 or context == 16


def test_speeds_are_those_of_the_trials():
    found = raced("bpe", [2.0, 2.0], [30.0, 30.0])
    assert found.tokens_per_second == 500.0
    assert found.characters_per_second == 1000.0


def test_a_file_is_read_back(tmp_path):
    found = Measured((raced("byte", [3.0], [8.0]),), "c", "t", "0", "2 steps", 16, 8, 1, None, "", "2", 1, "", 0.0)
    found.write(tmp_path / "found.json")
    again = Measured.read((tmp_path / "found.json").read_bytes())
    assert again == found
    with pytest.raises(ValueError, match="no comparison of tokenizers"):
        Measured.read("{}")


def test_the_recorded_comparison_agrees_with_itself():
    found = race.recorded()
    assert found is not None
    assert "zoo.compare.tokenizers" in found.command
    assert len({(each.characters, len(each.trials)) for each in found.raced}) == 1
    for each in found.raced:
        assert each.embedding == race.embedding_parameters(each.vocab_size, found.width)
        for trial in each.trials:
            for point in trial.curve:
                assert point.bits == pytest.approx(point.nats * each.tokens / math.log(2) / each.characters)
            blind = math.log2(each.vocab_size) * each.tokens / each.characters
            assert trial.last.bits < trial.curve[0].bits == pytest.approx(blind, rel=0.05)
