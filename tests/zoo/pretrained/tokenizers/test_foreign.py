"""A strange tokenizer.json: what is sound is read, and everything else is refused with a sentence."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.pretrained.tokenizers import foreign
from zoo.pretrained.tokenizers.foreign import read_foreign
from zoo.tokenizers import KINDS, train_tokenizer

CORPUS = ["The cat sat on the mat. Café über 日本語!"] * 3
TRAINED = {kind: train_tokenizer(kind, CORPUS, 330) for kind in KINDS}


def changed(kind: str, change: Callable[[dict[str, Any]], Any]) -> bytes:
    data = json.loads(TRAINED[kind].raw.to_str())
    change(data)
    return json.dumps(data).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_file_is_read_as_it_is(kind):
    content = TRAINED[kind].raw.to_str().encode()
    assert read_foreign(content).hash == TRAINED[kind].hash
    assert read_foreign(b"\xef\xbb\xbf" + content).hash == TRAINED[kind].hash


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_before_2020_has_no_type(kind):
    content = changed(kind, lambda data: data["model"].pop("type"))
    assert read_foreign(content).encode(CORPUS[0]).ids == TRAINED[kind].encode(CORPUS[0]).ids


def test_what_is_for_training_is_left_out():
    text = "The cat sat on the mat. " * 20

    def change(data):
        data["model"]["dropout"] = 0.9
        data["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}

    assert read_foreign(changed("bpe", change)).encode(text).ids == TRAINED["bpe"].encode(text).ids


def deep(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "Lowercase"}
    for _ in range(depth):
        inner = {"type": "Sequence", "normalizers": [inner]}
    return inner


def added(i: object, content: str = "<x>") -> list[dict[str, Any]]:
    rest = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return [{"id": i, "content": content, "special": True, **rest}]


SPLIT = {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False}
REFUSED = {
    "empty": (b"", "not JSON"),
    "no text": (b"\xff\xfe", "not UTF-8"),
    "a list": (b"[1]", "no part named model"),
    "a text as model": (b'{"model": "BPE"}', "no part named model"),
    "twice": (b'{"model": {"vocab": {"a": 0, "a": 1}}}', "a stands twice"),
    "no number": (b'{"model": {"vocab": NaN}}', "NaN"),
    "deep brackets": (b"[" * 200_000, "deep"),
    "no vocabulary": (b'{"model": {}}', "vocabulary of this file is missing"),
    "deep parts": (changed("bpe", lambda data: data.update(normalizer=deep(40))), "deep"),
    "unknown part": (changed("bpe", lambda data: data.update(normalizer={"type": "Lua"})), "type Lua"),
    "unknown inner part": (
        changed("bpe", lambda data: data.update(normalizer={"type": "Sequence", "normalizers": [{"type": "Lua"}]})),
        "type Lua",
    ),
    "no part": (changed("bpe", lambda data: data.update(decoder=3)), "no object with a type"),
    "steps": (
        changed("bpe", lambda data: data.update(normalizer={"type": "Sequence", "normalizers": [deep(0)] * 65})),
        "more than 64 steps",
    ),
    "unknown model": (changed("bpe", lambda data: data["model"].update(type="Magic")), "type Magic"),
    "same id": (changed("word", lambda data: data["model"]["vocab"].update(a=0, b=0)), "the same id"),
    "negative id": (changed("word", lambda data: data["model"]["vocab"].update(a=-1)), "no whole number"),
    "true as id": (changed("word", lambda data: data["model"]["vocab"].update(a=True)), "no whole number"),
    "far id": (changed("word", lambda data: data["model"]["vocab"].update(a=9**9)), "one after another"),
    "scores": (changed("unigram", lambda data: data["model"]["vocab"].append(["x", "y"])), "not a piece with a score"),
    "piece twice": (changed("unigram", lambda data: data["model"]["vocab"].extend([["qq", -1.0]] * 2)), "qq stands"),
    "merge of unknown": (changed("bpe", lambda data: data["model"]["merges"].append(["qq", "zz"])), "cannot read"),
    "bad pattern": (changed("bpe", lambda data: data.update(pre_tokenizer=SPLIT)), "cannot read this file"),
    "a panic": (
        changed("bpe", lambda data: data.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"})),
        "cannot read this file",
    ),
    "no unknown": (
        changed("word", lambda data: (data["model"].update(unk_token="?"), data.update(added_tokens=[]))),
        "cannot cut a plain English text",
    ),
    "added gap": (changed("byte", lambda data: data.update(added_tokens=added(400))), "have a gap"),
    "added far": (changed("byte", lambda data: data.update(added_tokens=added(9**9))), "added tokens"),
    "added empty": (changed("byte", lambda data: data.update(added_tokens=added(257, ""))), "added tokens"),
    "added number": (changed("byte", lambda data: data.update(added_tokens=7)), "added tokens"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_rest_is_refused_in_a_sentence(name):
    content, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as caught:
        read_foreign(content)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 400


def test_a_file_that_is_too_large_is_not_even_read(monkeypatch):
    monkeypatch.setattr(foreign, "LARGEST", 2**20)
    with pytest.raises(ValueError, match="at most 1 MB"):
        read_foreign(b" " * (2**20 + 1))


def test_a_vocabulary_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(foreign, "ENTRIES", 100)
    with pytest.raises(ValueError, match="at most 100 entries"):
        read_foreign(TRAINED["byte"].raw.to_str().encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(
    st.sampled_from([*foreign.ALLOWED, "added_tokens", "truncation", "vocab", "merges", "unk_token", "unk_id"]),
    st.sampled_from(KINDS),
    JSON,
)
def test_nonsense_in_any_part_ends_in_a_tokenizer_or_a_value_error(part, kind, nonsense):
    def change(data):
        (data["model"] if part in ("vocab", "merges", "unk_token", "unk_id") else data)[part] = nonsense

    with contextlib.suppress(ValueError):
        assert read_foreign(changed(kind, change)).vocab_size >= 0


def test_a_number_of_thousands_of_digits_is_refused_in_a_sentence():
    content = b'{"model": {"type": "BPE", "vocab": {"a": %s}, "merges": []}}' % (b"9" * 5000)
    with pytest.raises(ValueError, match=r"A number in this file has 5,000 digits\. Choose the file"):
        read_foreign(content)
