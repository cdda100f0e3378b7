"""One suite for every store: `open_store` opens the one under test, and a test may not ask which it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from overpaint.store.sqlite import SqliteTaskStore
from overpaint.store.tasks import TaskStore
from tests.store.samples import ManualClock

OPENERS: dict[str, Callable[..., TaskStore]] = {
    "sqlite": lambda folder, **options: SqliteTaskStore.open(folder / "overpaint.sqlite3", **options),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=sorted(OPENERS))
async def open_store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Callable[..., TaskStore]]:
    """Opens the same database at each call, with plain options."""
    opened: list[TaskStore] = []

    def open_it(**options: Any) -> TaskStore:
        store = OPENERS[request.param](tmp_path, **{"clock": clock, **options})
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        await store.close()


@pytest.fixture
def store(open_store: Callable[..., TaskStore]) -> TaskStore:
    return open_store()
