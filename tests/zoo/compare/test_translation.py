"""Translation by length: a translator that is known, figures worked by hand, and a recorded file that can be redone."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.zoo.tasks.greedy import word_by_word
from zoo.compare import translation
from zoo.compare.translation import Bucket, Measured, bucket, common, fingerprint, greedy, held_out, quality
from zoo.data import open_corpus
from zoo.data.glass_pairs import DEFAULT
from zoo.inference import LoadedModel
from zoo.layers.pairs import PairModel
from zoo.models.encoder_decoder import Config as TransformerConfig
from zoo.models.encoder_decoder import EncoderDecoder
from zoo.models.seq2seq import Config, Seq2Seq, Seq2SeqPlugin
from zoo.models.seq2seq_attention import Config as AttentionConfig
from zoo.models.seq2seq_attention import Seq2SeqAttention
from zoo.pretrained.shipped import RUNS, SHIPPED, shipped_folder
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.training import Recipe, Run, train

GOOD_TO = 5
PAIRS = {length: held_out(length, 6) for length in (4, 5, 9)}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer("word", [pair.text for pair in DEFAULT.pairs(3000, seed=0)], 1000)


class Known(PairModel):
    """Knows the translation of short sentences; of longer ones it gets the second word wrong, and says one too many."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(tokenizer.vocab_size)
        self.known = dict[tuple[int, ...], list[int]]()
        end = tokenizer.end_of_text
        for length, pairs in PAIRS.items():
            for pair in pairs:
                right = tokenizer.encode(pair.target_text).ids
                wrong = tokenizer.encode(" zzz").ids[0]  # the unknown: in no right translation
                said = right if length <= GOOD_TO else [right[0], wrong, *right[2:], right[-1]]
                self.known[tuple(tokenizer.encode(pair.source_text).ids)] = [*said, end]  # type: ignore[list-item]

    def translate(self, source: Tensor, target: Tensor) -> Tensor:
        logits = torch.zeros(*target.shape, self.mark)
        for row, ids in enumerate(source):
            said = self.known[tuple(ids[ids >= 0].tolist())]
            for place in range(target.shape[1]):
                logits[row, place, said[min(place, len(said) - 1)]] = 1.0
        return logits


def loaded(module: PairModel, tokenizer: Tokenizer, context: int = 128) -> LoadedModel:
    return LoadedModel("t", "T", "seq2seq", "", module.eval(), tokenizer, context, task="translate")


def test_a_translator_that_is_right_up_to_five_words(tokenizer: Tokenizer) -> None:
    model = loaded(Known(tokenizer), tokenizer)
    for length in (4, 5):
        words = sum(len(pair.target) for pair in PAIRS[length])
        assert bucket(model, PAIRS[length]) == Bucket(length, 6, exact=6, right=words, places=words)
    words = sum(len(pair.target) for pair in PAIRS[9])
    found = bucket(model, PAIRS[9])
    # of each sentence all but one word is right, and one word too many makes one place more
    assert found == Bucket(9, 6, exact=0, right=words - 6, places=words + 6)
    assert found.exact_share == 0
    assert found.right_share == pytest.approx((words - 6) / (words + 6))
    assert quality(model, (4, 5, 9), 6) == (*(bucket(model, PAIRS[n]) for n in (4, 5)), found)


@pytest.mark.parametrize(
    ("given", "right", "marks"),
    [
        ("a x b", "a b", "101"),
        ("b a", "a b", "10"),
        ("", "a", ""),
        ("a b c", "a b c", "111"),
        ("a a", "a", "10"),
        ("c a b c", "a b c d", "0111"),
    ],
)
def test_words_that_are_right(given: str, right: str, marks: str) -> None:
    found = common(given.split(), right.split())
    if given == "b a":  # either one word or the other
        assert sum(found) == 1
    else:
        assert found == [mark == "1" for mark in marks]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["seq2seq", "luong-dot", "bahdanau", "transformer"])
