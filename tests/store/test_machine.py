"""Any order of calls keeps the promises: random histories on the store beside a model in plain Python (R9).

Two owners share it, one with three times the other's weight and at most one edit in work.
"""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from overpaint.domain import (
    MOVES,
    Beat,
    Canceled,
    Claim,
    Failed,
    Limits,
    NewTask,
    Outcome,
    Released,
    Status,
    Succeeded,
    Task,
)
from overpaint.errors import FAILURES, QueueFull
from overpaint.store.tasks import TaskStore
from overpaint.store.verdicts import attempt_outcome
from tests.figures import IS_LONG, figures
from tests.store.conftest import OPENERS
from tests.store.samples import ManualClock, new_task, succeeded

LEASE, ATTEMPTS, QUEUE = 15.0, 3, 4
LIMITS = {"me": Limits(queued=3), "you": Limits(weight=3.0, running=1)}
PICTURES_STAY, RECORDS_STAY = 40.0, 100.0
HOUR = 3600.0
OUTCOMES = [succeeded(), Failed(code="input_lost"), Failed(code="internal_error"), Canceled(), Released()]
SIDES = st.integers(0, 1)
OWNERS = st.sampled_from(sorted(LIMITS))
SIZES = st.sampled_from([3, 3, 20_000])  # bytes: in the row, or in a pack


@dataclass
class Expected:
    """A task as it should be. Its place is its place in `Histories.tasks`."""

    new: NewTask
    picture: bytes
    status: Status = Status.QUEUED
    failures: int = 0
    step: int = 0
    holder: Claim | None = None
    lease_until: float = 0.0
    is_cancel_requested: bool = False
    attempts: list[str] = field(default_factory=list)
    outputs: tuple[Any, ...] = ()
    charge: int = 0  #: what its lane paid for the attempt in work
    finished_at: int = 0  #: wall-clock milliseconds
    is_expired: bool = False
    is_gone: bool = False

    @property
    def blobs(self) -> set[str]:
        """The names that its row holds."""
        return set() if self.is_expired else {each.name for each in (*self.new.inputs, *self.outputs)}

    def end(self, status: Status, now: int) -> None:
        self.status, self.finished_at = status, now

    def end_attempt(self, word: str, status: Status, now: int, *, is_counted: bool = False) -> None:
        self.failures += is_counted
        if status is Status.QUEUED and self.is_cancel_requested:
            status = Status.CANCELED
        self.attempts[-1], self.holder = word, None
        if status is Status.QUEUED:
            self.status, self.step = status, 0
        else:
            self.end(status, now)

    def fail(self, word: str, code: str, now: int) -> None:
        is_repeated = FAILURES[code].retryable and self.failures + 1 < ATTEMPTS
        self.end_attempt(word, Status.QUEUED if is_repeated else Status.FAILED, now, is_counted=True)

    def finish(self, outcome: Outcome, now: int) -> None:
        match outcome:
            case Succeeded():
                self.outputs, self.step = outcome.outputs, outcome.usage.steps
                self.end_attempt("succeeded", Status.SUCCEEDED, now)
            case Canceled():
                self.end_attempt("canceled", Status.CANCELED, now)
            case Released():
                self.end_attempt("released", Status.QUEUED, now)
            case Failed(code=code):
                self.fail("failed", code, now)

    def age(self, now: int) -> None:
        """What an expiry at this time does to it."""
        passed = (now - self.finished_at) / 1000 if self.status.is_final else -1
        self.is_expired |= passed >= PICTURES_STAY
        self.is_gone |= passed >= RECORDS_STAY


@dataclass
class Lane:
    """An owner's turns as they should be."""

    owner: str
    vtime: int = 0  #: microseconds of making, divided by the weight
    cost: int = 1_000_000

    @property
    def stride(self) -> int:
        return max(1, int(self.cost / LIMITS[self.owner].weight))

    def settle(self, task: Expected, outcome: Outcome | None, floor: int) -> None:
        """None: the attempt was lost."""
        if isinstance(outcome, Succeeded):
            used = outcome.timings.total_ms * 1000
            self.vtime = max(self.vtime - task.charge + int(used / LIMITS[self.owner].weight), floor)
            self.cost += int((used - self.cost) / 4)
        elif outcome is None or isinstance(outcome, Released):
            self.vtime = max(self.vtime - task.charge, floor)


