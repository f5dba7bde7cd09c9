"""The `tokenizer.json` of a model on the Hugging Face Hub, or of a mirror that HF_ENDPOINT names.

Nothing else is fetched, and nobody's access token is sent. What comes is a strange file, to be read with
`zoo.pretrained.tokenizers.foreign`. Used by the page Tokenizers.
"""

from __future__ import annotations

import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from http.client import HTTPException, HTTPMessage, HTTPResponse
from queue import Empty, SimpleQueue

from zoo.pretrained.tokenizers.foreign import LARGEST

HUB = "https://huggingface.co"
FILE = "tokenizer.json"
ANSWER = 5.0
"""Seconds within which the Hub must answer, and between two pieces of the file."""
WHOLE = 20.0
"""Seconds within which the file must be here."""
KEPT = 8
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_NAME = re.compile(rf"{_PART}(/{_PART})?")
_kept: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def fetch(name: str) -> bytes:
    """The bytes of a model's `tokenizer.json`, at most 32 MiB; kept for the next time.

    Args:
        name: "org/name", or "name" for some of the oldest models.

    Raises:
        ValueError: it cannot be had; one or two sentences for the reader.
    """
    if not _NAME.fullmatch(name) or ".." in name or "--" in name:
        raise ValueError("A name on the Hub is written organisation/name, such as openai-community/gpt2.")
    endpoint = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    if not endpoint.startswith(("http://", "https://")):
        raise ValueError(f"HF_ENDPOINT is {endpoint}, which is no address of a Hub: it begins with https://.")
    url = f"{endpoint}/{name}/resolve/main/{FILE}"
    with _lock:
        if url in _kept:
            _kept.move_to_end(url)
            return _kept[url]
    content = _in_time(url, name)
    with _lock:
        _kept[url] = content
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return content


def _in_time(url: str, name: str) -> bytes:
    """The file, or one sentence, in a bounded time: a name server that is silent heeds no time limit."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        raise ValueError("The Hub is switched off here (HF_HUB_OFFLINE): choose a tokenizer that is installed.")
    answers: SimpleQueue[bytes | Exception] = SimpleQueue()
    answered = threading.Event()

    def work() -> None:
        try:
            answers.put(_read(url, name, answered))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=work, name="fetching from the Hub", daemon=True).start()
    began = time.monotonic()
    try:
        answer = answers.get(timeout=ANSWER + 0.5)
    except Empty:
        if not answered.is_set():
            raise _unreachable(url) from None
        try:
            answer = answers.get(timeout=max(0.0, WHOLE - (time.monotonic() - began)))
        except Empty:
            raise _slow(name) from None
    if isinstance(answer, bytes):
        return answer
    raise answer


def _read(url: str, name: str, answered: threading.Event) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "transformer-playground"})
    began, parts, size = time.monotonic(), list[bytes](), 0
    try:
        with _opener().open(request, timeout=ANSWER) as response:
            answered.set()
            _check_size(_length(response.headers), name)
            while part := _some(response):
                parts.append(part)
                size += len(part)
                _check_size(size, name)
                if time.monotonic() - began > WHOLE:
                    raise _slow(name)
            if size < _length(response.headers):
                raise HTTPException("the answer ended early")
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error, name) from error
    except (OSError, HTTPException) as error:
        raise (_slow(name) if answered.is_set() and isinstance(error, TimeoutError) else _unreachable(url)) from error
    return b"".join(parts)


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS only: a redirection leads to no file of this machine."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _some(response: HTTPResponse) -> bytes:
    """What has come by now, so that slow drops are noticed."""
    return response.read1(2**16)


def _length(headers: HTTPMessage) -> int:
    stated = headers.get("Content-Length", "")
    return int(stated) if stated.isdecimal() else 0


def _check_size(size: int, name: str) -> None:
    if size > LARGEST:
        raise ValueError(f"The {FILE} of {name} has more than {LARGEST // 2**20} MB, which is too much to show here.")


def _refused(error: urllib.error.HTTPError, name: str) -> ValueError:
    """What the Hub answered, in one sentence."""
    reason = error.headers.get("X-Error-Code", "")
    if reason == "GatedRepo" or error.code == 403:
        return ValueError(f"{name} is only for those whom its authors let in: choose one that is open to all.")
    if reason == "EntryNotFound":
        return ValueError(f"{name} has no {FILE}: its tokenizer is kept in another form, which cannot be read here.")
    if reason == "RepoNotFound" or error.code in (401, 404):
        return ValueError(f"The Hub has no model {name} that is open to all: check the name, organisation included.")
    if error.code == 429:
        return ValueError("The Hub has been asked too often from here: try again in some minutes.")
    return ValueError(f"The Hub answered {error.code} for {name}: try again later, or choose an installed tokenizer.")


def _unreachable(url: str) -> ValueError:
    host = url.split("/")[2] if "://" in url else url
    return ValueError(f"The Hub ({host}) cannot be reached from here: choose a tokenizer that is installed.")


def _slow(name: str) -> ValueError:
    return ValueError(f"The {FILE} of {name} did not arrive within {WHOLE:g} seconds: try again, or choose another.")
