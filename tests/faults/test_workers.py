"""Workers that die in an edit, and workers that sleep past their lease and wake up (R2, R3)."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from overpaint.domain import Status, Task
from overpaint.store.blobs import FolderBlobs, result_name
from overpaint.store.sqlite import FILE_NAME
from tests.faults import histories
from tests.faults.conftest import Server, able, until
from tests.figures import IS_LONG, figures

ZOMBIES, LATE_ZOMBIES, KILLS = (500, 60, 24) if IS_LONG else (20, 3, 2)
WORKERS = 5 if IS_LONG else 3
LEASE_SECONDS = 2.0  #: longer than a busy machine makes a process wait
GRACE_SECONDS = 2.0  #: from the end of a lease until another worker must have begun
LOG_BYTES = 2**17  #: hold what a turn says
LOCK_SECONDS = 0.3  #: longer than a transaction lasts


@pytest.fixture(scope="module")
def _crew(tmp_path_factory: pytest.TempPathFactory, quick: Path) -> Iterator[Server]:
    """A machine that stalls may cost a lease more, which is no failure of what is looked at here."""
    folder = tmp_path_factory.mktemp("crew")
    settings = {"workers": str(WORKERS), "lease_seconds": str(LEASE_SECONDS), "max_attempts": "10"}
    server = Server(folder / "data", quick, **settings)
    yield server.start()
    server.close()


@pytest.fixture
def crew(_crew: Server, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Several workers on one queue, all of them ready; watched by a poller."""
    until(lambda: able(_crew) == WORKERS)
    with histories.recorded(_crew, request.node.name):
        yield _crew


@dataclass(frozen=True)
class Hold:
    """An attempt in work, and the process that works on it."""

    pid: int
    worker_id: str
    task_id: str
    attempt: int


def holds(server: Server) -> list[Hold]:
    with closing(sqlite3.connect(server.data / FILE_NAME)) as db:
        rows = db.execute(
            "SELECT worker.pid, worker.id, task.id, task.attempt FROM task JOIN worker ON worker.id = task.worker_id"
            " WHERE task.status = 'processing'"
        )
        return [Hold(*row) for row in rows]


