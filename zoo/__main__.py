"""The command line: python -m zoo list | new | check | train | predict | trace.

Bad input gets one clear line on standard error and exit status 2.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

if TYPE_CHECKING:
    from zoo.tokenizers import Tokenizer
    from zoo.training import Run


class BadInput(Exception):
    """What the user gave can't be used; the message says why, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options) or 0)
    except ValidationError as error:
        return _fail("; ".join(f"{'.'.join(map(str, e['loc'])) or 'config'}: {e['msg']}" for e in error.errors()))
    except (BadInput, ValueError, LookupError) as error:
        return _fail(str(error).splitlines()[0])
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _fail(message: str) -> int:
    print(f"zoo: {message}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"zoo: {message} (see: {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m zoo", description="The model zoo from the command line.")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        each = commands.add_parser(name, help=text, description=text)
        each.add_argument("--json", action="store_true", help="print JSON")
        each.set_defaults(command=run)
        return each

    train = command("train", _train, "train a model on a text")
    train.add_argument("--model", help="the plugin's id, such as zoo/gpt")
    train.add_argument("--corpus", required=True, help="a .txt or .jsonl file, or either packed as .xz")
    train.add_argument("--run", help="the run's folder (default: runs/<model>-<time>); an unfinished run goes on")
    train.add_argument("--seconds", type=float, help="train for so long")
    train.add_argument("--steps", type=int, help="train for so many steps")
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a config or recipe field")
    train.add_argument("--tokenizer", default="bpe", help="bpe, char, byte, word, or a tokenizer.json")
    train.add_argument("--vocab-size", type=int, default=1024, help="entries of a tokenizer that is trained here")
    train.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    return parser


def _train(options: argparse.Namespace) -> int:
    import torch

    from zoo.data import read_corpus
    from zoo.registry import discover
    from zoo.training import Run, train

    torch.set_num_threads(options.threads)
    registry = discover()
    corpus = read_corpus(options.corpus)
    folder = Path(options.run or f"runs/{(options.model or '').replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}")
    if (folder / "run.json").exists():
        run = Run.open(folder)
        if options.model not in (None, run.info.model):
            raise BadInput(f"{folder} is a run of {run.info.model}, not of {options.model}")
        if corpus.sha256 != run.info.corpus["sha256"]:
            raise BadInput(f"{folder} was started on another text ({run.info.corpus['name']})")
    else:
        run = _new_run(options, registry, corpus, folder)
    for event in train(run, registry.get(run.info.model), corpus):
        if options.json:
            print(json.dumps(event), flush=True)
        elif "valid_loss" in event:
            print(
                f"step {event['step']:6d}  {event['elapsed']:7.1f} s  loss {event['loss']:.3f}"
                f"  held out {event['valid_loss']:.3f} nats/token, {event['bits_per_character']:.3f} bits/character"
                f"  {event['tokens_per_second']:,.0f} tokens/s",
                flush=True,
            )
    if not options.json:
        print(f"saved in {folder}")
    return 0


def _new_run(options: argparse.Namespace, registry: Any, corpus: Any, folder: Path) -> Run:
    from zoo.training import Recipe, Run
    from zoo.training.run import parameter_count, seeded_build

    if not options.model:
        raise BadInput("name a model with --model; `python -m zoo list` shows them")
    plugin = registry.get(options.model)
    given = _assignments(options.set)
    recipe_fields = {name: given.pop(name) for name in list(given) if name in Recipe.model_fields}
    unknown = [name for name in given if name not in plugin.Config.model_fields]
    if unknown:
        known = ", ".join([*plugin.Config.model_fields, *Recipe.model_fields])
        raise BadInput(f"{options.model} has no field {unknown[0]!r}; known: {known}")
    config = plugin.Config(**given)
    budget = {name: getattr(options, name) for name in ("seconds", "steps") if getattr(options, name) is not None}
    recipe = Recipe(**(recipe_fields | (budget or {"seconds": 60.0})))
    tokenizer = _tokenizer(options, corpus)
    module = seeded_build(lambda: plugin.build(config, tokenizer.vocab_size), recipe.seed)
    return Run.create(
        folder,
        model=options.model,
        config=config,
        tokenizer=tokenizer,
        corpus={"name": corpus.name, "sha256": corpus.sha256},
        recipe=recipe,
        parameters=parameter_count(module),
    )


def _tokenizer(options: argparse.Namespace, corpus: Any) -> Tokenizer:
    from zoo.tokenizers import KINDS, Tokenizer, train_tokenizer

    if options.tokenizer in KINDS:
        return train_tokenizer(options.tokenizer, corpus.train, options.vocab_size)
    if not Path(options.tokenizer).exists():
        raise BadInput(f"--tokenizer takes {', '.join(KINDS)} or a tokenizer.json, not {options.tokenizer!r}")
    return Tokenizer.load(options.tokenizer)


def _assignments(pairs: Sequence[str]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    for name, sign, _ in split:
        if not sign or not name:
            raise BadInput(f"--set takes NAME=VALUE, not {name!r}")
    return {name: value for name, _, value in split}


if __name__ == "__main__":
    sys.exit(main())
