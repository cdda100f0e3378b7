"""One thread that writes: it takes what is waiting, commits once, and only then answers.

Pictures come first, into a pack; then each operation runs in a savepoint of its own, so a refused one harms no other.
One sync of either file pays for all of them. Knows transactions and the write-ahead log. Does not know what the
operations do.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, perf_counter
from typing import Any, TypeVar

from overpaint.errors import OverpaintError, StorageFull, StoreUnavailable
from overpaint.store import schema
from overpaint.store.packs import Packs, Place

T = TypeVar("T")
OnCommit = Callable[[int, float], None]  #: hears of operations that were stored together, and the seconds it took
Operation = Callable[..., T]  #: called with the connection, and the place of each picture that came along

MAX_BATCH = 32  # operations, while other processes wait for the write lock
IDLE_SECONDS = 1.0  # without a write: then the log is folded whatever its size
FOLD_SECONDS = 0.25  # least time between two folds under load
CHECKPOINT_BYTES = 8 * 2**20  # about 2,000 pages: folding them into the file takes some 20 ms


@dataclass(slots=True, eq=False)
class _Entry:
    operation: Operation[Any]
    pictures: Sequence[bytes]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    places: Sequence[Place] = ()
    result: Any = field(default=None)
    error: BaseException | None = field(default=None)

    def settle(self) -> None:
        if self.future.done():  # the caller stopped waiting
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Group commit on one connection. `run` may be called from any event loop of the process."""

    def __init__(self, path: Path, packs: Packs) -> None:
        self.is_checkpointer = False  #: set in the one process that folds the write-ahead log into the file
        self.on_commit: OnCommit | None = None
        #: of the last batch: when, by monotonic seconds, and what was in its way
        self.outcome: tuple[float, OverpaintError | None] = (-math.inf, None)
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._packs = packs
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._is_closed = False
        self._folded_at = -FOLD_SECONDS
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, operation: Operation[T], pictures: Sequence[bytes] = ()) -> T:
        """The operation's result, once it and the `pictures` are on the disk.

        Raises what the operation raised, StorageFull, or StoreUnavailable: then nothing of it was written.
        """
        if self._is_closed:
            raise StoreUnavailable()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Entry(operation, pictures, loop, future))
        return await future

    def close(self) -> None:
        """Finishes what is waiting; afterwards the thread is gone."""
        self._is_closed = True
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        connection = schema.connect(self._path)
        try:
            while (batch := self._take()) is not None:
                if batch:
                    began = perf_counter()
                    self._store(connection, batch)
                    self.outcome = monotonic(), _trouble(batch)
                    if self.on_commit is not None:
                        self.on_commit(len(batch), perf_counter() - began)
                    _answer(batch)
                self._fold_log_if_due(connection, is_idle=not batch)
        finally:
            connection.close()
            self._packs.close()

    def _take(self) -> list[_Entry] | None:
        """What is waiting now, without waiting for more; nothing after an idle second; None at the end."""
        try:
            entry = self._queue.get(timeout=IDLE_SECONDS if self.is_checkpointer else None)
        except Empty:
            return []
        batch: list[_Entry] = []
        while entry is not None:
            batch.append(entry)
            if len(batch) == MAX_BATCH or self._queue.empty():
                return batch
            entry = self._queue.get()
        if batch:
            self._queue.put(None)  # the end comes after these
        return batch or None

    def _store(self, connection: sqlite3.Connection, batch: list[_Entry]) -> None:
        """Pictures outside the transaction, so that no other process waits for large ones."""
        with_pictures = [entry for entry in batch if entry.pictures]
        if with_pictures:
            self._pack(with_pictures)
        is_committed = _commit_together(connection, [entry for entry in batch if entry.error is None])
        if is_committed and with_pictures and all(entry.error for entry in with_pictures):  # as when the queue is full
            self._packs.take_back()

    def _pack(self, entries: list[_Entry]) -> None:
        try:
            places = iter(self._packs.append([picture for entry in entries for picture in entry.pictures]))
        except Exception as error:
            for entry in entries:
                entry.error = error
        else:
            for entry in entries:
                entry.places = [next(places) for _ in entry.pictures]

    def _fold_log_if_due(self, connection: sqlite3.Connection, *, is_idle: bool) -> None:
        size = self._wal_bytes() if self.is_checkpointer else 0
        if is_idle and size:
            self._fold_log(connection, "TRUNCATE")
        elif size > CHECKPOINT_BYTES and monotonic() > self._folded_at + FOLD_SECONDS:
            # The file keeps its length and is written again from its start: to cut 8 MiB off it many times a second
            # would make a disk that discards freed blocks stall
            self._fold_log(connection, "RESTART")

    def _fold_log(self, connection: sqlite3.Connection, mode: str) -> None:
        """Both modes keep every other writer out while the log begins anew."""
        with contextlib.suppress(sqlite3.Error):  # a log that could not be folded stays, and is whole
            connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        self._folded_at = monotonic()

    def _wal_bytes(self) -> int:
        return self._wal.stat().st_size if self._wal.exists() else 0


def _commit_together(connection: sqlite3.Connection, batch: list[_Entry]) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for entry in batch:
            _run_alone(connection, entry)
        connection.execute("COMMIT")
        return True
    except Exception as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for entry in batch:
            entry.error = _for_caller(error)
        return False


def _run_alone(connection: sqlite3.Connection, entry: _Entry) -> None:
    connection.execute("SAVEPOINT entry")
    try:
        entry.result = entry.operation(connection, *entry.places)
    except Exception as error:
        if not connection.in_transaction:  # on a full disk SQLite itself takes the whole batch back
            raise
        connection.execute("ROLLBACK TO entry")
        entry.error = _for_caller(error)
    connection.execute("RELEASE entry")


def _trouble(batch: list[_Entry]) -> OverpaintError | None:
    """Why it could not be stored, if that is not the fault of what was asked."""
    errors = (entry.error for entry in batch)
    return next((error for error in errors if isinstance(error, StorageFull | StoreUnavailable)), None)


def _for_caller(error: Exception) -> Exception:
    return schema.translated(error) if isinstance(error, sqlite3.Error) else error


def _answer(batch: list[_Entry]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Entry]] = {}
    for entry in batch:
        by_loop.setdefault(entry.loop, []).append(entry)
    for loop, entries in by_loop.items():
        with contextlib.suppress(RuntimeError):  # that loop is closed: nobody is waiting
            loop.call_soon_threadsafe(_settle, entries)


def _settle(entries: list[_Entry]) -> None:
    for entry in entries:
        entry.settle()
