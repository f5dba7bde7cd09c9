"""The transformer of 2017 against torch's own layers with the same weights, padding, sight, steps, and bounds."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.inference import to_trace
from zoo.layers.positions import sinusoidal
from zoo.models.encoder_decoder import Config, EncoderDecoder, EncoderDecoderPlugin
from zoo.trace.record import record_trace
from zoo.trace.verify import verify
from zoo.training import Recipe

VOCAB = MARKER = 11
SOURCE = torch.tensor([[3, 1, 4, 1, 5], [9, 2, -1, -1, -1], [6, 5, 3, -1, -1]])
TARGET = torch.tensor([[MARKER, 2, 7, -1], [MARKER, 1, 8, 2], [MARKER, 8, -1, -1]])


def build(seed: int = 0, spread: float = 0.3, **values: object) -> EncoderDecoder:
    """A tiny model; with `spread` every weight is drawn anew, so that nothing is zero or one."""
    torch.manual_seed(seed)
    config = Config(**{"blocks": 2, "heads": 2, "width": 16, "context": 20, **values})
    module = EncoderDecoderPlugin().build(config, VOCAB)
    for parameter in module.parameters() if spread else ():
        nn.init.normal_(parameter, std=spread)
    return module.eval()


class Theirs(nn.Module):
    """The same model out of torch's encoder and decoder layers."""

    def __init__(self, config: Config, table: Tensor) -> None:
        super().__init__()
        width = config.width
        self.register_buffer("table", table.detach(), persistent=False)
        options = {"d_model": width, "nhead": config.heads, "dim_feedforward": 4 * width, "batch_first": True}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**options, dropout=0.0), config.blocks, enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**options, dropout=0.0), config.blocks)

    def embedded(self, ids: Tensor) -> Tensor:
        width = self.table.shape[1]
        return self.table[ids.clamp(min=0)] * math.sqrt(width) + sinusoidal(ids.shape[1], width)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        padded = source < 0
        memory = self.encoder(self.embedded(source), src_key_padding_mask=padded)
        causal = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
        x = self.decoder(self.embedded(target), memory, tgt_mask=causal, memory_key_padding_mask=padded)
        return x @ self.table[:VOCAB].mT


def theirs(module: EncoderDecoder) -> Theirs:
    """Torch's layers with our weights: each of our norms is the one behind the sum in front of it."""
    reference, found = Theirs(module.config, module.embed.weight), dict[str, Tensor]()
    ours = module.state_dict()
    last = module.config.blocks - 1
    for side, attentions, norms in (
        ("encoder", {"self_attn": "attn"}, {"norm1": "norm2"}),
        ("decoder", {"self_attn": "attn", "multihead_attn": "cross"}, {"norm1": "norm_cross", "norm2": "norm2"}),
    ):
        for i in range(last + 1):
            at, block = f"{side}.layers.{i}", f"{side}.blocks.{i}"
            names = {f"{at}.{their}": f"{block}.{our}" for their, our in norms.items()}
            names |= {f"{at}.linear1": f"{block}.mlp.up", f"{at}.linear2": f"{block}.mlp.down"}
            names |= {f"{at}.{their}.out_proj": f"{block}.{our}.out" for their, our in attentions.items()}
            end = f"{side}.final_norm" if i == last else f"{side}.blocks.{i + 1}.norm1"
            names[f"{at}.norm{len(norms) + 1}"] = end
            for part in ("weight", "bias"):
                found |= {f"{their}.{part}": ours[f"{our}.{part}"] for their, our in names.items()}
                for their, our in attentions.items():
                    packed = [ours[f"{block}.{our}.{name}.{part}"] for name in ("query", "key", "value")]
                    found[f"{at}.{their}.in_proj_{part}"] = torch.cat(packed)
    reference.load_state_dict(found)
    return reference.eval()


@pytest.mark.parametrize(("blocks", "heads", "width"), [(1, 1, 8), (2, 2, 16), (3, 4, 32)])
@pytest.mark.parametrize("padded", [False, True])
def test_logits_equal_those_of_torchs_layers(blocks: int, heads: int, width: int, padded: bool) -> None:
    module = build(blocks, blocks=blocks, heads=heads, width=width, spread=0.2)
    source, target = (SOURCE, TARGET) if padded else (SOURCE.abs(), TARGET.abs())
    with torch.no_grad():
        found, expected = module.translate(source, target), theirs(module)(source, target)
    assert expected.std() > 0.1
    real = target >= 0
    assert torch.allclose(found[real], expected[real], atol=1e-5, rtol=1e-5)


