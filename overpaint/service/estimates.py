"""How long a caller may still have to wait, and how large a picture may be for the workers there are.

Knows what live workers say of themselves. An estimate assumes that the edits ahead have as many steps as this one and
that those in work are half done. Does not know their sizes: the workers' average carries them; nor who is held back by
a limit of edits in work.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from overpaint.domain import Standing, Status
from overpaint.store.tasks import TaskStore

FRESH_SECONDS = 1.0  #: workers are asked for again after this; polls come by the thousand


@dataclass(frozen=True, slots=True)
class _Pace:
    """The live workers that have measured their speed, taken together."""

    workers: int = 0
    busy: int = 0
    step_seconds: float = 0.0  #: the mean of theirs
    max_pixels: int | None = None  #: the most of all live workers' limits; None while one has none


class Estimates:
    """Waiting times in whole seconds, from what workers reported last."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._pace = _Pace()
        self._until = -math.inf

    async def eta_seconds(self, standing: Standing) -> int:
        """Seconds until the task ends, at least 1; 0 when it has ended or no worker has measured its speed yet."""
        if standing.status.is_final:
            return 0
        pace = await self._fresh_pace()
        if not pace.workers:
            return 0
        if standing.status is Status.PROCESSING:
            return max(1, math.ceil((standing.steps - standing.step) * pace.step_seconds))
        turns = 1 + (standing.queue_position - 1 + pace.busy / 2) / pace.workers
        return max(1, math.ceil(turns * standing.steps * pace.step_seconds))

    async def retry_seconds(self, queue: int, steps: int) -> int | None:
        """Until a tenth of a full queue of so many edits has gone to the workers, 1 to 60; None: nobody knows yet."""
        pace = await self._fresh_pace()
        if not pace.workers:
            return None
        return min(60, math.ceil(max(1, queue / 10) * steps * pace.step_seconds / pace.workers))

    async def max_pixels(self) -> int | None:
        """Of the largest picture there is room to make; None while a worker has not said, or knows no limit."""
        return (await self._fresh_pace()).max_pixels

    async def _fresh_pace(self) -> _Pace:
        if self._clock() >= self._until:
            self._until = self._clock() + FRESH_SECONDS  # set first: others read the old pace meanwhile
            self._pace = await self._measured()
        return self._pace

    async def _measured(self) -> _Pace:
        live = await self._store.workers()
        told = [worker.max_pixels for worker in live if worker.max_pixels is not None]
        most = max(told, default=None) if len(told) == len(live) else None
        workers = [worker for worker in live if worker.seconds_per_step]
        if not workers:
            return _Pace(max_pixels=most)
        busy = sum(worker.state == "busy" for worker in workers)
        mean = sum(worker.seconds_per_step or 0.0 for worker in workers) / len(workers)
        return _Pace(len(workers), busy, mean, most)
