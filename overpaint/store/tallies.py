"""What the store counts when a task moves: in the same transaction, so that no figure disagrees with the rows.

Knows which figures an end belongs to. Does not know rows, or how figures are shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from overpaint.domain import Status, Succeeded, Task
from overpaint.store.statements import SQL
from overpaint.store.verdicts import Verdict
from overpaint.telemetry import Tally, observed

QUALITY = "exact"  #: the only one there is


def count(db: sqlite3.Connection, tallies: Iterable[Tally]) -> None:
    """Inside the transaction of what is counted."""
    db.executemany(SQL["count"], [{**tally._asdict(), "labels": _to_json(tally.labels)} for tally in tallies])


def read(rows: Iterable[Sequence[Any]]) -> tuple[Tally, ...]:
    """The rows of the statement `tallies`."""
    return tuple(Tally(name, _labels.decode(labels), *figures) for name, labels, *figures in rows)


def of_end(task: Task, ended: object, verdict: Verdict, now_ms: int) -> Iterator[Tally]:
    """Of an attempt that ended so, and of its task, if this was its end. `task`: as it was before."""
    yield Tally("attempts_total", (verdict.attempt_outcome,))
    if verdict.attempt_outcome == "lost":
        yield Tally("leases_lost_total")
    if verdict.status is not Status.QUEUED:
        yield finished(task.checkpoint, verdict.status, verdict.error_code)
        yield observed("edit_wait_seconds", (task.checkpoint,), task.wait_seconds)
    if isinstance(ended, Succeeded):
        yield from _of_success(task, ended, now_ms)


def finished(model: str, status: Status, code: str | None) -> Tally:
    """One more task at its end."""
    return Tally("edits_finished_total", (model, status.value, code or ""))


def _of_success(task: Task, made: Succeeded, now_ms: int) -> Iterator[Tally]:
    model, times = task.checkpoint, made.timings
    yield observed("edit_run_seconds", (model, QUALITY), times.total_ms / 1000)
    yield observed("edit_total_seconds", (model,), max(0, now_ms - task.created_at) / 1000)
    for stage in ("prepare", "denoise", "decode", "encode"):
        yield observed("stage_seconds", (model, stage), getattr(times, f"{stage}_ms") / 1000)
    if steps := made.usage.steps:
        yield observed("denoise_step_seconds", (model, QUALITY), times.denoise_ms / 1000 / steps, times=steps)


_labels = msgspec.json.Decoder(tuple[str, ...])


def _to_json(labels: tuple[str, ...]) -> str:
    return msgspec.json.encode(labels).decode()
