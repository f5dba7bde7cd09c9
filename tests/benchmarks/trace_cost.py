"""What a full trace costs, at GPT-2-small shape, against Hugging Face's plain forward.

    python -m tests.benchmarks.trace_cost [--rounds 20] [--tokens 64] [--threads 1] [--clock wall|cpu]

Random weights, float32, one text, no gradients. Every contender runs once a round, on weights of its
own; the ratios are of pairs in one round. "full trace" must record everything (the budget is lifted,
and the script stops if a step is missing). Target: at most 1.1 times Hugging Face's plain forward.
The cpu clock counts this process's work alone; choose it where the machine is busy with other things.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.benchmarks.rounds import interleave, ratio, table
from zoo.inference import LoadedModel, load, to_trace
from zoo.models.gpt import Config, GPTPlugin
from zoo.tokenizers import Tokenizer, train_tokenizer
from zoo.trace.record import record_trace
from zoo.trace.trace import Trace

PEER = "Hugging Face, plain forward"
TRACE = "zoo adapter, full trace"
TARGET = 1.1
BLOCKS, HEADS, WIDTH, VOCAB, CONTEXT = 12, 12, 768, 50257, 1024
UNLIMITED = 2**34
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}

Calls = dict[str, Callable[[], object]]


def main() -> None:
    """Run all contenders in turn and print the table."""
    options = _options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    ids = torch.randint(0, 256, (1, options.tokens))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        calls = _hugging_face(Path(folder), ids) | _zoo_gpt(ids) | _transformer_lens(Path(folder), ids)
        times = interleave(calls, options.rounds, warm_up=2, clock=CLOCKS[options.clock])
    threads = f"{options.threads} of {os.cpu_count()} cores"
    print(f"{options.tokens} tokens, {threads}, {options.rounds} rounds, {options.clock} time")
    print(table(times, PEER))
    found = ratio(times, TRACE, PEER).middle
    print(f"{TRACE}: {found:.3f} × {PEER}; the target is {TARGET}: {'met' if found <= TARGET else 'NOT met'}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    return parser.parse_args()


def _hugging_face(folder: Path, ids: Tensor) -> Calls:
    """A random GPT-2 small, saved to a folder; read back by transformers and by the zoo's adapter."""
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    config = GPT2Config(
        vocab_size=VOCAB, n_positions=CONTEXT, n_embd=WIDTH, n_layer=BLOCKS, n_head=HEADS, attn_implementation="eager"
    )
    theirs: Any = GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(folder)
    _tokenizer().save(folder / "tokenizer.json")
    ours = load(str(folder))
    return {
        PEER: lambda: theirs(input_ids=ids, use_cache=False),
        "Hugging Face, output_attentions and _hidden_states": lambda: theirs(
            input_ids=ids, use_cache=False, output_attentions=True, output_hidden_states=True
        ),
    } | _of_model("zoo adapter", ours, ids)


def _zoo_gpt(ids: Tensor) -> Calls:
    """The zoo's own GPT in the same shape."""
    plugin = GPTPlugin()
    module = plugin.build(Config(blocks=BLOCKS, heads=HEADS, width=WIDTH, context=CONTEXT, tied=True), VOCAB).eval()
    model = LoadedModel(
        "zoo/gpt", "GPT", "gpt", "", module, _tokenizer(), CONTEXT, plugin.names(), plugin.anatomy(module)
    )
    return _of_model("zoo/gpt", model, ids)


def _of_model(name: str, model: LoadedModel, ids: Tensor) -> Calls:
    """The plain forward, the recording alone, and the whole way to a `Trace` of arrays."""
    plain = ids[0].tolist()
    recording = record_trace(model.module, ids, names=model.names, budget=UNLIMITED)
    _check_full(to_trace(recording, model.id, plain, [], None))
    return {
        f"{name}, plain forward": lambda: model.module(ids),
        f"{name}, record_trace alone": lambda: record_trace(model.module, ids, names=model.names, budget=UNLIMITED),
        f"{name}, to_trace alone": lambda: to_trace(recording, model.id, plain, [], None),
        f"{name}, full trace": lambda: model.trace_ids(plain, budget=UNLIMITED),
    }


def _check_full(trace: Trace) -> None:
    """Stop unless every step of the vocabulary's textbook transformer is there."""
    block = "norm1 attn.q attn.k attn.v attn.scores attn.mask attn.pattern attn.z attn.out resid_mid norm2"
    block += " mlp.pre mlp.act mlp.out resid"
    wanted = [f"blocks.{i}.{step}" for i in range(BLOCKS) for step in block.split()]
    wanted += ["embed.tok", "embed.pos", "embed.out", "final_norm", "logits", "probs"]
    if missing := [name for name in wanted if name not in trace]:
        raise SystemExit(f"not a full trace: {', '.join(missing)} missing")


def _transformer_lens(folder: Path, ids: Tensor) -> Calls:
    """TransformerLens (3 or later) on the same weights, where it is installed."""
    if find_spec("transformer_lens") is None:
        print("transformer_lens is not installed: left out")
        return {}
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    tokenizer.save_pretrained(folder)
    theirs: Any = GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").eval()
    model = TransformerBridge.boot_transformers(str(folder), hf_model=theirs, tokenizer=tokenizer, dtype=torch.float32)
    return {
        "TransformerLens, plain forward": lambda: model(ids),
        "TransformerLens, run_with_cache": lambda: model.run_with_cache(ids),
    }


def _tokenizer() -> Tokenizer:
    return train_tokenizer("byte", [])


if __name__ == "__main__":
    main()
