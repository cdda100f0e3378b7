"""A store in a folder of its own; SQLite is fast enough for unit tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from overpaint.store.sqlite import SqliteTaskStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteTaskStore]:
    opened = SqliteTaskStore.open(tmp_path / "overpaint.sqlite3")
    yield opened
    await opened.close()
