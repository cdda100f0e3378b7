"""Rows to and from the domain's values.

Knows the order of the columns (a test holds it to the migrations) and which of them are JSON. Does not know SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from overpaint.domain import (
    Canceled,
    EditRequest,
    InputPicture,
    NewTask,
    Origin,
    OutputPicture,
    Standing,
    Status,
    Succeeded,
    Task,
    Timings,
    Usage,
)


class _Asked(msgspec.Struct):
    """The members of an EditRequest that polls read."""

    seed: int
    steps: int


_asked = msgspec.json.Decoder(_Asked)
_request = msgspec.json.Decoder(EditRequest)
_inputs = msgspec.json.Decoder(tuple[InputPicture, ...])
_outputs = msgspec.json.Decoder(tuple[OutputPicture, ...])
_timings = msgspec.json.Decoder(Timings)
_usage = msgspec.json.Decoder(Usage)
_origin = msgspec.json.Decoder(Origin)
_encoder = msgspec.json.Encoder()


class TaskRow(NamedTuple):
    """The columns of `task`, in their order."""

    seq: int
    id: str
    owner: str
    dialect: str
    checkpoint: str
    public_base: str
    request: str
    inputs: str
    status: str
    version: int
    attempt: int
    failures: int
    worker_id: str | None
    lease_until: int | None
    cancel_requested: int
    step: int
    outputs: str
    timings: str | None
    usage: str | None
    error_code: str | None
    error_text: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    expires_at: int | None
    is_expired: int
    origin: str
    key_id: str
    place: int
    charge: int


def to_json(value: object) -> str:
    """The JSON kept in a column."""
    return _encoder.encode(value).decode()


def to_task(row: Sequence[Any]) -> Task:
    """The row as a value."""
    columns = TaskRow._make(row)
    return Task(
        id=columns.id,
        owner=columns.owner,
        dialect=columns.dialect,
        checkpoint=columns.checkpoint,
        request=_request.decode(columns.request),
        inputs=_inputs.decode(columns.inputs),
        public_base=columns.public_base,
        status=Status(columns.status),
        version=columns.version,
        attempt=columns.attempt,
        worker_id=columns.worker_id,
        cancel_requested=bool(columns.cancel_requested),
        step=columns.step,
        outputs=_outputs.decode(columns.outputs),
        timings=_timings.decode(columns.timings) if columns.timings else None,
        usage=_usage.decode(columns.usage) if columns.usage else None,
        error_code=columns.error_code,
        error_text=columns.error_text,
        created_at=columns.created_at,
        started_at=columns.started_at,
        finished_at=columns.finished_at,
        expires_at=columns.expires_at,
        is_expired=bool(columns.is_expired),
        origin=_origin.decode(columns.origin),
    )


def to_standing(row: Sequence[Any]) -> Standing:
    """The columns of the statement `standing` as a value."""
    task_id, checkpoint, request, status, attempt, step, outputs, code, text, expires_at, is_expired, position = row
    asked = _asked.decode(request)
    return Standing(
        id=task_id,
        checkpoint=checkpoint,
        seed=asked.seed,
        steps=asked.steps,
        status=Status(status),
        queue_position=position,
        attempt=attempt,
        step=step,
        outputs=_outputs.decode(outputs),
        error_code=code,
        error_text=text,
        expires_at=expires_at,
        is_expired=bool(is_expired),
    )


def to_submitted(new: NewTask, created_at: int) -> Task:
    """The value of a row that was just inserted, without reading it back."""
    return Task(
        id=new.id,
        owner=new.owner,
        dialect=new.dialect,
        checkpoint=new.checkpoint,
        request=new.request,
        inputs=new.inputs,
        public_base=new.public_base,
        origin=new.origin,
        created_at=created_at,
    )


def results(ended: object) -> dict[str, object]:
    """The columns that hold what an attempt made, of any outcome."""
    match ended:
        case Succeeded():
            made = {"outputs": ended.outputs, "timings": ended.timings, "usage": ended.usage}
            return {**{name: to_json(value) for name, value in made.items()}, "step": ended.usage.steps}
        case Canceled():
            return {"outputs": "[]", "timings": None, "usage": to_json(ended.usage), "step": None}
    return {"outputs": "[]", "timings": None, "usage": None, "step": None}


def picture_names(inputs: str, outputs: str) -> list[str]:
    """The blob names in two picture columns."""
    return [each.name for each in _inputs.decode(inputs)] + [each.name for each in _outputs.decode(outputs)]
