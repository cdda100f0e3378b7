"""Waiting times, from what workers measured."""

from __future__ import annotations

import pytest

from overpaint.domain import Standing, Status, WorkerInfo
from overpaint.service.estimates import FRESH_SECONDS, Estimates
from overpaint.store.sqlite import SqliteTaskStore

pytestmark = pytest.mark.anyio


def at(position: int = 0, status: Status = Status.QUEUED, step: int = 0) -> Standing:
    return Standing(
        id="t",
        checkpoint="c",
        seed=1,
        steps=10,
        status=status,
        queue_position=position,
        attempt=0,
        step=step,
        outputs=(),
        error_code=None,
        error_text=None,
        expires_at=None,
        is_expired=False,
    )


async def put(store: SqliteTaskStore, name: str, state: str, step_seconds: float | None) -> None:
    await store.put_worker(
        WorkerInfo(id=name, pid=1, device="cpu", checkpoint="c", state=state, seconds_per_step=step_seconds)
    )


async def test_without_a_measured_worker_nothing_is_known(store: SqliteTaskStore) -> None:
    assert await Estimates(store).eta_seconds(at(1)) == 0
    await put(store, "w", "starting", None)
    assert await Estimates(store).eta_seconds(at(1)) == 0


async def test_those_ahead_and_the_one_in_work_count(store: SqliteTaskStore) -> None:
    await put(store, "w", "idle", 2.0)
    assert await Estimates(store).eta_seconds(at(1)) == 20
    assert await Estimates(store).eta_seconds(at(4)) == 80
    await put(store, "w", "busy", 2.0)
    assert await Estimates(store).eta_seconds(at(1)) == 30


async def test_workers_share_the_queue(store: SqliteTaskStore) -> None:
    for name in "ab":
        await put(store, name, "idle", 1.0)
    assert await Estimates(store).eta_seconds(at(3)) == 20


async def test_a_running_edit_has_its_own_rest_to_go(store: SqliteTaskStore) -> None:
    await put(store, "w", "busy", 0.5)
    estimates = Estimates(store)
    assert await estimates.eta_seconds(at(status=Status.PROCESSING, step=4)) == 3
    assert await estimates.eta_seconds(at(status=Status.PROCESSING, step=10)) == 1
    assert await estimates.eta_seconds(at(status=Status.SUCCEEDED, step=10)) == 0


async def test_workers_are_asked_for_once_a_second(store: SqliteTaskStore) -> None:
    now = 0.0
    estimates = Estimates(store, clock=lambda: now)
    assert await estimates.eta_seconds(at(1)) == 0
    await put(store, "w", "idle", 2.0)
    assert await estimates.eta_seconds(at(1)) == 0
    now = FRESH_SECONDS
    assert await estimates.eta_seconds(at(1)) == 20