def test_one_row_of_ids_is_a_source_a_marker_and_a_target() -> None:
    module = build()
    with torch.no_grad():
        found = module(torch.tensor([[3, 1, 4, MARKER, 2, 7]]))
        expected = module.translate(torch.tensor([[3, 1, 4]]), torch.tensor([[MARKER, 2, 7]]))
    assert found.shape == (1, 3, VOCAB)
    assert torch.equal(found, expected)


def test_padding_is_nothing() -> None:
    """Each pair of a padded batch gets the logits, and the gradient, that it gets alone."""
    module = build(1)
    together = module.translate(SOURCE, TARGET)
    rows = [(s[s >= 0][None], t[t >= 0][None]) for s, t in zip(SOURCE, TARGET, strict=True)]
    alone = [module.translate(*row)[0] for row in rows]
    for logits, found in zip(together, alone, strict=True):
        assert torch.allclose(logits[: len(found)], found, atol=1e-5)
    weights = [module.embed.weight, module.encoder.blocks[1].norm1.weight]
    mean = torch.stack([each.logsumexp(-1).sum() for each in alone]).sum()
    expected = torch.autograd.grad(mean, weights)
    gradients = torch.autograd.grad((together.logsumexp(-1) * (TARGET >= 0)).sum(), weights)
    assert all(torch.allclose(a, b, atol=1e-4, rtol=1e-4) for a, b in zip(gradients, expected, strict=True))


def test_the_target_sees_its_past_and_all_of_the_source() -> None:
    module = build(2, blocks=1)
    source, target = torch.randint(VOCAB, (1, 5)), torch.tensor([[MARKER, 1, 2, 3]])
    with torch.no_grad():
        before = module.translate(source, target)
        for at in range(1, 4):
            other = target.clone()
            other[0, at] = 7
            moved = (module.translate(source, other) - before).abs().amax(-1)[0]
            assert (moved[:at] < 1e-5).all()
            assert (moved[at:] > 1e-5).all()
        for at in range(5):
            other = source.clone()
            other[0, at] = (other[0, at] + 1) % VOCAB
            assert ((module.translate(other, target) - before).abs().amax(-1) > 1e-5).all()


def traced(module: EncoderDecoder) -> dict[str, Tensor]:
    recording = record_trace(module, torch.tensor([[3, 1, 4, 1, MARKER, 2, 7]]), names={})
    assert all(len(calls) == 1 for calls in recording.steps.values())
    return {name: calls[0] for name, calls in recording.steps.items()}


def test_each_step_follows_from_the_ones_before_it() -> None:
    module = build(3)
    steps = traced(module)
    expected = {"logits": steps["decoder.final_norm"] @ module.embed.weight[:VOCAB].mT}
    for side, time, ids in (("encoder", 4, [3, 1, 4, 1]), ("decoder", 3, [MARKER, 2, 7])):
        half = getattr(module, side)
        expected[f"{side}.embed.tok"] = module.embed.weight[ids][None] * 4  # √16
        expected[f"{side}.embed.pos"] = sinusoidal(time, 16)
        expected[f"{side}.embed.out"] = steps[f"{side}.embed.tok"] + steps[f"{side}.embed.pos"]
        stream = f"{side}.embed.out"
        for i, block in enumerate(half.blocks):
            at = f"{side}.blocks.{i}"
            if i:
                expected[f"{at}.norm1"] = block.norm1(steps[stream])
            x = f"{at}.norm1" if i else stream
            mask = torch.full((3, 3), -math.inf).triu(1) if side == "decoder" else torch.zeros(1, 4, 4)
            expected |= attention(steps, f"{at}.attn", block.attn, steps[x], steps[x], mask)
            expected[f"{at}.resid_mid"] = steps[x] + steps[f"{at}.attn.out"]
            stream = f"{at}.resid_mid"
            if side == "decoder":
                expected[f"{at}.norm_cross"] = normed = block.norm_cross(steps[stream])
                memory = steps["encoder.final_norm"]
                expected |= attention(steps, f"{at}.cross", block.cross, normed, memory, torch.zeros(1, 3, 4))
                expected[f"{at}.resid_cross"] = steps[f"{at}.norm_cross"] + steps[f"{at}.cross.out"]
                stream = f"{at}.resid_cross"
            expected |= {
                f"{at}.norm2": block.norm2(steps[stream]),
                f"{at}.mlp.pre": block.mlp.up(steps[f"{at}.norm2"]),
                f"{at}.mlp.act": steps[f"{at}.mlp.pre"].clamp(min=0),
                f"{at}.mlp.out": block.mlp.down(steps[f"{at}.mlp.act"]),
                f"{at}.resid": steps[f"{at}.norm2"] + steps[f"{at}.mlp.out"],
            }
            stream = f"{at}.resid"
        expected[f"{side}.final_norm"] = half.final_norm(steps[stream])
    assert set(expected) == set(steps)
    for name, value in expected.items():
        assert steps[name].shape == value.shape, name
        assert torch.allclose(steps[name], value, atol=1e-5), name


