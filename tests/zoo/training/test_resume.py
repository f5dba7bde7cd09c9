"""A training that is stopped or killed anywhere comes to the same end as one that never was."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from tests.zoo.training.helpers import (
    SMALL,
    DroopsPlugin,
    MakeRun,
    NoConfig,
    assert_same,
    finish,
    killed,
    losses,
)
from zoo.__main__ import main
from zoo.data import Corpus
from zoo.models.gpt import GPTPlugin
from zoo.testing.template import AveragerConfig, AveragerPlugin
from zoo.training import Run, train

ROOT = Path(__file__).resolve().parents[3]


class TestResume:
    def test_a_stopped_run_goes_on_as_if_never_stopped(self, make_run: MakeRun, corpus: Corpus) -> None:
        whole, stopped = make_run("whole", steps=12, prompt="the"), make_run("stopped", steps=12, prompt="the")
        finish(whole, corpus)
        for events in (4, 3):  # stopped twice: after steps 3 and 6
            list(islice(train(stopped, GPTPlugin(), corpus), events))
        assert stopped.steps() == [0, 3, 6]
        rest = finish(stopped, corpus)
        assert rest[0]["step"] == 7
        assert_same(whole, stopped)

    def test_a_stop_saves_what_was_learned_once(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=12)
        events = train(run, GPTPlugin(), corpus)
        next(events)
        events.close()  # nothing was learned
        assert run.steps() == [0]
        events = train(run, GPTPlugin(), corpus)
        list(islice(events, 2))
        events.close()
        last = run.load_last()
        assert last is not None
        assert (last[0], run.steps()) == (2, [0, 2])
        before = (run.checkpoints / "last.safetensors").stat().st_mtime_ns
        train(run, GPTPlugin(), corpus).close()
        assert (run.checkpoints / "last.safetensors").stat().st_mtime_ns == before

    @given(
        seed=st.integers(0, 2**32 - 1),
        kills=st.lists(st.integers(1, 9), min_size=1, max_size=3),
        save_every=st.sampled_from([0.0, 1e9]),
        droops=st.booleans(),
    )
    @settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_killed_anywhere_it_comes_to_the_same_end(
        self, make_run: MakeRun, corpus: Corpus, seed: int, kills: list[int], save_every: float, droops: bool
    ) -> None:
        """With dropout and without, saved at each step or at checkpoints alone, killed once or again and again."""
        with tempfile.TemporaryDirectory() as place:
            plugin = DroopsPlugin() if droops else GPTPlugin()
            config = NoConfig() if droops else SMALL
            fields = {"steps": 10, "seed": seed, "save_every": save_every, "prompt": "the cat"}
            whole, part = (make_run(Path(place) / name, config, **fields) for name in ("whole", "part"))
            finish(whole, corpus, plugin)
            for i, kill in enumerate(kills):
                committed = set(part.steps())
                part = killed(part, corpus, kill, Path(place) / f"killed {i}", plugin)
                assert committed <= set(part.steps())
            finish(part, corpus, plugin)
            assert_same(whole, part)

    def test_steps_after_the_last_save_are_done_again(self, make_run: MakeRun, corpus: Corpus, tmp_path: Path) -> None:
        whole = make_run("whole", steps=8)
        finish(whole, corpus)
        stopped = killed(make_run("stopped", steps=8), corpus, 7, tmp_path / "killed")  # saved at step 4
        assert [event["step"] for event in stopped.events()] == list(range(7))
        resumed = train(stopped, GPTPlugin(), corpus)
        assert next(resumed)["step"] == 5
        assert [event["step"] for event in stopped.events()] == [0, 1, 2, 3, 4, 5]
        list(resumed)
        assert_same(whole, stopped)

    def test_without_a_save_it_starts_anew(self, make_run: MakeRun, corpus: Corpus, tmp_path: Path) -> None:
        whole = make_run("whole", steps=6)
        finish(whole, corpus)
        stopped = killed(make_run("stopped", steps=6), corpus, 5, tmp_path / "killed")
        (stopped.checkpoints / "last.safetensors").unlink()
        assert finish(stopped, corpus)[0]["step"] == 0
        assert_same(whole, stopped)

    def test_a_crash_in_the_middle_of_a_write_is_survived(
        self, make_run: MakeRun, corpus: Corpus, tmp_path: Path
    ) -> None:
        whole, stopped = make_run("whole", steps=6), make_run("stopped", steps=6, save_every=0)
        finish(whole, corpus)
        stopped = killed(stopped, corpus, 3, tmp_path / "killed")
        with (stopped.folder / "events.jsonl").open("a") as file:
            file.write('{"step": 3, "elap')
        for name in ("last.tmp", "0000003.tmp"):
            (stopped.checkpoints / name).write_bytes(b"half of a checkpoint")
        assert finish(stopped, corpus)[0]["step"] == 3
        assert_same(whole, stopped)

    @pytest.mark.usefixtures("ticking")
    def test_elapsed_counts_on(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(seconds=0.075, save_every=0)
        list(islice(train(run, GPTPlugin(), corpus), 4))
        rest = finish(run, corpus)
        assert [event["elapsed"] for event in rest] == pytest.approx([0.04, 0.05, 0.06, 0.07, 0.08])

    def test_a_plugin_that_has_changed_is_refused(self, make_run: MakeRun, corpus: Corpus) -> None:
        run = make_run(steps=4, save_every=0, config=AveragerConfig(width=8))
        list(islice(train(run, AveragerPlugin(), corpus), 2))

        class Changed(AveragerPlugin):
            def build(self, config: AveragerConfig, vocab_size: int) -> nn.Module:
                return nn.Embedding(vocab_size, vocab_size)

        with pytest.raises(ValueError, match="cannot go on: its weights do not fit"):
            finish(run, corpus, Changed())

    def test_a_killed_process_goes_on_to_the_same_end(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        text = tmp_path / "text.txt"
        text.write_text("the cat sat on the mat and the dog sat on the log. " * 40)
        small = ["blocks=1", "heads=2", "width=16", "context=16", "batch=4", "save_every=0"]
        command = ["train", "--model", "zoo/gpt", "--corpus", str(text), "--steps", "120", "--tokenizer", "byte"]
        command += [word for each in small for word in ("--set", each)]
        killed, whole = tmp_path / "killed", tmp_path / "whole"
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", *command, "--run", str(killed)], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        lines, deadline = 0, time.monotonic() + 60
        while lines < 15 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
            events = killed / "events.jsonl"
            lines = events.read_bytes().count(b"\n") if events.exists() else 0
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert 15 <= len(Run(killed).events()) < 121
        for folder in (killed, whole):
            assert main([*command, "--run", str(folder)]) == 0
        assert losses(Run(killed)) == pytest.approx(losses(Run(whole)), rel=1e-6)
        assert Run(killed).steps() == Run(whole).steps()
        capsys.readouterr()
