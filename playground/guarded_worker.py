"""The program that `playground.guarded` starts: it loads one strange tokenizer, and answers questions of it.

It reads from its standard input and writes to its standard output, each message behind its length: first the
`tokenizer.json`, then questions. It has a limit of memory and of processor time, and ends when nobody asks
for a while, or when the other end of its input is gone. No torch, no Streamlit.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, get_type_hints

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from zoo.tokenizers import Tokenizer

MEMORY = 3 * 2**29
"""Bytes that the process may map."""
PROCESSOR = 30.0
"""Seconds of processor time for one message, should nobody be left to look at the clock."""
IDLE = 180.0
"""Seconds without a question after which it ends."""
QUESTIONS = "zoo.tokenizers"
"""Where the functions lie that may be asked."""
ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""One thread: each maps much memory of its own."""
LARGEST = 2**28
"""Bytes of a message."""
ANSWERED, FAILED, BROKEN = b"+", b"-", b"!"
"""First byte of what is answered: JSON follows, a sentence for the reader, or where in our own code it broke."""


def write_frame(file: BinaryIO | Any, message: bytes) -> None:
    """A message behind its length.

    Raises:
        OSError: the other end is gone.
    """
    file.write(len(message).to_bytes(8, "big") + message)
    file.flush()


def read_frame(file: BinaryIO | Any) -> bytes:
    """The next message.

    Raises:
        EOFError: there is none, not all of it, or far too much.
    """
    size = int.from_bytes(_exactly(file, 8), "big")
    if size > LARGEST:
        raise EOFError
    return _exactly(file, size)


def _exactly(file: BinaryIO | Any, size: int) -> bytes:
    read: bytes = file.read(size)
    if len(read) < size:
        raise EOFError
    return read


def function_of(question: str) -> Callable[..., Any]:
    """The function that "module:name" names: a public one, at home in a module of `zoo.tokenizers`.

    Raises:
        LookupError: there is none, or it lies elsewhere.
    """
    module, _, name = question.partition(":")
    if module == QUESTIONS or module.startswith(QUESTIONS + "."):
        with suppress(ImportError, AttributeError):
            found = getattr(importlib.import_module(module), name)
            if inspect.isfunction(found) and found.__module__ == module and not name.startswith("_"):
                return found
    raise LookupError(f"{question} is no question for a foreign tokenizer: name a function of {QUESTIONS}")


@lru_cache(maxsize=64)
def answer_type(question: str) -> TypeAdapter[Any]:
    """How the answer is written and read.

    Raises:
        LookupError: there is no such question.
    """
    return TypeAdapter(get_type_hints(function_of(question))["return"])


def main() -> None:
    """The life of the process."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints gets among the answers
    messages: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(messages,), daemon=True).start()
    content = messages.get()
    _limit_memory()
    tokenizer: Tokenizer | None = None
    while True:
        _limit_time()
        try:
            if tokenizer is None:
                tokenizer = _load(content)
                answer = ANSWERED + _described(tokenizer)
            else:
                answer = ANSWERED + _answered(tokenizer, json.loads(messages.get(timeout=IDLE)))
        except Empty:
            os._exit(0)  # at once: the thread that reads holds the input, and an orderly end would wait for it
        except BaseException as error:  # a panic of the library is no Exception
            answer = _failure(error)
        write_frame(output, answer)


def _listen(messages: SimpleQueue[bytes]) -> None:
    """The thread that reads; when nobody is left at the other end, the process ends, whatever it is about."""
    try:
        while True:
            messages.put(read_frame(sys.stdin.buffer))
    except BaseException:
        os._exit(0)


def _load(content: bytes) -> Tokenizer:
    from zoo.pretrained.tokenizers.foreign import read_foreign

    return read_foreign(content)


def _described(tokenizer: Tokenizer) -> bytes:
    return json.dumps({"kind": type(tokenizer.raw.model).__name__, "size": tokenizer.vocab_size}).encode()


def _answered(tokenizer: Tokenizer, asked: dict[str, Any]) -> bytes:
    answer = function_of(asked["question"])(tokenizer, **asked["arguments"])
    said = answer_type(asked["question"]).dump_json(answer)
    if len(said) > asked.get("largest", LARGEST):
        raise ValueError(
            f"What this tokenizer answers has {len(said) / 2**20:,.0f} MB, which is too much to show: "
            "shorten the text, or choose another one."
        )
    return said


def _failure(error: BaseException) -> bytes:
    """The library raises bare exceptions, and panics that are none; all others are ours."""
    if isinstance(error, MemoryError):
        need = f"This tokenizer needed more than the {MEMORY / 2**30:g} GB of memory that it may have"
        return FAILED + f"{need}: shorten the text, or choose another one.".encode()
    if isinstance(error, ValueError):
        return FAILED + str(error).encode(errors="replace")
    if type(error) is Exception or not isinstance(error, Exception):
        said = " ".join(str(error).split())[:200]
        return FAILED + f"This tokenizer fails on this text ({said}): choose another one.".encode(errors="replace")
    return BROKEN + "".join(traceback.format_exception(error)).encode(errors="replace")


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):  # not every system has such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime + PROCESSOR) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
