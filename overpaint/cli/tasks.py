"""`overpaint tasks`: what happened to an edit, attempt by attempt.

Reads the data folder, whether a server runs on it or not. Shows neither prompt nor picture. Does not know what an
attempt does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from overpaint.cli.folder import date, with_store
from overpaint.cli.talk import answer, answer_json, answer_table

if TYPE_CHECKING:
    from overpaint.domain import Attempt, Task
    from overpaint.settings import Settings
    from overpaint.store.tasks import TaskStore

app = App(
    name="tasks",
    help="Tell what happened to an edit.",
    help_epilogue="Example: overpaint tasks show 01a209d6-1c9e-7258-905e-fc3797b7f46a",
)

_HEADS = ("ATTEMPT", "OUTCOME", "ERROR", "BEGAN", "SECONDS", "WORKER")


@app.command
def show(id: str, *, data: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Show where an edit stands, and every attempt at it: when, by which worker, and how it ended.

    The worker's id finds its lines in the log. Attempts that were lost to a stopped server count for nothing; the
    others that failed end the task after MAX_ATTEMPTS.

    Args:
        id: As the submit answered it.
        data: The server's data folder; default ./data.
        json: Print a JSON object.
    """
    from overpaint.errors import EditNotFound

    async def tell(store: TaskStore, _: Settings) -> None:
        task = await store.outputs_of(id)
        if task is None:
            raise EditNotFound()
        told, attempts = _told(task), [_attempt(each) for each in await store.attempts(id)]
        if json:
            answer_json({**told, "attempts": attempts})
            return
        width = max(map(len, told))
        for name, value in told.items():
            answer(f"{name:<{width}}  {_cell(value)}")
        answer("")
        answer_table(_HEADS, [[_cell(value) for value in _in_columns(each)] for each in attempts])

    with_store(data, tell)


def _told(task: Task) -> dict[str, object]:
    request = task.request
    return {
        "id": task.id,
        "owner": task.owner,
        "key_id": task.origin.key_id or None,
        "request_id": task.origin.request_id or None,
        "status": task.status.value,
        "error": task.error_code,
        "reason": task.error_text,
        "cancel_requested": task.cancel_requested,
        "checkpoint": task.checkpoint,
        "seed": request.seed,
        "size": request.size,
        "step": f"{task.step} of {request.steps}",
        "submitted_at": date(task.created_at),
        "started_at": date(task.started_at),
        "finished_at": date(task.finished_at),
        "pictures": [f"{each.width}x{each.height} {each.format}, {each.bytes:,} bytes" for each in task.outputs],
        "pictures_until": date(task.expires_at),
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    ended = attempt.ended_at
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "started_at": date(attempt.started_at),
        "ended_at": date(ended),
        "seconds": None if ended is None else (ended - attempt.started_at) / 1000,
        "worker_id": attempt.worker_id,
    }


def _in_columns(attempt: dict[str, object]) -> list[object]:
    return [attempt[name] for name in ("number", "outcome", "error", "started_at", "seconds", "worker_id")]


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value) or "-"
    return "-" if value is None else str(value)