def test_few_passes_write_what_one_word_at_a_time_writes(kind: str, seed: int) -> None:
    torch.manual_seed(seed)
    vocab, end, most = 11, 3, 9
    if kind == "seq2seq":
        module: PairModel = Seq2Seq(Config(width=16), vocab)
    elif kind == "transformer":
        module = EncoderDecoder(TransformerConfig(width=16, heads=2, blocks=1), vocab)
    else:
        module = Seq2SeqAttention(AttentionConfig(width=16, attention=kind), vocab)  # type: ignore[arg-type]
    with torch.no_grad():
        for each in module.parameters():
            each.mul_(3)  # so that what it writes depends on what it read
    module.eval()
    source = torch.randint(vocab, (8, 6))
    source[::2, 4:] = -1
    expected = word_by_word(module, source, end, most)
    assert greedy(module, source, torch.randint(vocab, (8, most)), end) == expected
    assert greedy(module, source, torch.full((8, most), end), end) == expected
    assert len({tuple(row) for row in expected}) > 1


def test_sentences_are_held_out_and_of_their_length() -> None:
    for length, pairs in PAIRS.items():
        assert {pair.length for pair in pairs} == {length}
        assert {DEFAULT.part_of(pair.source) for pair in pairs} == {"valid"}
    trained_on = {text.split("\t")[0] for text in open_corpus("glass-box-pairs:pairs=500").train}
    assert not trained_on & {pair.source_text for pairs in PAIRS.values() for pair in pairs}


def test_lengths_that_do_not_fit_are_left_out(tokenizer: Tokenizer) -> None:
    most = max(len(pair.source) + len(pair.target) for pair in PAIRS[5]) + 2
    model = loaded(Known(tokenizer), tokenizer, context=most)
    assert [each.length for each in quality(model, (4, 5, 9), 6)] == [4, 5]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    corpus, folder = open_corpus("glass-box-pairs:pairs=300"), tmp_path_factory.mktemp("t") / "run"
    run = Run.create(
        folder,
        model="zoo/seq2seq",
        config=Config(width=16),
        tokenizer=tokenizer,
        corpus={"name": corpus.name, "sha256": corpus.sha256, **corpus.source},
        recipe=Recipe(steps=3, batch=4, evaluations=1, held_out_windows=4, checkpoints=1),
        parameters=1,
    )
    for _ in train(run, Seq2SeqPlugin(), corpus):
        pass
    return folder


def test_the_command_writes_what_the_function_gives(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    arguments = ["--models", str(run_folder), "--lengths", "4", "5", "--sentences", "5"]
    assert translation.main([*arguments, "--out", str(out)]) == 0
    assert "exact / right words" in capsys.readouterr().out
    read = Measured.read(out.read_text())
    expected = translation.run([str(run_folder)], (4, 5), 5)
    assert read.lines == expected.lines
    assert read.of(expected.lines[0].weights) == expected.lines[0]
    assert read.of("0") is None
    assert str(run_folder.parent) not in out.read_text()  # no machine's paths in a file that is shared
    assert json.loads(out.read_text()) == json.loads(json.dumps(asdict(read)))


def test_what_is_no_translator_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert translation.main(["--models", "zoo/gpt"]) == 2
    assert "is no translator" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no measurement of translation"):
        Measured.read('{"lines": [{}]}')


def test_a_fingerprint_is_of_the_weights() -> None:
    torch.manual_seed(0)
    one, other = (Seq2Seq(Config(width=8), 5) for _ in range(2))
    assert fingerprint(one) != fingerprint(other)
    other.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(other)


def test_the_recorded_file_is_what_the_function_gives() -> None:
    from zoo.inference import load

    file = translation.recorded()
    sources = [*[key for key in SHIPPED if shipped_folder(key)], *map(str, RUNS.values())]
    modules = [model for model in map(load, sources) if model.task == "translate"]
    for line in () if file is None else file.lines:
        model = next((each for each in modules if fingerprint(each.module) == line.weights), None)
        assert model is not None, f"{line.title}: these weights are not shipped"
        first = line.buckets[0]
        again = bucket(model, held_out(first.length, first.sentences))
        assert abs(again.exact - first.exact) <= 1  # another processor may round one tie the other way
        assert abs(again.right_share - first.right_share) <= 0.02
    assert (file is not None) == translation.RECORDED.is_file(), "the recorded file is of other languages: redo it"
