"""The shipped weights in models of others: Hugging Face's BERT, torch's cells, scikit-learn's neighbours.

Each reference is given the very numbers of the weights' file, and must say what our model says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, BertForMaskedLM

from zoo.data.glass_box import DEFAULT
from zoo.evaluation import neighbours
from zoo.inference import LoadedModel, load
from zoo.pretrained.shipped import RUNS, shipped_folder
from zoo.tasks.masked_token import blanked

SEEN = 1500
"""Stories whose pairs of words are counted."""
FOUND = 5


def stored(folder: Path) -> dict[str, Tensor]:
    """The last weights of a run, as its file has them, in float32."""
    return {name: tensor.float() for name, tensor in load_file(max(folder.glob("checkpoints/*.safetensors"))).items()}


def shipped(model: str) -> dict[str, Tensor]:
    folder = shipped_folder(model)
    assert folder is not None
    return stored(folder)


def stories(model: LoadedModel, count: int, part_seed: int = 7) -> list[list[int]]:
    return [model.tokenizer.encode(story.text).ids for story in DEFAULT.stories(count, part_seed)]


@pytest.fixture(scope="module")
def ours() -> LoadedModel:
    return load("zoo/bert")


@pytest.fixture(scope="module")
def theirs(ours: LoadedModel) -> BertForMaskedLM:
    """Each of our norms belongs to the layer that reads it, each of theirs to the sum in front of it."""
    config: Any = ours.module.config
    found, layers = shipped("zoo/bert"), dict[str, str]()
    stream = "bert.embeddings"
    for i in range(config.blocks):
        block, layer = f"blocks.{i}", f"bert.encoder.layer.{i}"
        layers |= {f"{stream}.LayerNorm": f"{block}.norm1", f"{layer}.attention.output.LayerNorm": f"{block}.norm2"}
        layers |= {f"{layer}.attention.self.{name}": f"{block}.attn.{name}" for name in ("query", "key", "value")}
        layers |= {f"{layer}.attention.output.dense": f"{block}.attn.out"}
        layers |= {f"{layer}.intermediate.dense": f"{block}.mlp.up", f"{layer}.output.dense": f"{block}.mlp.down"}
        stream = f"{layer}.output"
    layers |= {f"{stream}.LayerNorm": "final_norm", "cls.predictions.transform.dense": "head.dense"}
    layers |= {"cls.predictions.transform.LayerNorm": "head.norm"}
    weights = {f"{to}.{part}": found[f"{at}.{part}"] for to, at in layers.items() for part in ("weight", "bias")}
    table, bias = found["embed.weight"], F.pad(found["unembed_bias"], (0, 1))  # the blank is in their logits too
    weights |= {"bert.embeddings.word_embeddings.weight": table, "cls.predictions.decoder.weight": table}
    weights |= {"bert.embeddings.position_embeddings.weight": found["embed_positions.weight"]}
    weights |= {"bert.embeddings.token_type_embeddings.weight": torch.zeros(2, config.width)}
    weights |= {"cls.predictions.bias": bias, "cls.predictions.decoder.bias": bias}
    reference = BertForMaskedLM(
        BertConfig(
            vocab_size=len(table),
            hidden_size=config.width,
            num_hidden_layers=config.blocks,
            num_attention_heads=config.heads,
            intermediate_size=4 * config.width,
            max_position_embeddings=config.context,
            layer_norm_eps=1e-5,
            attn_implementation="eager",
        )
    )
    reference.load_state_dict(weights)
    assert {name for name, _ in reference.named_parameters()} <= set(weights)
    return reference.eval()


class TestBert:
    @torch.no_grad()
    def test_every_logit_is_hugging_faces(self, ours: LoadedModel, theirs: BertForMaskedLM) -> None:
        vocab = ours.tokenizer.vocab_size
        for number, ids in enumerate(stories(ours, 4)):
            asked, targets = blanked(torch.tensor([ids[:128]]), vocab, np.random.default_rng(number))
            assert (targets >= 0).any()
            expected = theirs(input_ids=asked).logits[..., :vocab]
            assert expected.std() > 1
            torch.testing.assert_close(ours.module(asked), expected, rtol=0, atol=2e-4)

    @torch.no_grad()
    def test_what_the_app_says_is_what_theirs_puts_into_the_blank(
        self, ours: LoadedModel, theirs: BertForMaskedLM
    ) -> None:
        text = DEFAULT.join(DEFAULT.stories(1, 3)[0].words[:20])
        ids = [*ours.tokenizer.encode(text).ids, ours.tokenizer.vocab_size]
        probs = theirs(input_ids=torch.tensor([ids])).logits[0, -1, :-1].softmax(-1)
        found = ours.predict(text, 5)
        assert [each.id for each in found] == probs.topk(5).indices.tolist()
        assert [each.prob for each in found] == pytest.approx(probs.topk(5).values.tolist(), abs=1e-5)


CELLS = {"zoo/rnn": nn.RNN, "zoo/gru": nn.GRU, "LSTM, on the glass box": nn.LSTM}


@torch.no_grad()
@pytest.mark.parametrize("name", CELLS)
def test_recurrent_models_are_torchs_with_the_same_weights(name: str) -> None:
    folder = RUNS.get(name) or shipped_folder(name)
    assert folder is not None
    ours, found = load(str(folder)), stored(folder)
    width = found["embed.weight"].shape[1]
    reference = CELLS[name](width, width, num_layers=sum("from_state.weight" in each for each in found))
    for i in range(reference.num_layers):
        at = f"layers.{i}"
        none = torch.zeros_like(found[f"{at}.from_input.bias"])
        reference.get_parameter(f"weight_ih_l{i}").copy_(found[f"{at}.from_input.weight"])
        reference.get_parameter(f"weight_hh_l{i}").copy_(found[f"{at}.from_state.weight"])
        reference.get_parameter(f"bias_ih_l{i}").copy_(found[f"{at}.from_input.bias"])
        reference.get_parameter(f"bias_hh_l{i}").copy_(found.get(f"{at}.from_state.bias", none))
    for ids in stories(ours, 3):
        hidden, _ = reference(found["embed.weight"][ids][:, None])  # (T, 1, C)
        expected = F.linear(hidden[:, 0], found["unembed.weight"], found["unembed.bias"])
        torch.testing.assert_close(ours.module(torch.tensor([ids]))[0], expected, rtol=0, atol=5e-4)


class TestWord2Vec:
    @pytest.mark.parametrize("model", ["zoo/skip-gram", "zoo/cbow"])
    def test_neighbours_are_scikit_learns_on_the_stored_vectors(self, model: str) -> None:
        loaded, table = load(model), shipped(model)["embed.weight"].numpy()
        vectors: Any = loaded.module.embed.weight
        assert np.array_equal(vectors.detach().numpy(), table)
        search = NearestNeighbors(n_neighbors=FOUND + 1, metric="cosine").fit(table.astype(np.float64))
        words = np.linspace(1, len(table) - 1, 60).astype(int)
        distances, found = search.kneighbors(table[words].astype(np.float64))
        for word, far, near in zip(words.tolist(), distances, found, strict=True):
            ours = neighbours(vectors.detach().numpy(), word, FOUND)
            assert {each.id for each in ours} == set(near.tolist()) - {word}
            assert [each.cosine for each in ours] == pytest.approx((1 - far[1:]).tolist(), abs=1e-6)

    def test_they_agree_with_a_factored_table_of_counts(self) -> None:
        """Levy and Goldberg 2014: the pairs counted, their mutual information factored, and no gradient anywhere."""
        model = load("zoo/cbow")
        module: Any = model.module
        counts = pair_counts(stories(model, SEEN, 0), model.tokenizer.vocab_size, module.window)
        often = np.flatnonzero(counts.sum(1) > 200).tolist()
        table = factored(counts, module.embed.weight.shape[1])
        learned = overlap(module.embed.weight.detach().numpy(), table, often)
        untrained: Any = load("zoo/cbow", untrained=True).module
        assert len(often) > 300
        assert overlap(untrained.embed.weight.detach().numpy(), table, often) < 0.05  # 0.01 by chance
        assert learned > 0.35

    def test_alike_words_of_the_glass_box_have_found_each_other(self) -> None:
        model = load("zoo/cbow")
        module: Any = model.module
        days = [f" {day}" for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")]
        ids = [model.tokenizer.encode(day).ids[0] for day in days]
        for word in ids:
            assert {each.id for each in neighbours(module.embed.weight.detach().numpy(), word, 6)} == set(ids) - {word}


def pair_counts(texts: list[list[int]], vocab: int, window: int) -> NDArray[np.float64]:
    """(V, V) how often each word stands near each, by distance d weighed (W + 1 − d) / W; across no text's end."""
    counts = np.zeros((vocab, vocab))
    for text in texts:
        ids = np.array(text)
        for distance in range(1, window + 1):
            np.add.at(counts, (ids[:-distance], ids[distance:]), (window + 1 - distance) / window)
    return counts + counts.T


def factored(counts: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """(V, width): U √S of the positive mutual information."""
    drawn = counts.sum(0) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts / counts.sum(1, keepdims=True) / (drawn / drawn.sum()))
    left, sizes, _ = np.linalg.svd(np.maximum(np.nan_to_num(information, nan=0.0, neginf=0.0), 0))
    return np.asarray(left[:, :width] * np.sqrt(sizes[:width]))


def overlap(ours: NDArray[Any], theirs: NDArray[Any], words: list[int]) -> float:
    """The mean share of a word's nearest that both tables have, by scikit-learn."""
    known = np.flatnonzero(np.linalg.norm(theirs, axis=1) > 1e-9)
    found = []
    for table in (ours, theirs):
        search = NearestNeighbors(n_neighbors=FOUND + 1, metric="cosine").fit(table[known])
        near = known[search.kneighbors(table[words], return_distance=False)]
        found.append([set(row.tolist()) - {word} for row, word in zip(near, words, strict=True)])
    return float(np.mean([len(a & b) / FOUND for a, b in zip(*found, strict=True)]))
