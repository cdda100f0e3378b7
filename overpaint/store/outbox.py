"""The part of the SQLite store that keeps who is told when a task ends, and what came of it.

Knows the tables `outbox`, `delivery` and `webhook_secret`. Does not know HTTP, signatures, or when to try again. A
message becomes due in the transaction that ends its task, by a trigger, so that no way to an end can forget it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from overpaint.domain import Delivery, DeliveryLimits, Message, MessageRecord, MessageState, NewTask
from overpaint.store import rows, tallies
from overpaint.store.connections import Connections
from overpaint.store.statements import SQL
from overpaint.telemetry import Tally

HOLD_MS = 30_000  #: a message that was taken is due again after this, unless it is settled: a try may take 10 s

_OUTCOMES = {MessageState.DELIVERED: "delivered", MessageState.PENDING: "retried"}  # all others have failed


class OutboxTable(Connections):
    """The message methods of `store.tasks.TaskStore`."""

    async def take_messages(self, held: Sequence[Message], limits: DeliveryLimits) -> tuple[Message, ...]:
        now = self._clock.wall_ms()
        if len(held) >= limits.at_once or not self._read("is_any_message_due", now=now)[0][0]:
            return ()

        before = tuple(held)  # the caller's own may change while this waits for the writer

        def take(db: sqlite3.Connection) -> tuple[Message, ...]:
            taken: list[Message] = []
            while len(before) + len(taken) < limits.at_once and (one := _take_one(db, [*before, *taken], limits, now)):
                taken.append(one)
            return tuple(taken)

        return await self._writer.run(take)

    async def settle_message(
        self, message: Message, delivery: Delivery, state: MessageState, *, due_at: int | None = None
    ) -> bool:
        values = {"task_id": message.task.id, "state": state, "due_at": due_at, "held_until": message.held_until}
        line = {
            "task_id": message.task.id,
            "at": delivery.at,
            "status": delivery.status,
            "error": delivery.error,
            "ms": delivery.milliseconds,
        }

        def settle(db: sqlite3.Connection) -> bool:
            db.execute(SQL["log_delivery"], line)
            if db.execute(SQL["settle_message"], values).rowcount == 0:
                return False
            if state is MessageState.GONE:
                db.execute(SQL["block_url"], {"owner": message.task.owner, "url": message.url})
            tallies.count(db, [Tally("webhook_deliveries_total", (_OUTCOMES.get(state, "failed"),))])
            return True

        return await self._writer.run(settle)

    async def redeliver(self, task_id: str) -> bool:
        def redeliver(db: sqlite3.Connection) -> bool:
            found = db.execute(SQL["redeliver"], {"task_id": task_id, "now": self._clock.wall_ms()}).fetchall()
            for owner, url in found:
                db.execute(SQL["unblock_url"], {"owner": owner, "url": url})
            return bool(found)

        return await self._writer.run(redeliver)

    async def messages(
        self, *, state: MessageState | None = None, task_id: str | None = None, limit: int = 100
    ) -> tuple[MessageRecord, ...]:
        return tuple(
            MessageRecord(
                task_id=each,
                owner=owner,
                url=url,
                state=MessageState(word),
                due_at=due_at,
                deliveries=tuple(Delivery(*line) for line in self._read("deliveries", task_id=each)),
            )
            for each, owner, url, word, due_at in self._read("messages", state=state, task_id=task_id, limit=limit)
        )

    async def undelivered(self) -> int:
        return int(self._read("undelivered")[0][0])

    async def webhook_secret(self, owner: str) -> tuple[int, int | None]:
        found = self._read("webhook_secret", owner=owner)
        return found[0] if found else (1, None)

    async def rotate_webhook_secret(self, owner: str) -> None:
        await self._write("rotate_webhook_secret", {"owner": owner, "now": self._clock.wall_ms()})


def put(db: sqlite3.Connection, new: NewTask) -> None:
    """Inside the transaction of the submit."""
    if new.webhook is not None:
        values = {"id": new.id, "owner": new.owner, "url": new.webhook.url, "host": new.webhook.host}
        db.execute(SQL["put_webhook"], values)


def _take_one(db: sqlite3.Connection, held: Iterable[Message], limits: DeliveryLimits, now: int) -> Message | None:
    busy = {
        "hosts": _frequent((each.host for each in held), limits.per_host),
        "owners": _frequent((each.task.owner for each in held), limits.per_owner),
    }
    held_until = now + HOLD_MS
    taken = db.execute(SQL["take_message"], {"now": now, "held_until": held_until, **busy}).fetchall()
    if not taken:
        return None
    ((task_id, url, host, tries),) = taken
    task = rows.to_task(db.execute(SQL["task"], {"id": task_id}).fetchone())
    return Message(task=task, url=url, host=host, tries=tries, held_until=held_until)


def _frequent(names: Iterable[str], limit: int) -> str:
    """JSON of the names that come at least so often."""
    return msgspec.json.encode([name for name, times in Counter(names).items() if times >= limit]).decode()
