"""Limits of owners and keys: exact with several processes on one file, and true in what they promise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from overpaint.domain import Account, Limits, NewTask, Origin, Quota, Released, Task
from overpaint.errors import QueueFull, RateLimited, TryLater
from overpaint.store.tasks import Submitted, TaskStore
from tests.store.samples import ManualClock, new_task, succeeded

pytestmark = pytest.mark.anyio

OpenStore = Callable[..., TaskStore]
DAY = 86_400


def by_key(key_id: str, owner: str = "me", **changes: Any) -> NewTask:
    return new_task(owner, origin=Origin(key_id=key_id), **changes)


async def taken(stores: list[TaskStore], count: int, owner: str = "me") -> list[Task]:
    """Those that were taken of so many submits at once, in turn by each store."""
    submits = (stores[number % len(stores)].submit(new_task(owner)) for number in range(count))
    answers = await asyncio.gather(*submits, return_exceptions=True)
    assert all(isinstance(answer, Submitted | TryLater) for answer in answers)
    return [answer.task for answer in answers if isinstance(answer, Submitted)]


async def refused(store: TaskStore, new: NewTask) -> RateLimited:
    with pytest.raises(RateLimited) as refusal:
        await store.submit(new)
    assert await store.get(new.owner, new.id) is None
    return refusal.value


@pytest.mark.parametrize("limit", [1, 7, 60, 7999])
async def test_a_minute_has_exactly_so_many_submits(open_store: OpenStore, clock: ManualClock, limit: int) -> None:
    """None but the first is waited for: what is refused is a whole minute's before the clock moves."""
    store = open_store(queue_max=0, limits=Limits(per_minute=limit))
    assert len(await taken([store], limit + 20)) == limit
    refusal = await refused(store, new_task())
    assert (refusal.reset_seconds, refusal.retry_after) == (60, max(1, -(-60 // limit)))


async def test_who_waits_as_long_as_he_is_told_is_let_in_and_not_before(
    open_store: OpenStore, clock: ManualClock
) -> None:
    store = open_store(limits=Limits(per_minute=7))
    quotas = [(await store.submit(new_task())).quota for _ in range(7)]
    assert quotas == [Quota(7, 7 - n, -(-60 * n // 7)) for n in range(1, 8)]
    for _ in range(20):
        wait = (await refused(store, new_task())).retry_after
        clock.seconds += wait - 1
        await refused(store, new_task())
        clock.seconds += 1
        assert (await store.submit(new_task())).quota is not None
    clock.seconds += 60
    assert (await store.submit(new_task())).quota == Quota(7, 6, 9)


async def test_limits_hold_for_all_processes_together_and_for_each_owner_alone(open_store: OpenStore) -> None:
    limits = Limits(per_minute=50)
    stores = [open_store(limits=limits) for _ in range(3)]
    mine, others = await asyncio.gather(taken(stores, 150), taken(stores, 40, "you"))
    assert (len(mine), len(others)) == (50, 40)
    assert len(await taken(stores, 40, "you")) == 10


async def test_a_full_queue_of_one_is_not_full_for_another(open_store: OpenStore) -> None:
    stores = [open_store(queue_max=15, limits=Limits(queued=10)) for _ in range(2)]
    assert len(await taken(stores, 30)) == 10
    assert len(await taken(stores, 30, "you")) == 5, "the server's own limit stands above"
    with pytest.raises(QueueFull, match="15"):
        await stores[0].submit(new_task("third"))
    await stores[0].claim("w")
    assert len(await taken(stores, 3)) + len(await taken(stores, 3, "you")) == 1


async def test_an_owners_own_limits_stand_in_the_place_of_the_servers(
    open_store: OpenStore, clock: ManualClock
) -> None:
    store = open_store(limits=Limits(per_minute=2))
    await store.put_limits("more", "", Limits(per_minute=5))
    await store.put_limits("any", "", Limits(per_minute=0))
    assert [len(await taken([store], 10, owner)) for owner in ("me", "more", "any")] == [2, 5, 10]
    await store.put_limits("me", "", Limits(per_minute=600))
    clock.seconds += 1
    assert len(await taken([store], 20)) == 10, "a limit that was raised holds from the next one on"


async def test_a_key_may_have_less_than_its_owner_and_never_more(open_store: OpenStore) -> None:
    store = open_store(limits=Limits(per_minute=4))
    await store.put_limits("me", "low", Limits(per_minute=2))
    await store.put_limits("me", "high", Limits(per_minute=100))
    assert [(await store.submit(by_key("low"))).quota for _ in range(2)] == [Quota(2, 1, 30), Quota(2, 0, 60)]
    assert (await refused(store, by_key("low"))).retry_after == 30
    assert [(await store.submit(by_key("high"))).quota for _ in range(2)] == [Quota(4, 1, 45), Quota(4, 0, 60)]
    assert (await refused(store, by_key("high"))).retry_after == 15
    assert (await refused(store, by_key("low"))).retry_after == 30, "the longer of two waits"


async def test_a_keys_queue_counts_its_own_edits_those_of_before_too(open_store: OpenStore) -> None:
    store = open_store()
    for key_id in ("a", "a", "b"):
        await store.submit(by_key(key_id))
    await store.claim("w")
    await store.put_limits("me", "a", Limits(queued=2))
    await store.submit(by_key("a"))
    with pytest.raises(QueueFull, match="2"):
        await store.submit(by_key("a"))
    await store.submit(by_key("b"))
    assert await store.accounts() == (
        Account("me", "", Limits(), queued=4, running=1, pixels_today=0),
        Account("me", "a", Limits(queued=2), queued=2, running=1, pixels_today=0),
    )


async def test_a_day_has_so_many_pixels_and_begins_at_midnight(open_store: OpenStore, clock: ManualClock) -> None:
    store = open_store(limits=Limits(pixels_per_day=100))
    for pixels in (60, 40):
        await store.submit(new_task(pixels=pixels))
    refusal = await refused(store, new_task(pixels=1))
    assert refusal.retry_after == DAY - clock.wall_ms() // 1000 % DAY and refusal.reset_seconds is None
    await store.submit(new_task("you", pixels=100))
    clock.seconds += refusal.retry_after - 1
    await refused(store, new_task(pixels=1))
    clock.seconds += 1
    await store.submit(new_task(pixels=100))
    assert [account.pixels_today for account in await store.accounts()] == [100, 0]


async def test_what_is_refused_counts_in_no_account(open_store: OpenStore) -> None:
    store = open_store(limits=Limits(per_minute=3, queued=1, pixels_per_day=10))
    await store.submit(new_task(pixels=1))
    for pixels in (1, 11):
        with pytest.raises(TryLater):
            await store.submit(new_task(pixels=pixels))
    await store.claim("w")
    assert (await store.submit(new_task(pixels=9))).quota == Quota(3, 1, 40)


async def test_one_more_than_may_run_waits_and_lets_others_pass(open_store: OpenStore) -> None:
    store = open_store(limits=Limits(running=1))
    await store.put_limits("you", "", Limits(running=2))
    for owner in ("me", "me", "you", "you", "you"):
        await store.submit(new_task(owner))
    claims = [claim for _ in range(5) if (claim := await store.claim("w"))]
    assert sorted(claim.task.owner for claim in claims) == ["me", "you", "you"]
    mine = next(claim for claim in claims if claim.task.owner == "me")
    await store.finish(mine, Released())
    again = await store.claim("w")
    assert again and again.task.id == mine.task.id, "given back, it is the first again"
    assert await store.claim("w") is None
    await store.finish(again, succeeded())
    last = await store.claim("w")
    assert last and last.task.owner == "me"


async def test_a_key_that_may_run_no_more_lets_its_owners_other_keys_pass(open_store: OpenStore) -> None:
    store = open_store()
    await store.put_limits("me", "a", Limits(running=1))
    first, held, other = [(await store.submit(by_key(key_id))).task for key_id in ("a", "a", "b")]
    claims = [await store.claim("w") for _ in range(3)]
    assert [claim and claim.task.id for claim in claims] == [first.id, other.id, None]
    assert claims[0]
    await store.finish(claims[0], succeeded())
    claim = await store.claim("w")
    assert claim and claim.task.id == held.id


async def test_a_limit_a_minute_of_another_boot_is_void(open_store: OpenStore, clock: ManualClock) -> None:
    store = open_store(limits=Limits(per_minute=1))
    clock.seconds = 10.0**6
    await store.submit(new_task())
    clock.seconds = 100.0
    await store.submit(new_task())
    assert (await refused(store, new_task())).retry_after == 60
