"""A run comes out of its zip as it went in; anything else is turned away, with a reason, before it is on the disk."""

from __future__ import annotations

import io
import json
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import zoo.pretrained
from playground.jobs import archive, worker
from playground.jobs.archive import check_fit, pack, unpack
from playground.jobs.folder import JobFolder, Ticket
from playground.jobs.limits import LIMITS as REAL
from playground.jobs.limits import MIB, Limits, Refused
from tests.playground.jobs.helpers import TEXT
from zoo.launch import Order, launch
from zoo.registry import discover
from zoo.tokenizers import KINDS, Kind, train_tokenizer
from zoo.training import Run, train

LIMITS = Limits(packed=8 * MIB)
SHIPPED = Path(zoo.pretrained.__path__[0]) / "weights"
Change = Callable[[dict[str, bytes]], Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run on a text of its own."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "corpus.txt").write_text(TEXT)
    config = {"blocks": 1, "heads": 2, "width": 8, "context": 8}
    recipe = {"steps": 4, "batch": 2, "checkpoints": 2, "evaluations": 2, "held_out_windows": 2}
    order = Order(
        model="zoo/gpt", config=config, recipe=recipe, corpus=str(folder / "corpus.txt"), tokenizer="byte", title="Mine"
    )
    begun = launch(order, folder, discover(folders=[]))
    list(train(begun.run, begun.plugin, begun.corpus))
    return begun.run


@pytest.fixture(scope="module")
def packed(run: Run) -> bytes:
    return pack(run.folder)


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def zipped(content: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", kind) as file:
        for name, each in content.items():
            file.writestr(name, each)
    return memory.getvalue()


def refuse(data: bytes, folder: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(Refused) as refused:
        unpack(data, folder, limits)
    assert list(folder.parent.iterdir()) == [], "something was left on the disk"
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """What happens within takes no more memory than so many bytes."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size


def test_there_and_back(run: Run, packed: bytes, tmp_path: Path) -> None:
    unpack(packed, tmp_path / "back", LIMITS)
    back = Run.open(tmp_path / "back")
    assert back.info == run.info
    assert back.events() == run.events()
    assert back.yardsticks == run.yardsticks
    assert back.steps() == run.steps()
    assert all((back.weights(n)[name] == tensor).all() for n in run.steps() for name, tensor in run.weights(n).items())
    assert pack(back.folder) == packed


def test_it_holds_the_run_and_nothing_else(run: Run, packed: bytes) -> None:
    weights = {f"checkpoints/{step:07d}.safetensors" for step in run.steps()}
    assert {*files(packed)} == {"run.json", "tokenizer.json", "events.jsonl", "yardsticks.json"} | weights
    assert str(run.folder).encode() not in b"".join(files(packed).values())


def test_a_line_that_is_being_written_is_left_out(run: Run, tmp_path: Path, packed: bytes) -> None:
    unpack(packed, tmp_path / "back", LIMITS)
    with (tmp_path / "back" / "events.jsonl").open("a") as file:
        file.write('{"step": 5, "los')
    assert pack(tmp_path / "back") == packed


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to download yet"):
        pack(tmp_path)


def change_json(name: str, **fields: Any) -> Change:
    def change(content: dict[str, bytes]) -> None:
        content[name] = json.dumps(json.loads(content[name]) | fields).encode()

    return change


def drop(name: str) -> Change:
    return lambda content: content.pop(name)


def put(name: str, value: bytes) -> Change:
    return lambda content: content.__setitem__(name, value)


FIRST = "checkpoints/0000000.safetensors"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (put("../evil.py", b"x"), "it holds '../evil.py'"),
        (put("/etc/passwd", b"x"), "it holds '/etc/passwd'"),
        (put("checkpoints/../../x.safetensors", b"x"), "it holds 'checkpoints"),
        (put("checkpoints/last.safetensors", b"x"), "it holds 'checkpoints/last.safetensors'"),
        (put("plugin.py", b"x"), "it holds 'plugin.py'"),
        (drop("run.json"), "it lacks run.json"),
        (drop("events.jsonl"), "it lacks events.jsonl"),
        (put("run.json", b"{}"), "run.json cannot be used: model: Field required"),
        (put("run.json", b"[" * 100_000), "run.json cannot be used"),
        (change_json("run.json", parameters=10**12), "1,000,000,000,000 parameters"),
        (change_json("run.json", code="import os"), "code: Extra inputs are not permitted"),
        (change_json("run.json", tokenizer="0" * 64), "its tokenizer.json is not the one that run.json names"),
        (put("tokenizer.json", b"no"), "tokenizer.json is not a tokenizer.json"),
        (put("events.jsonl", b""), "its events.jsonl is empty"),
        (put("events.jsonl", b'{"step": 0}\n'), "line 1 of its events.jsonl is not an event"),
        (lambda c: put("events.jsonl", c["events.jsonl"] * 2)(c), "goes back to step 0"),
        (lambda c: put("events.jsonl", c["events.jsonl"].replace(b'"loss": ', b'"loss": NaN, "x": '))(c), "line 1"),
        (put("events.jsonl", b" " * (33 * MIB)), "its events.jsonl is larger than the 32 MB"),
        (put("tokenizer.json", b" " * (9 * MIB)), "its tokenizer.json is larger than the 8 MB"),
        (change_json("run.json", title="a" * 81), "its title is longer than the 80 characters"),
        (put("yardsticks.json", b"{}"), "its yardsticks.json cannot be read"),
        (put(FIRST, b"\xff" * 100), "its weights 0000000.safetensors cannot be read"),
        (lambda c: put(FIRST, c[FIRST][:-1])(c), "its weights 0000000.safetensors cannot be read"),
        (lambda c: put("checkpoints/0000099.safetensors", c[FIRST])(c), "are not those of that step"),
        (lambda c: [c.pop(name) for name in list(c) if name.startswith("check")], "it holds no weights"),
    ],
)
def test_what_is_no_run_is_turned_away(packed: bytes, tmp_path: Path, change: Change, sentence: str) -> None:
    content = files(packed)
    change(content)
    assert sentence in refuse(zipped(content), tmp_path / "back")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, ""),
        ({"width": 1024, "blocks": 12}, "more than 5,000,000 parameters"),
        ({"width": 16}, "its weights 0000000.safetensors do not fit zoo/gpt"),
        ({"blocks": 2}, "its weights 0000000.safetensors do not fit zoo/gpt"),
        ({"width": -1}, "its zoo/gpt cannot be built here"),
    ],
)
def test_weights_fit_the_model_that_is_named(
    run: Run, packed: bytes, tmp_path: Path, config: dict[str, int], sentence: str
) -> None:
    content = files(packed)
    change_json("run.json", config=run.info.config | config)(content)
    unpack(zipped(content), tmp_path / "back", LIMITS)
    with pytest.raises(Refused, match=sentence) if sentence else nullcontext():
        check_fit(Run(tmp_path / "back"), discover(folders=[]).get("zoo/gpt"), LIMITS)


def test_a_zip_bomb_is_not_unpacked(packed: bytes, tmp_path: Path) -> None:
    bomb = zipped(files(packed) | {"checkpoints/0000001.safetensors": bytes(64 * MIB)})
    assert len(bomb) < MIB
    assert "larger than the 8 MB" in refuse(bomb, tmp_path / "back")


def test_a_zip_that_lies_about_a_size_is_refused(packed: bytes, tmp_path: Path) -> None:
    bomb = zipped(files(packed) | {"checkpoints/0000001.safetensors": bytes(64 * MIB)})
    lie = bomb.replace((64 * MIB).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert "cannot be read" in refuse(lie, tmp_path / "back")


def test_unpacking_holds_no_file_in_memory(packed: bytes, tmp_path: Path) -> None:
    bomb = zipped(files(packed) | {"checkpoints/0000001.safetensors": bytes(48 * MIB)})
    with at_most(8 * MIB):
        assert "cannot be read" in refuse(bomb, tmp_path / "back", Limits(packed=64 * MIB))


def test_an_upload_that_is_too_large_is_not_opened(packed: bytes, tmp_path: Path) -> None:
    assert "larger than the 8 MB that a run may have in a zip" in refuse(bytes(9 * MIB), tmp_path / "back")


def test_a_long_list_of_files_is_not_read(packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = zipped({f"checkpoints/{n:07d}.safetensors": b"" for n in range(1000)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "too many files" in refuse(many, tmp_path / "back")


def with_checkpoints(run: Run, folder: Path, count: int) -> list[str]:
    """A copy of the run that keeps so many more checkpoints; their names."""
    shutil.copytree(run.folder, folder)
    weights = run.weights(0)
    for step in range(5, 5 + count):
        save_file(weights, folder / "checkpoints" / f"{step:07d}.safetensors", {"step": str(step)})
    return [f"checkpoints/{step:07d}.safetensors" for step in Run(folder).steps()]


@pytest.mark.parametrize("limits", [Limits(packed=200_000), Limits(checkpoints=1), Limits(checkpoints=4)])
def test_what_is_packed_can_always_be_unpacked(run: Run, tmp_path: Path, limits: Limits) -> None:
    """Of a run with too many checkpoints some are left out: the first and the last stay, the gaps are alike."""
    names = with_checkpoints(run, tmp_path / "long", 30)
    data = pack(tmp_path / "long", limits)
    kept = [names.index(name) for name in files(data) if name.startswith("checkpoints/")]
    assert len(data) <= limits.packed
    assert 5 < len(kept) <= 10 * limits.checkpoints
    assert (kept[0], kept[-1]) == (0, len(names) - 1)
    gaps = [after - before for before, after in pairwise(kept)]
    assert max(gaps) - min(gaps) <= 1
    unpack(data, tmp_path / "there" / "back", limits)
    assert pack(tmp_path / "there" / "back", limits) == data


def test_a_run_that_is_too_large_with_its_last_weights_alone(run: Run) -> None:
    with pytest.raises(Refused, match="larger than the 0 MB that a run may have in a zip"):
        pack(run.folder, Limits(packed=16_000))


def test_packing_holds_the_zip_alone_in_memory(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.folder, tmp_path / "large")
    for step in (5, 6, 7):
        (tmp_path / "large" / "checkpoints" / f"{step:07d}.safetensors").write_bytes(bytes(8 * MIB))
    with at_most(30 * MIB):  # 24 MiB, and what a growing buffer takes in advance
        pack(tmp_path / "large")


def test_many_files_and_other_kinds_of_packing_are_refused(packed: bytes, tmp_path: Path) -> None:
    content = files(packed)
    many = content | {f"checkpoints/{n:07d}.safetensors": b"" for n in range(1000)}
    assert "too many files" in refuse(zipped(many), tmp_path / "back")
    assert "packed in another way" in refuse(zipped(content, zipfile.ZIP_LZMA), tmp_path / "back")


def test_a_name_that_stands_twice_is_refused(packed: bytes, tmp_path: Path) -> None:
    memory = io.BytesIO(packed)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(memory, "a") as file:
        file.writestr("run.json", b"{}")
    assert "too many files" in refuse(memory.getvalue(), tmp_path / "back")


def tokenizer_with(**fields: Any) -> Change:
    def change(content: dict[str, bytes]) -> None:
        state = json.loads(content["tokenizer.json"])
        model = state["model"] | {name: fields.pop(name) for name in ("vocab", "dropout") if name in fields}
        content["tokenizer.json"] = json.dumps(state | {"model": model} | fields).encode()

    return change


CATASTROPHE = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}


@pytest.mark.parametrize(
    "change",
    [
        tokenizer_with(padding={"strategy": {"Fixed": 20_000_000}}),
        tokenizer_with(normalizer={"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1000}),
        tokenizer_with(pre_tokenizer=CATASTROPHE),
        tokenizer_with(vocab={"<|endoftext|>": 0, "a": 400_000_000}),
        tokenizer_with(vocab={"<|endoftext|>": 0, "a": True}),
        tokenizer_with(vocab=[["a", 0.0]]),
        tokenizer_with(dropout=0.5),
        tokenizer_with(added_tokens=[]),
        put("tokenizer.json", b"[]"),
    ],
)
def test_a_tokenizer_of_another_kind_never_reaches_the_library(packed: bytes, tmp_path: Path, change: Change) -> None:
    content = files(packed)
    change(content)
    assert "its tokenizer is of a kind that this app does not load" in refuse(zipped(content), tmp_path / "back")


def test_a_tokenizer_with_a_name_that_stands_twice_is_refused(packed: bytes, tmp_path: Path) -> None:
    content = files(packed)
    content["tokenizer.json"] = content["tokenizer.json"].replace(b"{", b'{"padding": {"strategy": {"Fixed": 9}},', 1)
    assert "is not a tokenizer.json" in refuse(zipped(content), tmp_path / "back")


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_tokenizers_pass(kind: Kind) -> None:
    archive._check_tokenizer(train_tokenizer(kind, [TEXT, "Zoë – 你好"], 400).raw.to_str(pretty=True).encode())


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/tokenizer.json")), ids=lambda path: str(path.parent.name))
def test_shipped_tokenizers_and_events_pass(path: Path) -> None:
    archive._check_tokenizer(path.read_bytes())
    archive._check_events(path.parent / "events.jsonl", REAL)


EVENT = {"step": 5, "elapsed": 1, "loss": 3, "rate": 0.1, "tokens": 7, "tokens_per_second": 2.0}


def events(folder: Path, *found: dict[str, Any]) -> Path:
    """An events.jsonl with these."""
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in found))
    return path


@pytest.mark.parametrize(
    "fields",
    [{"step": "5"}, {"step": 10**30}, {"loss": "3.1"}, {"bits_per_character": 1.0}, {"x": 1}],
)
def test_an_event_is_held_to_its_kinds(tmp_path: Path, fields: dict[str, Any]) -> None:
    archive._check_events(events(tmp_path, EVENT), REAL)
    with pytest.raises(ValueError, match=r"line 1 of .* is not an event"):
        archive._check_events(events(tmp_path, EVENT | fields), REAL)


CANDIDATE = {"token": "a", "id": 0, "logit": 0.0, "prob": 0.0}


@pytest.mark.parametrize("fields", [{"next": [CANDIDATE] * 101}, {"sample": "a" * 2**20}])
def test_an_event_has_an_end(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"line 1 of .* is not an event"):
        archive._check_events(events(tmp_path, EVENT | fields), REAL)


def test_a_run_has_no_more_events_than_the_limits_allow(tmp_path: Path) -> None:
    limits = Limits(events=20, evaluations=10)
    steps = [EVENT | {"step": step} for step in range(22)]
    scored = [event | {"valid_loss": 1.0} for event in steps]
    archive._check_events(events(tmp_path, *scored[:11], *steps[11:21]), limits)
    with pytest.raises(ValueError, match=r"line 22 .* goes beyond the 20 steps and 10 evaluations of a run"):
        archive._check_events(events(tmp_path, *steps), limits)
    with pytest.raises(ValueError, match=r"line 12 .* goes beyond the 20 steps and 10 evaluations of a run"):
        archive._check_events(events(tmp_path, *scored[:12]), limits)


def test_events_are_read_line_by_line(tmp_path: Path) -> None:
    path = events(tmp_path, *(EVENT | {"step": step} for step in range(20_000)))
    assert path.stat().st_size > 1.5 * MIB
    with at_most(MIB):
        archive._check_events(path, REAL)


def test_all_the_events_that_a_run_may_have_go_into_its_zip() -> None:
    longest = {name: -2.2250738585072014e-308 for name in EVENT} | {"step": REAL.events, "tokens": 10**18 - 1}
    assert len(json.dumps(longest)) < 240
    assert 240 * REAL.events + 64 * 1024 * REAL.evaluations < archive.TEXTS["events.jsonl"]


@pytest.mark.parametrize("fields", [{"floor": -1.0}, {"tokens": -1}, {"ceiling": 1e999}, {"bigram": float("nan")}])
def test_yardsticks_are_numbers(packed: bytes, tmp_path: Path, fields: dict[str, float]) -> None:
    content = files(packed)
    change_json("yardsticks.json", **fields)(content)
    assert "its yardsticks.json cannot be read" in refuse(zipped(content), tmp_path / "back")


def test_a_long_prompt_and_a_step_that_is_written_otherwise_are_refused(packed: bytes, tmp_path: Path) -> None:
    content = files(packed)
    change_json("run.json", prompt="a" * 501)(content)
    assert "its prompt is longer than the 500 characters" in refuse(zipped(content), tmp_path / "back")
    for name in ("000000000", "٠٠٠٠٠٠٠"):
        other = files(packed) | {f"checkpoints/{name}.safetensors": content[FIRST]}
        assert "it holds 'checkpoints/" in refuse(zipped(other), tmp_path / "back")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tensor: tensor.to(torch.bfloat16), ""),
        (lambda tensor: tensor.to(torch.int32), "do not fit zoo/gpt"),
        (lambda tensor: tensor.to(torch.float64), "do not fit zoo/gpt"),
        (lambda tensor: tensor * float("nan"), "hold what is no number"),
        (lambda tensor: tensor / 0, "hold what is no number"),
    ],
)
def test_weights_are_finite_and_floating(
    run: Run, packed: bytes, tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor], sentence: str
) -> None:
    unpack(packed, tmp_path / "back", LIMITS)
    weights = {name: change(tensor) for name, tensor in run.weights(0).items()}
    save_file(weights, tmp_path / "back" / FIRST, {"step": "0"})
    with pytest.raises(Refused, match=sentence) if sentence else nullcontext():
        check_fit(Run(tmp_path / "back"), discover(folders=[]).get("zoo/gpt"), LIMITS)


def test_parameters_are_those_of_the_model(packed: bytes, tmp_path: Path) -> None:
    content = files(packed)
    change_json("run.json", parameters=7)(content)
    unpack(zipped(content), tmp_path / "back", LIMITS)
    with pytest.raises(Refused, match="another number of parameters"):
        check_fit(Run(tmp_path / "back"), discover(folders=[]).get("zoo/gpt"), LIMITS)


def test_where_it_began_on_the_server_stays_there(packed: bytes, tmp_path: Path) -> None:
    content = files(packed)
    start = {"source": "/srv/runs/app/abcdefghijklmnop", "step": 4, "about": "step 4 of Mine"}
    change_json("run.json", start=start)(content)
    unpack(zipped(content), tmp_path / "back", LIMITS)
    again = pack(tmp_path / "back")
    assert b"abcdefghijklmnop" not in b"".join(files(again).values())
    unpack(again, tmp_path / "third", LIMITS)
    assert Run(tmp_path / "third").info.start == start | {"source": "zoo/gpt"}
    assert pack(tmp_path / "third") == again


def test_a_failure_does_not_name_the_run_that_it_starts_from(tmp_path: Path) -> None:
    job = JobFolder(tmp_path)
    start = "/srv/runs/app/abcdefghijklmnop"
    job.write(Ticket(owner="", created=0.0, order={"model": "zoo/gpt", "start": start}))
    message = worker._failed(job, Refused(f"{start}/run.json cannot be read"), LIMITS).message
    assert "abcdefghijklmnop" not in message
    assert "the run that it starts from/run.json cannot be read" in message


@given(st.binary(max_size=300))
def test_noise_is_refused(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    assert "the zip cannot be read" in refuse(noise, tmp_path_factory.mktemp("noise") / "back")


@given(st.data())
def test_a_damaged_zip_is_refused_or_whole(
    tmp_path_factory: pytest.TempPathFactory, run: Run, packed: bytes, data: st.DataObject
) -> None:
    """One byte changed anywhere: either one sentence, or the run as it was."""
    place = data.draw(st.integers(0, len(packed) - 1))
    damaged = packed[:place] + bytes([packed[place] ^ (1 << data.draw(st.integers(0, 7)))]) + packed[place + 1 :]
    folder = tmp_path_factory.mktemp("damaged") / "back"
    try:
        unpack(damaged, folder, LIMITS)
    except Refused:
        assert not folder.exists()
    else:
        assert Run(folder).info == run.info
        assert Run(folder).events() == run.events()
