"""Routes for the operator: alive, ready, metrics, and the description of all routes.

Knows what an operator's tools ask for. Does not know edits.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from overpaint.domain import Scope
from overpaint.errors import TryLater
from overpaint.http.replies import Reply, bytes_reply, json_reply
from overpaint.http.requests import Request
from overpaint.http.routes import Answer, Handler, Operation
from overpaint.settings import Settings
from overpaint.store.tasks import TaskStore
from overpaint.telemetry import Metrics, Tally

DIALECT = "ops"
WORKER_STATES = ("starting", "idle", "busy")
FRESH_SECONDS = 1.0  #: however many scrape, the store is asked once in this time


class Health(msgspec.Struct):
    """The process serves."""

    status: Literal["ok"] = "ok"


class Checks(msgspec.Struct):
    """What a submit needs."""

    store: Literal["ok", "failed"]
    blobs: Literal["ok", "failed"]


class Workers(msgspec.Struct):
    """Live workers by state."""

    starting: int = 0
    idle: int = 0
    busy: int = 0


class Readiness(msgspec.Struct, kw_only=True):
    """Ready: an edit submitted now would be made now."""

    status: Literal["ready", "starting", "draining", "degraded"]
    checks: Checks
    workers: Workers
    loading_percent: int


def operations(
    settings: Settings,
    store: TaskStore,
    metrics: Metrics,
    is_draining: Callable[[], bool],
    describe: Callable[[], bytes],
) -> list[Operation]:
    """The operator's part of the route table. `describe` gives the OpenAPI document."""

    blobs = settings.data / "blobs"
    figures = Figures(store, metrics)

    async def health(_: Request) -> Reply:
        return json_reply(Health())

    async def ready(_: Request) -> Reply:
        readiness = await _readiness(store, blobs, is_draining())
        return json_reply(readiness, 200 if readiness.status == "ready" else 503)

    async def scrape(_: Request) -> Reply:
        await figures.refresh()
        return bytes_reply(generate_latest(metrics.registry), CONTENT_TYPE_LATEST.encode())

    async def openapi(_: Request) -> Reply:
        return bytes_reply(describe(), b"application/json")

    metrics_route = _operation(
        "/metrics",
        scrape,
        "Metrics in Prometheus' text format.",
        {200: Answer("Metrics.", ("text/plain",))},
        scope=Scope.METRICS if settings.metrics == "key" else None,
    )
    return [
        _operation("/healthz", health, "Is the process alive?", {200: Answer("It is.", Health)}),
        _operation(
            "/readyz",
            ready,
            "Would an edit be made now?",
            {200: Answer("It would.", Readiness), 503: Answer("Not now; the body says why.", Readiness)},
        ),
        *([] if settings.metrics == "off" else [metrics_route]),
        _operation("/openapi.json", openapi, "This description.", {200: Answer("OpenAPI 3.1.", ("application/json",))}),
    ]


async def _readiness(store: TaskStore, blobs: Path, is_draining: bool) -> Readiness:
    checks = Checks("ok", "ok" if await asyncio.to_thread(os.access, blobs, os.R_OK | os.W_OK | os.X_OK) else "failed")
    workers: Workers
    percent = 0
    try:
        await store.check()
        live = await store.workers()
        workers = Workers(**Counter(worker.state for worker in live if worker.state in WORKER_STATES))
        percent = max((worker.loading_percent for worker in live), default=0)
    except TryLater:  # it does not answer, or its disk is full
        checks.store, workers = "failed", Workers()
    has_model = workers.idle + workers.busy > 0
    status: Literal["ready", "starting", "draining", "degraded"] = "ready" if has_model else "starting"
    if "failed" in (checks.store, checks.blobs):
        status = "degraded"
    if is_draining:
        status = "draining"
    return Readiness(status=status, checks=checks, workers=workers, loading_percent=100 if has_model else percent)


class Figures:
    """Keeps the metrics that live in the store up to date."""

    def __init__(self, store: TaskStore, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._stale_at = 0.0

    async def refresh(self) -> None:
        """From the store, unless that was done a moment ago. While it does not answer they are left out."""
        now = time.monotonic()
        if now < self._stale_at:
            return
        self._stale_at = now + FRESH_SECONDS
        try:
            present = [tally async for tally in self._present()]
            self._metrics.shared = sorted([*present, *await self._store.tallies()])
        except TryLater:
            self._metrics.shared = ()

    async def _present(self) -> AsyncIterator[Tally]:
        stats = await self._store.stats()
        age = 0.0 if stats.oldest_queued_at is None else max(0.0, time.time() - stats.oldest_queued_at / 1000)
        yield Tally("edits", ("queued",), total=stats.queued)
        yield Tally("edits", ("processing",), total=stats.processing)
        yield Tally("queue_oldest_age_seconds", total=age)
        yield Tally("webhook_outbox", total=await self._store.undelivered())
        states = Counter(worker.state for worker in await self._store.workers())
        for state in WORKER_STATES:
            yield Tally("workers", (state,), total=states[state])


def _operation(
    path: str,
    handler: Handler,
    summary: str,
    answers: dict[int, Answer],
    *,
    scope: Scope | None = None,
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        handler=handler,
        dialect=DIALECT,
        summary=summary,
        scope=scope,
        answers=answers,
    )
