"""A worker around a scripted editor, a real store and real blobs: factories with plain arguments."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from overpaint.domain import Task, WorkerInfo
from overpaint.settings import Settings
from overpaint.store.blobs import FolderBlobs
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.worker.loop import Worker
from tests.worker.doubles import ScriptedEditor, submitted

TEST_SECONDS = 60


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that waits in vain fails; it does not hang the run."""
    for item in items:
        is_ours = isinstance(item, pytest.Function) and item.path.is_relative_to(Path(__file__).parent)
        if is_ours and inspect.iscoroutinefunction(item.obj):
            item.obj = _limited(item.obj)


def _limited(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def run(**fixtures: Any) -> None:
        async with asyncio.timeout(TEST_SECONDS):
            await test(**fixtures)

    return run


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        return Settings(**{"data": tmp_path, "lease_seconds": 6, **changes})

    return make


class House:
    """What a worker lives in."""

    def __init__(self, settings: Settings, lines: list[Any]) -> None:
        self.lines = lines  #: of the log
        self.settings = settings
        self.store = SqliteTaskStore.open(
            settings.data / "overpaint.sqlite3",
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.max_attempts,
        )
        self.blobs = FolderBlobs(settings.data / "blobs")
        self.editors: list[ScriptedEditor] = []
        self.runs: list[tuple[Worker, asyncio.Task[None]]] = []

    def start(self, editor: ScriptedEditor, **changes: Any) -> tuple[Worker, asyncio.Task[None]]:
        """A running worker; `changes` replace its parts."""
        info = WorkerInfo(id=f"worker-{len(self.runs)}", pid=1, device="cpu", checkpoint="mini", state="starting")
        parts: dict[str, Any] = {
            "store": self.store,
            "blobs": self.blobs,
            "load": lambda progress: editor,
            "info": info,
            **changes,
        }
        worker = Worker(self.settings, **parts)
        run = asyncio.create_task(worker.run())
        self.editors.append(editor)
        self.runs.append((worker, run))
        return worker, run

    async def submit(self, **changes: Any) -> str:
        """A task whose input lies in the blobs; returns its id."""
        return await submitted(self.store, self.blobs, **changes)

    async def task(self, task_id: str) -> Task:
        found = await self.store.outputs_of(task_id)
        assert found is not None
        return found

    async def until(self, task_id: str, condition: Callable[[Task], bool] = lambda task: task.status.is_final) -> Task:
        """The task once the condition holds; the test's own time limit is what ends a wait in vain."""
        while not condition(task := await self.task(task_id)):
            await self.store.changed(0.05)
        return task

    async def told(self, attempts: int = 1) -> list[Any]:
        """The log lines of so many attempts."""
        ends = ("edit finished", "attempt ended")
        while len(told := [line for line in self.lines if line["event"] in ends]) < attempts:
            await self.store.changed(0.01)
        return told

    async def close(self) -> None:
        for editor in self.editors:
            editor.let_go()
        for worker, run in self.runs:
            worker.drain()
            worker.drain()
            await asyncio.wait([run], timeout=5)
            run.cancel()
        await self.store.close()


@pytest.fixture
async def house(make_settings: Callable[..., Settings]) -> AsyncIterator[Callable[..., House]]:
    """house(**settings) -> store, blobs and workers, all ended with the test."""
    houses: list[House] = []

    def build(**changes: Any) -> House:
        houses.append(House(make_settings(**changes), lines))
        return houses[-1]

    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield build
        for each in houses:
            await each.close()
