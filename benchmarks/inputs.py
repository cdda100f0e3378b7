"""Where a submit's picture should lie: in its row, in a pack, or in a file of its own: `python -m benchmarks.inputs`.

The store alone, no HTTP: 16 submits at a time on one data folder, the three in turn, by size of picture. Each time the
picture is on the disk before the submit returns, and the log is folded into the database as it is in service.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from uuid_utils import uuid7

from benchmarks import report
from overpaint.domain import EditRequest, InputPicture, NewTask
from overpaint.store import inputs
from overpaint.store.blobs import FolderBlobs, input_name
from overpaint.store.sqlite import SqliteTaskStore

SIZES = (1_000, 4_000, 16_000, 64_000, 300_000, 1_000_000, 5_000_000)
SIDES = 16
SHA256 = "0" * 64

Submit = Callable[[bytes], Awaitable[None]]


def ways(data: Path) -> dict[str, Submit]:
    """The three ways to store a picture with its task."""
    store = SqliteTaskStore.open(data / "overpaint.sqlite3", queue_max=0)
    blobs = FolderBlobs(data / "blobs")

    async def in_row(picture: bytes) -> None:
        inputs.ROW_BYTES = len(picture)
        new = new_task(len(picture))
        await store.submit(new, {new.inputs[0].name: picture})

    async def in_pack(picture: bytes) -> None:
        inputs.ROW_BYTES = 0
        new = new_task(len(picture))
        await store.submit(new, {new.inputs[0].name: picture})

    async def in_file(picture: bytes) -> None:
        new = new_task(len(picture))
        await asyncio.to_thread(blobs.put, new.inputs[0].name, picture)
        await store.submit(new)

    async def fold_the_log() -> None:
        await store.sweep()

    asyncio.get_running_loop().create_task(fold_the_log())
    return {"row": in_row, "pack": in_pack, "file": in_file}


def new_task(size: int) -> NewTask:
    task_id = str(uuid7())
    name = input_name(task_id, 0, SHA256, "jpeg")
    picture = InputPicture(name=name, sha256=SHA256, format="jpeg", width=640, height=640, bytes=size)
    request = EditRequest(prompt="make it black and white", seed=7, steps=8, true_cfg_scale=4.0)
    return NewTask(
        id=task_id,
        owner="bench",
        dialect="novita",
        checkpoint="mini",
        request=request,
        inputs=(picture,),
        public_base="http://127.0.0.1:8000",
    )


async def measure(submit: Submit, size: int, seconds: float) -> tuple[float, float]:
    """Submits a second, and milliseconds of processor time for each."""
    picture = os.urandom(size)
    count, end = 0, time.perf_counter() + seconds

    async def side() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await submit(picture)
            count += 1

    began, busy = time.perf_counter(), _processor_seconds()
    await asyncio.gather(*(side() for _ in range(SIDES)))
    return count / (time.perf_counter() - began), (_processor_seconds() - busy) / count * 1000


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def run(rounds: int, seconds: float, rest: float) -> None:
    rows = []
    for size in SIZES:
        with report.data_folder() as data:
            three = ways(data)
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in three}
            for number in range(rounds + 1):
                for name, submit in three.items():
                    await asyncio.sleep(rest)
                    result = await measure(submit, size, seconds)
                    if number:
                        found[name].append(result)
        rates = {name: statistics.median(rate for rate, _ in results) for name, results in found.items()}
        costs = {name: statistics.median(cost for _, cost in results) for name, results in found.items()}
        rows.append(
            [
                f"{size:,} B",
                *(f"{rates[name]:,.0f}" for name in three),
                *(f"{costs[name]:.2f}" for name in three),
                " / ".join(report.spread([rate for rate, _ in results]) for results in found.values()),
            ]
        )
    columns = ["picture", "row, /s", "pack, /s", "file, /s", "CPU ms, row", "CPU ms, pack", "CPU ms, file", "spread"]
    report.table(columns, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inputs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds, after one to warm up")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one measurement")
    parser.add_argument("--rest", type=float, default=1.0, help="seconds between two, for disks that tire")
    options, limit = parser.parse_args(), inputs.ROW_BYTES
    report.head("A picture in its row, in a pack, or in a file of its own", ("uuid-utils", "msgspec"))
    asyncio.run(run(options.rounds, options.seconds, options.rest))
    report.foot(
        f"up to {limit:,} bytes a picture lies in its row",
        "medians of rounds that took turns in one process; the log is folded into the database above 8 MiB",
        "not measured: reading back, backups, a database grown to many gigabytes",
    )


if __name__ == "__main__":
    main()
