"""One SQLite file as one process holds it open: a reader for the calling thread, and a thread that writes.

Knows how statements are run and their errors told. Does not know what any statement means.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from overpaint.store import schema
from overpaint.store.clock import Clock
from overpaint.store.packs import Packs
from overpaint.store.statements import SQL
from overpaint.store.writer import OnCommit, Writer

GOOD_SECONDS, BAD_SECONDS = 5.0, 1.0  #: how long the outcome of the last write answers for the next one


class Connections:
    """What each part of the store stands on."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._reader = schema.connect(path, is_reader=True)
        self._packs = Packs(path.with_name("packs"))
        self._writer = Writer(path, self._packs)

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.close)
        self._reader.close()

    def report_commits(self, to: OnCommit) -> None:
        """Has each commit of this process reported: operations and seconds, from the writer's thread."""
        self._writer.on_commit = to

    async def check(self) -> None:
        at, trouble = self._writer.outcome
        if monotonic() - at > (BAD_SECONDS if trouble else GOOD_SECONDS):
            self._writer.outcome = monotonic(), trouble  # others who ask meanwhile try nothing
            await self._write("put_meta", {"name": "probed_at", "value": str(self._clock.wall_ms())})
        elif trouble:
            raise type(trouble)()

    def _read(self, statement: str, **values: object) -> list[Any]:
        try:
            return self._reader.execute(SQL[statement], values).fetchall()  # to the end, so that no snapshot stays open
        except sqlite3.Error as error:
            raise schema.translated(error) from error

    async def _write(self, statement: str, values: Mapping[str, object]) -> int:
        return await self._writer.run(lambda db: db.execute(SQL[statement], values).rowcount)
