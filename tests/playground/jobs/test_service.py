"""Orders, the line, play, pause, step and stop, owners, quotas: with real worker processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.jobs import Jobs, NotYours, Refused, archive, pack
from playground.jobs.folder import Control, JobFolder, new_id
from tests.playground.jobs.helpers import LONG, ME, TEXT, order, reach, until
from zoo.training import Run

YOU = "another token"
ROOT = Path(__file__).resolve().parents[3]


def kept(jobs: Jobs, job: str) -> int:
    return JobFolder(jobs.look(job).folder).kept_step() or 0


def test_an_order_is_trained(jobs: Jobs) -> None:
    job = jobs.submit(order(batch=10**2), ME, TEXT)
    found = reach(jobs, job, "done", "failed")
    assert (found.state, found.message, found.step) == ("done", "Done after 40 steps.", 40)
    run = Run.open(found.folder)
    assert [event["step"] for event in run.events()] == list(range(41))
    assert run.info.recipe.batch == jobs.limits.batch
    assert "at most 64 windows a step" in found.notes[0]
    assert [each.id for each in jobs.mine(ME)] == [job]
    with pytest.raises(Refused, match="used up its budget"):
        jobs.play(job, ME)


def test_the_folder_tells_no_secret(jobs: Jobs) -> None:
    job = jobs.submit(order(), ME, TEXT)
    folder = reach(jobs, job, "done").folder
    texts = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert ME.encode() not in texts
    assert str(folder).encode() not in (folder / "run.json").read_bytes()


def test_pause_step_play_and_stop(jobs: Jobs) -> None:
    job = jobs.submit(order(**LONG), ME, TEXT)
    assert reach(jobs, job, "running").memory > 10**7
    jobs.pause(job, ME)
    paused = reach(jobs, job, "paused")
    assert paused.message == f"Paused at step {paused.step:,}."
    jobs.step(job, ME)
    until(lambda: jobs.look(job).step == paused.step + 1)
    jobs.step(job, ME, 3)
    jobs.step(job, ME)  # before the three are done, or after
    until(lambda: jobs.look(job).step == paused.step + 5 and jobs.look(job).state == "paused")
    assert JobFolder(paused.folder).last_step() == paused.step + 5
    jobs.play(job, ME)
    until(lambda: JobFolder(paused.folder).last_step() > paused.step + 8)
    jobs.stop(job, ME)
    stopped = reach(jobs, job, "stopped")
    assert stopped.message == f"Stopped at step {stopped.step:,}."
    assert stopped.step == kept(jobs, job) == Run(stopped.folder).steps()[-1] == JobFolder(stopped.folder).last_step()


def test_a_pause_is_let_go_and_taken_up(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(hold=0.1)
    job = jobs.submit(order(**LONG), ME, TEXT)
    reach(jobs, job, "running")
    jobs.pause(job, ME)
    until(lambda: jobs.look(job).state == "paused" and jobs.look(job).pid is None)
    found = jobs.look(job)
    assert "put away" in found.message
    assert (found.memory, kept(jobs, job)) == (0, found.step)
    jobs.step(job, ME, 2)
    until(lambda: jobs.look(job).step == found.step + 2)
    until(lambda: jobs.look(job).pid is None)
    jobs.play(job, ME)
    until(lambda: JobFolder(found.folder).last_step() > found.step + 4)
    jobs.pause(job, ME)
    until(lambda: jobs.look(job).state == "paused" and jobs.look(job).pid is None)
    jobs.stop(job, ME)
    assert jobs.look(job).state == "stopped"


def test_the_line(make_jobs: Callable[..., Jobs]) -> None:
    """First come, first served; a paused run makes way; what is taken out of the line leaves a word."""
    jobs = make_jobs(unfinished=9)
    first = jobs.submit(order(**LONG), ME, TEXT)
    reach(jobs, first, "running")
    second, third, fourth = (jobs.submit(order(**LONG), ME, TEXT) for _ in range(3))
    assert [jobs.look(each).place for each in (first, second, third, fourth)] == [0, 1, 2, 3]
    assert jobs.look(third).state == "queued"
    jobs.stop(second, ME)
    jobs.pause(third, ME)
    assert (jobs.look(second).state, jobs.look(third).state, jobs.look(fourth).place) == ("stopped", "paused", 1)
    jobs.pause(first, ME)
    reach(jobs, fourth, "running")
    assert jobs.look(first).state == "paused"
    jobs.play(first, ME)
    assert jobs.look(first).place == 1
    jobs.stop(fourth, ME)
    reach(jobs, first, "running")
    assert [each.id for each in jobs.mine(ME)] == [fourth, third, second, first]


def test_a_run_whose_page_is_gone_is_stopped(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(patience=1.0, unfinished=9)
    job, waiting = (jobs.submit(order(**LONG), ME, TEXT) for _ in range(2))
    reach(jobs, job, "running")
    for _ in range(15):
        jobs.beat(job, ME)
        time.sleep(0.1)
    assert jobs.look(job).state == "running"
    assert "its page was closed" in reach(jobs, waiting, "stopped").message
    found = reach(jobs, job, "stopped")
    assert "its page was closed" in found.message
    assert found.step == kept(jobs, job)


def test_nobody_steers_the_run_of_another(jobs: Jobs) -> None:
    job = jobs.submit(order(**LONG), ME, TEXT)
    reach(jobs, job, "running")
    for action in (jobs.play, jobs.pause, jobs.step, jobs.stop, jobs.delete, jobs.beat):
        with pytest.raises(NotYours, match="belongs to another visitor"):
            action(job, YOU)
    found = jobs.look(job)
    assert found.state == "running"
    assert found.owned_by(ME)
    assert not found.owned_by(YOU)
    assert not found.owned_by("")
    assert jobs.mine(YOU) == []


NO_IDS = ["", "..", "../app", "a/b", "x" * 16, "a" * 15, "....////....////", "a" * 16 + "\n", "ä" * 16]


@pytest.mark.parametrize("name", NO_IDS)
def test_what_is_no_id_finds_nothing(jobs: Jobs, name: str) -> None:
    jobs.root.mkdir(parents=True)
    (jobs.root.parent / "order.json").write_text("{}")
    for action in (jobs.look, lambda each: jobs.stop(each, ME), lambda each: jobs.delete(each, ME)):
        with pytest.raises(LookupError, match="there is no such run"):
            action(name)
    assert (jobs.root.parent / "order.json").exists()


def test_a_link_is_not_followed(jobs: Jobs, tmp_path: Path) -> None:
    jobs.root.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "order.json").write_text("{}")
    (jobs.root / (name := new_id())).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LookupError):
        jobs.look(name)
    assert jobs.mine(ME) == []


def test_delete(jobs: Jobs) -> None:
    job = jobs.submit(order(**LONG), ME, TEXT)
    folder = reach(jobs, job, "running").folder
    jobs.delete(job, ME)
    with pytest.raises(LookupError):
        jobs.look(job)
    until(lambda: not folder.exists())
    ended = jobs.submit(order(), ME, TEXT)
    folder = reach(jobs, ended, "done").folder
    until(lambda: jobs.look(ended).pid is None)
    jobs.delete(ended, ME)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("limits", "text", "sentence"),
    [
        ({"characters": 100}, TEXT, r"the text has 2,040 characters; at most 100 are trained on here"),
        ({}, "  \n ", "the text is empty"),
        ({}, "caf\ud800", "not valid Unicode at character 3"),
        ({}, None, "choose the glass-box stories, or give a text"),
    ],
)
def test_a_text_that_cannot_be_taken(
    make_jobs: Callable[..., Jobs], limits: dict[str, int], text: str | None, sentence: str
) -> None:
    jobs = make_jobs(**limits)
    with pytest.raises(Refused, match=sentence):
        jobs.submit(order().model_copy(update={"corpus": "/etc/hostname"}), ME, text)
    assert not jobs.root.exists()


def test_a_model_that_is_not_there(jobs: Jobs) -> None:
    with pytest.raises(Refused, match="no model has the id"):
        jobs.submit(order("unheard-of"), ME, TEXT)


def test_quotas_of_an_owner(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(unfinished=2, kept=3, queue=2)
    runs = [jobs.submit(order(**LONG), ME, TEXT) for _ in range(2)]
    with pytest.raises(Refused, match="you have 2 runs under way or in line: stop one"):
        jobs.submit(order(), ME, TEXT)
    until(lambda: jobs.look(runs[0]).state == "running")
    jobs.submit(order(**LONG), YOU, TEXT)
    with pytest.raises(Refused, match="2 runs wait in line"):
        jobs.submit(order(), "a third", TEXT)
    jobs.stop(runs[1], ME)
    runs.append(jobs.submit(order(**LONG), ME, TEXT))
    jobs.stop(runs[2], ME)
    with pytest.raises(Refused, match="you keep 3 runs"):
        jobs.submit(order(), ME, TEXT)
    jobs.delete(runs[1], ME)
    jobs.submit(order(), ME, TEXT)


def test_a_full_server_forgets_what_was_left_alone(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(disk=100_000, left_alone=60.0)
    job = jobs.submit(order(), ME, TEXT)
    folder = reach(jobs, job, "done").folder
    with pytest.raises(Refused, match="are used up: delete a run, or try tomorrow"):
        jobs.submit(order(), YOU, TEXT)
    for name in ("order.json", "control.json", "status.json"):
        os.utime(folder / name, (0, time.time() - 3600))
    jobs.submit(order(), YOU, TEXT)
    until(lambda: not folder.exists())


@pytest.mark.parametrize(
    ("limits", "recipe", "sentence"),
    [
        ({"parameters": 1000}, {}, "The model would have 66,049 parameters; at most 1,000"),
        ({"run_disk": 2**20}, {}, "Its checkpoints would take"),
        ({"seconds": 0.01}, {"steps": 10_000}, "0 seconds of training are the most that a run may take here"),
    ],
)
def test_quotas_that_the_worker_keeps(
    make_jobs: Callable[..., Jobs], limits: dict[str, float], recipe: dict[str, int], sentence: str
) -> None:
    jobs = make_jobs(**limits)
    job = jobs.submit(order(**recipe), ME, TEXT)
    assert sentence in reach(jobs, job, "failed", "stopped", "done").message


def test_a_text_that_is_too_short(jobs: Jobs) -> None:
    job = jobs.submit(order(), ME, "Hi.")
    found = reach(jobs, job, "failed")
    assert "raised" not in found.message
    assert str(jobs.root) not in found.message
    assert "text" in found.message


def test_a_run_goes_out_as_a_zip_and_comes_back(jobs: Jobs) -> None:
    job = jobs.submit(order(), ME, TEXT)
    done = reach(jobs, job, "done")
    back = jobs.look(jobs.load(pack(done.folder), YOU))
    assert (back.state, back.step) == ("done", 40)
    assert back.id != job
    assert back.owned_by(YOU)
    assert Run(back.folder).events() == Run(done.folder).events()
    with pytest.raises(Refused, match="cannot be read"):
        jobs.load(b"no zip", YOU)
    assert len(list(jobs.root.iterdir())) == 2


def test_a_run_of_a_model_that_is_not_here_is_not_taken_in(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.submit(order(), ME, TEXT)
    data = pack(reach(jobs, job, "done").folder)
    monkeypatch.setenv("PLAYGROUND_PLUGINS", "")
    with pytest.raises(Refused, match="no model has the id 'test/good'"):
        jobs.load(data, YOU)
    assert jobs.mine(YOU) == []


def test_an_upload_holds_nobody_up(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is unpacked, somebody else's order is taken."""
    data = pack(reach(jobs, jobs.submit(order(), ME, TEXT), "done").folder)
    unpack = archive.unpack

    def slow(*given: Any) -> None:
        other = threading.Thread(target=jobs.submit, args=(order(), YOU, TEXT))
        other.start()
        other.join(20)
        assert not other.is_alive()
        unpack(*given)

    monkeypatch.setattr(archive, "unpack", slow)
    jobs.load(data, ME)
    assert (len(jobs.mine(ME)), len(jobs.mine(YOU))) == (2, 1)


