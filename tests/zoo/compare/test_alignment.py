"""Attention on right words: worked by hand, and taken from the trace of every translator."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.compare.alignment import Attended, attended, looks_back, measure, right_cells, shares
from zoo.data.glass_pairs import DEFAULT, Pair
from zoo.inference import LoadedModel
from zoo.layers.pairs import PairModel
from zoo.models.encoder_decoder import Config as TransformerConfig
from zoo.models.encoder_decoder import EncoderDecoder
from zoo.models.seq2seq import Config, Seq2Seq
from zoo.models.seq2seq_attention import Config as AttentionConfig
from zoo.models.seq2seq_attention import Seq2SeqAttention
from zoo.tokenizers import Tokenizer, train_tokenizer

PAIR = Pair(("a", "b", "c"), ("x", "y"), ((1,), (0, 2)), ((), ()))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer("word", [pair.text for pair in DEFAULT.pairs(3000, seed=0)], 1000)


def loaded(module: PairModel, tokenizer: Tokenizer, context: int = 128) -> LoadedModel:
    return LoadedModel("t", "T", "seq2seq", "", module.eval(), tokenizer, context, task="translate")


def test_the_mass_on_right_words_by_hand() -> None:
    pattern = np.array([[[[0.2, 0.5, 0.3], [0.1, 0.6, 0.3]], [[0, 1, 0], [0.5, 0, 0.5]]]], dtype=np.float32)
    seen = Attended(PAIR, pattern)
    assert right_cells(PAIR).tolist() == [[False, True, False], [True, False, True]]
    np.testing.assert_allclose(seen.mass, [[[0.5, 0.4], [1.0, 1.0]]], atol=1e-6)  # b of x; a and c of y
    found = shares([seen])
    np.testing.assert_allclose(found.shares, [[0.45, 1.0]], atol=1e-6)
    assert found.chance == pytest.approx((1 / 3 + 2 / 3) / 2)
    assert (found.words, found.sentences, found.best) == (2, 1, (0, 1))


def test_every_target_word_counts_once() -> None:
    short = Pair(("a",), ("x",), ((0,),), ((),))
    sure = Attended(short, np.ones((1, 1, 1, 1), dtype=np.float32))
    even = Attended(PAIR, np.full((1, 1, 2, 3), 1 / 3, dtype=np.float32))
    found = shares([sure, even])
    assert found.shares[0, 0] == pytest.approx((1 + 1 / 3 + 2 / 3) / 3)
    assert found.chance == pytest.approx((1 + 1 / 3 + 2 / 3) / 3)  # what is spread evenly is at chance


@pytest.mark.parametrize("kind", ["luong-dot", "luong-general", "bahdanau", "transformer"])
def test_a_row_for_each_written_word(tokenizer: Tokenizer, kind: str) -> None:
    torch.manual_seed(0)
    pair, vocab = DEFAULT.translate(DEFAULT.split(DEFAULT.example())), tokenizer.vocab_size
    if kind == "transformer":
        module: PairModel = EncoderDecoder(TransformerConfig(width=16, heads=2, blocks=2), vocab)
        layout = (2, 2)
    else:
        module, layout = Seq2SeqAttention(AttentionConfig(width=16, attention=kind), vocab), (1, 1)  # type: ignore[arg-type]
    seen = attended(loaded(module, tokenizer), pair)
    assert looks_back(loaded(module, tokenizer, context=2))
    assert seen.pattern.shape == (*layout, len(pair.target), len(pair.source))
    np.testing.assert_allclose(seen.pattern.sum(-1), 1, atol=1e-5)
    if kind == "luong-dot":  # row t, computed outside: the decoder's state after t right words asks the encoder's
        source, target = tokenizer.encode_batch([pair.source_text, pair.target_text])
        with torch.no_grad():
            states = module.encoder(torch.tensor([source]))  # type: ignore[operator]
            x = module.decoder.embed(torch.tensor([[vocab, *target[:-1]]]))  # type: ignore[union-attr, operator]
            hidden, _ = module.decoder.layers[0](x, (states[:, -1],))  # type: ignore[union-attr, index, operator]
            expected = (hidden @ states.mT).softmax(-1)[0].numpy()
        np.testing.assert_allclose(seen.pattern[0, 0], expected, atol=1e-5)


def test_models_without_attention_and_texts_in_pieces(tokenizer: Tokenizer) -> None:
    pair = DEFAULT.pairs(1, seed=0)[0]
    assert not looks_back(loaded(Seq2Seq(Config(width=8), tokenizer.vocab_size), tokenizer))
    letters = train_tokenizer("byte", [])
    with pytest.raises(ValueError, match="not whole words"):
        attended(loaded(Seq2Seq(Config(width=8), letters.vocab_size), letters), pair)
    with pytest.raises(ValueError, match="at most 8 tokens"):
        attended(loaded(Seq2Seq(Config(width=8), tokenizer.vocab_size), tokenizer, context=8), pair)


def test_untrained_attention_is_measured_over_sentences(tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)
    model = loaded(Seq2SeqAttention(AttentionConfig(width=8), tokenizer.vocab_size), tokenizer)
    found = measure(model, 4)
    pairs = DEFAULT.pairs(4, seed=1, length=range(3, 31), part="valid")
    assert (found.words, found.sentences) == (sum(len(pair.target) for pair in pairs), 4)
    cells = [len(sources) / len(pair.source) for pair in pairs for sources in pair.alignment]
    assert found.chance == pytest.approx(float(np.mean(cells)))


def test_sentences_that_a_model_has_no_room_for_are_left_out(tokenizer: Tokenizer) -> None:
    module = Seq2SeqAttention(AttentionConfig(width=8), tokenizer.vocab_size)
    pairs = DEFAULT.pairs(30, seed=1, length=range(3, 31), part="valid")
    room = [len(pair.source) + len(pair.target) + 1 <= 24 for pair in pairs]
    assert 0 < sum(room) < 30
    found = measure(loaded(module, tokenizer, context=24), 30)
    assert (found.sentences, found.left_out) == (sum(room), 30 - sum(room))
    with pytest.raises(ValueError, match="none of 30 sentences fits into T, which reads 4 tokens"):
        measure(loaded(module, tokenizer, context=4), 30)
