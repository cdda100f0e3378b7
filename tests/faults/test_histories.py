"""The judge of histories knows a backward one when it sees it (R10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.histories import Sight, flaws

WAITS = Sight(attempt=0, status="QUEUED", step=0, percent=0, reason="", pictures=0)
BEGINS = replace(WAITS, attempt=1, status="PROCESSING")
STEPS = replace(BEGINS, step=5, percent=50)
WAITS_AGAIN = replace(WAITS, attempt=1)
BEGINS_AGAIN = replace(BEGINS, attempt=2)
DONE = replace(BEGINS_AGAIN, status="SUCCEED", step=10, percent=100, pictures=1)
FAILED = replace(BEGINS_AGAIN, status="FAILED", step=3, percent=30, reason="worker_lost: …")


@pytest.mark.parametrize("end", [DONE, FAILED])
def test_a_task_that_is_tried_twice_moves_forward(end: Sight) -> None:
    assert flaws([WAITS, BEGINS, STEPS, WAITS_AGAIN, BEGINS_AGAIN, end]) == []
    assert flaws([WAITS, STEPS, BEGINS_AGAIN, end, end]) == []


@pytest.mark.parametrize(
    "history",
    [
        [BEGINS, WAITS],
        [STEPS, BEGINS],
        [STEPS, replace(STEPS, percent=40)],
        [WAITS_AGAIN, BEGINS],
        [BEGINS_AGAIN, STEPS],
        [DONE, BEGINS_AGAIN],
        [DONE, FAILED],
        [FAILED, DONE],
        [DONE, replace(DONE, attempt=3)],
        [replace(DONE, percent=99)],
        [replace(DONE, pictures=0)],
        [replace(STEPS, pictures=1)],
    ],
)
def test_what_moves_backwards_is_found(history: list[Sight]) -> None:
    assert flaws(history)
