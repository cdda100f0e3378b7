"""What every task store promises; nothing here knows a database."""

from __future__ import annotations

import asyncio
import dataclasses
import os

import pytest

from overpaint.domain import Beat, Canceled, Failed, Outcome, Released, Status, Usage, WorkerInfo
from overpaint.errors import QueueFull
from tests.store.samples import new_task, succeeded

pytestmark = pytest.mark.anyio

LEASE = 15.0
INPUT_LOST, INTERNAL = Failed(code="input_lost"), Failed(code="internal_error")


async def test_a_submitted_task_is_visible_at_once_to_another_process(open_store):
    new = new_task()
    task = (await open_store().submit(new)).task
    assert task.status is Status.QUEUED
    assert (task.request, task.inputs, task.public_base) == (new.request, new.inputs, new.public_base)
    assert await open_store().get("me", new.id) == task


async def test_somebody_elses_task_and_an_unknown_one_look_the_same(store):
    task = (await store.submit(new_task("me"))).task
    assert await store.get("you", task.id) is None
    assert await store.get("me", new_task().id) is None
    assert await store.cancel("you", task.id) is None
    assert await store.outputs_of(task.id) == task


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 500_000])
async def test_pictures_come_with_their_task(open_store, size):
    new, data = new_task(), os.urandom(size)
    await open_store().submit(new, {new.inputs[0].name: data})
    assert await open_store().input(new.inputs[0].name) == data
    assert await open_store().input("inputs/none") is None


async def test_submits_that_come_together_keep_their_pictures_apart(store):
    pictures = {new_task(): os.urandom(size) for size in (5, 20_000, 70_000, 20_000, 9, 300_000)}
    await asyncio.gather(*(store.submit(new, {new.inputs[0].name: data}) for new, data in pictures.items()))
    for new, data in pictures.items():
        assert await store.input(new.inputs[0].name) == data


async def test_a_full_queue_refuses_and_writes_nothing(open_store):
    store = open_store(queue_max=2)
    for _ in range(2):
        await store.submit(new_task())
    refused = new_task()
    with pytest.raises(QueueFull):
        await store.submit(refused, {refused.inputs[0].name: b"png"})
    assert await store.get("me", refused.id) is None
    assert await store.input(refused.inputs[0].name) is None
    await store.claim("w")
    await store.submit(refused)


async def test_tasks_are_claimed_first_in_first_out(store):
    tasks = [(await store.submit(new_task(owner))).task for owner in "abab"]
    claims = [await store.claim("w") for _ in tasks]
    assert [claim.task.id for claim in claims] == [task.id for task in tasks]
    assert await store.claim("w") is None


async def test_a_claim_begins_an_attempt(store, clock):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    assert (claim.attempt, claim.worker_id, claim.task.status) == (1, "w", Status.PROCESSING)
    assert claim.task == await store.get("me", task.id)
    (attempt,) = await store.attempts(task.id)
    assert (attempt.number, attempt.worker_id, attempt.outcome) == (1, "w", "running")
    assert claim.task.started_at == attempt.started_at == clock.wall_ms()


async def test_many_claims_at_once_never_share_a_task(open_store):
    first, second = open_store(), open_store()
    ids = {(await first.submit(new_task())).task.id for _ in range(20)}
    claims = await asyncio.gather(*(store.claim("w") for store in (first, second) for _ in range(15)))
    claimed = [claim.task.id for claim in claims if claim]
    assert len(claimed) == 20
    assert set(claimed) == ids


async def test_a_success_shows_its_pictures_timings_and_usage(store, clock):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    clock.seconds += 3
    assert await store.finish(claim, succeeded())
    done = await store.get("me", task.id)
    assert done.status is Status.SUCCEEDED
    assert (done.outputs, done.timings, done.usage) == (
        succeeded().outputs,
        succeeded().timings,
        succeeded().usage,
    )
    assert (done.worker_id, done.error_code, done.step) == (None, None, 8)
    assert done.finished_at - done.started_at == 3000
    assert done.expires_at - done.finished_at == 86_400_000
    (attempt,) = await store.attempts(task.id)
    assert (attempt.outcome, attempt.ended_at) == ("succeeded", done.finished_at)