def test_every_number_is_recomputed_from_those_beside_it() -> None:
    module, ids = build(8), [3, 1, 4, 1, MARKER, 2, 7]
    recording = record_trace(module, torch.tensor([ids]), names=EncoderDecoderPlugin().names())
    anatomy = EncoderDecoderPlugin().anatomy(module)
    checks = verify(to_trace(recording, "zoo/encoder-decoder", ids, [str(each) for each in ids], anatomy))
    assert [(check.step, check.reason) for check in checks if check.ok is not True] == []
    assert {check.step for check in checks} == {*traced(module), "probs"}
    learned = {each.data_ptr(): each.numel() for each in module.parameters()}
    assert {each.data_ptr(): each.numel() for name, each in anatomy.params.items() if name != "unembed.W_U"} == learned


def attention(
    steps: dict[str, Tensor], at: str, layer: nn.Module, asking: Tensor, answering: Tensor, mask: Tensor
) -> dict[str, Tensor]:
    """The steps of one attention, each from those that were recorded before it."""
    made = {
        name: (linear(x).unflatten(-1, (2, 8)).transpose(1, 2))
        for name, linear, x in (("q", layer.query, asking), ("k", layer.key, answering), ("v", layer.value, answering))
    }
    return {
        **{f"{at}.{name}": value for name, value in made.items()},
        f"{at}.scores": steps[f"{at}.q"] @ steps[f"{at}.k"].mT / math.sqrt(8),
        f"{at}.mask": mask,
        f"{at}.pattern": (steps[f"{at}.scores"] + mask).softmax(-1),
        f"{at}.z": steps[f"{at}.pattern"] @ steps[f"{at}.v"],
        f"{at}.out": layer.out(steps[f"{at}.z"].transpose(1, 2).flatten(2)),
    }


def test_what_is_masked_gets_no_attention() -> None:
    """Rows of the pattern sum to 1 over real tokens alone."""
    module = build(4)
    seen: list[Tensor] = []
    for block in module.decoder.blocks:
        block.cross.register_forward_hook(lambda layer, args, out: seen.append(args[1]))
    module.translate(SOURCE, TARGET)
    for mask in seen:
        assert torch.equal(mask.isinf(), (SOURCE < 0)[:, None].expand(3, 4, 5))


def test_it_learns_to_turn_a_row_round() -> None:
    """The whole path at once: only attention across can tell which token comes next."""
    module = build(5, spread=0, width=32, blocks=1).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.005)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        source = torch.randint(VOCAB, (32, 3), generator=generator)
        answer = source.flip(1)
        target = torch.cat([torch.full((32, 1), MARKER), answer[:, :-1]], dim=1)
        F.cross_entropy(module.translate(source, target).flatten(0, 1), answer.flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()
    module.eval()
    ids = torch.cat([torch.randint(VOCAB, (50, 3), generator=generator), torch.full((50, 1), MARKER)], dim=1)
    for _ in range(3):
        ids = torch.cat([ids, module(ids)[:, -1:].argmax(-1)], dim=1)
    assert (ids[:, 4:] == ids[:, :3].flip(1)).all(1).float().mean() > 0.9


def test_every_parameter_is_learned() -> None:
    module = build(6, spread=0).train()
    F.cross_entropy(module.translate(SOURCE, TARGET).flatten(0, 1), torch.randint(VOCAB, (12,))).backward()
    # a key's bias moves all scores of a row alike, and softmax does not see it
    lost = [name for name, each in module.named_parameters() if each.grad is None or not each.grad.any()]
    assert [name for name in lost if not name.endswith("key.bias")] == []


def test_sentences_longer_than_any_it_learned_from_are_read_too() -> None:
    """Sines go on for ever (section 3.5), so a batch of pairs that fit each may be as long as it comes."""
    source, target = torch.randint(VOCAB, (2, 18)), torch.full((2, 9), MARKER)
    assert build(context=20).translate(source, target).isfinite().all()


def test_the_recommended_recipe_is_one() -> None:
    assert Recipe(seconds=1, **EncoderDecoderPlugin().recipe()).batch == 32


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 30, "heads": 4}, "width 30 is not a multiple of heads 4"),
        ({"blocks": 13}, "less than or equal to 12"),
        ({"context": 1}, "greater than or equal to 2"),
    ],
)
def test_a_config_out_of_bounds_is_refused(values: dict[str, int], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Config(**values)
