"""Any order of calls keeps the promises: random histories on the store beside a model of thirty lines."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from overpaint.domain import MOVES, Beat, Canceled, Claim, Failed, Outcome, Released, Status, Succeeded, Task
from overpaint.errors import FAILURES, QueueFull
from overpaint.store.tasks import TaskStore
from tests.store.conftest import OPENERS
from tests.store.samples import ManualClock, new_task, succeeded

LEASE, ATTEMPTS, QUEUE = 15.0, 3, 4
OUTCOMES = [succeeded(), Failed(code="input_lost"), Failed(code="internal_error"), Canceled(), Released()]


@dataclass
class Expected:
    """A task as it should be. Its place is its place in `Histories.tasks`."""

    status: Status = Status.QUEUED
    failures: int = 0
    holder: Claim | None = None
    lease_until: float = 0.0
    is_cancel_requested: bool = False
    attempts: list[str] = field(default_factory=list)

    def end_attempt(self, word: str, status: Status, *, is_counted: bool = False) -> None:
        self.failures += is_counted
        if status is Status.QUEUED and self.is_cancel_requested:
            status = Status.CANCELED
        self.attempts[-1], self.status, self.holder = word, status, None

    def fail(self, word: str, code: str) -> None:
        is_repeated = FAILURES[code].retryable and self.failures + 1 < ATTEMPTS
        self.end_attempt(word, Status.QUEUED if is_repeated else Status.FAILED, is_counted=True)


class Histories(RuleBasedStateMachine):
    """Two processes on one database, driven one call at a time."""

    opener: str
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.stores: list[TaskStore] = [self.open(), self.open()]
        self.tasks: dict[str, Expected] = {}
        self.last: dict[str, Task] = {}

    def open(self) -> TaskStore:
        options: dict[str, Any] = {"lease_seconds": LEASE, "max_attempts": ATTEMPTS, "queue_max": QUEUE}
        return OPENERS[self.opener](Path(self.folder.name), clock=self.clock, **options)

    def teardown(self) -> None:
        for store in self.stores:
            self.runner.run(store.close())
        self.runner.close()
        self.folder.cleanup()

    def having(self, status: Status) -> list[str]:
        return [task_id for task_id, task in self.tasks.items() if task.status is status]

    @rule(side=st.integers(0, 1))
    def submit(self, side: int) -> None:
        new = new_task()
        if len(self.having(Status.QUEUED)) >= QUEUE:
            with pytest.raises(QueueFull):
                self.runner.run(self.stores[side].submit(new))
        else:
            self.runner.run(self.stores[side].submit(new))
            self.tasks[new.id] = Expected()

    @rule(side=st.integers(0, 1), target=claims)
    def claim(self, side: int) -> Any:
        claim = self.runner.run(self.stores[side].claim(f"w{side}"))
        queued = self.having(Status.QUEUED)
        if not queued:
            assert claim is None
            return multiple()
        assert claim is not None
        assert claim.task.id == queued[0]
        task = self.tasks[claim.task.id]
        task.status, task.holder, task.lease_until = Status.PROCESSING, claim, self.clock.seconds + LEASE
        task.attempts.append("running")
        assert claim.attempt == len(task.attempts)
        return claim

    @rule(side=st.integers(0, 1), claim=claims)
    def beat(self, side: int, claim: Claim) -> None:
        answer = self.runner.run(self.stores[side].beat(claim, step=1))
        task = self.tasks[claim.task.id]
        if task.holder != claim or self.clock.seconds >= task.lease_until:
            assert answer is Beat.LOST
        else:
            assert answer is (Beat.CANCEL if task.is_cancel_requested else Beat.OK)
            task.lease_until = self.clock.seconds + LEASE

    @rule(side=st.integers(0, 1), claim=consumes(claims), outcome=st.sampled_from(OUTCOMES))
    def finish(self, side: int, claim: Claim, outcome: Outcome) -> None:
        task = self.tasks[claim.task.id]
        is_held = task.holder == claim
        assert self.runner.run(self.stores[side].finish(claim, outcome)) == is_held
        assert self.runner.run(self.stores[side].finish(claim, outcome)) == is_held  # said twice is done once
        if is_held:
            match outcome:
                case Succeeded():
                    task.end_attempt("succeeded", Status.SUCCEEDED)
                case Canceled():
                    task.end_attempt("canceled", Status.CANCELED)
                case Released():
                    task.end_attempt("released", Status.QUEUED)
                case Failed(code=code):
                    task.fail("failed", code)

    @rule(side=st.integers(0, 1), data=st.data())
    def cancel(self, side: int, data: st.DataObject) -> None:
        if self.tasks:
            task_id = data.draw(st.sampled_from(list(self.tasks)))
            task = self.tasks[task_id]
            if task.status is Status.QUEUED:
                task.status = Status.CANCELED
            task.is_cancel_requested |= task.status is Status.PROCESSING
            answer = self.runner.run(self.stores[side].cancel("me", task_id))
            assert answer is not None
            assert answer.status is task.status

    @rule(seconds=st.sampled_from([1, LEASE - 1, LEASE]))
    def time_passes(self, seconds: float) -> None:
        self.clock.seconds += seconds

    @rule(side=st.integers(0, 1))
    def sweep(self, side: int) -> None:
        lost = [task for task in self.tasks.values() if task.holder and task.lease_until <= self.clock.seconds]
        for task in lost:
            task.fail("lost", "worker_lost")
        report = self.runner.run(self.stores[side].sweep())
        assert report.requeued + report.failed + report.canceled == len(lost)

    @rule(side=st.integers(0, 1))
    def void_leases(self, side: int) -> None:
        running = [task for task in self.tasks.values() if task.holder]
        for task in running:
            task.end_attempt("lost", Status.QUEUED)
        assert self.runner.run(self.stores[side].void_leases()) == len(running)

    @rule(side=st.integers(0, 1))
    def restart(self, side: int) -> None:
        self.runner.run(self.stores[side].close())
        self.stores[side] = self.open()

    @invariant()
    def both_processes_see_the_same_and_nothing_moves_backwards(self) -> None:
        for task_id, expected in self.tasks.items():
            task, other = (self.runner.run(store.get("me", task_id)) for store in self.stores)
            assert task is not None
            assert task == other
            assert task.status is expected.status
            assert [each.outcome for each in self.runner.run(self.stores[0].attempts(task_id))] == expected.attempts
            before = self.last.get(task_id, task)
            assert task.version >= before.version
            assert (task == before) == (task.version == before.version)
            assert task.status is before.status or task.status in MOVES[before.status] or not before.status.is_final
            self.last[task_id] = task

    @invariant()
    def every_end_was_counted_once(self) -> None:
        counted: Counter[str] = Counter()
        for tally in self.runner.run(self.stores[1].tallies()):
            counted[" ".join((tally.name, *tally.labels[:2]))] += tally.times
        tasks = self.tasks.values()
        words = [word for task in tasks for word in task.attempts if word != "running"]
        assert {word: counted[f"attempts_total {word}"] for word in words} == Counter(words)
        ends = [task.status for task in tasks if task.status.is_final]
        assert {end: counted[f"edits_finished_total mini {end}"] for end in ends} == Counter(ends)
        assert counted["leases_lost_total"] == words.count("lost")
        assert counted["edit_total_seconds mini"] == ends.count(Status.SUCCEEDED)

    @invariant()
    def the_queue_is_in_order(self) -> None:
        queued = self.having(Status.QUEUED)
        standings = [self.runner.run(self.stores[1].standing("me", task_id)) for task_id in queued]
        assert [standing.queue_position for standing in standings] == list(range(1, len(queued) + 1))
        assert self.runner.run(self.stores[0].stats()).processing == len(self.having(Status.PROCESSING))


@pytest.mark.parametrize("opener", sorted(OPENERS))
def test_any_order_of_calls_keeps_the_promises(opener):
    machine = type("Histories", (Histories,), {"opener": opener})
    few = settings(max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=few)
