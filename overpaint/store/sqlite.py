"""The task store on SQLite: one file, shared by the processes of one machine.

Reads run on the calling thread, be it an event loop: by an index, in some 10 us, and behind no writer (the log is
write-ahead). Writes go to this process's writer thread. Knows which statements make up each move of a task. Does not
know how they are spelled (sql/), how failures are counted (verdicts.py), or how commits are shared (writer.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from overpaint.domain import (
    Attempt,
    Beat,
    Claim,
    Limits,
    NewTask,
    Outcome,
    QueueStats,
    Quota,
    Standing,
    Status,
    Task,
    WorkerInfo,
)
from overpaint.errors import FAILURES
from overpaint.settings import Settings
from overpaint.store import accounts, inputs, outbox, rows, schema, tallies
from overpaint.store.accounts import TURN, AccountTable, Gate
from overpaint.store.clock import Clock, SystemClock
from overpaint.store.keys import KeyTable
from overpaint.store.outbox import OutboxTable
from overpaint.store.packs import Place
from overpaint.store.statements import SQL
from overpaint.store.tasks import Submitted, SweepReport
from overpaint.store.verdicts import Lost, Verdict, attempt_outcome, judge
from overpaint.telemetry import Tally

FILE_NAME = "overpaint.sqlite3"  #: in the data folder
FEED_SECONDS = 0.005  # how often a waiter asks whether somebody committed: 2 us a question


class SqliteTaskStore(KeyTable, AccountTable, OutboxTable):
    """`store.tasks.TaskStore` on one SQLite file."""

    def __init__(
        self,
        path: Path,
        *,
        lease_seconds: float,
        max_attempts: int,
        gate: Gate,
        result_ttl_seconds: float,
        record_ttl_seconds: float,
        clock: Clock,
    ) -> None:
        super().__init__(path, clock)
        self._lease_ms = round(lease_seconds * 1000)
        self._max_attempts = max_attempts
        self._gate = gate
        self._result_ttl_ms = round(result_ttl_seconds * 1000)
        self._record_ttl_ms = round(record_ttl_seconds * 1000)
        self._seen = 0

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        lease_seconds: float = 15.0,
        max_attempts: int = 3,
        queue_max: int = 10_000,
        limits: Limits | None = None,
        result_ttl_seconds: float = 86_400.0,
        record_ttl_seconds: float = 2_592_000.0,
        clock: Clock | None = None,
    ) -> SqliteTaskStore:
        """Makes or migrates the file, and voids the leases of an earlier boot. `queue_max` 0 = no limit.

        `limits` are those of each owner who has none of his own. Raises ConfigurationError for a damaged or newer file,
        StoreUnavailable while it is locked.
        """
        schema.prepare(path)
        store = cls(
            path,
            lease_seconds=lease_seconds,
            max_attempts=max_attempts,
            gate=Gate(queue_max, limits or Limits()),
            result_ttl_seconds=result_ttl_seconds,
            record_ttl_seconds=record_ttl_seconds,
            clock=clock or SystemClock(),
        )
        store._void_leases_of_earlier_boot(path)
        return store

    @classmethod
    def of(cls, settings: Settings) -> SqliteTaskStore:
        """The store of a server with these settings; every process of it opens its own."""
        return cls.open(
            settings.data / FILE_NAME,
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.max_attempts,
            queue_max=settings.queue_max,
            limits=Limits(
                per_minute=settings.rate_limit_per_minute,
                queued=settings.queue_max_per_owner,
                running=settings.running_max_per_owner,
                pixels_per_day=settings.pixels_per_day,
            ),
            result_ttl_seconds=settings.result_ttl_seconds,
            record_ttl_seconds=settings.record_ttl_seconds,
        )

    # Asking

    async def submit(self, new: NewTask, pictures: Mapping[str, bytes] | None = None) -> Submitted:
        task = rows.to_submitted(new, self._clock.wall_ms())
        values = {
            "id": new.id,
            "owner": new.owner,
            "dialect": new.dialect,
            "checkpoint": new.checkpoint,
            "public_base": new.public_base,
            "request": rows.to_json(new.request),
            "inputs": rows.to_json(new.inputs),
            "created_at": task.created_at,
            "origin": rows.to_json(new.origin),
            "key_id": new.origin.key_id,
        }
        small, large = inputs.split(pictures or {})

        def insert(db: sqlite3.Connection, *places: Place) -> Quota | None:
            place, quota = self._gate.enter(db, new, self._clock)
            db.execute(SQL["submit"], {**values, "place": place})
            inputs.insert(db, small, dict(zip(large, places, strict=True)))
            outbox.put(db, new)
            return quota

        return Submitted(task, await self._writer.run(insert, tuple(large.values())))

    async def get(self, owner: str, task_id: str) -> Task | None:
        task = await self.outputs_of(task_id)
        return task if task is not None and task.owner == owner else None

    async def standing(self, owner: str, task_id: str) -> Standing | None:
        found = self._read("standing", owner=owner, id=task_id)
        return rows.to_standing(found[0]) if found else None

    async def outputs_of(self, task_id: str) -> Task | None:
        found = self._read("task", id=task_id)
        return rows.to_task(found[0]) if found else None

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        found = self._read("attempts", task_id=task_id)
        return tuple(
            Attempt(
                task_id=task_id, number=n, worker_id=worker, started_at=start, ended_at=end, outcome=word, error=code
            )
            for _, n, worker, start, end, word, code in found
        )

    async def input(self, name: str) -> bytes | None:
        found = self._read("input", name=name)
        if not found:
            return None
        data, *place = found[0]
        return await asyncio.to_thread(self._packs.read, Place(*place)) if data is None else data

    async def cancel(self, owner: str, task_id: str) -> Task | None:
        values = {"owner": owner, "id": task_id, **self._end_of_life(), **_public_error("canceled")}

        def cancel(db: sqlite3.Connection) -> None:
            ended = db.execute(SQL["cancel_queued"], values).fetchall()
            tallies.count(db, [tallies.finished(model, Status.CANCELED, "canceled") for (model,) in ended])
            if not ended:
                db.execute(SQL["ask_to_cancel"], values)

        await self._writer.run(cancel)
        return await self.get(owner, task_id)

    async def stats(self) -> QueueStats:
        return QueueStats(*self._read("stats")[0])

    # Making

    async def claim(self, worker_id: str) -> Claim | None:
        self._seen = self._data_version()  # a commit from here on wakes `changed`
        limit = {"running_max": self._gate.each.running or 0}
        if not self._read("next_in_turn", **limit):
            return None

        def claim(db: sqlite3.Connection) -> Claim | None:
            found = db.execute(SQL["next_in_turn"], limit).fetchall()
            if not found:  # another worker was faster
                return None
            turn = dict(zip(TURN, found[0], strict=True))
            values = {"worker_id": worker_id, "lease_until": self._lease_end(), "now": self._clock.wall_ms()}
            task = rows.to_task(db.execute(SQL["claim"], {**values, **turn}).fetchall()[0])
            db.execute(SQL["charge"], turn)
            db.execute(SQL["begin_attempt"], {"task_id": task.id, "number": task.attempt, **values})
            return Claim(task, task.attempt, worker_id)

        return await self._writer.run(claim)

    async def beat(self, claim: Claim, *, step: int) -> Beat:
        def beat(db: sqlite3.Connection) -> Beat:
            values = {"step": step, "lease_until": self._lease_end(), "boot_now": self._clock.boot_ms()}
            renewed = db.execute(SQL["beat"], {**_fence(claim), **values}).fetchall()
            if not renewed:
                return Beat.LOST
            return Beat.CANCEL if renewed[0][0] else Beat.OK

        return await self._writer.run(beat)

    async def finish(self, claim: Claim, outcome: Outcome) -> bool:
        def finish(db: sqlite3.Connection) -> bool:
            held = db.execute(SQL["held"], _fence(claim)).fetchall()
            if not held:
                return self._is_finished_already(db, claim, outcome)
            self._end_attempt(db, rows.TaskRow._make(held[0]), outcome)
            return True

        return await self._writer.run(finish)

    def _is_finished_already(self, db: sqlite3.Connection, claim: Claim, outcome: Outcome) -> bool:
        """Whether this very call was committed before, and only its answer got lost."""
        values = {"task_id": claim.task.id, "number": claim.attempt, "worker_id": claim.worker_id}
        return db.execute(SQL["outcome_of_attempt"], values).fetchall() == [(attempt_outcome(outcome),)]

    def _end_attempt(self, db: sqlite3.Connection, row: rows.TaskRow, ended: Outcome | Lost) -> Verdict:
        verdict = judge(
            ended,
            failures=row.failures,
            is_cancel_requested=bool(row.cancel_requested),
            max_attempts=self._max_attempts,
        )
        if verdict.status is Status.QUEUED:
            db.execute(SQL["requeue"], {"seq": row.seq, "failures": verdict.failures})
        else:
            values = {"seq": row.seq, "status": verdict.status, "failures": verdict.failures}
            error = {"error_code": verdict.error_code, "error_text": verdict.error_text}
            db.execute(SQL["end_task"], {**values, **error, **rows.results(ended), **self._end_of_life()})
        accounts.settle(db, row, ended)
        tallies.count(db, tallies.of_end(rows.to_task(row), ended, verdict, self._clock.wall_ms()))
        line = {"task_id": row.id, "number": row.attempt, "now": self._clock.wall_ms()}
        db.execute(SQL["end_attempt"], {**line, "outcome": verdict.attempt_outcome, "error": verdict.attempt_error})
        return verdict

    async def changed(self, timeout: float) -> bool:  # noqa: ASYNC109 - a hint, not an error
        loop = asyncio.get_running_loop()
        give_up_at, seen = loop.time() + timeout, self._seen
        while (version := self._data_version()) == seen:
            if (left := give_up_at - loop.time()) <= 0:
                return False
            await asyncio.sleep(min(FEED_SECONDS, left))
        self._seen = version
        return True

    # Housekeeping

    async def sweep(self) -> SweepReport:
        self._writer.is_checkpointer = True  # only the server's API process sweeps, so one process folds the log
        if not self._read("is_any_lease_lost", boot_now=self._clock.boot_ms())[0][0]:
            return SweepReport()

        def sweep(db: sqlite3.Connection) -> list[Task]:
            now = {"boot_now": self._clock.boot_ms()}
            db.execute(SQL["remove_silent_workers"], now)
            lost = [rows.TaskRow._make(row) for row in db.execute(SQL["lost_leases"], now).fetchall()]
            for row in lost:
                self._end_attempt(db, row, Lost(is_counted=True))
            return [rows.to_task(db.execute(SQL["task"], {"id": row.id}).fetchone()) for row in lost]

        return SweepReport(tuple(await self._writer.run(sweep)))

    async def void_leases(self) -> int:
        return await self._writer.run(self._void_leases)

    def _void_leases(self, db: sqlite3.Connection) -> int:
        db.execute(SQL["remove_all_workers"])
        running = db.execute(SQL["all_leases"]).fetchall()
        for row in running:
            self._end_attempt(db, rows.TaskRow._make(row), Lost(is_counted=False))
        return len(running)

    def _void_leases_of_earlier_boot(self, path: Path) -> None:
        """The boot clock starts anew with each boot, so the leases of an earlier one mean nothing."""
        boot = {"name": "boot_id", "value": self._clock.boot_id}
        if self._read("meta", name="boot_id") == [(self._clock.boot_id,)]:
            return
        with closing(schema.connect(path)) as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                if db.execute(SQL["meta"], boot).fetchall() != [(self._clock.boot_id,)]:
                    self._void_leases(db)
                    db.execute(SQL["put_meta"], boot)
                db.execute("COMMIT")
            except sqlite3.Error as error:
                raise schema.translated(error) from error

    async def expire(self, limit: int = 500) -> tuple[str, ...]:
        now = self._clock.wall_ms()
        values = {"now": now, "record_limit": now - self._record_ttl_ms, "limit": limit}
        if not self._read("is_anything_expired", **values)[0][0]:
            return ()

        def expire(db: sqlite3.Connection) -> tuple[tuple[str, ...], list[Place]]:
            names = (
                *_erase(db, db.execute(SQL["expire_pictures"], values).fetchall(), "forget_pictures"),
                *_erase(db, db.execute(SQL["old_records"], values).fetchall(), "forget_task"),
            )
            return names, inputs.forget(db, names)

        names, places = await self._writer.run(expire)
        named = {pack for (pack,) in self._read("packs")}
        await asyncio.to_thread(self._packs.erase, places, named=named)
        return names

    # Workers

    async def put_worker(self, worker: WorkerInfo) -> None:
        await self._write("put_worker", {**_fields(worker), "alive_until": self._lease_end()})

    async def remove_worker(self, worker_id: str) -> None:
        await self._write("remove_worker", {"id": worker_id})

    async def workers(self) -> tuple[WorkerInfo, ...]:
        found = self._read("workers", boot_now=self._clock.boot_ms())
        names = [field.name for field in dataclasses.fields(WorkerInfo)]
        return tuple(WorkerInfo(**dict(zip(names, row, strict=True))) for row in found)

    # Figures

    async def count(self, tally: Tally) -> None:
        await self._writer.run(lambda db: tallies.count(db, [tally]))

    async def tallies(self) -> tuple[Tally, ...]:
        return tallies.read(self._read("tallies"))

    # Clocks

    def _data_version(self) -> int:
        """Another number after every commit by any other connection, the writer's included."""
        return int(self._read("data_version")[0][0])

    def _lease_end(self) -> int:
        return self._clock.boot_ms() + self._lease_ms

    def _end_of_life(self) -> dict[str, int]:
        now = self._clock.wall_ms()
        return {"now": now, "expires_at": now + self._result_ttl_ms}


def _fence(claim: Claim) -> dict[str, object]:
    return {"id": claim.task.id, "attempt": claim.attempt, "worker_id": claim.worker_id}


def _public_error(code: str) -> dict[str, str]:
    return {"error_code": code, "error_text": FAILURES[code].sentence}


def _erase(db: sqlite3.Connection, tasks: list[Any], statement: str) -> list[str]:
    for seq, _, _ in tasks:
        db.execute(SQL[statement], {"seq": seq})
    return [name for _, taken, made in tasks for name in rows.picture_names(taken, made)]


def _fields(value: WorkerInfo) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
