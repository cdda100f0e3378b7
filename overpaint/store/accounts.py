"""The part of the SQLite store that keeps accounts: what the server, an owner or a key may do, and whose turn it is.

A submit passes three accounts, the server's, its owner's and its key's, inside its own transaction: no two processes
can both take the last place. An owner's account is also his lane: who has had least of the workers, divided by his
weight, is next. The counts of tasks follow their rows by a trigger.
Knows the table `account`. Does not know who may set a limit, or what a task is made of.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from overpaint.domain import Account, Limits, NewTask, Outcome, Quota, Released, Succeeded
from overpaint.errors import QueueFull, RateLimited, TryLater
from overpaint.store.clock import Clock
from overpaint.store.connections import Connections
from overpaint.store.rows import TaskRow
from overpaint.store.statements import SQL
from overpaint.store.verdicts import Lost

SERVER = ""  #: the owner of the server's own account
MINUTE = 60_000_000  # microseconds
_DAY_SECONDS = 86_400


class AccountTable(Connections):
    """The account methods of `store.tasks.TaskStore`."""

    async def put_limits(self, owner: str, key_id: str, limits: Limits) -> None:
        await self._write("put_limits", {"owner": owner, "key_id": key_id, **asdict(limits)})

    async def accounts(self) -> tuple[Account, ...]:
        return tuple(_account(row) for row in self._read("accounts", today=_Now.of(self._clock).day))


class _Now(NamedTuple):
    boot_us: int
    day: int  #: since 1970, in UTC
    seconds_left: int  #: of this day

    @classmethod
    def of(cls, clock: Clock) -> _Now:
        day, second = divmod(clock.wall_ms() // 1000, _DAY_SECONDS)
        return cls(clock.boot_ms() * 1000, day, _DAY_SECONDS - second)


class _Row(NamedTuple):
    """A row of the statement `accounts_of`."""

    owner: str
    key_id: str
    per_minute: int | None
    queued_max: int | None
    pixels_per_day: int | None
    queued: int
    placed: int
    full_at: int
    day: int
    pixels: int
    vtime: int

    @property
    def is_lane(self) -> bool:
        return self.owner != SERVER and not self.key_id


@dataclass(frozen=True, slots=True)
class Gate:
    """What a submit must pass. `each`: what an owner may to whom nothing else was given."""

    queue_max: int
    each: Limits

    def enter(self, db: sqlite3.Connection, new: NewTask, clock: Clock) -> tuple[int, Quota | None]:
        """Counts the submit; gives its place in the owner's lane, and what is left of the nearest limit a minute.

        Raises QueueFull or RateLimited: then nothing was counted.
        """
        rows, now = self._rows(db, new.owner, new.origin.key_id), _Now.of(clock)
        refusals = [refusal for row in rows for refusal in _refusals(row, new.pixels, now)]
        if refusals:
            raise max(refusals, key=lambda refusal: refusal.retry_after)
        entered = [row._replace(full_at=_full_at(row, now)) for row in rows]
        common = {"pixels": new.pixels, "today": now.day, "floor": rows[0].vtime}
        names = ("owner", "key_id", "full_at")
        db.executemany(SQL["enter"], [{**{name: getattr(row, name) for name in names}, **common} for row in entered])
        quotas = [_quota(row.per_minute, row.full_at, now) for row in entered if row.per_minute]
        place = next(row.placed + 1 for row in rows if row.is_lane)
        return place, min(quotas, key=lambda quota: quota.remaining, default=None)

    def _rows(self, db: sqlite3.Connection, owner: str, key_id: str) -> list[_Row]:
        """The server's first, with what the settings say filled in."""
        names = {"owner": owner, "key_id": key_id}
        rows = [_Row._make(row) for row in db.execute(SQL["accounts_of"], names).fetchall()]
        if not any(row.is_lane for row in rows):
            db.execute(SQL["open_account"], names)
            return self._rows(db, owner, key_id)
        return [self._with_defaults(row) for row in rows]

    def _with_defaults(self, row: _Row) -> _Row:
        if row.owner == SERVER:
            return row._replace(queued_max=self.queue_max)
        if row.key_id:
            return row
        return row._replace(
            per_minute=self.each.per_minute if row.per_minute is None else row.per_minute,
            queued_max=self.each.queued if row.queued_max is None else row.queued_max,
            pixels_per_day=self.each.pixels_per_day if row.pixels_per_day is None else row.pixels_per_day,
        )


TURN = ("seq", "owner", "begins_at", "stride")  #: the columns of the statement `next_in_turn`


def settle(db: sqlite3.Connection, row: TaskRow, ended: Outcome | Lost) -> None:
    """The lane pays for what was made, and nothing for an attempt that was lost or given back.

    One that failed or was canceled keeps its charge: the worker was busy with it.
    """
    account = {"owner": row.owner, "charge": row.charge}
    if isinstance(ended, Succeeded):
        db.execute(SQL["settle"], {**account, "used": ended.timings.total_ms * 1000, "is_measured": 1})
    elif isinstance(ended, Lost | Released):
        db.execute(SQL["settle"], {**account, "used": 0, "is_measured": 0})


def _refusals(row: _Row, pixels: int, now: _Now) -> Iterator[TryLater]:
    if row.queued_max and row.queued >= row.queued_max:
        yield QueueFull(limit=row.queued_max)
    if row.pixels_per_day and (row.pixels if row.day == now.day else 0) + pixels > row.pixels_per_day:
        yield RateLimited(retry_after=now.seconds_left, limit=row.pixels_per_day, per="pixels a day")
    if row.per_minute:
        step = MINUTE // row.per_minute
        too_early = _full_at(row, now) - now.boot_us - row.per_minute * step
        if too_early > 0:
            reset = _seconds(row.full_at - now.boot_us)
            wait = _seconds(too_early)
            yield RateLimited(limit=row.per_minute, per="submits a minute", retry_after=wait, reset_seconds=reset)


def _full_at(row: _Row, now: _Now) -> int:
    """When all submits of a minute will be free, once one more is taken: one comes back with each step.

    That is the generic cell rate algorithm. A stored time more than a minute ahead is of another boot, and void.
    """
    if not row.per_minute:
        return row.full_at
    begin = row.full_at if now.boot_us < row.full_at <= now.boot_us + MINUTE else now.boot_us
    return begin + MINUTE // row.per_minute


def _quota(limit: int, full_at: int, now: _Now) -> Quota:
    step, taken = MINUTE // limit, max(0, full_at - now.boot_us)
    return Quota(limit, max(0, limit - -(-taken // step)), _seconds(taken))


def _seconds(microseconds: int) -> int:
    return -(-microseconds // 1_000_000)


def _account(row: Sequence[Any]) -> Account:
    owner, key_id, per_minute, queued_max, running_max, pixels_per_day, weight, queued, running, pixels = row
    limits = Limits(
        per_minute=per_minute, queued=queued_max, running=running_max, pixels_per_day=pixels_per_day, weight=weight
    )
    return Account(owner, key_id, limits, queued, running, pixels)