@pytest.mark.parametrize("zombie_first", [True, False])
async def test_a_worker_that_lost_its_lease_finishes_nothing(store, clock, zombie_first):
    task = (await store.submit(new_task())).task
    zombie = await store.claim("w")
    clock.seconds += LEASE
    await store.sweep()
    heir = await store.claim("w")  # the same worker: only the attempt tells them apart
    order = [(zombie, "z"), (heir, "h")]
    wrote = {c.attempt: await store.finish(c, succeeded(m)) for c, m in (order if zombie_first else order[::-1])}
    assert wrote == {1: False, 2: True}
    assert (await store.get("me", task.id)).outputs == succeeded("h").outputs


async def test_the_fence_names_the_worker_too(store):
    await store.submit(new_task())
    claim = await store.claim("w")
    impostor = dataclasses.replace(claim, worker_id="v")
    assert await store.beat(impostor, step=1) is Beat.LOST
    assert not await store.finish(impostor, succeeded())


async def test_a_late_worker_whose_task_nobody_took_may_still_finish(store, clock):
    await store.submit(new_task())
    claim = await store.claim("w")
    clock.seconds += LEASE
    assert await store.beat(claim, step=1) is Beat.LOST
    assert await store.finish(claim, succeeded())


@pytest.mark.parametrize("outcome", [succeeded(), INPUT_LOST, INTERNAL, Canceled(), Released()])
async def test_a_finish_whose_answer_was_lost_is_recognised(store, outcome):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    assert await store.finish(claim, outcome)
    before = await store.get("me", task.id)
    assert await store.finish(claim, outcome)
    assert await store.get("me", task.id) == before


async def test_a_released_task_cannot_be_finished_by_the_one_that_gave_it_back(store):
    await store.submit(new_task())
    claim = await store.claim("w")
    await store.finish(claim, Released())
    assert not await store.finish(claim, succeeded())


async def test_a_beat_renews_the_lease_and_reports_the_step(store, clock):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    for step in (1, 2):
        clock.seconds += LEASE - 1
        assert await store.beat(claim, step=step) is Beat.OK
    now = await store.get("me", task.id)
    assert now.step == 2
    assert now.version == claim.task.version + 2
    await store.beat(claim, step=2)
    assert (await store.get("me", task.id)).version == now.version  # nothing new to see
    await store.sweep()
    assert (await store.get("me", task.id)).status is Status.PROCESSING


async def test_a_retryable_failure_keeps_its_place_and_fails_at_the_third(store):
    first = (await store.submit(new_task())).task
    await store.submit(new_task())
    for number in (1, 2, 3):
        claim = await store.claim("w")
        assert (claim.task.id, claim.attempt) == (first.id, number)
        await store.finish(claim, INTERNAL)
    task = await store.get("me", first.id)
    assert (task.status, task.error_code) == (Status.FAILED, "internal_error")
    assert [attempt.outcome for attempt in await store.attempts(first.id)] == ["failed"] * 3
    assert task.expires_at


async def test_a_final_failure_is_not_repeated(store):
    task = (await store.submit(new_task())).task
    await store.finish(await store.claim("w"), INPUT_LOST)
    task = await store.get("me", task.id)
    assert (task.status, task.error_code) == (Status.FAILED, "input_lost")
    assert task.error_text == "A stored input picture is missing or damaged."


async def test_lost_leases_are_counted_as_failures(store, clock):
    task = (await store.submit(new_task())).task
    reports = []
    for _ in range(3):
        await store.claim("w")
        clock.seconds += LEASE
        reports.append(await store.sweep())
    assert [(report.requeued, report.failed) for report in reports] == [(1, 0), (1, 0), (0, 1)]
    task = await store.get("me", task.id)
    assert (task.status, task.error_code) == (Status.FAILED, "worker_lost")
    assert "(3)" in task.error_text
    assert [attempt.outcome for attempt in await store.attempts(task.id)] == ["lost"] * 3


