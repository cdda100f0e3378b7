"""A whole server as a user starts it, with a tiny random checkpoint, to be killed, stopped and started again."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from PIL import Image

from overpaint.domain import Attempt, Task, WorkerInfo
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.worker.supervisor import die_with_parent
from tests.faults import histories
from tests.model import checkpoints

KEY = "correct-horse-battery-staple"
PATIENCE_SECONDS = 600.0  #: for anything a server is asked to do, on a machine that is starved

T = TypeVar("T")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.build(tmp_path_factory.mktemp("tiny") / "checkpoint", "edit", tiny=True)


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Path:
    """The tiny checkpoint, making pictures of 32x32: half the work."""
    folder = shutil.copytree(checkpoint, tmp_path_factory.mktemp("quick") / "checkpoint")
    own = json.loads((folder / "overpaint.json").read_text())
    (folder / "overpaint.json").write_text(json.dumps({**own, "native_pixels": 32 * 32}))
    return folder


def until(what: Callable[[], T], *, pause_seconds: float = 0.02) -> T:
    """The first true answer."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not (answer := what()):
        if time.monotonic() >= give_up_at:
            raise TimeoutError("the server did not get there")
        time.sleep(pause_seconds)
    return answer


class Server:
    """`overpaint serve` over one data folder; start it as often as needed."""

    def __init__(self, data: Path, checkpoint: Path, **settings: str) -> None:
        self.data = data
        self.port = _free_port()
        self.http = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {KEY}"}, timeout=30
        )
        self._argv = [sys.executable, "-m", "overpaint.cli.main", "serve", "--checkpoint", str(checkpoint)]
        self._environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OVERPAINT_API_KEY": KEY,
            "OVERPAINT_DATA": str(data),
            "OVERPAINT_PORT": str(self.port),
            "OVERPAINT_DEVICE": "cpu",
            "OVERPAINT_RATE_LIMIT_PER_MINUTE": "0",
            "OVERPAINT_QUEUE_MAX_PER_OWNER": "0",
            **{f"OVERPAINT_{name.upper()}": value for name, value in settings.items()},
        }
        self._log = data.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.acknowledged: list[str] = []

    def live_in(self, enter: Sequence[str], *, data: Path) -> None:
        """Starts behind this command from now on. `data`: its data folder as we see it; its log lies beside."""
        self._argv = [*enter, *self._argv]
        self.data, self._log = data, data.with_suffix(".log")

    def start(self) -> Server:
        """Begins; does not wait."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._argv,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),  # a test run that is killed leaves no server behind
            )
        return self

    def ready(self) -> Server:
        """Returns when an edit would begin at once."""
        until(lambda: self.is_dead() or self.readiness()[0] == 200)
        assert not self.is_dead(), self.log()
        return self

    def is_dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def readiness(self) -> tuple[int, dict[str, Any]]:
        try:
            answer = self.http.get("/readyz")
            return answer.status_code, answer.json()
        except httpx2.TransportError:
            return 0, {}

    def log(self, *, last_bytes: int = 0) -> str:
        """All of it, or its end."""
        with self._log.open("rb") as file:
            if last_bytes:
                file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
            return file.read().decode(errors="replace")

    def kill_group(self) -> None:
        """`kill -9` of everything, from the outside."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE_SECONDS)

    def submit(self, seed: int, steps: int = 100, **more: object) -> httpx2.Response:
        extra = {"overpaint": {"steps": steps, **more}}
        return self.http.post(
            "/v3/async/qwen-image-edit",
            json={"prompt": "make it snow", "image": PICTURE, "seed": seed, "extra": extra},
        )

    def submitted(self, seed: int, steps: int = 100, **more: object) -> str:
        answer = self.submit(seed, steps, **more)
        assert answer.status_code == 200, answer.text
        self.acknowledged.append(str(answer.json()["task_id"]))
        return self.acknowledged[-1]

    def result(self, task_id: str) -> dict[str, Any]:
        answer = self.http.get("/v3/async/task-result", params={"task_id": task_id})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def status(self, task_id: str) -> str:
        return str(self.result(task_id)["task"]["status"]).removeprefix("TASK_STATUS_")

    def step(self, task_id: str) -> int:
        return int(self.result(task_id)["extra"]["overpaint"]["step"])

    def attempt(self, task_id: str) -> int:
        return int(self.result(task_id)["extra"]["overpaint"]["attempt"])

    def rows(self, *task_ids: str) -> list[tuple[Task, tuple[Attempt, ...]]]:
        """Tasks and their attempts, as the database has them."""

        async def read(store: SqliteTaskStore) -> list[tuple[Task, tuple[Attempt, ...]]]:
            found = [(await store.outputs_of(each), await store.attempts(each)) for each in task_ids]
            return [(task, attempts) for task, attempts in found if task is not None]

        return self._ask(read)

    def workers(self) -> tuple[WorkerInfo, ...]:
        return self._ask(lambda store: store.workers())

    def _ask(self, question: Callable[[SqliteTaskStore], Any]) -> Any:
        async def ask() -> Any:
            store = SqliteTaskStore.open(self.data / "overpaint.sqlite3")
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(ask())

    def close(self) -> None:
        if not self.is_dead():
            self.kill_group()
        self.http.close()


def able(server: Server) -> int:
    """Workers that could take an edit now."""
    workers = server.readiness()[1].get("workers", {})
    return int(workers.get("idle", 0) + workers.get("busy", 0))


def _free_port() -> int:
    """Below those that are given to callers: while a server is down, one of them could get its port and keep it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _picture() -> str:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


PICTURE = _picture()


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Iterator[Server]:
    receivers = {"outbound_allow": "127.0.0.1/32", "webhook_allow_http": "true"}  # of webhooks are on loopback
    folder = tmp_path_factory.mktemp("kept") / "data"
    kept = Server(folder, checkpoint, lease_seconds="5", drain_seconds="2", **receivers)
    yield kept
    kept.close()


@pytest.fixture
def server(_kept: Server, request: pytest.FixtureRequest) -> Iterator[Server]:
    """One that is ready. Loading torch is most of its start, so the tests share it and whatever they did to it.

    All the while somebody polls what it acknowledged, and may only ever see tasks move forward (R10).
    """
    if _kept.is_dead():
        _kept.start()
    with histories.recorded(_kept.ready(), request.node.name):
        yield _kept


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """serving(folder, lease_seconds="2") -> a server of this test alone, just started with that checkpoint."""
    made: list[Server] = []

    def make(folder: Path, **settings: str) -> Server:
        made.append(Server(tmp_path / "data", folder, **settings))
        return made[-1].start()

    yield make
    for each in made:
        each.close()
