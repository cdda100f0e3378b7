"""`kill -9` of the whole server, again and again under load: what was acknowledged is made, once (R1)."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from overpaint.domain import Status, Task
from overpaint.store.blobs import FolderBlobs
from overpaint.store.sqlite import FILE_NAME
from tests.faults import histories
from tests.faults.callers import Callers, calling
from tests.faults.conftest import Server, until
from tests.figures import IS_LONG, figures

ROUNDS, LEAST_ACKNOWLEDGED = (200, 20_000) if IS_LONG else (10, 100)
SUBMITS = 105 if IS_LONG else 15  #: a round, if it lasts
CONNECTIONS, PAUSE_SECONDS = 16, 0.1 if IS_LONG else 0.3
LATEST_SECONDS = 3.0 if IS_LONG else 1.0  #: of the kill, after the first submit of its round was acknowledged
ROUNDS_AN_EDIT = 10 if IS_LONG else 5  #: so seldom the kill waits for edits: to load a checkpoint takes seconds
STUCK_SECONDS = 120.0  #: without the end of any edit, while some wait


@pytest.fixture
def mortal(tmp_path: Path, quick: Path) -> Iterator[Server]:
    """One attempt that fails, and its edit fails: a killed server may not cost one."""
    server = Server(tmp_path / "data", quick, queue_max="0", max_attempts="1", log_level="warning")
    yield server
    server.close()


def test_a_server_killed_again_and_again_loses_nothing_and_makes_nothing_twice(mortal: Server) -> None:
    kills = 0
    with histories.recorded(mortal, "R1 crash") as recorder:
        with calling(mortal, connections=CONNECTIONS, pause_seconds=PAUSE_SECONDS) as callers:
            while kills < ROUNDS or len(mortal.acknowledged) < LEAST_ACKNOWLEDGED:
                live_a_while(mortal, callers, makes_edits=kills % ROUNDS_AN_EDIT == ROUNDS_AN_EDIT - 1)
                mortal.kill_group()
                kills += 1
        assert set(callers.answers) == {200, 0}
        mortal.start().ready()
        drain(mortal.data / FILE_NAME)
        recorder.look_at_all()
        links = [mortal.result(each)["images"][0]["image_url"] for each in random.sample(mortal.acknowledged, 50)]
        assert {httpx2.get(link).status_code for link in links} == {200}
    assert mortal.process is not None
    mortal.process.terminate()
    assert mortal.wait() == 0
    found = verdict(mortal)
    assert found == {**found, "lost": 0, "doubled": 0, "stuck": 0, "failed": 0, "damaged": 0, "integrity": "ok"}
    assert found["attempts_killed"]  # or nothing was in work at any kill
    figures(row="R1 crash", kills=kills, unanswered=callers.answers[0], **found)


def live_a_while(server: Server, callers: Callers, *, makes_edits: bool) -> None:
    """A start, and a random time under load."""
    before = len(server.acknowledged)
    callers.allow(SUBMITS)
    server.start()
    until(lambda: server.is_dead() or len(server.acknowledged) > before)
    assert not server.is_dead(), server.log(last_bytes=1000)
    if makes_edits:
        server.ready()
        callers.allow(SUBMITS)
    time.sleep(random.uniform(0.1, LATEST_SECONDS))


def drain(database: Path) -> None:
    """Returns when nothing waits any more, or when nothing has ended for a while."""
    left, since = -1, time.monotonic()
    with closing(sqlite3.connect(database)) as db:
        while left and time.monotonic() < since + STUCK_SECONDS:
            (now,) = db.execute("SELECT count(*) FROM task WHERE status IN ('queued', 'processing')").fetchone()
            if now != left:
                left, since = now, time.monotonic()
            time.sleep(0.2)


def verdict(server: Server) -> dict[str, object]:
    """What became of everything that was acknowledged, by the database and the picture folder."""
    rows = server.rows(*server.acknowledged)
    outcomes = [Counter(each.outcome for each in attempts) for _, attempts in rows]
    blobs = FolderBlobs(server.data / "blobs")
    with closing(sqlite3.connect(server.data / FILE_NAME)) as db:
        ((integrity,),) = db.execute("PRAGMA integrity_check").fetchall()
        submits, tasks = db.execute(
            "SELECT count(DISTINCT json_extract(request, '$.seed')), count(*) FROM task"
        ).fetchone()
    return {
        "acknowledged": len(server.acknowledged),
        "lost": len(server.acknowledged) - len(rows),
        "doubled": sum(words["succeeded"] > 1 for words in outcomes) + tasks - submits,
        "stuck": sum(not task.status.is_final for task, _ in rows),
        "failed": sum(task.status is Status.FAILED for task, _ in rows),
        "damaged": sum(task.status is Status.SUCCEEDED and not is_whole(blobs, task) for task, _ in rows),
        "attempts_killed": sum(words["lost"] for words in outcomes),
        "integrity": integrity,
    }


def is_whole(blobs: FolderBlobs, task: Task) -> bool:
    """Whether its one picture is there, as its row says."""
    (output,) = task.outputs
    return hashlib.sha256(blobs.get(output.name)).hexdigest() == output.sha256
