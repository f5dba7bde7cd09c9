"""The files of a run, whole and damaged; the newest event is the one that reading all of them gives."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import run_files
from playground.run_files import last_event, read_header, run_info
from zoo.pretrained.shipped import WEIGHTS
from zoo.training import Run

SHIPPED = sorted(path.parent for path in WEIGHTS.glob("*/run.json"))
NO_RUN = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b"[]",
    b"{}",
    b'{"model": 3}',
    b'{"model": "zoo/gpt", "corpus": "a text"}',
    b'{"model": "zoo/gpt", "corpus": {"open": 7}}',
    b'{"model": "zoo/gpt", "config": [1]}',
]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_run_is_read_as_the_zoo_reads_it(folder: Path) -> None:
    run = Run.open(folder)
    events = run.events()
    assert run_info(folder)["model"] == run.info.model
    assert last_event(folder) == events[-1]
    assert last_event(folder, "valid_loss") == [each for each in events if "valid_loss" in each][-1]


@pytest.mark.parametrize("content", NO_RUN)
def test_what_describes_no_run_is_empty(tmp_path: Path, content: bytes) -> None:
    assert run_info(tmp_path) == {}
    (tmp_path / "run.json").write_bytes(content)
    assert run_info(tmp_path) == {}


LINES = st.lists(
    st.builds(lambda step, pad, scored: {"step": step, "sample": pad} | ({"valid_loss": 1.0} if scored else {}),
              st.integers(0, 9), st.text(max_size=30), st.booleans()).map(json.dumps)
    | st.sampled_from(["", "{", "[1]", '"valid_loss"', '{"valid_loss": 2.0}', '{"step": "x", "valid_loss": 1}']),
    max_size=8,
)  # fmt: skip


@given(LINES, st.sampled_from(["", '{"step": 5, "valid', '{"step": 9, "valid_loss": 3.0}']), st.integers(1, 40))
def test_the_newest_event_is_that_of_all_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], unfinished: str, block: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / "events.jsonl").write_text("".join(f"{line}\n" for line in lines) + unfinished)
    events = [each for line in lines if line not in ("", "{") and isinstance(each := json.loads(line), dict)]
    events = [each for each in events if isinstance(each.get("step"), int)]
    scored = [each for each in events if "valid_loss" in each]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_files, "_BLOCK", block)
        assert last_event(folder) == (events or [None])[-1]
        assert last_event(folder, "valid_loss") == (scored or [None])[-1]
        early = [each for each in scored if each["step"] <= 4]
        assert last_event(folder, "valid_loss", until=4) == (early or [None])[-1]


def test_a_score_is_found_however_much_was_logged_since(tmp_path: Path) -> None:
    later = "".join(json.dumps({"step": step, "loss": 1.0}) + "\n" for step in range(1, 20_000))
    (tmp_path / "events.jsonl").write_text('{"step": 0, "valid_loss": 3.5}\n' + later)
    assert (last_event(tmp_path, "valid_loss") or {}).get("valid_loss") == 3.5


def test_without_events_there_is_none(tmp_path: Path) -> None:
    assert last_event(tmp_path) is None
    (tmp_path / "events.jsonl").touch()
    assert last_event(tmp_path) is None


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"short",
        struct.pack("<Q", 99_999) + b"[" * 99_999,
        struct.pack("<Q", 9) + b"not json.",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2**40),
    ],
)
def test_a_damaged_header_is_empty(tmp_path: Path, damage: bytes) -> None:
    assert read_header(tmp_path / "x.safetensors") == {}
    (tmp_path / "x.safetensors").write_bytes(damage)
    assert read_header(tmp_path / "x.safetensors") == {}
