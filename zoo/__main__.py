"""The command line: python -m zoo list | new | check | train | predict | trace | compare.

Bad input gets one clear line on standard error and exit status 2. The commands are in `zoo.cli`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from pydantic import ValidationError

from zoo.cli import BadInput
from zoo.cli.catalogue import check_command, list_command, new_command
from zoo.cli.comparison import compare_command
from zoo.cli.prediction import predict_command, trace_command
from zoo.cli.training import train_command
from zoo.tokenizers import KINDS
from zoo.validation import readable

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 done and found wanting, 2 bad input."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ValidationError as error:
        return _fail(readable(error))
    except (KeyError, IndexError):
        raise  # a fault in the program, though both are LookupErrors
    except (BadInput, ValueError, LookupError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _fail(message: str) -> int:
    print(f"zoo: {(message.strip() or 'the input cannot be used').splitlines()[0]}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"zoo: {message} (see: {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m zoo", description="The model zoo from the command line.")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def command(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        each = commands.add_parser(name, help=text, description=text)
        each.set_defaults(command=run)
        return each

    listing = command("list", list_command, "show every model, and the plugins that could not be loaded")
    new = command("new", new_command, "write a small plugin to start from")
    new.add_argument("folder", metavar="DIR", help="where to write it; the file is DIR/averager.py")
    check = command("check", check_command, "hold a plugin against its contract: exit 1 if a check fails")
    check.add_argument("plugin", metavar="PATH|ID", help="a plugin's file, or the id of an installed one")
    train = command("train", train_command, "train a model on a text")
    _add_train(train)
    predict = command("predict", predict_command, "the most probable next tokens")
    predict.add_argument("--top", type=_at_least_one, default=5, help="how many tokens (default 5)")
    trace = command("trace", trace_command, "save every step of one forward pass: exit 1 if a number does not hold")
    trace.add_argument("--out", required=True, metavar="FILE", help="the .safetensors file to write")
    for each in (predict, trace):
        _add_model(each)
    compare = command("compare", compare_command, "train models of one size alike, and measure them side by side")
    _add_compare(compare)
    for each in (listing, check, train, predict, trace, compare):
        each.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="a plugin's id, a run folder, or a Hugging Face folder")
    parser.add_argument("--prompt", required=True, metavar="TEXT", help="the text to go on from")
    parser.add_argument("--untrained", action="store_true", help="random weights instead of the trained ones")
    parser.add_argument("--seed", type=_seed, default=0, help="which random weights (default 0)")


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="the plugin's id, such as zoo/gpt")
    parser.add_argument(
        "--corpus", help="glass-box, or a .txt or .jsonl file, or either as .xz; a run that goes on knows its own"
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="SOURCE[@STEP]",
        help="fine-tune: begin with the weights of a run folder, or of a plugin that comes with some",
    )
    parser.add_argument(
        "--run", "--folder", help="the run's folder (default: runs/<model>-<time>); an unfinished run goes on"
    )
    parser.add_argument("--seconds", type=float, help="train for so long (default 60)")
    parser.add_argument("--steps", type=int, help="train for so many steps")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a config or recipe field")
    parser.add_argument("--prompt", metavar="TEXT", help="what the model is asked at each evaluation")
    parser.add_argument(
        "--tokenizer",
        help=f"{', '.join(KINDS)}, or a tokenizer.json (default: the model's own, or word for glass-box, else bpe)",
    )
    parser.add_argument("--vocab-size", type=int, default=1024, help="entries of a tokenizer that is trained here")
    parser.add_argument("--threads", type=_at_least_one, default=1, help="CPU threads (default 1)")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", required=True, metavar="A,B,C", help="plugin ids, with commas between them")
    parser.add_argument("--corpus", default="glass-box", help="glass-box (default), or a text file as for train")
    parser.add_argument("--seconds", type=float, help="train each for so long (default 60)")
    parser.add_argument("--steps", type=_at_least_one, help="train each for so many steps of the same batch")
    parser.add_argument("--tokens", type=_at_least_one, help="train each on so many tokens, the same ones")
    parser.add_argument("--seeds", type=_at_least_one, default=1, help="trainings of each model (default 1)")
    parser.add_argument(
        "--parameters", type=_at_least_one, help="size of each, reached by its width (default: as the first model has)"
    )
    parser.add_argument("--context", type=_at_least_one, help="tokens that each reads at once (default: the first's)")
    parser.add_argument(
        "--stories", type=_at_least_one, default=200, help="held-out stories for accuracy by distance (default 200)"
    )
    parser.add_argument("--runs", default="runs/compare", metavar="DIR", help="where the trainings are kept")
    parser.add_argument("--out", metavar="FILE", help="write the result there, as JSON")


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def _seed(text: str) -> int:
    if not 0 <= (number := int(text)) < 2**32:
        raise argparse.ArgumentTypeError(f"{number} is not within 0 … {2**32 - 1}")
    return number


_at_least_one.__name__ = _seed.__name__ = "whole number"  # what argparse calls them in its messages


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):  # a token may hold what the terminal's encoding lacks
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
