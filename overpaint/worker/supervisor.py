"""Starts the API process and the workers, keeps them alive, and ends them in order.

Knows processes, signals and how long to wait for them. Does not know what a child does (it is handed argv lists),
HTTP or torch.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from pydantic import SecretStr

from overpaint.errors import TryLater
from overpaint.settings import PREFIX, Settings
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.store.tasks import TaskStore
from overpaint.telemetry import Tally
from overpaint.worker.premises import locked

EXIT_BROKEN = 70  #: of a worker whose device hangs, lost its context or keeps its memory
EXIT_CONFIGURATION = 2  #: a child that ends so would end so again: it is parked at once, its message says what to do

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
HEALTHY_SECONDS = 600.0  #: a child that lived so long starts again without delay
CRASH_LOOP_DEATHS = 5
CRASH_LOOP_SECONDS = 300.0
SIGNAL_SECONDS = 0.2
GRACE_SECONDS = 10.0  #: from a signal that leaves nothing to finish until SIGKILL
READY = ("idle", "busy")  #: states of a worker that has loaded its checkpoint and made an edit to try it

log = structlog.get_logger()

OnReady = Callable[[TaskStore], Awaitable[None]]


def run(
    settings: Settings,
    *,
    listener: socket.socket,
    api_argv: Sequence[str],
    worker_argvs: Sequence[Sequence[str]],
    on_ready: OnReady,
) -> int:
    """Serves until SIGTERM or SIGINT; a second signal hurries. Returns the exit code: 0 clean, 1 not.

    listener      from `premises.listen`; the API process inherits it under the same number
                  (`api_argv` tells it: `[…, str(listener.fileno())]`)
    api_argv      e.g. [sys.executable, "-m", "overpaint.http", "--listener", "7"]
    worker_argvs  one a worker: [sys.executable, "-m", "overpaint.worker", "--checkpoint", FOLDER, "--device", "cpu"]
    on_ready      awaited once, with the open store, when the first worker has loaded its checkpoint

    The children read the same settings: they travel as `OVERPAINT_*` variables. Holds `server.lock` throughout, and
    so may void every lease of a server that died. Raises ConfigurationError: another server has the folder.
    """
    with locked(settings.data):
        return asyncio.run(_serve(settings, listener, api_argv, worker_argvs, on_ready))


async def _serve(
    settings: Settings,
    listener: socket.socket,
    api_argv: Sequence[str],
    worker_argvs: Sequence[Sequence[str]],
    on_ready: OnReady,
) -> int:
    store = SqliteTaskStore.of(settings)
    try:
        await store.void_leases()
        await _forget_workers(store, lambda pid: True)
        api = Child("api", tuple(api_argv), (listener.fileno(),))
        workers = [Child(f"worker {number}", tuple(argv)) for number, argv in enumerate(worker_argvs, start=1)]
        return await Supervisor(settings, store, api, workers, on_ready).run()
    finally:
        await store.close()


async def _forget_workers(store: TaskStore, is_dead: Callable[[int], bool]) -> None:
    """A dead worker's line must not make the server look ready until it fades by itself."""
    for worker in await store.workers():
        if is_dead(worker.pid):
            await store.remove_worker(worker.id)


@dataclass(slots=True)
class Child:
    """One process to keep alive."""

    name: str
    argv: tuple[str, ...]
    pass_fds: tuple[int, ...] = ()
    process: asyncio.subprocess.Process | None = None

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)


