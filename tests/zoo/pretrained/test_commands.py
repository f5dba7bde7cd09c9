"""The commands of a model card: typed again, they make the same tokenizer."""

from __future__ import annotations

import pytest
import tokenizers
from tokenizers import pre_tokenizers

from zoo.__main__ import main
from zoo.pretrained.commands import tokenizer_options
from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer

CORPUS = ["The cat sat on the mat. The dog sat on the log.\n", "a < b | c > d"] * 9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [290, 1024])
def test_the_options_make_the_same_tokenizer(kind, size):
    made = train_tokenizer(kind, CORPUS, size)
    options = dict(tokenizer_options(made))
    again = train_tokenizer(options.get("--tokenizer", "bpe"), CORPUS, int(options["--vocab-size"]))
    assert again.hash == made.hash


def test_one_of_others_is_named_as_a_file():
    raw = tokenizers.Tokenizer.from_str(train_tokenizer("bpe", CORPUS, 290).raw.to_str())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    assert tokenizer_options(Tokenizer(raw)) == [("--tokenizer", "tokenizer.json")]


def test_the_help_names_every_kind(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")  # no line break inside a name
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert f"{', '.join(KINDS)}, or a tokenizer.json" in said
