"""What comes with the playground: a tokenizer of each kind, small, as its card says, made again by the command."""

from __future__ import annotations

import hashlib
import json
import lzma

import pytest

from zoo.pretrained.shipped import shipped_tokenizer
from zoo.pretrained.tokenizers import LARGEST, SMALLEST, catalogue, open_tokenizer, ship
from zoo.pretrained.tokenizers.shipped import FOLDER, SHIPPED, SIZE
from zoo.tokenizers import KINDS, kind_of

TEXT = "The cat sat on the mat, and the old dog saw it. "


def test_every_kind_is_on_offer_and_opens():
    assert set(SHIPPED) == set(KINDS)
    for kind in KINDS:
        tokenizer = open_tokenizer(f"stories:{kind}")
        assert 100 < tokenizer.vocab_size <= SIZE
        assert kind_of(tokenizer) == kind
        assert tokenizer.end_of_text is not None
        assert tokenizer.decode(tokenizer.encode("the ship").ids).strip() == "the ship"
    assert open_tokenizer("stories:bpe").hash == shipped_tokenizer().hash


def test_the_catalogue_opens_by_its_keys_and_says_what_each_is():
    offers = catalogue()
    assert len({each.key for each in offers}) == len({each.title for each in offers}) == len(offers)
    for each in offers:
        assert each.about.endswith(".")
        assert each.missing == ""
        model = type(open_tokenizer(each.key).raw.model).__name__
        assert each.kind == model or each.kind in KINDS


def test_the_files_are_those_of_the_card():
    card = (FOLDER / "CARD.md").read_text(encoding="utf-8")
    files = sorted(FOLDER.glob("*.json"))
    assert [file.stem for file in files] == sorted(ship.TRAINED)
    for file in files:
        content = file.read_bytes()
        assert f"`{hashlib.sha256(content).hexdigest()[:16]}…`" in card
        assert f"| `{file.name}` | {open_tokenizer(f'stories:{file.stem}').vocab_size:,} | {len(content):,} |" in card
    assert sum(file.stat().st_size for file in files) < 1_500_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_of_the_glass_box_is_held_to_the_sizes(kind):
    small, large = open_tokenizer(f"glass-box:{kind}:1"), open_tokenizer(f"glass-box:{kind}:999999")
    assert small.vocab_size <= SMALLEST
    assert small.vocab_size <= large.vocab_size <= LARGEST
    assert open_tokenizer(f"glass-box:{kind}:1") is small
    assert large.encode("Tom").ids


@pytest.mark.parametrize(
    "key", ["", "nothing", "stories:", "stories:magic", "glass-box:bpe", "glass-box:bpe:", "glass-box:bpe:-3", "hub"]
)
def test_an_unknown_key_is_a_sentence(key):
    with pytest.raises(LookupError, match="choose one of the list"):
        open_tokenizer(key)


def test_the_command_writes_the_same_files_twice(tmp_path, capsys):
    lines = [json.dumps({"text": TEXT * 40}), json.dumps({"text": TEXT, "split": "valid"})]
    corpus = tmp_path / "texts.jsonl.xz"
    corpus.write_bytes(lzma.compress("\n".join(lines).encode()))
    for name in ("one", "two"):
        assert ship.main([str(corpus), "--out", str(tmp_path / name)]) == 0
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert "not recorded" in (tmp_path / "one" / "CARD.md").read_text(encoding="utf-8")
    assert ship.main([str(tmp_path / "none.txt")]) == 2
    assert "cannot read" in capsys.readouterr().err
