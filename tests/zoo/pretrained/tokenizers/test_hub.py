"""The Hub, spoken to over real sockets: a small server here has its layout of addresses, its headers and its moods."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from zoo.pretrained.tokenizers import hub
from zoo.pretrained.tokenizers.foreign import read_foreign
from zoo.tokenizers import train_tokenizer

SOUND = train_tokenizer("bpe", ["the cat sat on the mat"] * 9, 280)
CONTENT = SOUND.raw.to_str().encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """What huggingface.co answers to somebody without a token."""

    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        name, _, rest = self.path[1:].partition("/resolve/main/")
        if rest != "tokenizer.json" and name != "cdn":
            return self.say(404)
        match name:
            case "org/sound":
                self.say(200, CONTENT)
            case "old":
                self.say(307, location="/org/sound/resolve/main/tokenizer.json")
            case "org/stored":  # large files lie on another host
                self.say(302, location=f"http://localhost:{self.server.server_port}/org/sound/resolve/main/{rest}")
            case "org/elsewhere":
                self.say(302, location="file:///etc/hostname")
            case "org/ring":
                self.say(302, location=self.path)
            case "org/gated":
                self.say(401, error="GatedRepo")
            case "org/slow-vocabulary":
                self.say(404, error="EntryNotFound")
            case "org/limited":
                self.say(429)
            case "org/down":
                self.say(503)
            case "org/nonsense":
                self.say(200, b"<html>not a tokenizer</html>")
            case "org/large":
                self.say(200, b"{", length=hub.LARGEST + 1)
            case "org/endless":
                self.endless()
            case "org/short":
                self.say(200, CONTENT[:100], length=len(CONTENT))
            case "org/drops":
                self.drops()
            case "org/silent":
                self.server.over.wait()
            case _:
                self.say(401, error="RepoNotFound")

    def say(self, code: int, body: bytes = b"", *, error: str = "", location: str = "", length: int = -1) -> None:
        self.send_response(code)
        for header, value in (("X-Error-Code", error), ("Location", location)):
            if value:
                self.send_header(header, value)
        self.send_header("Content-Length", str(length if length >= 0 else len(body)))
        self.end_headers()
        self.wfile.write(body)

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b" " * 2**20)
        except OSError:
            pass

    def drops(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        try:
            for byte in CONTENT:
                self.wfile.write(bytes([byte]))
                if self.server.over.wait(0.2):
                    return
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


class Hub(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{made.server_port}/")
        monkeypatch.setenv("HF_TOKEN", "a secret")
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        hub._kept.clear()
        yield made
        made.over.set()
        made.shutdown()
    hub._kept.clear()


@pytest.mark.parametrize("name", ["org/sound", "old", "org/stored"])
def test_a_tokenizer_of_the_hub_is_fetched(server, name):
    assert read_foreign(hub.fetch(name)).hash == SOUND.hash
    assert hub.fetch(name) == CONTENT
    assert server.asked[0][0] == f"/{name}/resolve/main/tokenizer.json"
    assert sum(path.startswith(f"/{name}/") for path, _ in server.asked) == 1, "the second time it is remembered"
    assert not any("authorization" in map(str.lower, headers) for _, headers in server.asked)


def test_the_endpoint_is_read_at_each_call(server, monkeypatch):
    hub.fetch("org/sound")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ValueError, match=r"The Hub \(127.0.0.1:1\) cannot be reached"):
        hub.fetch("org/sound")


REFUSED = {
    "org/missing": "has no model org/missing that is open to all",
    "org/gated": "only for those whom its authors let in",
    "org/slow-vocabulary": "has no tokenizer.json",
    "org/limited": "too often",
    "org/down": "answered 503",
    "org/nonsense": "not JSON",
    "org/large": "more than 32 MB",
    "org/endless": "more than 32 MB",
    "org/short": "cannot be reached",
    "org/elsewhere": "answered 302|cannot be reached",
    "org/ring": "answered 302",
    "no name": "organisation/name",
    "org/../../etc": "organisation/name",
    "../x": "organisation/name",
    "https://example.org/x": "organisation/name",
}


@pytest.mark.parametrize("name", REFUSED)
def test_each_failure_is_one_plain_sentence(server, name):
    with pytest.raises(ValueError, match=REFUSED[name]) as caught:
        read_foreign(hub.fetch(name))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert not hub._kept or name == "org/nonsense"


def test_a_hub_that_says_nothing_is_given_up_in_time(server, monkeypatch):
    monkeypatch.setattr(hub, "ANSWER", 0.3)
    with pytest.raises(ValueError, match="cannot be reached"):
        hub.fetch("org/silent")


def test_a_file_that_comes_in_drops_is_given_up_in_time(server, monkeypatch):
    monkeypatch.setattr(hub, "WHOLE", 0.5)
    monkeypatch.setattr(hub, "ANSWER", 0.5)
    with pytest.raises(ValueError, match="did not arrive"):
        hub.fetch("org/drops")


def test_a_name_server_that_hangs_is_given_up_in_time(server, monkeypatch):
    monkeypatch.setattr(hub, "ANSWER", 0.1)
    answers = threading.Event()
    monkeypatch.setattr(hub, "_opener", answers.wait)
    with pytest.raises(ValueError, match="cannot be reached"):
        hub.fetch("org/sound")
    answers.set()


def test_offline_and_wrong_addresses_are_said(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "hub.example.org")
    with pytest.raises(ValueError, match=r"HF_ENDPOINT is hub\.example.org"):
        hub.fetch("org/sound")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match="switched off"):
        hub.fetch("org/sound")


def test_no_more_than_some_are_kept(server, monkeypatch):
    monkeypatch.setattr(hub, "KEPT", 1)
    hub.fetch("org/sound")
    hub.fetch("old")
    assert [url.split("/")[3] for url in hub._kept] == ["old"]
