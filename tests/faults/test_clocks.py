"""A wall clock that is set forward and back changes dates and nothing else (R6)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from overpaint.domain import Status
from overpaint.store import clock
from overpaint.store.clock import SystemClock
from overpaint.store.sqlite import FILE_NAME, SqliteTaskStore
from tests.figures import IS_LONG, figures
from tests.store.samples import ManualClock, new_task, succeeded

pytestmark = pytest.mark.anyio

LEASE, HOUR = 15.0, 3600.0
ROUNDS = 1000 if IS_LONG else 50


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def durations(store: SqliteTaskStore, task_id: str) -> list[float]:
    """All that are told of a task, and the sums of all that were counted."""
    task = await store.outputs_of(task_id)
    assert task is not None
    ended = [(each.started_at, each.ended_at) for each in await store.attempts(task_id)]
    told = [end - start for start, end in ended if end is not None]
    return [task.wait_seconds, *told, *(tally.total for tally in await store.tallies())]


@pytest.mark.parametrize("jumps", [(HOUR,), (-HOUR,), (HOUR, -HOUR), (-HOUR, HOUR)])
async def test_no_lease_ends_early_and_none_late(tmp_path: Path, jumps: tuple[float, ...]) -> None:
    time = ManualClock()
    store = SqliteTaskStore.open(tmp_path / FILE_NAME, clock=time, lease_seconds=LEASE)
    task = (await store.submit(new_task())).task
    turns = itertools.cycle(jumps)
    time.set_forward += next(turns)
    assert await store.claim("dies") is not None
    for _ in range(round(LEASE) - 1):
        time.seconds += 1
        time.set_forward += next(turns)
        assert (await store.sweep()).tasks == ()
        assert await store.expire() == ()
    time.seconds += 1
    assert [each.status for each in (await store.sweep()).tasks] == [Status.QUEUED]  # at the very second
    claim = await store.claim("lives")
    time.set_forward += next(turns)
    assert claim is not None and claim.attempt == 2
    assert await store.finish(claim, succeeded())
    assert min(await durations(store, task.id)) >= 0
    assert await store.expire() == ()  # a day is longer than an hour
    await store.close()


async def test_workers_that_live_stay_listed(tmp_path: Path) -> None:
    time = ManualClock()
    store = SqliteTaskStore.open(tmp_path / FILE_NAME, clock=time, lease_seconds=LEASE)
    await store.submit(new_task())
    claim = await store.claim("w")
    assert claim is not None
    for turn in range(ROUNDS):
        time.set_forward += (HOUR, -HOUR)[turn % 2]
        time.seconds += LEASE - 1
        assert await store.beat(claim, step=1) == "ok"
        assert (await store.sweep()).tasks == ()
    await store.close()


async def test_the_machines_clocks_under_jumps_at_every_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the clock that servers use: whoever reads the wall finds it an hour off, to either side in turn."""
    real, turns = clock.time.time_ns, itertools.cycle([0, 1, -1, 0, -1, 1])
    monkeypatch.setattr(clock.time, "time_ns", lambda: real() + next(turns) * 3600 * 10**9)
    store = SqliteTaskStore.open(tmp_path / FILE_NAME, clock=SystemClock(), lease_seconds=600, queue_max=0)
    shortest, lost = 0.0, 0
    for _ in range(ROUNDS):
        task = (await store.submit(new_task())).task
        claim = await store.claim("w")
        assert claim is not None
        await store.beat(claim, step=1)
        lost += len((await store.sweep()).tasks)
        assert await store.finish(claim, succeeded())
        shortest = min(shortest, *await durations(store, task.id))
    await store.close()
    assert (shortest, lost) == (0, 0)
    figures(row="R6 clocks", edits=ROUNDS, jumps="±1 h at each reading", early_expiries=lost, negative_durations=0)
