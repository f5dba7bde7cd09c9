"""What cannot be explained is refused in one sentence: texts that are none, and tokenizers that have no one way."""

from __future__ import annotations

import pytest
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer
from zoo.tokenizers.explain import explain, replay
from zoo.tokenizers.explain.state import MODELS

CORPUS = ["The cat sat on the mat."]
TRAINED = {kind: train_tokenizer(kind, CORPUS, 320) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("question", [explain, replay])
def test_half_a_character_is_refused(kind, question):
    with pytest.raises(ValueError, match="the text is not valid Unicode at character 2"):
        question(TRAINED[kind], "ab\ud800")


def altered(change) -> Tokenizer:
    raw = tokenizers.Tokenizer.from_str(TRAINED["bpe"].raw.to_str())
    change(raw)
    return Tokenizer(raw)


class Custom:
    def pre_tokenize(self, pieces):
        pass


def erases_an_added_token(raw: tokenizers.Tokenizer) -> None:
    raw.normalizer = normalizers.Replace("x", "")
    raw.add_tokens(["x"])


def makes_two_the_same(raw: tokenizers.Tokenizer) -> None:
    raw.normalizer = normalizers.Lowercase()
    raw.add_tokens(["QQ", "Qq"])


def chooses_at_random(raw: tokenizers.Tokenizer) -> None:
    raw.model = models.Unigram([("<unk>", 0.0), ("a", -1.0)], 0)
    raw.model.alpha = 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: setattr(raw.model, "dropout", 0.5), "drops merges at random"),
        (chooses_at_random, "chooses its tokens at random"),
        (lambda raw: setattr(raw, "pre_tokenizer", pre_tokenizers.PreTokenizer.custom(Custom())), "cannot be written"),
        (erases_an_added_token, "erases the added token 'x'"),
        (makes_two_the_same, "makes the added tokens 'QQ' and 'Qq' the same"),
    ],
)
@pytest.mark.parametrize("question", [explain, replay])
def test_what_has_no_one_way_is_refused(change, words, question):
    with pytest.raises(ValueError, match=words):
        question(altered(change), "The cat")


def test_a_model_of_an_unknown_type_is_refused(monkeypatch):
    monkeypatch.delitem(MODELS, "WordLevel")
    with pytest.raises(ValueError, match="a model of type WordLevel cannot be explained; BPE, WordPiece, Unigram can"):
        explain(train_tokenizer("word", CORPUS, 50), "a")


@pytest.mark.parametrize(
    "model",
    [
        models.WordLevel(vocab={"a": 0}, unk_token="<unk>"),
        models.WordPiece(vocab={"a": 0}, unk_token="<unk>"),
        models.BPE(vocab={"a": 0}, merges=[], unk_token="<unk>"),
        models.Unigram([("a", -1.0)], None),
    ],
)
def test_an_unknown_word_without_a_token_for_it_is_refused(model):
    raw = tokenizers.Tokenizer(model)
    tokenizer = Tokenizer(raw)
    assert replay(tokenizer, "a") == tokenizer.encode("a").ids == [0]
    with pytest.raises(Exception, match=r"(?i)unk"):
        tokenizer.encode("b")
    for question in (explain, replay):
        with pytest.raises(ValueError, match="no token for what it does not know, and 'b' is unknown to it"):
            question(tokenizer, "b")