def is_locked(server: Server) -> bool:
    """Whether somebody keeps all others from writing."""
    with closing(sqlite3.connect(server.data / FILE_NAME, timeout=LOCK_SECONDS, isolation_level=None)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
        return False


def put_to_sleep(server: Server, *, when_stored: bool) -> list[Hold]:
    """Stops all busy workers but one, wherever they are; whoever has nothing in hand, or the lock, is woken again.

    when_stored  instead one, in the moment its picture lies in the folder: the first it does later is to announce it
    """
    busy = holds(server)[: WORKERS - 1]
    stopped: set[int] = set()

    def stop_some() -> bool:
        for hold in busy:
            if not when_stored or stored(server, hold).exists():
                os.kill(hold.pid, signal.SIGSTOP)
                stopped.add(hold.pid)
                if when_stored:
                    break
        return bool(stopped) or not holds(server)

    until(stop_some, pause_seconds=0)
    until(lambda: all(map(has_stopped, stopped)))
    asleep = [] if is_locked(server) else [hold for hold in holds(server) if hold.pid in stopped]
    wake(stopped - {hold.pid for hold in asleep})
    return asleep


def stored(server: Server, hold: Hold) -> Path:
    """Where the picture of this attempt lies when it is made."""
    return FolderBlobs(server.data / "blobs").path(result_name(hold.task_id, hold.attempt, 0, "jpeg"))


def has_stopped(pid: int) -> bool:
    """Whether all its threads have: on a busy machine they go on for a while."""
    return all(
        thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in Path(f"/proc/{pid}/task").glob("*/stat")
    )


def wake(pids: Iterable[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def said(server: Server, hold: Hold) -> dict[str, Any] | None:
    """The line in which the worker tells how this attempt of its ended."""
    for text in server.log(last_bytes=LOG_BYTES).splitlines():
        if hold.task_id in text and hold.worker_id in text and "run_seconds" in text:
            line = dict(json.loads(text))
            if line["attempt"] == hold.attempt:
                return line
    return None


def picture(server: Server, task_id: str) -> str:
    """Hash of what the task's link leads to."""
    (image,) = server.result(task_id)["images"]
    return hashlib.sha256(httpx2.get(image["image_url"]).content).hexdigest()


def files(server: Server, task: Task) -> list[str]:
    """All that lies where the task's pictures belong."""
    return [each.name for each in FolderBlobs(server.data / "blobs").path(task.outputs[0].name).parent.iterdir()]


def test_a_worker_that_slept_past_its_lease_changes_nothing(crew: Server) -> None:
    """Woken when another has made the picture, or as soon as another has begun with it."""
    runs = late = turns = 0
    while runs < ZOMBIES or late < LATE_ZOMBIES:
        turns += 1
        is_awaited = turns % 3 == 0
        steps = 2 + 5 * (turns % 4) if is_awaited else 100
        tasks = [crew.submitted(seed, steps=steps) for seed in range(3 * WORKERS)]
        until(lambda: len(holds(crew)) == WORKERS or is_done(crew, tasks[-1:]))  # noqa: B023
        zombies = put_to_sleep(crew, when_stored=turns % 4 == 1)
        late += sum(stored(crew, each).exists() for each in zombies)
        (wake_after_the_winner if is_awaited else wake_beside_the_winner)(crew, zombies)
        for zombie, (task, attempts) in zip(zombies, crew.rows(*(each.task_id for each in zombies)), strict=True):
            assert attempts[zombie.attempt - 1].outcome == "lost" and task.attempt > zombie.attempt
            assert [each.outcome for each in attempts].count("succeeded") == 1
            assert picture(crew, task.id) == task.outputs[0].sha256
            assert files(crew, task) == [f"{task.attempt}-0.jpeg"]
        runs += len(zombies)
    until(lambda: is_done(crew, crew.acknowledged))
    figures(row="R3 zombies", runs=runs, with_a_picture_stored=late, second_finishes=0, overwritten=0, files_left=0)


def wake_after_the_winner(server: Server, zombies: Sequence[Hold]) -> None:
    """What the winner left stays as it is."""
    tasks = [each.task_id for each in zombies]
    until(lambda: is_done(server, tasks))
    before = server.rows(*tasks), [picture(server, each) for each in tasks]
    for zombie in zombies:
        wake([zombie.pid])
        assert_refused(server, zombie)
    assert (server.rows(*tasks), [picture(server, each) for each in tasks]) == before


def wake_beside_the_winner(server: Server, zombies: Sequence[Hold]) -> None:
    for zombie in zombies:
        until(lambda: server.attempt(zombie.task_id) > zombie.attempt)  # noqa: B023
        wake([zombie.pid])
    for zombie in zombies:
        assert_refused(server, zombie)
    until(lambda: is_done(server, [each.task_id for each in zombies]))


def assert_refused(server: Server, zombie: Hold) -> None:
    line = until(lambda: said(server, zombie))
    assert line["status"] == "lost", line


def is_done(server: Server, task_ids: Sequence[str]) -> bool:
    return all(server.status(each) == "SUCCEED" for each in task_ids)


def test_a_killed_worker_is_replaced_and_its_edit_made_again(crew: Server) -> None:
    seconds: list[float] = []
    while len(seconds) < KILLS:
        until(lambda: able(crew) >= 2)
        task_id = crew.submitted(len(seconds), steps=100)
        until(lambda: crew.status(task_id) != "QUEUED" and crew.step(task_id) >= len(seconds) % 3)  # noqa: B023
        busy = [each for each in holds(crew) if each.task_id == task_id]
        killed_at = 1000 * time.time()
        for hold in busy:  # none, if the edit is made already
            os.kill(hold.pid, signal.SIGKILL)
        until(lambda: is_done(crew, [task_id]))  # noqa: B023
        if not busy:
            continue
        ((task, attempts),) = crew.rows(task_id)
        assert (attempts[0].outcome, attempts[0].worker_id) == ("lost", busy[0].worker_id)
        assert [each.outcome for each in attempts].count("succeeded") == 1
        assert attempts[-1].worker_id != busy[0].worker_id and task.status is Status.SUCCEEDED
        seconds.append((attempts[1].started_at - killed_at) / 1000)
        if IS_LONG:
            assert len(attempts) == 2
            assert seconds[-1] <= LEASE_SECONDS + GRACE_SECONDS
    figures(
        row="R2 worker killed",
        kills=KILLS,
        lease_seconds=LEASE_SECONDS,
        until_the_next_attempt_p50=round(statistics.median(seconds), 2),
        max=round(max(seconds), 2),
        results_an_edit=1,
    )
