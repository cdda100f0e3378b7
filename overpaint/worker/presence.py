"""What a worker says of itself: its line in the store, kept fresh and true.

Knows the worker's state, its pace, and how often a line must be renewed. Does not know tasks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import structlog

from overpaint.domain import WorkerInfo
from overpaint.errors import TryLater
from overpaint.store.tasks import TaskStore

RENEWALS_PER_LEASE = 3  #: a line counts for one lease
PACE_WEIGHT = 0.3  #: of the newest edit in the moving average of seconds per step

log = structlog.get_logger()


class Presence:
    """`run` renews the line; the other methods change what it says, and return at once."""

    def __init__(self, store: TaskStore, info: WorkerInfo, *, lease_seconds: float) -> None:
        self.info = info
        self._store = store
        self._period = lease_seconds / RENEWALS_PER_LEASE
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Until canceled; the line is gone then."""
        try:
            while True:
                self._news.clear()
                try:
                    await self._store.put_worker(self.info)
                except TryLater as error:
                    log.warning("store does not answer", code=error.code)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._period):
                        await self._news.wait()
        finally:
            with suppress(TryLater):
                await self._store.remove_worker(self.info.id)

    def loading(self, share: float) -> None:
        """0 … 1 of the checkpoint is read."""
        self._say(loading_percent=min(99, int(100 * share)))

    def loaded(self, device: str, max_pixels: int | None) -> None:
        """The checkpoint lies on this device, which has room to make pictures so large."""
        self._say(loading_percent=100, device=device, max_pixels=max_pixels)

    def idle(self) -> None:
        """Ready to claim."""
        self._say(state="idle")

    def busy(self) -> None:
        """Has a task."""
        self._say(state="busy")

    def stepped(self, seconds_per_step: float) -> None:
        """An edit took so long a step. Told with the next renewal: nobody waits for it."""
        known = self.info.seconds_per_step
        average = seconds_per_step if known is None else known + PACE_WEIGHT * (seconds_per_step - known)
        self.info = replace(self.info, seconds_per_step=average)

    def _say(self, **what: str | int | None) -> None:
        new = replace(self.info, **what)  # type: ignore[arg-type]
        if new != self.info:
            self.info = new
            self._news.set()