async def test_releases_and_voided_leases_are_not_counted(store):
    task = (await store.submit(new_task())).task
    for _ in range(5):
        assert await store.finish(await store.claim("w"), Released())
        await store.claim("w")
        assert await store.void_leases() == 1
    task = await store.get("me", task.id)
    assert (task.status, task.attempt) == (Status.QUEUED, 10)
    assert [attempt.outcome for attempt in await store.attempts(task.id)] == ["released", "lost"] * 5
    for _ in range(2):
        await store.finish(await store.claim("w"), INTERNAL)
    assert (await store.get("me", task.id)).status is Status.QUEUED


async def test_a_queued_task_is_canceled_at_once(store):
    task = (await store.submit(new_task())).task
    canceled = await store.cancel("me", task.id)
    assert (canceled.status, canceled.error_code, canceled.started_at) == (Status.CANCELED, "canceled", None)
    assert await store.claim("w") is None
    assert await store.cancel("me", task.id) == canceled


async def test_a_running_task_is_asked_to_stop(store):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    asked = await store.cancel("me", task.id)
    assert (asked.status, asked.cancel_requested) == (Status.PROCESSING, True)
    assert await store.cancel("me", task.id) == asked
    assert await store.beat(claim, step=3) is Beat.CANCEL
    assert await store.finish(claim, Canceled(usage=Usage(steps=3)))
    done = await store.get("me", task.id)
    assert (done.status, done.usage.steps, done.step) == (Status.CANCELED, 3, 3)


@pytest.mark.parametrize("ending", [Released(), INTERNAL, "lost"])
async def test_a_task_asked_to_stop_never_goes_back_to_the_queue(store, clock, ending: Outcome | str):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    await store.cancel("me", task.id)
    if isinstance(ending, str):
        clock.seconds += LEASE
        assert (await store.sweep()).canceled == 1
    else:
        await store.finish(claim, ending)
    assert (await store.get("me", task.id)).status is Status.CANCELED


async def test_a_picture_made_in_spite_of_a_cancel_is_given_out(store):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    await store.cancel("me", task.id)
    assert await store.finish(claim, succeeded())
    assert (await store.get("me", task.id)).status is Status.SUCCEEDED


async def test_a_final_task_never_changes(store, clock):
    task = (await store.submit(new_task())).task
    claim = await store.claim("w")
    await store.finish(claim, succeeded())
    done = await store.get("me", task.id)
    await store.cancel("me", task.id)
    await store.finish(claim, INTERNAL)
    await store.beat(claim, step=9)
    clock.seconds += LEASE
    await store.sweep()
    await store.void_leases()
    assert await store.get("me", task.id) == done


async def test_the_position_counts_who_is_before(store):
    tasks = [(await store.submit(new_task())).task for _ in range(3)]

    async def positions():
        return [(await store.standing("me", task.id)).queue_position for task in tasks]

    assert await positions() == [1, 2, 3]
    claim = await store.claim("w")
    assert await positions() == [0, 1, 2]
    await store.finish(claim, Released())
    assert await positions() == [1, 2, 3]
    await store.cancel("me", tasks[1].id)
    assert await positions() == [1, 0, 2]


async def test_a_standing_is_the_owners_part_of_the_task(store):
    queued, failing = [(await store.submit(new_task())).task for _ in range(2)]
    await store.finish(await store.claim("w"), succeeded("h"))
    claim = await store.claim("w")
    await store.beat(claim, step=2)
    for task_id in (queued.id, failing.id):
        assert_same(await store.standing("me", task_id), await store.get("me", task_id))
    await store.finish(claim, Failed(code="input_lost"))
    assert_same(await store.standing("me", failing.id), await store.get("me", failing.id))
    assert await store.standing("you", queued.id) is None
    assert await store.standing("me", new_task().id) is None


