"""What the store counts, and in which buckets. That nothing is counted twice: test_machine."""

from __future__ import annotations

from math import inf

import pytest

from overpaint.domain import Failed, Succeeded, Timings, Usage
from overpaint.telemetry import Tally, observed
from tests.store.samples import new_task, succeeded

pytestmark = pytest.mark.anyio


async def test_a_success_is_counted_with_its_times(store, clock):
    task = (await store.submit(new_task())).task
    clock.seconds += 40
    claim = await store.claim("w")
    clock.seconds += 2
    times = Timings(prepare_ms=90, denoise_ms=1600, decode_ms=101, encode_ms=7, total_ms=1900)
    await store.finish(claim, Succeeded(outputs=succeeded().outputs, timings=times, usage=Usage(steps=8, pixels=3072)))
    counted = await store.tallies()
    assert set(counted) == {
        Tally("attempts_total", ("succeeded",)),
        Tally("denoise_step_seconds", ("mini", "exact"), 0.25, 8, 1.6),
        Tally("edit_run_seconds", ("mini", "exact"), 2.5, 1, 1.9),
        Tally("edit_total_seconds", ("mini",), 60.0, 1, 42.0),
        Tally("edit_wait_seconds", ("mini",), 60.0, 1, 40.0),
        Tally("edits_finished_total", ("mini", "succeeded", "")),
        Tally("stage_seconds", ("mini", "decode"), 0.25, 1, 0.101),
        Tally("stage_seconds", ("mini", "denoise"), 2.5, 1, 1.6),
        Tally("stage_seconds", ("mini", "encode"), 0.1, 1, 0.007),
        Tally("stage_seconds", ("mini", "prepare"), 0.1, 1, 0.09),
    }
    assert (await store.outputs_of(task.id)).wait_seconds == 40


async def test_a_repeated_failure_is_an_attempt_and_only_the_last_an_end(store):
    await store.submit(new_task())
    for _ in range(3):
        await store.finish(await store.claim("w"), Failed(code="internal_error"))
    figures = {(tally.name, tally.labels): tally.times for tally in await store.tallies()}
    assert figures == {
        ("attempts_total", ("failed",)): 3,
        ("edit_wait_seconds", ("mini",)): 1,
        ("edits_finished_total", ("mini", "failed", "internal_error")): 1,
    }


async def test_figures_add_up_over_processes_and_restarts(open_store):
    for _ in range(2):
        store = open_store()
        await store.count(Tally("worker_restarts_total", ("killed",)))
        await store.count(observed("edit_wait_seconds", ("mini",), 3.0))
        await store.count(observed("edit_wait_seconds", ("mini",), 1e9))
    assert await open_store().tallies() == (
        Tally("edit_wait_seconds", ("mini",), 5.0, 2, 6.0),
        Tally("edit_wait_seconds", ("mini",), inf, 2, 2e9),
        Tally("worker_restarts_total", ("killed",), inf, 2),
    )


async def test_a_clock_set_back_makes_no_negative_time(store, clock):
    task = (await store.submit(new_task())).task
    clock.seconds -= 3600
    await store.finish(await store.claim("w"), succeeded())
    assert (await store.get("me", task.id)).wait_seconds == 0
    assert all(tally.total >= 0 for tally in await store.tallies())