class Histories(RuleBasedStateMachine):
    """Two processes on one database, driven one call at a time."""

    opener: str
    made: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.stores: list[TaskStore] = [self.open(), self.open()]
        self.tasks: dict[str, Expected] = {}
        self.lanes = {owner: Lane(owner) for owner in LIMITS}
        self.floor = 0  #: where the latest turn began
        for owner, limits in LIMITS.items():
            self.runner.run(self.stores[0].put_limits(owner, "", limits))
        self.claims: list[Claim] = []  # all that were ever given out
        self.last: dict[str, Task] = {}

    def open(self) -> TaskStore:
        options: dict[str, Any] = {"lease_seconds": LEASE, "max_attempts": ATTEMPTS, "queue_max": QUEUE}
        keeping = {"result_ttl_seconds": PICTURES_STAY, "record_ttl_seconds": RECORDS_STAY}
        return OPENERS[self.opener](Path(self.folder.name), clock=self.clock, **options, **keeping)

    def teardown(self) -> None:
        self.made["histories"] += 1
        for store in self.stores:
            self.runner.run(store.close())
        self.runner.close()
        self.folder.cleanup()

    def having(self, status: Status, owner: str = "") -> list[str]:
        tasks = self.tasks.items()
        return [task_id for task_id, task in tasks if task.status is status and owner in ("", task.new.owner)]

    def may_run_one_more(self, owner: str) -> bool:
        limit = LIMITS[owner].running
        return limit is None or len(self.having(Status.PROCESSING, owner)) < limit

    def next_in_turn(self) -> str | None:
        waiting = [lane for lane in self.lanes.values() if self.having(Status.QUEUED, lane.owner)]
        lanes = [lane for lane in waiting if self.may_run_one_more(lane.owner)]
        if not lanes:
            return None
        lane = min(lanes, key=lambda lane: (lane.vtime, lane.owner))
        return self.having(Status.QUEUED, lane.owner)[0]

    def order_of_turns(self) -> list[str]:
        """If nothing came and nobody were held back."""
        at = {owner: lane.vtime for owner, lane in self.lanes.items()}
        waiting = {owner: self.having(Status.QUEUED, owner) for owner in at}
        turns = []
        while any(waiting.values()):
            owner = min((owner for owner in at if waiting[owner]), key=lambda owner: (at[owner], owner))
            turns.append(waiting[owner].pop(0))
            at[owner] += self.lanes[owner].stride
        return turns

    def assert_nothing_was_written(self, claim: Claim) -> None:
        now = self.runner.run(self.stores[0].outputs_of(claim.task.id))
        assert now == (None if self.tasks[claim.task.id].is_gone else self.last[claim.task.id])

    @rule(side=SIDES, owner=OWNERS, size=SIZES)
    def submit(self, side: int, owner: str, size: int) -> None:
        new, picture, most = new_task(owner), bytes(size), LIMITS[owner].queued or QUEUE
        work = self.stores[side].submit(new, {new.inputs[0].name: picture})
        if len(self.having(Status.QUEUED)) >= QUEUE or len(self.having(Status.QUEUED, owner)) >= most:
            with pytest.raises(QueueFull):
                self.runner.run(work)
            assert self.runner.run(self.stores[side].outputs_of(new.id)) is None
            assert self.runner.run(self.stores[side].input(new.inputs[0].name)) is None
        else:
            self.runner.run(work)
            if not self.having(Status.QUEUED, owner) + self.having(Status.PROCESSING, owner):
                self.lanes[owner].vtime = max(self.lanes[owner].vtime, self.floor)
            self.tasks[new.id] = Expected(new, picture)

    def one_of_the_claims(self, data: st.DataObject) -> Claim:
        """Mostly of a task in work, or few histories would be long."""
        held = [task.holder for task in self.tasks.values() if task.holder]
        claim = data.draw(st.sampled_from([*held * 2, *self.claims]))
        is_stranger = data.draw(st.sampled_from([False] * 4 + [True]))
        return dataclasses.replace(claim, worker_id="a stranger") if is_stranger else claim

    @rule(side=SIDES)
    def claim(self, side: int) -> None:
        claim = self.runner.run(self.stores[side].claim(f"w{side}"))
        assert (claim and claim.task.id) == self.next_in_turn()
        if claim is None:
            return
        task = self.tasks[claim.task.id]
        lane = self.lanes[task.new.owner]
        self.floor = max(self.floor, lane.vtime)
        task.charge, lane.vtime = lane.stride, self.floor + lane.stride
        task.status, task.holder, task.lease_until = Status.PROCESSING, claim, self.clock.seconds + LEASE
        task.attempts.append("running")
        assert claim.attempt == len(task.attempts)
        self.claims.append(claim)

    @rule(side=SIDES, owner=OWNERS, size=SIZES)
    def submit_and_claim(self, side: int, owner: str, size: int) -> None:
        """So that most histories have an attempt in work."""
        self.submit(side, owner, size)
        self.claim(side)

    @precondition(lambda self: self.claims)
    @rule(side=SIDES, data=st.data(), step=st.integers(0, 8))
    def beat(self, side: int, data: st.DataObject, step: int) -> None:
        """Renews, and tells a step that may be older than the last one told."""
        claim = self.one_of_the_claims(data)
        answer = self.runner.run(self.stores[side].beat(claim, step=step))
        task = self.tasks[claim.task.id]
        if task.holder != claim or self.clock.seconds >= task.lease_until:
            assert answer is Beat.LOST
            self.assert_nothing_was_written(claim)
        else:
            assert answer is (Beat.CANCEL if task.is_cancel_requested else Beat.OK)
            task.lease_until = self.clock.seconds + LEASE
            task.step = max(task.step, step)

    @precondition(lambda self: self.claims)
    @rule(side=SIDES, data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def finish(self, side: int, data: st.DataObject, outcome: Outcome) -> None:
        """By whoever ever had the task; what was said before may be said again, and is done once."""
        claim = self.one_of_the_claims(data)
        task = self.tasks[claim.task.id]
        if isinstance(outcome, Succeeded):
            name = f"results/{claim.task.id}/{claim.attempt}"
            outcome = dataclasses.replace(outcome, outputs=(dataclasses.replace(outcome.outputs[0], name=name),))
        is_held = task.holder == claim
        is_known = claim in self.claims and not task.is_gone
        was_said = is_known and task.attempts[claim.attempt - 1] == attempt_outcome(outcome)
        assert self.runner.run(self.stores[side].finish(claim, outcome)) == (is_held or was_said)
        if is_held:
            self.lanes[task.new.owner].settle(task, outcome, self.floor)
            task.finish(outcome, self.clock.wall_ms())
            assert self.runner.run(self.stores[side].finish(claim, outcome))
            stranger = dataclasses.replace(claim, worker_id="a stranger")
            assert not self.runner.run(self.stores[side].finish(stranger, outcome))
        else:
            self.made["late finishes"] += 1
            self.assert_nothing_was_written(claim)

    @precondition(lambda self: self.tasks)
    @rule(side=SIDES, data=st.data())
    def cancel(self, side: int, data: st.DataObject) -> None:
        task_id = data.draw(st.sampled_from(list(self.tasks)))
        task = self.tasks[task_id]
        assert self.runner.run(self.stores[side].cancel("a stranger", task_id)) is None
        if task.status is Status.QUEUED:
            task.end(Status.CANCELED, self.clock.wall_ms())
        task.is_cancel_requested |= task.status is Status.PROCESSING
        answer = self.runner.run(self.stores[side].cancel(task.new.owner, task_id))
        assert (answer and answer.status) == (None if task.is_gone else task.status)

    @precondition(lambda self: self.claims)
    @rule(
        seconds=st.sampled_from([1, LEASE - 1, LEASE, PICTURES_STAY]), set_forward=st.sampled_from([0, 0, -HOUR, HOUR])
    )
    def time_passes(self, seconds: float, set_forward: float) -> None:
        """And now and then somebody sets the wall clock, which no lease may feel."""
        self.clock.seconds += seconds
        self.clock.set_forward += set_forward

    @precondition(lambda self: self.having(Status.PROCESSING))
    @rule(side=SIDES)
    def sweep(self, side: int) -> None:
        lost = [task for task in self.tasks.values() if task.holder and task.lease_until <= self.clock.seconds]
        for task in lost:
            self.lanes[task.new.owner].settle(task, None, self.floor)
            task.fail("lost", "worker_lost", self.clock.wall_ms())
        report = self.runner.run(self.stores[side].sweep())
        assert report.requeued + report.failed + report.canceled == len(lost)

    @precondition(lambda self: self.claims)
    @rule(side=SIDES)
    def expire(self, side: int) -> None:
        before = {name for task in self.tasks.values() for name in task.blobs}
        for task in self.tasks.values():
            task.age(self.clock.wall_ms())
        after = {name for task in self.tasks.values() for name in task.blobs}
        names = self.runner.run(self.stores[side].expire())
        assert sorted(names) == sorted(before - after)

    @precondition(lambda self: self.claims)
    @rule(side=SIDES, is_supervisor=st.booleans())
    def restart(self, side: int, is_supervisor: bool) -> None:
        """One process starts anew; if it is the supervisor, no attempt of before is worth anything."""
        self.runner.run(self.stores[side].close())
        self.stores[side] = self.open()
        if is_supervisor:
            running = [task for task in self.tasks.values() if task.holder]
            for task in running:
                self.lanes[task.new.owner].settle(task, None, self.floor)
                task.end_attempt("lost", Status.QUEUED, self.clock.wall_ms())
            assert self.runner.run(self.stores[side].void_leases()) == len(running)

    @invariant()
    def both_processes_see_what_the_model_says(self) -> None:
        self.made["steps"] += 1
        for task_id, expected in self.tasks.items():
            task, other = (self.runner.run(store.get(expected.new.owner, task_id)) for store in self.stores)
            attempts = self.runner.run(self.stores[0].attempts(task_id))
            assert task == other
            if expected.is_gone:
                assert (task, attempts) == (None, ())
                continue
            assert task is not None
            assert (task.status, task.step) == (expected.status, expected.step)
            assert task.cancel_requested == expected.is_cancel_requested
            assert task.outputs == (() if expected.is_expired else expected.outputs)
            assert task.is_expired == expected.is_expired
            assert [each.outcome for each in attempts] == expected.attempts
            assert sum(each.outcome == "failed" for each in attempts) <= expected.failures <= ATTEMPTS
            assert task.wait_seconds >= 0
            self.assert_it_moved_forward(task)

    def assert_it_moved_forward(self, task: Task) -> None:
        before = self.last.get(task.id, task)
        assert task.version >= before.version
        assert (task == before) == (task.version == before.version)
        assert task.attempt - before.attempt in (0, 1)
        if task.status is before.status:
            assert task.step >= before.step
        else:
            assert task.status in MOVES[before.status]
        if before.status.is_final:
            assert dataclasses.replace(before, version=0, inputs=(), outputs=(), is_expired=True) == (
                dataclasses.replace(task, version=0, inputs=(), outputs=(), is_expired=True)
            )
        self.last[task.id] = task

    @invariant()
    def pictures_are_there_as_long_as_their_rows_name_them(self) -> None:
        for task in self.tasks.values():
            found = self.runner.run(self.stores[1].input(task.new.inputs[0].name))
            assert found == (None if task.is_expired else task.picture)

    @invariant()
    def every_end_was_counted_once(self) -> None:
        counted: Counter[str] = Counter()
        for tally in self.runner.run(self.stores[1].tallies()):
            assert tally.total >= 0
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
        turns = self.order_of_turns()
        standings = [self.runner.run(self.stores[1].standing(self.tasks[each].new.owner, each)) for each in turns]
        if all(lane.vtime >= self.floor for lane in self.lanes.values() if self.having(Status.QUEUED, lane.owner)):
            assert [each.queue_position for each in standings if each] == list(range(1, len(turns) + 1))
        stats = self.runner.run(self.stores[0].stats())
        assert (stats.queued, stats.processing) == (len(turns), len(self.having(Status.PROCESSING)))
        counts = {each.owner: (each.queued, each.running) for each in self.runner.run(self.stores[0].accounts())}
        assert counts == {
            owner: (len(self.having(Status.QUEUED, owner)), len(self.having(Status.PROCESSING, owner)))
            for owner in LIMITS
        }


@pytest.mark.parametrize("opener", sorted(OPENERS))
def test_any_order_of_calls_keeps_the_promises(opener):
    machine = type("Histories", (Histories,), {"opener": opener, "made": Counter()})
    sizes = {"max_examples": 250, "stateful_step_count": 60} if IS_LONG else {"max_examples": 60}
    run_state_machine_as_test(
        machine, settings=settings(**sizes, deadline=None, suppress_health_check=list(HealthCheck))
    )
    figures(store=opener, divergences=0, **machine.made)
