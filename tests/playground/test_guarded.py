"""Strange tokenizers in a process of their own: they answer, and whatever they do, the server goes on and ends them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground import guarded, guarded_worker
from zoo.tokenizers import KINDS, train_tokenizer
from zoo.tokenizers.round_trip import RoundTrip, round_trip

CORPUS = ["The cat sat on the mat. Café!"] * 3
TRAINED = {kind: train_tokenizer(kind, CORPUS, 320) for kind in KINDS}
CONTENT = {kind: made.raw.to_str().encode() for kind, made in TRAINED.items()}
QUESTION = "zoo.tokenizers.round_trip:round_trip"
ENDLESS_WORD = "x" * 200_000


def endless() -> bytes:
    """WordPiece tries every end for every start: for one long word that is the cube of its length."""
    data = json.loads(CONTENT["wordpiece"])
    data["model"]["max_input_chars_per_word"] = 10**9
    data["model"]["vocab"] = {"<|endoftext|>": 0, "<|unknown|>": 1, "x": 2, "##x": 3}
    return json.dumps(data).encode()


def swelling() -> bytes:
    """Each of three steps makes a thousand of one."""
    data = json.loads(CONTENT["byte"])
    step = {"type": "Replace", "pattern": {"String": "Q"}, "content": "Q" * 1000}
    data["normalizer"] = {"type": "Sequence", "normalizers": [step] * 3}
    return json.dumps(data).encode()


def panicking() -> bytes:
    """A pattern that the library gives up on, with a panic."""
    data = json.loads(CONTENT["byte"])
    step = {"type": "Split", "pattern": {"Regex": "(a+)+$|(a|aa)+c"}, "behavior": "Isolated", "invert": False}
    data["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [step, data["pre_tokenizer"]]}
    return json.dumps(data).encode()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    guarded._POOL.close()
    assert waiting() == []


def waiting() -> list[int]:
    """The ids of the processes that wait for a question."""
    return [each.popen.pid for each in guarded._POOL._idle.values() if each.alive]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for_end(pid: int, seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_the_answer_is_that_of_a_tokenizer_here(kind):
    for text in ("The cat", "", "Café \0 👍🏽 你", "\u2028\ufeff"):
        got = guarded.ask_guarded(CONTENT[kind], QUESTION, {"text": text})
        assert isinstance(got, RoundTrip)
        assert got == round_trip(TRAINED[kind], text=text)


def test_it_says_what_it_loaded_and_is_kept_for_the_next_question():
    found = guarded.load_guarded(CONTENT["bpe"])
    assert found == guarded.Loaded("BPE", TRAINED["bpe"].vocab_size)
    (pid,) = waiting()
    guarded.ask_guarded(CONTENT["bpe"], QUESTION, {"text": "a"})
    assert waiting() == [pid]
    assert pid != os.getpid()


def test_no_torch_and_no_streamlit_in_the_process():
    guarded.ask_guarded(CONTENT["bpe"], QUESTION, {"text": "a"})
    (pid,) = waiting()
    mapped = Path(f"/proc/{pid}/maps").read_text()
    assert "tokenizers" in mapped
    assert "libtorch" not in mapped
    code = "import sys, playground.guarded_worker, zoo.pretrained.tokenizers.foreign as f; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "streamlit", "transformers"} & set(modules)


def test_no_more_than_two_at_a_time_and_the_oldest_goes():
    kinds = ["bpe", "char", "word"]
    for kind in kinds:
        guarded.load_guarded(CONTENT[kind])
        last = waiting()
    assert len(last) == guarded.AT_ONCE
    assert guarded.load_guarded(CONTENT["char"]).size == TRAINED["char"].vocab_size
    assert set(waiting()) == set(last), "the two newest are still there"


def test_many_threads_ask_at_once():
    errors: list[Exception] = []

    def ask(kind: str, text: str) -> None:
        try:
            assert guarded.ask_guarded(CONTENT[kind], QUESTION, {"text": text}) == round_trip(TRAINED[kind], text=text)
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=ask, args=(kind, f"the cat {n}")) for n in range(4) for kind in ("bpe", "word", "char")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_what_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(guarded, "ANSWER", 0.5)
    content = endless()
    guarded.load_guarded(content)
    (pid,) = waiting()
    with pytest.raises(ValueError, match=r"longer than 0.5 seconds over this text, and was stopped: shorten the text"):
        guarded.ask_guarded(content, QUESTION, {"text": ENDLESS_WORD})
    assert not alive(pid)
    monkeypatch.setattr(guarded, "ANSWER", 10)
    assert not guarded.ask_guarded(content, QUESTION, {"text": "y"}).lossless, "a new process answers"


def test_what_loads_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(guarded, "LOAD", 0.01)
    with pytest.raises(ValueError, match="to load, and was stopped: choose another one"):
        guarded.load_guarded(CONTENT["bpe"])
    assert waiting() == []


def test_what_needs_too_much_memory_is_stopped():
    with pytest.raises(ValueError, match=r"1.5 GB of memory"):
        guarded.ask_guarded(swelling(), QUESTION, {"text": "Q" * 10})
    assert guarded.ask_guarded(swelling(), QUESTION, {"text": "a cat"}).lossless


def test_a_panic_is_a_sentence_and_the_process_lives():
    content = panicking()
    guarded.load_guarded(content)
    (pid,) = waiting()
    with pytest.raises(ValueError, match=r"This tokenizer fails on this text .*retry-limit"):
        guarded.ask_guarded(content, QUESTION, {"text": "a" * 40 + "b"})
    assert guarded.ask_guarded(content, QUESTION, {"text": "a cat"}).lossless
    assert waiting() == [pid]


def test_errors_of_the_file_and_of_the_text_are_passed_on():
    with pytest.raises(ValueError, match="not JSON"):
        guarded.load_guarded(b"nothing")
    assert waiting() == []
    with pytest.raises(ValueError, match="not valid Unicode at character 1"):
        guarded.ask_guarded(CONTENT["bpe"], QUESTION, {"text": "a\ud800"})


def test_an_error_of_our_own_is_printed_and_told_without_details(capsys):
    with pytest.raises(ValueError, match="could not be asked this"):
        guarded.ask_guarded(CONTENT["bpe"], QUESTION, {"word": "a"})
    assert "TypeError" in capsys.readouterr().err


@pytest.mark.parametrize(
    "question",
    [
        "os:system",
        "zoo.tokenizers.train:io.open",
        "zoo.tokenizers.cut:np",
        "zoo.tokenizers.round_trip:Tokenizer",
        "zoo.tokenizers.round_trip:_lost",
        "zoo.tokenizers.nothing:x",
        "zoo.tokenizersx:x",
        "zoo.registry:discover",
        "zoo.tokenizers",
        "",
    ],
)
def test_only_functions_of_the_tokenizers_can_be_asked(question):
    with pytest.raises(LookupError, match="no question"):
        guarded.ask_guarded(CONTENT["bpe"], question, {})
    with pytest.raises(LookupError, match="no question"):
        guarded_worker.function_of(question)


def test_one_that_left_is_started_again():
    guarded.load_guarded(CONTENT["bpe"])
    (pid,) = waiting()
    os.kill(pid, signal.SIGKILL)
    assert wait_for_end(pid)
    assert guarded.ask_guarded(CONTENT["bpe"], QUESTION, {"text": "a"}).lossless


def test_nobody_asks_and_it_leaves():
    """Its patience cut to nothing: the file is loaded, no question comes, and it ends with status 0."""
    code = "from playground import guarded_worker as w; w.IDLE = 0.05; w.main()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        guarded_worker.write_frame(worker.stdin, CONTENT["bpe"])
        assert guarded_worker.read_frame(worker.stdout)[:1] == guarded_worker.ANSWERED
        assert worker.wait(30) == 0


@pytest.mark.parametrize("busy", [False, True])
def test_no_process_outlives_its_server(busy, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(endless())
    code = """