class Supervisor:
    """The life of a server: start, watch, replace, drain."""

    def __init__(
        self, settings: Settings, store: TaskStore, api: Child, workers: Sequence[Child], on_ready: OnReady
    ) -> None:
        self._store = store
        self._api = api
        self._workers = workers
        self._on_ready = on_ready
        self._drain_seconds = settings.drain_seconds
        self._environment = {**os.environ, **environment(settings)}
        self._stopping = asyncio.Event()
        self._hurrying = asyncio.Event()

    async def run(self) -> int:
        """Until a signal, or until the API process is hopeless. Returns 0 clean, 1 not."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        api = asyncio.create_task(self._keep(self._api))
        workers = [asyncio.create_task(self._keep(worker)) for worker in self._workers]
        announcement = asyncio.create_task(self._announce())
        await _first_of(self._stopping.wait(), asyncio.shield(api))
        is_clean = self._stopping.is_set()
        self._stopping.set()
        announcement.cancel()
        return 0 if await self._drain(api, workers) and is_clean else 1

    def _asked_to_stop(self) -> None:
        (self._hurrying if self._stopping.is_set() else self._stopping).set()

    async def _announce(self) -> None:
        """Waits for a worker that has loaded; edits asked for before that moment wait in the queue."""
        while not any(worker.state in READY for worker in await self._store.workers()):
            await self._store.changed(0.5)
        await self._on_ready(self._store)

    async def _keep(self, child: Child) -> None:
        """Runs the child, and again when it dies, until the server stops or there is no use in it."""
        deaths: deque[float] = deque(maxlen=CRASH_LOOP_DEATHS)
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            born = time.monotonic()
            code, was_ready = await self._live(child)
            if self._stopping.is_set():
                return
            died = time.monotonic()
            # Who was ready has made its warm-up edit: what killed it since is an edit, which has attempts of its own to
            # lose. Two such edits must not take the worker from everybody else.
            if was_ready:
                deaths.clear()
            else:
                deaths.append(died)
            if code == EXIT_CONFIGURATION:
                log.error("process parked", process=child.name, reason="it cannot start; its message above says why")
                return
            if len(deaths) == CRASH_LOOP_DEATHS and died - deaths[0] <= CRASH_LOOP_SECONDS:
                reason = (
                    f"it died {CRASH_LOOP_DEATHS} times in {died - deaths[0]:.0f} s; find the cause, then start again"
                )
                log.error("process parked", process=child.name, exit_code=code, reason=reason)
                return
            backoff = FIRST_BACKOFF_SECONDS if died - born >= HEALTHY_SECONDS else backoff
            log.warning("process died", process=child.name, exit_code=code, replaced_in_seconds=backoff)
            if child is not self._api:
                await self._count_restart(code)
            await _first_of(self._stopping.wait(), asyncio.sleep(backoff * random.uniform(0.8, 1.2)))
            if self._stopping.is_set():
                return
            backoff = min(LONGEST_BACKOFF_SECONDS, 2 * backoff)

    async def _count_restart(self, code: int) -> None:
        cause = "killed" if code < 0 else "broken" if code == EXIT_BROKEN else "crashed"
        with suppress(TryLater):  # one figure less, but no worker less
            await self._store.count(Tally("worker_restarts_total", (cause,)))

    async def _live(self, child: Child) -> tuple[int, bool]:
        """One life of a child: its exit code, negative for a signal, and whether it was a worker ready for edits."""
        child.process = await asyncio.create_subprocess_exec(
            *child.argv,
            stdin=asyncio.subprocess.DEVNULL,
            env=self._environment,
            pass_fds=child.pass_fds,
            process_group=0,  # Ctrl-C reaches the supervisor alone, which then asks the children in order
            preexec_fn=die_with_parent(os.getpid()),
        )
        if self._stopping.is_set():  # the signal came while it was being started
            child.send(signal.SIGTERM)
        code, pid = await child.process.wait(), child.process.pid
        was_ready = False
        with suppress(TryLater):  # then the line fades by itself
            was_ready = any(worker.pid == pid and worker.state in READY for worker in await self._store.workers())
            await _forget_workers(self._store, lambda other: other == pid)
        return code, was_ready

    async def _drain(self, api: asyncio.Task[None], workers: Sequence[asyncio.Task[None]]) -> bool:
        """API stops taking, workers finish or give back, API ends. True: nobody had to be killed."""
        log.info("draining", seconds=self._drain_seconds)
        for child in (self._api, *self._workers):
            child.send(signal.SIGTERM)
        await _first_of(_all(workers), self._hurrying.wait(), asyncio.sleep(self._drain_seconds + GRACE_SECONDS))
        is_clean = await self._end(self._workers, workers)
        return await self._end((self._api,), (api,)) and is_clean

    async def _end(self, children: Sequence[Child], keepers: Sequence[asyncio.Task[None]]) -> bool:
        """Those who are left get their second signal, which means at once, and then no choice."""
        give_up_at = time.monotonic() + GRACE_SECONDS
        while not (is_clean := all(keeper.done() for keeper in keepers)) and time.monotonic() < give_up_at:
            for child in children:
                child.send(signal.SIGTERM)
            # Sent again and again: the kernel makes one of two signals that come close to each other
            await _first_of(_all(keepers), asyncio.sleep(SIGNAL_SECONDS))
        for child in children:
            child.send(signal.SIGKILL)
        await _all(keepers)
        return is_clean


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables that `settings.load()` reads back to an equal value."""
    found: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is not None:
            found[PREFIX + name.upper()] = ",".join(value) if isinstance(value, tuple) else str(value)
    return found


_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int) -> Callable[[], None]:
    """For `preexec_fn`: when the parent is killed, the kernel kills the child. No orphan stays on a GPU."""

    def arrange() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # it died before we could ask
                os._exit(1)

    return arrange


async def _all(keepers: Sequence[asyncio.Task[None]]) -> None:
    if keepers:
        await asyncio.wait(keepers)  # unlike gather, leaves them alone when we stop waiting


async def _first_of(*waits: Coroutine[object, object, object] | asyncio.Future[None]) -> None:
    """Returns when one of them is done; the others are no longer waited for."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
