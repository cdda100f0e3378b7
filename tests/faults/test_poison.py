"""Edits and checkpoints that cannot be made: a clear failure or a clear start-up error, and the others go on."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.faults.conftest import Server, until
from tests.figures import IS_LONG, figures
from tests.model import checkpoints

Serving = Callable[..., Server]
POISONED = 2 if IS_LONG else 1
SPARE_BYTES = 16 * 2**20  #: that the worker may still take: a fraction of what an edit of 1024x1024 needs


def shown(server: Server, task_id: str) -> dict[str, Any]:
    """What the operator is told of a task."""
    command = [sys.executable, "-m", "overpaint.cli.main", "tasks", "show", task_id, "--data", str(server.data)]
    done = subprocess.run([*command, "--json"], capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def test_an_edit_that_kills_its_worker_fails_and_the_next_is_made(serving: Serving, checkpoint: Path) -> None:
    """In the long form more deaths in a row than park a worker that cannot start."""
    server = serving(checkpoint, lease_seconds="2", max_attempts="3" if IS_LONG else "2").ready()
    attempts = 3 if IS_LONG else 2
    for seed in range(POISONED):
        task_id = server.submitted(seed)
        for number in range(1, attempts + 1):
            until(lambda: server.attempt(task_id) == number and server.step(task_id) > 0)  # noqa: B023
            (worker,) = server.workers()
            os.kill(worker.pid, signal.SIGSEGV)
        until(lambda: server.status(task_id) == "FAILED")  # noqa: B023
        told = shown(server, task_id)
        assert (told["status"], told["error"]) == ("failed", "worker_lost")
        assert str(attempts) in told["reason"]
        assert [(each["number"], each["outcome"]) for each in told["attempts"]] == [
            (number, "lost") for number in range(1, attempts + 1)
        ]
        assert len({each["worker_id"] for each in told["attempts"]}) == attempts
    good = server.submitted(seed=99, steps=2)
    until(lambda: server.status(good) == "SUCCEED")
    assert "process parked" not in server.log()
    figures(row="poison edits", poisoned=POISONED, workers_killed=POISONED * attempts, others_failed=0)


def test_an_edit_that_needs_more_memory_than_there_is_fails_at_once(serving: Serving, checkpoint: Path) -> None:
    server = serving(checkpoint).ready()
    first = server.submitted(seed=0, steps=2)  # the worker has started all its threads then
    until(lambda: server.status(first) == "SUCCEED")
    (worker,) = server.workers()
    size = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (size + SPARE_BYTES, size + SPARE_BYTES))
    large, small = server.submitted(seed=1, steps=2, size="1024x1024"), server.submitted(seed=2, steps=2)
    until(lambda: server.status(large) == "FAILED" and server.status(small) == "SUCCEED")
    told = shown(server, large)
    assert [(each["outcome"], each["error"]) for each in told["attempts"]] == [("failed", "out_of_memory")]
    assert told["error"] == "out_of_memory"
    assert server.workers()[0].pid == worker.pid  # the same process made the other
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("what", ["a weight is missing", "the numbers are no numbers"])
def test_a_checkpoint_that_cannot_work_is_said_and_readiness_stays_off(
    serving: Serving, tmp_path: Path, what: str
) -> None:
    broken = checkpoints.build(tmp_path / "broken", "edit", tiny=True)
    if what == "a weight is missing":
        checkpoints.change_weights(broken, "transformer", lambda tensors: tensors.pop("img_in.weight"))
    else:
        checkpoints.change_weights(broken, "transformer", fill_with_nan)
    server = serving(broken)
    until(lambda: "process parked" in server.log())
    assert ("img_in.weight" if what == "a weight is missing" else "not a picture (NaN)") in server.log()
    assert "Traceback" not in server.log()
    status, body = server.readiness()
    assert status == 503 and body["status"] != "ready"
    assert not server.is_dead()  # so that people can look
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def fill_with_nan(tensors: dict[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        tensors[name] = torch.full_like(tensor, torch.nan)


@pytest.mark.parametrize("what", ["no folder", "not a checkpoint"])
def test_a_folder_that_is_no_checkpoint_stops_the_start(serving: Serving, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "nothing"
    if what == "not a checkpoint":
        folder.mkdir()
    server = serving(folder)
    assert server.wait() == 2
    assert "Traceback" not in server.log()
