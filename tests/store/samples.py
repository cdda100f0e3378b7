"""Plain values for the store's tests, and a clock that moves when told."""

from __future__ import annotations

from typing import Any

import uuid_utils

from overpaint.domain import EditRequest, InputPicture, NewTask, OutputPicture, Succeeded, Timings, Usage
from overpaint.store.blobs import input_name

SHA256 = "ab" * 32


def new_task(owner: str = "me", **changes: Any) -> NewTask:
    task_id = str(uuid_utils.uuid7())
    values: dict[str, Any] = {
        "id": task_id,
        "owner": owner,
        "dialect": "novita",
        "checkpoint": "mini",
        "request": EditRequest(prompt="变成黑白照片", seed=7, steps=8, true_cfg_scale=4.0),
        "inputs": (input_of(task_id),),
        "public_base": "http://127.0.0.1:8000",
    }
    return NewTask(**{**values, **changes})


def input_of(task_id: str) -> InputPicture:
    name = input_name(task_id, 0, SHA256, "png")
    return InputPicture(name=name, sha256=SHA256, format="png", width=64, height=48, bytes=3)


def succeeded(mark: str = "a") -> Succeeded:
    output = OutputPicture(name=f"results/{mark}", sha256=SHA256, format="jpeg", width=64, height=48, bytes=9, seed=7)
    return Succeeded(outputs=(output,), timings=Timings(total_ms=5), usage=Usage(steps=8, pixels=3072))


class ManualClock:
    """Stands still until moved, so that leases run out without waiting."""

    def __init__(self, boot_id: str = "this boot") -> None:
        self.boot_id = boot_id
        self.seconds = 1000.0  #: of the boot clock
        self.set_forward = 0.0  #: seconds by which somebody changed the wall clock since

    def boot_ms(self) -> int:
        return round(self.seconds * 1000)

    def wall_ms(self) -> int:
        return 1_790_000_000_000 + self.boot_ms() + round(self.set_forward * 1000)
