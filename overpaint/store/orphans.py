"""Pictures that no row names: what a crash leaves between a picture and its row, or a row and its picture.

Knows the order of writing (the picture, then its row) and of erasing (the row, then its picture). Does not know files.
"""

from __future__ import annotations

import asyncio

from overpaint.store.blobs import FolderBlobs, task_of
from overpaint.store.tasks import TaskStore

AGE_SECONDS = 48 * 3600.0  # nothing younger is looked at: its row may be about to be written


async def sweep_orphans(store: TaskStore, blobs: FolderBlobs, *, age_seconds: float = AGE_SECONDS) -> int:
    """Erases old pictures that their task does not name, or whose task is gone. Returns how many."""
    names = await asyncio.to_thread(blobs.names_older_than, age_seconds)
    orphans = [name for name in names if not await _is_named(store, name)]
    for name in orphans:
        await asyncio.to_thread(blobs.delete, name)
    return len(orphans)


async def _is_named(store: TaskStore, name: str) -> bool:
    task = await store.outputs_of(task_of(name))
    if task is None:
        return False
    return name in [picture.name for picture in task.inputs] + [picture.name for picture in task.outputs]
