"""The API process: its rooms put together, served, and ended in order.

Knows uvicorn, signals and the housekeeping round. Does not know what any route does. Never imports torch.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Sequence
from types import FrameType

import structlog
import uvicorn

from overpaint import catalog
from overpaint.catalog import Checkpoint
from overpaint.domain import Message, Task
from overpaint.errors import OverpaintError
from overpaint.http import bodies, files, novita, ops
from overpaint.http.front import Front, base_of
from overpaint.http.openapi import document
from overpaint.http.protocol import GatheringProtocol
from overpaint.http.requests import Receive, Scope, Send
from overpaint.http.routes import Operation, Routes
from overpaint.hub import locate
from overpaint.outbound.transport import Transport
from overpaint.service.access import Access
from overpaint.service.deliverer import Deliverer
from overpaint.service.edits import Edits
from overpaint.service.links import root_secret
from overpaint.service.webhooks import Endpoints, Secrets
from overpaint.settings import Settings
from overpaint.store.blobs import FolderBlobs
from overpaint.store.orphans import sweep_orphans
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.store.tasks import TaskStore
from overpaint.telemetry import Metrics, configure_logging

HOUSEKEEPING_SECONDS = 1.0
ORPHAN_TURNS = 3600  #: once an hour: it reads the whole picture folder
LAST_ANSWERS_SECONDS = 5  #: answers under way get this long once the server really ends

log = structlog.get_logger()


class App:
    """The ASGI application. `drain()` refuses new submits from then on; reads go on."""

    def __init__(self, settings: Settings, store: TaskStore, blobs: FolderBlobs, checkpoint: Checkpoint) -> None:
        self.metrics = Metrics()
        budget = bodies.Budget(settings.body_bytes_in_flight)
        self.metrics.body_bytes.set_function(lambda: budget.used)
        transport = Transport(allow=settings.outbound_allow)
        endpoints = Endpoints(transport, allow_http=settings.webhook_allow_http)
        self._edits = Edits(settings, store, blobs, checkpoint, endpoints, metrics=self.metrics)
        secrets = Secrets(store, root_secret(settings.data))
        self.deliverer = Deliverer(store, transport, endpoints, secrets, self._render)
        self.operations: tuple[Operation, ...] = (
            *novita.operations(
                settings, budget, self._edits, checkpoint.id, lambda request: base_of(request, settings)
            ),
            *files.operations(self._edits, blobs),
            *ops.operations(
                settings,
                store,
                self.metrics,
                lambda: self._edits.is_draining,
                lambda: document(self.operations),
            ),
        )
        self._front = Front(Routes(self.operations), Access(store), settings, self.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)

    async def _render(self, message: Message) -> bytes:
        task = message.task
        return novita.to_event(await self._edits.read(task.owner, task.id, base=task.public_base), message.url)

    def drain(self) -> None:
        """From now on: readiness 503, submits 503."""
        self._edits.is_draining = True


def create_app(settings: Settings, store: TaskStore, blobs: FolderBlobs, checkpoint: Checkpoint) -> App:
    """The application over an open store and blob folder."""
    return App(settings, store, blobs, checkpoint)


def run(settings: Settings, listener: socket.socket | None = None) -> None:
    """The API process's main: serves until it is told to stop. `listener`: a bound socket to serve instead."""
    configure_logging(settings)
    bodies.keep_memory()
    checkpoint = catalog.read(locate(settings.checkpoint, offline=True))
    store = SqliteTaskStore.of(settings)
    blobs = FolderBlobs(settings.data / "blobs")
    app = create_app(settings, store, blobs, checkpoint)
    store.report_commits(app.metrics.committed)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=GatheringProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
    )
    server = DrainingServer(config, app, settings.drain_seconds)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, app, store, blobs, [listener] if listener else None))


class DrainingServer(uvicorn.Server):
    """The first signal drains: no new edits, reads go on. The second, or the end of the drain, stops."""

    def __init__(self, config: uvicorn.Config, app: App, drain_seconds: float) -> None:
        super().__init__(config)
        self._draining_app = app
        self._drain_seconds = drain_seconds
        self._is_draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by uvicorn for SIGINT and SIGTERM, on the main thread."""
        if self._is_draining:
            self.should_exit = True
            return
        self._is_draining = True
        self._draining_app.drain()
        asyncio.get_event_loop().call_soon_threadsafe(self._stop_later)

    def _stop_later(self) -> None:
        asyncio.get_running_loop().call_later(self._drain_seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


async def _serve(
    server: DrainingServer,
    app: App,
    store: TaskStore,
    blobs: FolderBlobs,
    sockets: Sequence[socket.socket] | None,
) -> None:
    chores = [asyncio.create_task(chore) for chore in (housekeeping(store, blobs), app.deliverer.run())]
    for chore in chores:  # one that broke ends the process, and the supervisor starts another
        chore.add_done_callback(lambda _: setattr(server, "should_exit", True))
    try:
        await server.serve(list(sockets) if sockets else None)
    finally:
        for chore in chores:
            chore.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await chore
        await store.close()


async def housekeeping(store: TaskStore, blobs: FolderBlobs) -> None:
    """Every second, for ever: lost leases go back to the queue, pictures past their time go away."""
    for turn in itertools.count():
        try:
            report = await store.sweep()
            if report.tasks:
                log.warning("leases lost", requeued=report.requeued, failed=report.failed, canceled=report.canceled)
                for task in filter(lambda task: task.status.is_final, report.tasks):
                    _tell(task)
            names = await store.expire()
            for name in names:
                await asyncio.to_thread(blobs.delete, name)
            if names:
                log.info("pictures erased", erased=len(names))
            if turn % ORPHAN_TURNS == 0 and (orphans := await sweep_orphans(store, blobs)):
                log.info("orphans erased", erased=orphans)
        except OverpaintError as error:  # the store is away; it says so once a second until it is back
            log.warning("housekeeping failed", code=error.code)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


def _tell(task: Task) -> None:
    """The line of an edit that no worker could end."""
    log.warning(
        "edit finished",
        **task.trail,
        status=task.status.value,
        code=task.error_code,
        attempt=task.attempt,
        wait_seconds=round(task.wait_seconds, 3),
        steps=task.step,
        seed=task.request.seed,
    )