def test_the_last_place_may_be_taken_while_an_upload_is_unpacked(
    make_jobs: Callable[..., Jobs], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make_jobs(kept=2)
    data = pack(reach(jobs, jobs.submit(order(), ME, TEXT), "done").folder)
    check = archive.check_fit

    def late(*given: Any) -> None:
        jobs.submit(order(), ME, TEXT)
        check(*given)

    monkeypatch.setattr(archive, "check_fit", late)
    with pytest.raises(Refused, match="you keep 2 runs"):
        jobs.load(data, ME)
    assert len(list(jobs.root.iterdir())) == 2


def test_a_run_is_named_by_its_owner_alone(jobs: Jobs) -> None:
    job = jobs.submit(order(), ME, TEXT)
    folder = reach(jobs, job, "done").folder
    until(lambda: jobs.look(job).pid is None)
    before, files = Run(folder).info, {*folder.iterdir()}
    jobs.rename(job, ME, "  Mine,\nand *best* – " + "x" * 100)
    name = "Mine, and *best* – " + "x" * 61
    assert Run(folder).info == before.model_copy(update={"title": name})
    assert {*folder.iterdir()} == files
    with pytest.raises(NotYours, match="belongs to another visitor"):
        jobs.rename(job, YOU, "Yours")
    with pytest.raises(Refused, match="give it a name first"):
        jobs.rename(job, ME, " \n")
    with pytest.raises(LookupError):
        jobs.rename(new_id(), ME, "Nobody's")
    assert Run(folder).info.title == name


def test_a_run_that_has_not_begun_has_no_name_yet(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(unfinished=9)
    reach(jobs, jobs.submit(order(**LONG), ME, TEXT), "running")
    with pytest.raises(Refused, match="wait until it has begun"):
        jobs.rename(jobs.submit(order(), ME, TEXT), ME, "Early")


def test_a_run_takes_no_more_steps_than_the_limits_allow(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(events=7)
    job = jobs.submit(order(**LONG), ME, TEXT)
    found = reach(jobs, job, "stopped", "done")
    assert (found.step, len(Run(found.folder).events())) == (7, 8)
    assert found.message.startswith("Stopped at step 7: a run may take no more of them here.")
    until(lambda: jobs.look(job).pid is None)
    for action in (jobs.play, jobs.step):
        with pytest.raises(Refused, match="has taken the 7 steps that it may: start a new one"):
            action(job, ME)


def test_a_run_that_ends_with_the_last_step_that_it_may_take_is_done(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs(events=7)
    assert reach(jobs, jobs.submit(order(steps=7), ME, TEXT), "stopped", "done").state == "done"


def test_close_saves_what_runs(make_jobs: Callable[..., Jobs]) -> None:
    jobs = make_jobs()
    job = jobs.submit(order(**LONG, save_every=1000.0, checkpoints=1), ME, TEXT)
    until(lambda: JobFolder(jobs.look(job).folder).last_step() > 5)
    jobs.close()
    found = jobs.look(job)
    assert found.state == "paused"
    assert found.step == kept(jobs, job) > 5
    assert found.pid is None


def test_two_workers_never_share_a_folder(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.jobs.folder._CLAIM", 0.1)
    job = JobFolder(jobs.look(jobs.submit(order(**LONG), ME, TEXT)).folder)
    until(job.is_claimed)
    with pytest.raises(BlockingIOError), job.claimed():
        pass


def test_files_are_swapped_in_whole(tmp_path: Path) -> None:
    job = JobFolder(tmp_path)
    (tmp_path / "control.json").write_text('{"wish": "st')
    assert job.control == Control()
    job.write(Control(wish="stop", why="Because."))
    assert json.loads((tmp_path / "control.json").read_text())["why"] == "Because."
    assert [path.name for path in tmp_path.iterdir()] == ["control.json"]


def test_the_worker_knows_no_streamlit(fork_server: None, folder_of_plugins: Path, tmp_path: Path) -> None:
    """With the app's own file as the main module, as in the server: it is run again in the worker."""
    program = (
        "import sys, time, types\n"
        "main = types.ModuleType('__main__'); main.__file__ = sys.argv[1]; main.__spec__ = None\n"
        "sys.modules['__main__'] = main\n"
        "from playground.jobs import Jobs\n"
        "assert not {'torch', 'streamlit'} & set(sys.modules)\n"
        "from tests.playground.jobs.helpers import ME, TEXT, order, reach\n"
        "jobs = Jobs(sys.argv[2])\n"
        "print(reach(jobs, jobs.submit(order('tells'), ME, TEXT), 'failed').message)\n"
        "jobs.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "streamlit_app.py"), str(tmp_path / "app")],
        cwd=tmp_path,  # the fork server finds our modules from anywhere
        env=os.environ | {"PYTHONPATH": str(ROOT), "PLAYGROUND_PLUGINS": str(folder_of_plugins)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "test/tells raised RuntimeError: none; the last checkpoint, step 5, is kept.\n"
    assert "without all of its modules" not in done.stderr
