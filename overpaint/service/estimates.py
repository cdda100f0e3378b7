"""How long a caller may still have to wait.

Knows what live workers say of their speed. An estimate assumes that the edits ahead have as many steps as this one and
that those in work are half done. Does not know sizes: the workers' average carries them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from overpaint.domain import Status, Task, WorkerInfo
from overpaint.store.tasks import TaskStore

FRESH_SECONDS = 1.0  #: workers are asked for again after this; polls come by the thousand


class Estimates:
    """Waiting times in whole seconds, from what workers reported last."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._workers: Sequence[WorkerInfo] = ()
        self._until = -math.inf

    async def eta_seconds(self, task: Task, queue_position: int) -> int:
        """Seconds until the task ends, at least 1; 0 when it has ended or no worker has measured its speed yet."""
        if task.status.is_final:
            return 0
        workers = [worker for worker in await self._live() if worker.seconds_per_step]
        if not workers:
            return 0
        step_seconds = sum(worker.seconds_per_step or 0.0 for worker in workers) / len(workers)
        own = task.request.steps * step_seconds
        if task.status is Status.PROCESSING:
            return max(1, math.ceil(own - task.step * step_seconds))
        busy = sum(worker.state == "busy" for worker in workers)
        return max(1, math.ceil(own * (1 + (queue_position - 1 + busy / 2) / len(workers))))

    async def _live(self) -> Sequence[WorkerInfo]:
        if self._clock() >= self._until:
            self._until = self._clock() + FRESH_SECONDS  # set first: others read the old list meanwhile
            self._workers = await self._store.workers()
        return self._workers
