"""Whatever ends a training: one clear sentence, the last checkpoint kept, and the next order is taken."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from playground.jobs import Jobs, Refused
from playground.jobs.folder import JobFolder
from tests.playground.jobs.helpers import LONG, ME, TEXT, order, reach, until
from zoo.launch import launch
from zoo.registry import discover
from zoo.training import Run, train

KILLS = 100


def still_works(jobs: Jobs) -> None:
    """The next order is trained as if nothing had happened."""
    job = jobs.submit(order(steps=3), ME, TEXT)
    assert reach(jobs, job, "done", "failed").state == "done"


def fail(jobs: Jobs, model: str, **recipe: object) -> tuple[str, str]:
    """Train a plugin that misbehaves; returns the id and the sentence."""
    job = jobs.submit(order(model, **recipe), ME, TEXT)
    found = reach(jobs, job, "failed", "done")
    assert found.state == "failed"
    return job, found.message


def check_readable(folder: Path) -> None:
    """Every file of the folder but drafts can be read at this very moment."""
    for name in ("order.json", "control.json", "status.json", "run.json", "tokenizer.json", "yardsticks.json"):
        if (folder / name).exists():
            json.loads((folder / name).read_bytes())
    steps = [event["step"] for event in Run(folder).events()]
    assert steps == sorted(set(steps))
    for path in (folder / "checkpoints").glob("*.safetensors"):
        with safe_open(path, framework="np") as file:
            assert all(np.isfinite(file.get_tensor(name)).all() for name in file.keys())  # noqa: SIM118


def committed(folder: Path) -> dict[str, str]:
    """Checkpoint -> hash, for those up to the step that the run would go on from."""
    last = JobFolder(folder).kept_step()
    paths = [path for path in (folder / "checkpoints").glob("[0-9]*.safetensors") if int(path.stem) <= (last or -1)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_hundred_kills_lose_nothing_and_change_nothing(make_jobs: Callable[..., Jobs], tmp_path: Path) -> None:
    chance, jobs = random.Random(0), make_jobs(kept=100)
    wanted = order("good", {"at": 10**6}, steps=150, checkpoints=10, evaluations=5)
    (tmp_path / "corpus.txt").write_text(TEXT)
    begun = launch(wanted.model_copy(update={"corpus": str(tmp_path / "corpus.txt")}), tmp_path / "whole", discover())
    reference = list(train(begun.run, begun.plugin, begun.corpus))

    kills, finished = 0, 0
    while kills < KILLS or not finished:
        job, seen = jobs.submit(wanted, ME, TEXT), dict[str, str]()
        folder = jobs.look(job).folder
        while True:
            until(lambda job=job: jobs.look(job).pid or jobs.look(job).state == "done")
            if kills < KILLS:
                time.sleep(chance.uniform(0, 0.15))
                check_readable(folder)
                kills += kill(jobs.look(job).pid)
            state = reach(jobs, job, "failed", "done").state
            now = committed(folder)
            assert seen.items() <= now.items(), "a committed checkpoint was lost or changed"
            seen |= now
            if state == "done":
                break
            assert "most likely for lack of memory" in jobs.look(job).message
            jobs.play(job, ME)
        finished += 1
        check_same(Run(folder), begun.run, reference)


def kill(pid: int | None) -> bool:
    """SIGKILL, as the system does it when memory runs short; whether there was anything to kill."""
    if not pid:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def check_same(run: Run, whole: Run, reference: list[dict[str, float]]) -> None:
    """The same events, and the same weights, as those of the uninterrupted run."""
    events = run.events()
    for name in ("step", "loss", "rate", "valid_loss"):
        values = [[event.get(name, 0.0) for event in each] for each in (events, reference)]
        np.testing.assert_allclose(*values, rtol=1e-6, err_msg=name)
    assert run.steps() == whole.steps()
    for name, tensor in whole.weights().items():
        np.testing.assert_allclose(run.weights()[name], tensor, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("nan", "The training diverged: the loss or its gradient became nan at step 5"),
        ("raises", "test/raises raised RuntimeError: the *cat* ran <b>away</b>"),
        ("crashes", "The training crashed (segmentation fault) in native code that test/crashes called"),
        ("exits", "test/exits ended its process (status 3) in the middle of the training"),
        ("leaves", "test/leaves ended the training itself (SystemExit)"),
        ("hangs", "test/hangs got no step done in 2 seconds, so the training was ended"),
        ("holds", "test/holds got no step done in 2 seconds, so the training was ended"),
        ("fills", "The disk is full, or this run's share of it"),
    ],
)
def test_a_plugin_that_misbehaves(jobs: Jobs, model: str, sentence: str) -> None:
    job, message = fail(jobs, model)
    assert message.startswith(sentence)
    assert "the last checkpoint, step 5, is kept" in message
    assert len(message.splitlines()) == 1
    assert (jobs.look(job).folder / "checkpoints" / "last.safetensors").exists()
    check_readable(jobs.look(job).folder)
    still_works(jobs)


@pytest.mark.parametrize("model", ["hoards", "hoards-bytes"])
def test_a_plugin_that_wants_all_memory(make_jobs: Callable[..., Jobs], model: str) -> None:
    jobs = make_jobs(memory=256 * 2**20)
    _, message = fail(jobs, model)
    assert message.startswith(f"test/{model} asked for more memory than the 256 MB")
    assert "step 5, is kept" in message
    still_works(jobs)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("only the superuser can mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk(make_jobs: Callable[..., Jobs], small_disk: Path) -> None:
    jobs = make_jobs(root=small_disk / "app")
    job = jobs.submit(order(checkpoints=40), ME, TEXT)
    found = reach(jobs, job, "failed", "done")
    kept = JobFolder(found.folder).kept_step()
    assert found.message.startswith("The disk is full")
    assert f"step {kept}, is kept" in found.message
    assert 0 < kept < 40
    check_readable(found.folder)
    for path in sorted((found.folder / "checkpoints").glob("[0-9]*"))[:-1]:
        path.unlink()  # make room, as the sentence says
    jobs.play(job, ME)
    assert JobFolder(reach(jobs, job, "done", "failed").folder).kept_step() > kept


def test_a_full_disk_takes_no_order_and_breaks_nothing(make_jobs: Callable[..., Jobs], small_disk: Path) -> None:
    jobs = make_jobs(root=small_disk / "app")
    with (small_disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    with pytest.raises(Refused, match="cannot keep a run now"):
        jobs.submit(order(), ME, TEXT)
    assert jobs.mine(ME) == []
    (small_disk / "filler").unlink()
    still_works(jobs)


def test_a_worker_that_the_system_kills(jobs: Jobs) -> None:
    job = jobs.submit(order(**LONG), ME, TEXT)
    until(lambda: (JobFolder(jobs.look(job).folder).kept_step() or 0) > 3)
    assert kill(jobs.look(job).pid)
    found = reach(jobs, job, "failed")
    assert found.message.startswith("The system ended the training, most likely for lack of memory")
    assert f"step {found.step:,}, is kept" in found.message
    still_works(jobs)
    jobs.play(job, ME)
    until(lambda: JobFolder(found.folder).last_step() > found.step)


def test_a_paused_worker_that_the_system_kills(jobs: Jobs) -> None:
    job = jobs.submit(order(**LONG), ME, TEXT)
    reach(jobs, job, "running")
    jobs.pause(job, ME)
    assert kill(reach(jobs, job, "paused").pid)
    assert "is kept" in reach(jobs, job, "failed").message


def test_the_fork_server_dies(jobs: Jobs) -> None:
    job = jobs.submit(order(**LONG), ME, TEXT)
    worker = reach(jobs, job, "running").pid
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    assert "The process that starts trainings ended" in reach(jobs, job, "failed").message
    until(lambda: not Path(f"/proc/{worker}").exists())
    jobs.play(job, ME)
    reach(jobs, job, "running")
    jobs.stop(job, ME)
    assert reach(jobs, job, "stopped").step > 0
    still_works(jobs)


def test_a_plugin_that_hangs_is_stopped_by_its_owner(make_jobs: Callable[..., Jobs], folder_of_plugins: Path) -> None:
    (mark := folder_of_plugins / "hangs.py.hung").unlink(missing_ok=True)
    jobs = make_jobs(grace=0.3, hang=600.0)
    job = jobs.submit(order("hangs"), ME, TEXT)
    until(mark.exists)
    jobs.stop(job, ME)
    assert "did not stop between two steps" in reach(jobs, job, "stopped").message


def test_the_server_is_killed_and_started_anew(make_jobs: Callable[..., Jobs], tmp_path: Path) -> None:
    """Its workers end with it, also one that hangs in C; what they had saved is taken up by the next server."""
    program = tmp_path / "server.py"
    program.write_text(
        "import sys, time\n"
        "from playground.jobs import Jobs\n"
        "from tests.playground.jobs.helpers import LONG, ME, TEXT, order\n"
        "if __name__ == '__main__':\n"
        "    jobs = Jobs(sys.argv[1])\n"
        "    print(jobs.submit(order('holds', **LONG), ME, TEXT), flush=True)\n"
        "    print(jobs.submit(order(**LONG), ME, TEXT), flush=True)\n"
        "    time.sleep(600)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    jobs = make_jobs(root=tmp_path / "app", at_once=2)
    with subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "app")], env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            running, waiting = (server.stdout.readline().strip() for _ in range(2))
            until(lambda: JobFolder(jobs.root / running).kept_step() == 5)
            assert jobs.look(running).state == "running"
        finally:
            server.kill()
    until(lambda: not JobFolder(jobs.root / running).is_claimed())
    found = jobs.look(running)
    assert found.state == "stopped"
    assert found.message == f"Interrupted, for the server was started anew: press play to go on from step {found.step}."
    assert "from the beginning" in jobs.look(waiting).message
    check_readable(found.folder)
    for job in (running, waiting):
        jobs.play(job, ME)
        reach(jobs, job, "running")
    until(lambda: JobFolder(found.folder).last_step() > found.step)
