"""The right to one task, kept while the edit is made: renewed, reported on, and given up in time.

Knows the store's beat, the clock, and every reason to stop. Does not know how a picture is made.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from enum import StrEnum
from types import TracebackType

from overpaint.domain import Beat, Claim
from overpaint.errors import TryLater
from overpaint.store.tasks import TaskStore

RENEWALS_PER_LEASE = 3  #: two lost ones are survivable
FENCE = 13 / 15  #: of a lease without a good renewal: we must think it lost before others do
REPORT_SECONDS = 0.2  #: least time between two progress writes
SHORTEST_PATIENCE_SECONDS = 60.0
PATIENCE_STEPS = 10  #: expected steps without a sign of life


class Stop(StrEnum):
    """Why an edit must not go on."""

    CANCELED = "canceled"  #: somebody asked
    RUN_TIMEOUT = "run_timeout"
    RELEASED = "released"  #: the worker is draining
    LOST = "lost"  #: somebody else may own the task: write nothing
    STALLED = "stalled"  #: the device gave no sign of life: the process must go


class Lease:
    """`async with Lease(…)` keeps the claim; `reason` says why to stop, None while all is well.

    began                monotonic seconds when the claim was asked for: the lease may have begun then
    patience_seconds     time without a step after which the device counts as hung
    """

    def __init__(
        self,
        store: TaskStore,
        claim: Claim,
        *,
        began: float,
        lease_seconds: float,
        run_timeout_seconds: float,
        patience_seconds: float,
    ) -> None:
        self.reason: Stop | None = None
        self.abandoned = asyncio.Event()  #: do not even wait for the step in work
        self.step = 0
        self.device_seconds = 0.0  #: how long the edit had the device
        self._store = store
        self._claim = claim
        self._began = began
        self._seconds = lease_seconds
        self._patience = patience_seconds
        self._total = claim.task.request.steps
        self._reported = 0
        self._renewed = began
        self._deadline: float | None = began + run_timeout_seconds
        self._making = began
        self._sign_of_life: float | None = None  #: None while nothing is on the device
        self._news = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lease:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    def is_stopped(self) -> bool:
        """Asked by the making thread at each step."""
        return self.reason is not None

    @property
    def age_seconds(self) -> float:
        """Since the claim."""
        return time.monotonic() - self._began

    @property
    def steps_left(self) -> int:
        return self._total - self.step

    def begin_making(self) -> None:
        """The device begins: from now on it must give signs of life."""
        self._making = self._sign_of_life = time.monotonic()
        self._news.set()

    def stepped(self, step: int, total: int) -> None:
        """A step was made; of a second try, perhaps one that had been made before."""
        self.step, self._total = max(self.step, step), total
        self.lives()

    def lives(self) -> None:
        """A sign of life from the device."""
        self._sign_of_life = time.monotonic()
        self._news.set()

    def end_making(self) -> None:
        """The device is done: the run has no deadline any more, storing has its own patience."""
        self.device_seconds = time.monotonic() - self._making
        self._sign_of_life = self._deadline = None
        self._news.set()

    def stop(self, reason: Stop) -> None:
        """The first reason stands, but for a worse one: LOST and STALLED."""
        if self.reason is None or reason in (Stop.LOST, Stop.STALLED):
            self.reason = reason
        if reason in (Stop.RELEASED, Stop.STALLED):
            self.abandoned.set()

    async def _keep(self) -> None:
        while self.reason is not Stop.STALLED:
            now = time.monotonic()
            if self._deadline is not None and now >= self._deadline:
                self._deadline = None
                self.stop(Stop.RUN_TIMEOUT)
            elif self._sign_of_life is not None and now >= self._sign_of_life + self._patience:
                self.stop(Stop.STALLED)
            elif self.reason is not Stop.LOST and now >= self._renewal_due():
                await self._renew(now)
            else:
                await self._sleep(now)

    def _renewal_due(self) -> float:
        """A step in between is told with an early renewal, but not too often; the end of the task tells the last."""
        early = self._seconds / RENEWALS_PER_LEASE if self.step == self._reported else REPORT_SECONDS
        return self._renewed + min(early, self._seconds / RENEWALS_PER_LEASE)

    async def _sleep(self, now: float) -> None:
        """Until the next thing is due, or there is news."""
        dues = [] if self.reason is Stop.LOST else [self._renewal_due()]
        if self._deadline is not None:
            dues.append(self._deadline)
        if self._sign_of_life is not None:
            dues.append(self._sign_of_life + self._patience)
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(dues) - now if dues else None):
                await self._news.wait()

    async def _renew(self, now: float) -> None:
        fence = self._renewed + self._seconds * FENCE
        step = self.step
        try:
            async with asyncio.timeout(fence - now):
                answer = await self._store.beat(self._claim, step=step) if now < fence else Beat.LOST
        except TimeoutError:
            answer = Beat.LOST
        except TryLater:
            await asyncio.sleep(self._seconds / 30)
            return
        if answer is Beat.LOST:
            self.stop(Stop.LOST)
            return
        self._renewed, self._reported = now, step
        if answer is Beat.CANCEL:
            self.stop(Stop.CANCELED)


def patience_seconds(seconds_per_step: float) -> float:
    """How long a device may be silent."""
    return max(SHORTEST_PATIENCE_SECONDS, PATIENCE_STEPS * seconds_per_step)
