"""Sudden and orderly ends: nothing acknowledged is lost, and nothing is made twice."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from overpaint.domain import Status
from overpaint.store.blobs import FolderBlobs
from tests.faults.conftest import Server, until
from tests.model import checkpoints

Serving = Callable[[Path], Server]


def assert_each_made_once(server: Server, task_ids: list[str]) -> None:
    """Every task succeeded, by exactly one attempt, with the picture its row names."""
    blobs = FolderBlobs(server.data / "blobs")
    rows = server.rows(*task_ids)
    assert len(rows) == len(set(task_ids))
    for task, attempts in rows:
        assert task.status is Status.SUCCEEDED
        assert [each.outcome for each in attempts].count("succeeded") == 1
        assert attempts[-1].outcome == "succeeded" and attempts[-1].number == task.attempt
        (output,) = task.outputs
        assert hashlib.sha256(blobs.get(output.name)).hexdigest() == output.sha256


def test_a_killed_worker_is_replaced_and_its_edit_made_again(server: Server) -> None:
    (worker,) = server.workers()
    task_id = server.submitted(seed=1)
    until(lambda: server.step(task_id) > 0)
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: server.status(task_id) == "SUCCEED")
    assert_each_made_once(server, [task_id])
    ((_, attempts),) = server.rows(task_id)
    assert (attempts[0].outcome, attempts[0].worker_id) == ("lost", worker.id)
    assert attempts[-1].worker_id != worker.id


def test_draining_under_load_loses_nothing_and_costs_no_attempt(server: Server) -> None:
    task_ids = [server.submitted(seed, steps=60) for seed in range(6)]
    until(lambda: any(server.step(each) > 0 for each in task_ids))
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.is_dead() or server.readiness()[0] == 503)
    if not server.is_dead():  # the edit in work may have ended just now
        refused = server.submit(seed=99)
        assert (refused.status_code, refused.json()["reason"]) == (503, "SERVICE_UNAVAILABLE")
        assert server.status(task_ids[0]) in ("QUEUED", "PROCESSING", "SUCCEED")
    assert server.wait() == 0, server.log()
    rows = server.rows(*task_ids)
    assert {task.status for task, _ in rows} <= {Status.QUEUED, Status.SUCCEEDED}
    server.start().ready()
    until(lambda: all(server.status(each) == "SUCCEED" for each in task_ids))
    assert_each_made_once(server, task_ids)
    assert {each.outcome for _, attempts in server.rows(*task_ids) for each in attempts} <= {"released", "succeeded"}


def test_a_worker_that_slept_past_its_lease_changes_nothing(server: Server) -> None:
    (worker,) = server.workers()
    task_id = server.submitted(seed=1)
    until(lambda: server.step(task_id) > 0)
    os.kill(worker.pid, signal.SIGSTOP)
    until(lambda: server.status(task_id) == "QUEUED")  # housekeeping took it back
    os.kill(worker.pid, signal.SIGCONT)
    until(lambda: server.status(task_id) == "SUCCEED")
    ((task, attempts),) = server.rows(task_id)
    assert attempts[0].outcome == "lost"
    assert {each.worker_id for each in attempts} == {worker.id}  # the same one, and still the first try was not its own
    assert_each_made_once(server, [task_id])
    folder = FolderBlobs(server.data / "blobs").path(task.outputs[0].name).parent
    assert [each.name for each in folder.iterdir()] == [f"{task.attempt}-0.jpeg"]


def test_a_broken_checkpoint_is_said_and_readiness_stays_off(serving: Serving, tmp_path: Path) -> None:
    broken = checkpoints.build(tmp_path / "broken", "edit", tiny=True)
    checkpoints.change_weights(broken, "transformer", lambda tensors: tensors.pop("img_in.weight"))
    at = serving(broken)
    until(lambda: "process parked" in at.log())
    assert "img_in.weight" in at.log()
    assert "Traceback" not in at.log()
    status, body = at.readiness()
    assert status == 503 and body["status"] != "ready"
    assert not at.is_dead()  # so that people can look
    assert at.process is not None
    at.process.send_signal(signal.SIGTERM)
    assert at.wait() == 0


@pytest.mark.parametrize("what", ["no folder", "not a checkpoint"])
def test_a_folder_that_is_no_checkpoint_stops_the_start(serving: Serving, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "nothing"
    if what == "not a checkpoint":
        folder.mkdir()
    at = serving(folder)
    assert at.wait() == 2
    assert "Traceback" not in at.log()
