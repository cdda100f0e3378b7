"""How long a task waits for an idle worker, and a worker for its next task: `python -m benchmarks.latency`.

A real server and one real worker with a real checkpoint; every figure is a difference of times that the task's row and
its attempts hold. First single edits, each submitted when the one before has ended; then a backlog.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from urllib.request import Request, urlopen

from benchmarks import report, servers
from benchmarks.api import picture
from benchmarks.servers import Side
from overpaint.domain import Attempt, Task
from overpaint.store.sqlite import SqliteTaskStore

EDIT_SECONDS = 60.0  #: an edit that takes longer ends the measurement


def submit(side: Side, image: bytes) -> str:
    """The id of a new edit of two steps."""
    fields = {"prompt": "make it black and white", "image": b64encode(image).decode(), "seed": 7}
    body = json.dumps({**fields, "extra": {"overpaint": {"steps": 2}}}).encode()
    headers = {**side.headers, "Content-Type": "application/json"}
    request = Request(f"http://127.0.0.1:{side.port}{side.submit_path}", data=body, headers=headers)
    with urlopen(request, timeout=30) as reply:
        return str(json.load(reply)["task_id"])


async def ended(store: SqliteTaskStore, task_id: str) -> tuple[Task, Attempt]:
    """The task and its only attempt, once it has succeeded."""
    give_up_at = time.monotonic() + EDIT_SECONDS
    while (task := await store.outputs_of(task_id)) is None or not task.status.is_final:
        if time.monotonic() > give_up_at:
            raise TimeoutError("the worker does not finish")
        await store.changed(0.2)
    (attempt,) = await store.attempts(task_id)
    if not task.outputs:
        raise RuntimeError(f"the edit failed: {task.error_text}")
    return task, attempt


async def measure(side: Side, data: Path, *, singles: int, backlog: int) -> dict[str, list[float]]:
    """Milliseconds by case."""
    store = SqliteTaskStore.open(data / "overpaint.sqlite3")
    image = picture(1_000, 28, 75)
    waits = []
    for _ in range(singles + 1):
        task, attempt = await ended(store, await asyncio.to_thread(submit, side, image))
        waits.append(float(attempt.started_at - task.created_at))
        await asyncio.sleep(0.05)  # let the worker come to rest
    ids = [await asyncio.to_thread(submit, side, image) for _ in range(backlog + 1)]
    edits = [await ended(store, task_id) for task_id in ids]
    await store.close()
    return {
        "submit to start, idle worker": waits[1:],  # the first edit warms up
        "finish to next start, backlog": [float(later.started_at - _end(earlier)) for earlier, later in _turns(edits)],
        "device without work between two edits": [
            float(later.started_at - earlier.started_at - _device_ms(task))
            for (task, earlier), (_, later) in pairwise(edits)
        ],
    }


def _turns(edits: Sequence[tuple[Task, Attempt]]) -> list[tuple[Attempt, Attempt]]:
    return list(pairwise(attempt for _, attempt in edits))


def _end(attempt: Attempt) -> int:
    assert attempt.ended_at is not None
    return attempt.ended_at


def _device_ms(task: Task) -> int:
    assert task.timings is not None
    return task.timings.prepare_ms + task.timings.denoise_ms + task.timings.decode_ms


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--singles", type=int, default=50, help="edits submitted one after the other")
    parser.add_argument("--backlog", type=int, default=50, help="edits submitted at once")
    parser.add_argument("--checkpoint", default="mini", help="what the worker runs")
    options = parser.parse_args()
    report.head("From submit to start, and between two edits", ("uvicorn", "torch"))
    with report.data_folder() as data, servers.overpaint(data, checkpoint=options.checkpoint, workers=1) as side:
        found = asyncio.run(measure(side, data, singles=options.singles, backlog=options.backlog))
    goals = ("p50 ≤ 10 ms", "p50 ≤ 10 ms", "")
    rows = [
        [case, *(f"{report.percentile(values, p):.0f}" for p in (50, 95, 99, 100)), str(len(values)), goal]
        for (case, values), goal in zip(found.items(), goals, strict=True)
    ]
    report.table(["milliseconds", "p50", "p95", "p99", "max", "count", "goal"], rows)
    report.foot(
        "times are whole milliseconds of one machine's clock; a start is the claim, a finish the end of the attempt",
        "device without work: start to start, less what prepare, denoise and decode took: it holds fetching the input, "
        "encoding and storing the picture, finish and claim",
        "every edit is of the same picture: the worker prepares it from what it remembers, faster than a new one",
        "not measured: several workers, a GPU, large pictures",
    )


if __name__ == "__main__":
    main()
