"""A process of its own for the tests: `child.py prepare|claim|submit|hold DATABASE [WORKER|BYTES]`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from overpaint.store import schema
from overpaint.store.sqlite import SqliteTaskStore

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.store.samples import new_task, succeeded


async def claim(path: Path, worker_id: str) -> None:
    """Makes every task it can get, and prints their ids."""
    store = SqliteTaskStore.open(path)
    while (mine := await store.claim(worker_id)) is not None:
        assert await store.finish(mine, succeeded())
        print(mine.task.id, flush=True)
    await store.close()


async def submit(path: Path, size: str) -> None:
    """Submits from 16 sides for ever, and prints each id once it is acknowledged."""
    store = SqliteTaskStore.open(path, queue_max=0)

    async def side() -> None:
        while True:
            new = new_task()
            await store.submit(new, {new.inputs[0].name: new.id.encode().ljust(int(size))})
            print(new.id, flush=True)

    await asyncio.gather(*(side() for _ in range(16)))


async def hold(path: Path) -> None:
    """Claims one task and never finishes it."""
    store = SqliteTaskStore.open(path)
    mine = await store.claim("held")
    assert mine is not None
    print(mine.task.id, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    job, database, *rest = sys.argv[1:]
    if job == "prepare":
        schema.prepare(Path(database))
    else:
        asyncio.run({"claim": claim, "submit": submit, "hold": hold}[job](Path(database), *rest))