def assert_same(standing, task):
    told = {field.name: getattr(standing, field.name) for field in dataclasses.fields(standing)}
    asked = {name: getattr(task.request, name) for name in ("seed", "steps")}
    assert told.pop("queue_position") == 0
    assert told == {name: asked.get(name, getattr(task, name, None)) for name in told}


async def test_stats_count_the_queue(store, clock):
    assert dataclasses.astuple(await store.stats()) == (0, 0, None)
    for _ in range(3):
        clock.seconds += 1
        await store.submit(new_task())
    await store.claim("w")
    assert dataclasses.astuple(await store.stats()) == (2, 1, clock.wall_ms() - 1000)


@pytest.mark.parametrize("size", [3, 100_000])
async def test_pictures_expire_and_the_record_stays_for_its_time(open_store, clock, size):
    store = open_store(result_ttl_seconds=10, record_ttl_seconds=100)
    new = new_task()
    await store.submit(new, {new.inputs[0].name: bytes(size)})
    waiting = (await store.submit(new_task())).task
    await store.finish(await store.claim("w"), succeeded())
    clock.seconds += 9.999
    assert await store.expire() == ()
    clock.seconds += 0.001
    assert set(await store.expire()) == {new.inputs[0].name, "results/a"}
    assert await store.expire() == ()
    task = await store.get("me", new.id)
    assert (task.status, task.is_expired, task.outputs) == (Status.SUCCEEDED, True, ())
    assert await store.input(new.inputs[0].name) is None
    clock.seconds += 90
    assert await store.expire() == ()
    assert await store.get("me", new.id) is None
    assert await store.attempts(new.id) == ()
    assert await store.get("me", waiting.id) == waiting


async def test_expiry_goes_in_portions(open_store, clock):
    store = open_store(result_ttl_seconds=10)
    for _ in range(5):
        await store.submit(new_task())
        await store.finish(await store.claim("w"), INPUT_LOST)
    clock.seconds += 10
    assert [len(await store.expire(limit=2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_waiters_wake_when_another_process_commits(open_store):
    here, there = open_store(), open_store()
    assert await here.claim("w") is None
    waiter = asyncio.create_task(here.changed(30))
    await there.submit(new_task())
    assert await waiter
    assert await here.claim("w")


async def test_a_commit_between_a_vain_claim_and_the_wait_is_not_missed(open_store):
    here, there = open_store(), open_store()
    assert await here.claim("w") is None
    await there.submit(new_task())
    assert await here.changed(30)


async def test_waiters_wake_on_a_commit_of_their_own_process(store):
    assert await store.claim("w") is None
    waiters = [asyncio.create_task(store.changed(30)) for _ in range(3)]
    await asyncio.sleep(0)
    await store.submit(new_task())
    assert await asyncio.gather(*waiters) == [True] * 3


async def test_a_wait_without_a_commit_ends_by_itself(store):
    await store.claim("w")
    assert not await store.changed(0.01)


def worker(**changes: object) -> WorkerInfo:
    values = {"id": "w", "pid": 1, "device": "cpu", "checkpoint": "mini", "state": "starting", "loading_percent": 40}
    return WorkerInfo(**{**values, **changes})


async def test_workers_are_listed_while_they_renew_their_line(store, clock):
    await store.put_worker(worker())
    await store.put_worker(worker(id="v", state="idle", loading_percent=100))
    clock.seconds += LEASE - 1
    busy = worker(state="busy", loading_percent=100, seconds_per_step=0.25, max_pixels=2_000_000)
    await store.put_worker(busy)
    assert {each.id for each in await store.workers()} == {"v", "w"}
    clock.seconds += 1
    assert await store.workers() == (busy,)
    await store.remove_worker("w")
    assert await store.workers() == ()


async def test_a_server_that_starts_anew_knows_no_worker_of_before(store):
    await store.put_worker(worker())
    await store.void_leases()
    assert await store.workers() == ()


async def test_check_is_silent_on_a_store_that_takes_writes(store):
    await store.check()