import sys, threading, time
from pathlib import Path
from playground import guarded
content = Path(sys.argv[1]).read_bytes()
guarded.ANSWER = 60
guarded.load_guarded(content)
print(*(each.popen.pid for each in guarded._POOL._idle.values()), flush=True)
if sys.argv[2] == "True":
    guarded.ask_guarded(content, "zoo.tokenizers.round_trip:round_trip", {"text": "x" * 200_000})
time.sleep(60)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "tokenizer.json"), str(busy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        pid = int(server.stdout.readline())
        time.sleep(0.5)
        assert alive(pid)
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        assert wait_for_end(pid)


def test_an_answer_that_is_too_large_to_show_is_refused():
    data = json.loads(CONTENT["word"])
    data["model"] = {"type": "WordLevel", "vocab": {"U" * 20_000: 0, "a": 1}, "unk_token": "U" * 20_000}
    data["added_tokens"] = []
    content = json.dumps(data).encode()
    arguments = {"text": "x y z " * 500, "most": 2000}
    with pytest.raises(ValueError, match="MB, which is too much to show: shorten the text"):
        guarded.ask_guarded(content, "zoo.tokenizers.cut:cut", arguments, 4 * 2**20)
    assert guarded.ask_guarded(content, "zoo.tokenizers.cut:cut", {"text": "a", "most": 5}, 4 * 2**20).ids == [1]


def test_an_answer_that_holds_no_number_is_told_in_a_sentence():
    """Added up, these scores are infinite, which JSON cannot write."""
    data = json.loads(CONTENT["unigram"])
    vocab = [["<unk>", 0.0], ["a", 1e308], ["b", -1e308]]
    data["model"] = {"type": "Unigram", "vocab": vocab, "unk_id": 0, "byte_fallback": False}
    data |= {"added_tokens": [], "normalizer": None, "pre_tokenizer": None, "decoder": None}
    arguments = {"text": "aaab" * 10, "most": 5}
    with pytest.raises(ValueError, match="answer is not sound: choose another one"):
        guarded.ask_guarded(json.dumps(data).encode(), "zoo.tokenizers.explain:explain", arguments)
