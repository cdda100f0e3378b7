"""What a task store promises. One protocol, one test suite; the databases are details behind it.

Knows the moves of a task and what holds when a call returns. Does not know SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from overpaint.domain import (
    Account,
    Attempt,
    Beat,
    Claim,
    Delivery,
    DeliveryLimits,
    KeyInfo,
    Limits,
    Message,
    MessageRecord,
    MessageState,
    NewTask,
    Outcome,
    QueueStats,
    Quota,
    Standing,
    Status,
    Task,
    WorkerInfo,
)
from overpaint.telemetry import Tally


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one round of housekeeping did."""

    tasks: tuple[Task, ...] = ()  #: whose leases were lost, as they stand now

    @property
    def requeued(self) -> int:
        """Back in the queue."""
        return self._count(Status.QUEUED)

    @property
    def failed(self) -> int:
        """No attempt was left."""
        return self._count(Status.FAILED)

    @property
    def canceled(self) -> int:
        """Their cancel had been asked for."""
        return self._count(Status.CANCELED)

    def _count(self, status: Status) -> int:
        return sum(task.status is status for task in self.tasks)


class Submitted(NamedTuple):
    """A task that was taken, and what its caller has left of the nearest limit a minute; None where there is none."""

    task: Task
    quota: Quota | None


class TaskStore(Protocol):
    """The task table, which is also the queue. Each method is one transaction; frozen values in and out."""

    async def submit(self, new: NewTask, pictures: Mapping[str, bytes] | None = None) -> Submitted:
        """Durable and visible once this returns, its `pictures` (blob name -> bytes) included.

        Raises QueueFull, RateLimited, StorageFull, StoreUnavailable: then nothing was written, and nothing counted.
        """
        ...

    async def claim(self, worker_id: str) -> Claim | None:
        """A queued task, its attempt raised by one and its lease begun; None when nothing waits that may run.

        The oldest of the owner who has had least of the workers for his weight, and may have one more in work.
        """
        ...

    async def beat(self, claim: Claim, *, step: int) -> Beat:
        """Renews the lease and reports the step in one statement. LOST: stop and write nothing."""
        ...

    async def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """Fenced by (task, attempt, worker). False: somebody else owns the task, nothing was written.

        A commit whose answer was lost is recognised on the second call: True again.
        """
        ...

    async def cancel(self, owner: str, task_id: str) -> Task | None:
        """Queued: canceled at once. Processing: asked for, done at a step. Final: unchanged. None: not theirs."""
        ...

    async def get(self, owner: str, task_id: str) -> Task | None:
        """The row as committed now; None for unknown and for somebody else's."""
        ...

    async def standing(self, owner: str, task_id: str) -> Standing | None:
        """What a poll reads, place in the queue included, as committed now; None as with `get`."""
        ...

    async def outputs_of(self, task_id: str) -> Task | None:
        """Any owner's task, for the signed file route alone: the signature was the permission."""
        ...

    async def attempts(self, task_id: str) -> tuple[Attempt, ...]:
        """All tries, oldest first."""
        ...

    async def input(self, name: str) -> bytes | None:
        """A picture that came with its submit; None when it is erased. Raises OSError when it is lost."""
        ...

    async def stats(self) -> QueueStats: ...

    async def changed(self, timeout: float) -> bool:  # noqa: ASYNC109 - a hint, not an error
        """Waits until any process committed something, at most `timeout` seconds. A hint: re-read afterwards.

        Counted from this store's last `claim` or `changed`, so that nothing slips through between the two.
        """
        ...

    async def sweep(self) -> SweepReport:
        """Expired leases: back to the queue, or failed `worker_lost`, or canceled. Safe from several processes."""
        ...

    async def void_leases(self) -> int:
        """Every running attempt is lost and its task queued again, uncounted. For a supervisor that owns the folder."""
        ...

    async def expire(self, limit: int = 500) -> tuple[str, ...]:
        """Pictures past their time leave their rows, old records go; returns the blob names to delete."""
        ...

    async def put_worker(self, worker: WorkerInfo) -> None:
        """Inserts or renews this worker's line; lines not renewed for a lease are not counted by `workers`."""
        ...

    async def remove_worker(self, worker_id: str) -> None: ...

    async def workers(self) -> tuple[WorkerInfo, ...]:
        """The live ones."""
        ...

    async def put_key(self, key: KeyInfo) -> None:
        """Inserts, or replaces the key of the same id."""
        ...

    async def key_by_hash(self, sha256: str) -> KeyInfo | None:
        """The key whose secret has this SHA-256, revoked and expired ones included."""
        ...

    async def keys(self) -> tuple[KeyInfo, ...]: ...

    async def revoke_key(self, key_id: str) -> bool:
        """False: there is no such key."""
        ...

    async def replace_key(self, key_id: str, new: KeyInfo, *, ends_at: int) -> bool:
        """Adds `new`, with the old key's limits, and has that one expire at `ends_at` (unix milliseconds) or earlier.

        False: the old one is not valid any more, or not there; nothing was written.
        """
        ...

    async def note_use_of_key(self, key_id: str) -> None:
        """The key was used now."""
        ...

    async def put_limits(self, owner: str, key_id: str, limits: Limits) -> None:
        """What an owner, or with a `key_id` that key of his, may do from now on."""
        ...

    async def accounts(self) -> tuple[Account, ...]:
        """Of all owners that ever submitted or have limits, and of their keys that have some; sorted."""
        ...

    async def take_messages(self, held: Sequence[Message], limits: DeliveryLimits) -> tuple[Message, ...]:
        """Words of tasks' ends that are due, the longest due first, as many as may be `held` more.

        Nobody else is given them for 30 s; those not settled by then are due again.
        """
        ...

    async def settle_message(
        self, message: Message, delivery: Delivery, state: MessageState, *, due_at: int | None = None
    ) -> bool:
        """Logs a try and what it led to; `due_at` with PENDING. GONE ends all messages to this URL of this owner.

        False: it took too long, the message was somebody else's by then; the try is logged and nothing else.
        """
        ...

    async def redeliver(self, task_id: str) -> bool:
        """The message of this task is due now, as if for the first time. False: there is none yet, or no more."""
        ...

    async def messages(
        self, *, state: MessageState | None = None, task_id: str | None = None, limit: int = 100
    ) -> tuple[MessageRecord, ...]:
        """The newest first. They are kept as long as their tasks, and these as long as a message is pending."""
        ...

    async def undelivered(self) -> int:
        """Messages with a try before them."""
        ...

    async def webhook_secret(self, owner: str) -> tuple[int, int | None]:
        """Number of the owner's secret, from 1, and when it took the place of the one before."""
        ...

    async def rotate_webhook_secret(self, owner: str) -> None:
        """The next number is in force from now on."""
        ...

    async def count(self, tally: Tally) -> None:
        """Adds to a figure that all processes share. What tasks do is counted by their own transactions."""
        ...

    async def tallies(self) -> tuple[Tally, ...]:
        """Everything counted since the store was made, sorted."""
        ...

    async def check(self) -> None:
        """Raises what a write would: TryLater. Known from a write of the last seconds, or else tried."""
        ...

    async def close(self) -> None: ...
