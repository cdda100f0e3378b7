"""Messages of a task's end: due exactly when it ends, given to one at a time, settled once, and kept until tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from overpaint.domain import Canceled, Delivery, DeliveryLimits, Failed, Message, MessageState, Released, Webhook
from overpaint.store import outbox
from overpaint.store.outbox import HOLD_MS
from overpaint.store.tasks import TaskStore
from tests.store.samples import ManualClock, new_task, succeeded

pytestmark = pytest.mark.anyio

URL = "https://hooks.example/end?token=t"
OK = Delivery(1, 200, None, 3)
NO = Delivery(1, 500, "500", 3)


def told(url: str = URL, host: str = "hooks.example:443") -> dict[str, Any]:
    return {"webhook": Webhook(url, host)}


async def ended(store: TaskStore, *, owner: str = "me", **webhook: str) -> str:
    """The id of a task that has ended and whose end is to be told."""
    new = new_task(owner, **told(**webhook))
    await store.submit(new)
    claim = await store.claim("w")
    assert claim is not None and claim.task.id == new.id
    assert await store.finish(claim, succeeded())
    return new.id


async def take(store: TaskStore) -> Message:
    (message,) = await store.take_messages((), DeliveryLimits(at_once=1, per_owner=1, per_host=1))
    return message


async def nothing_is_due(store: TaskStore) -> bool:
    return await store.take_messages((), DeliveryLimits(at_once=1, per_owner=1, per_host=1)) == ()


async def state_of(store: TaskStore, task_id: str) -> MessageState:
    (record,) = await store.messages(task_id=task_id)
    return record.state


@pytest.mark.parametrize(
    "how", ["succeeded", "failed", "canceled", "canceled in the queue", "lost", "lost and canceled"]
)
async def test_every_end_is_told_and_nothing_before_it(
    open_store: Callable[..., TaskStore], clock: ManualClock, how: str
) -> None:
    store = open_store(max_attempts=1)
    new = new_task(**told())
    await store.submit(new)
    assert await nothing_is_due(store)
    assert await store.messages() == ()
    if how == "canceled in the queue":
        await store.cancel("me", new.id)
    else:
        claim = await store.claim("w")
        assert claim is not None
        assert await nothing_is_due(store)
        if how == "lost and canceled":
            await store.cancel("me", new.id)
        if how.startswith("lost"):
            clock.seconds += 20
            await store.sweep()
        else:
            outcomes = {"succeeded": succeeded(), "failed": Failed(code="input_lost"), "canceled": Canceled()}
            assert await store.finish(claim, outcomes[how])
    message = await take(store)
    assert (message.task.id, message.url, message.host) == (new.id, URL, "hooks.example:443")
    assert message.task.status.is_final
    assert await store.undelivered() == 1


async def test_an_attempt_that_is_repeated_is_not_told(store: TaskStore) -> None:
    await store.submit(new_task(**told()))
    for outcome in (Released(), Failed(code="internal_error")):
        claim = await store.claim("w")
        assert claim is not None
        assert await store.finish(claim, outcome)
        assert await nothing_is_due(store)


async def test_a_task_without_webhook_leaves_no_message(store: TaskStore) -> None:
    await store.submit(new_task())
    claim = await store.claim("w")
    assert claim is not None
    await store.finish(claim, succeeded())
    assert await nothing_is_due(store)
    assert (await store.messages(), await store.undelivered()) == ((), 0)


async def test_a_finish_that_is_refused_or_repeated_adds_none(store: TaskStore, clock: ManualClock) -> None:
    await store.submit(new_task(**told()))
    late = await store.claim("late")
    assert late is not None
    clock.seconds += 20
    await store.sweep()
    winner = await store.claim("winner")
    assert winner is not None
    assert await store.finish(winner, succeeded())
    assert not await store.finish(late, succeeded("b"))
    assert await store.finish(winner, succeeded())  # its answer had been lost
    await store.settle_message(await take(store), OK, MessageState.DELIVERED)
    assert await store.finish(winner, succeeded())
    assert await nothing_is_due(store)
    assert len(await store.messages()) == 1


async def test_one_at_a_time_and_again_when_whoever_had_it_died(
    open_store: Callable[..., TaskStore], clock: ManualClock
) -> None:
    one, other = open_store(), open_store()
    await ended(one)
    first = await take(one)
    assert await nothing_is_due(one)
    assert await nothing_is_due(other)
    clock.seconds += HOLD_MS / 1000
    second = await take(other)
    assert (second.task.id, second.tries) == (first.task.id, 0)
    # The first comes back after all: its try is logged, and changes nothing
    assert not await one.settle_message(first, NO, MessageState.FAILED)
    assert await state_of(one, first.task.id) is MessageState.PENDING
    assert await other.settle_message(second, OK, MessageState.DELIVERED)
    (record,) = await one.messages()
    assert (record.state, record.due_at, record.deliveries) == (MessageState.DELIVERED, None, (NO, OK))


async def test_a_try_that_failed_is_repeated_when_it_is_due(store: TaskStore, clock: ManualClock) -> None:
    task_id = await ended(store)
    message = await take(store)
    assert await store.settle_message(message, NO, MessageState.PENDING, due_at=clock.wall_ms() + 5000)
    assert await nothing_is_due(store)
    clock.seconds += 5
    again = await take(store)
    assert (again.task.id, again.tries) == (task_id, 1)
    await store.settle_message(again, NO, MessageState.FAILED)
    clock.seconds += 1e6
    assert await nothing_is_due(store)
    assert await store.tallies() and {
        tally.labels: tally.times for tally in await store.tallies() if tally.name == "webhook_deliveries_total"
    } == {("retried",): 1, ("failed",): 1}


async def test_busy_hosts_and_owners_hold_nobody_up(store: TaskStore, clock: ManualClock) -> None:
    async def end(owner: str, host: str) -> str:
        clock.seconds += 0.001
        return await ended(store, owner=owner, url=f"https://{host}/", host=f"{host}:443")

    slow = [await end("me", "slow.example") for _ in range(5)]
    other = [await end("me", "other.example") for _ in range(5)]
    yours = [await end("you", host) for host in ("slow.example", "slow.example", "fast.example")]
    limits = DeliveryLimits(at_once=7, per_owner=4, per_host=3)
    held = await store.take_messages((), limits)
    assert [each.task.id for each in held] == [*slow[:3], other[0], yours[2]]  # the longest due first
    assert await store.take_messages(held, limits) == ()
    more = await store.take_messages(held[1:], limits)
    assert [each.task.id for each in more] == [slow[3]]
    assert await store.take_messages((*held, *more)[1:], limits) == ()
    rest = await store.take_messages((), DeliveryLimits(at_once=5, per_owner=99, per_host=99))
    assert [each.task.id for each in rest] == [slow[4], *other[1:]]


async def test_gone_ends_all_messages_to_that_url_of_that_owner(store: TaskStore) -> None:
    mine = [await ended(store) for _ in range(3)]
    elsewhere = await ended(store, url="https://hooks.example/other")
    yours = await ended(store, owner="you")
    first = await take(store)
    assert await store.settle_message(first, Delivery(1, 410, "410", 3), MessageState.GONE)
    later = await ended(store)
    assert {await state_of(store, each) for each in (*mine, later)} == {MessageState.GONE}
    assert {(await take(store)).task.id for _ in range(2)} == {elsewhere, yours}
    assert await nothing_is_due(store)

    assert await store.redeliver(mine[1])
    message = await take(store)
    assert message.task.id == mine[1]
    assert await state_of(store, mine[0]) is MessageState.FAILED
    assert (await take_new(store)).url == URL  # and the URL is open again


async def take_new(store: TaskStore) -> Message:
    await ended(store)
    return await take(store)


async def test_whatever_was_told_can_be_told_again(store: TaskStore) -> None:
    task_id = await ended(store)
    for state in (MessageState.DELIVERED, MessageState.FAILED):
        await store.settle_message(await take(store), OK, state)
        assert await store.redeliver(task_id)
        message = await take(store)
        assert (message.task.id, message.tries) == (task_id, 0)
        await store.settle_message(message, NO, MessageState.FAILED)
        await store.redeliver(task_id)
    waiting = new_task(**told())
    await store.submit(waiting)
    assert not await store.redeliver(waiting.id)
    assert not await store.redeliver(new_task().id)


async def test_a_record_stays_until_its_end_was_told(open_store: Callable[..., TaskStore], clock: ManualClock) -> None:
    store = open_store(record_ttl_seconds=10.0)
    task_id = await ended(store)
    silent = new_task()
    await store.submit(silent)
    await store.cancel("me", silent.id)
    clock.seconds += 1000
    await store.expire()
    assert await store.outputs_of(silent.id) is None
    message = await take(store)
    assert (await store.outputs_of(task_id)) is not None
    await store.settle_message(message, OK, MessageState.DELIVERED)
    await store.expire()
    assert await store.outputs_of(task_id) is None
    assert await store.messages() == ()
    assert not await store.redeliver(task_id)


async def test_secrets_are_numbered_from_one(store: TaskStore, clock: ManualClock) -> None:
    assert await store.webhook_secret("me") == (1, None)
    await store.rotate_webhook_secret("me")
    assert await store.webhook_secret("me") == (2, clock.wall_ms())
    clock.seconds += 60
    await store.rotate_webhook_secret("me")
    assert await store.webhook_secret("me") == (3, clock.wall_ms())
    assert await store.webhook_secret("you") == (1, None)


async def test_the_newest_messages_come_first(store: TaskStore) -> None:
    task_ids = [await ended(store) for _ in range(4)]
    await store.settle_message(await take(store), OK, MessageState.DELIVERED)
    assert [each.task_id for each in await store.messages(limit=3)] == task_ids[:0:-1]
    (only,) = await store.messages(state=MessageState.DELIVERED)
    assert (only.task_id, only.owner, only.deliveries) == (task_ids[0], "me", (OK,))


async def test_what_is_let_go_meanwhile_is_not_given_out_again(
    open_store: Callable[..., TaskStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller's list is its own: messages leave it while the next are being taken."""
    store, plain = open_store(), outbox._take_one
    for _ in range(2):
        await ended(store)
    limits = DeliveryLimits(at_once=2, per_owner=2, per_host=2)
    held = [await take(store)]

    def take_slowly(*given: Any) -> Message | None:
        held.clear()
        return plain(*given)

    monkeypatch.setattr(outbox, "_take_one", take_slowly)
    first = held[0].task.id
    (second,) = await store.take_messages(held, limits)
    assert second.task.id != first
