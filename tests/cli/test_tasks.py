"""`overpaint tasks show`: an edit's history as its data folder has it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from overpaint.domain import Failed
from overpaint.store.sqlite import FILE_NAME, SqliteTaskStore
from tests.cli.conftest import Run, assert_complaint
from tests.store.samples import new_task, succeeded

PROMPT = "变成黑白照片"  # of tests.store.samples


def on_store(folder: Path, work: Callable[[SqliteTaskStore], Awaitable[str]]) -> str:
    async def run() -> str:
        store = SqliteTaskStore.open(folder / FILE_NAME)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def tried_three_times(store: SqliteTaskStore) -> str:
    task = (await store.submit(new_task())).task
    for worker, outcome in (("w1", Failed(code="internal_error")), ("w2", None), ("w3", succeeded())):
        claim = await store.claim(worker)
        assert claim is not None
        if outcome is None:
            await store.void_leases()
        else:
            assert await store.finish(claim, outcome)
    return task.id


async def waits(store: SqliteTaskStore) -> str:
    return (await store.submit(new_task())).task.id


def test_every_attempt_is_told_in_its_order(overpaint: Run, tmp_path: Path) -> None:
    task_id = on_store(tmp_path, tried_three_times)
    told = json.loads(overpaint("tasks", "show", task_id, "--json", "--data", str(tmp_path)).stdout)
    assert (told["id"], told["status"], told["error"], told["step"]) == (task_id, "succeeded", None, "8 of 8")
    lines = [(each["number"], each["worker_id"], each["outcome"], each["error"]) for each in told["attempts"]]
    assert lines == [
        (1, "w1", "failed", "internal_error"),
        (2, "w2", "lost", None),
        (3, "w3", "succeeded", None),
    ]
    assert all(each["seconds"] >= 0 and each["ended_at"] for each in told["attempts"])

    done = overpaint("tasks", "show", task_id, "--data", str(tmp_path))
    assert done.returncode == 0
    last = done.stdout.splitlines()[-3:]
    assert [line.split()[:2] for line in last] == [["1", "failed"], ["2", "lost"], ["3", "succeeded"]]
    assert PROMPT not in done.stdout


def test_a_task_that_nobody_has_begun_has_no_attempts(overpaint: Run, tmp_path: Path) -> None:
    task_id = on_store(tmp_path, waits)
    told = json.loads(overpaint("tasks", "show", task_id, "--json", "--data", str(tmp_path)).stdout)
    assert (told["status"], told["attempts"], told["started_at"]) == ("queued", [], None)


def test_an_unknown_task_is_not_found(overpaint: Run, tmp_path: Path) -> None:
    assert_complaint(overpaint("tasks", "show", "01a209d6", "--data", str(tmp_path)), 4, "no such task")
