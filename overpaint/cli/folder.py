"""What verbs that work on a data folder share: opening its store, knowing who types, and showing dates.

Works whether a server runs on the folder or not. Does not know what any verb asks of the store.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overpaint.settings import Settings
    from overpaint.store.tasks import TaskStore


def with_store(data: Path | None, work: Callable[[TaskStore, Settings], Awaitable[None]]) -> None:
    """Does the work on the store of a folder (made if need be), and closes it. Changes of keys are logged to stderr."""
    from overpaint import settings, telemetry
    from overpaint.store.sqlite import SqliteTaskStore

    chosen = settings.load(data=data)
    telemetry.configure_logging(chosen)
    chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def run() -> None:
        store = SqliteTaskStore.of(chosen)
        try:
            await work(store, chosen)
        finally:
            await store.close()

    asyncio.run(run())


def actor() -> str:
    """Who types, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this number, as in some containers
        return str(os.getuid())


def date(milliseconds: int | None) -> str | None:
    """Unix milliseconds as ISO 8601, in UTC."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat("T", "seconds")
