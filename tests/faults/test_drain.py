"""An orderly end under load: no edit is lost, and none loses an attempt (R12)."""

from __future__ import annotations

import hashlib
import signal

from overpaint.domain import Status
from overpaint.store.blobs import FolderBlobs
from tests.faults.conftest import Server, until


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
