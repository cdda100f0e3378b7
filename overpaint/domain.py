"""The nouns of an edit: frozen values that every room may hold.

Knows what a request, a task and an outcome are, and which status may follow which.
Does not know SQL, HTTP, torch, files, or what time it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MAX_SEED = 2**31 - 1


class Status(StrEnum):
    """Where a task stands. The last three are ends: such a task never changes again, it is only erased."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        return not MOVES[self]


class Scope(StrEnum):
    """What a key may do with the edits of its owner; ADMIN concerns the whole server, and no route asks for it yet."""

    SUBMIT = "submit"
    READ = "read"
    METRICS = "metrics"
    ADMIN = "admin"


MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.PROCESSING, Status.CANCELED}),
    # Back to QUEUED: the lease was lost, the attempt failed and may be repeated, or a draining worker gave it back.
    Status.PROCESSING: frozenset({Status.QUEUED, Status.SUCCEEDED, Status.FAILED, Status.CANCELED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """What was asked, with every default filled in and the seed drawn; never rewritten."""

    prompt: str
    negative_prompt: str = " "
    seed: int  #: 0 … 2147483647, already drawn where the caller left it open
    steps: int  #: denoising steps, 2 … 100
    true_cfg_scale: float  #: 1 … 20; 1 turns guidance off
    size: str = "auto"  #: "auto", "input", "native" or "WIDTHxHEIGHT"
    output_format: str = "jpeg"  #: "jpeg", "png" or "webp"
    output_quality: int = 95  #: 1 … 100, JPEG and WebP encoder
    test_ending: Status | None = None  #: a webhook's test mode: end so (succeeded or failed), without the model


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPicture:
    """One stored picture of a caller, as its header says it is."""

    name: str  #: blob name
    sha256: str
    format: str  #: "jpeg", "png" or "webp", read from the bytes
    width: int  #: pixels, EXIF orientation applied
    height: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPicture:
    """One finished picture."""

    name: str  #: blob name; contains the attempt
    sha256: str
    format: str
    width: int
    height: int
    bytes: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds, each measured as a difference within one process."""

    prepare_ms: int = 0
    denoise_ms: int = 0
    decode_ms: int = 0
    encode_ms: int = 0
    total_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an edit cost its device."""

    images: int = 1
    steps: int = 0  #: denoising steps really made
    pixels: int = 0  #: pixels of the working grid
    device_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which key and which request a task came from: it leads from a log line of a worker back to its caller."""

    key_id: str = ""
    request_id: str = ""
    traceparent: str = ""  #: W3C Trace Context, checked; empty for none


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom to tell when a task has ended."""

    url: str  #: as the caller wrote it, and allowed
    host: str  #: "name:port" of it


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A checked request on its way into the store."""

    id: str  #: UUIDv7: sorts by submission
    owner: str
    dialect: str
    checkpoint: str  #: id of the checkpoint that shall make it
    request: EditRequest
    inputs: tuple[InputPicture, ...]
    public_base: str  #: scheme, host and prefix of the submitting request, for links
    origin: Origin = Origin()
    webhook: Webhook | None = None
    pixels: int = 0  #: of the picture asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One acknowledged edit, as its row stands. `*_at` are wall-clock unix milliseconds, for people only."""

    id: str
    owner: str
    dialect: str
    checkpoint: str
    request: EditRequest
    inputs: tuple[InputPicture, ...]
    public_base: str
    status: Status = Status.QUEUED
    version: int = 1  #: rises with every visible change
    attempt: int = 0  #: claims so far; fences every write by a worker
    worker_id: str | None = None  #: who holds the lease
    cancel_requested: bool = False
    step: int = 0  #: denoising steps done in this attempt
    outputs: tuple[OutputPicture, ...] = ()
    timings: Timings | None = None
    usage: Usage | None = None
    error_code: str | None = None  #: a key of errors.FAILURES
    error_text: str | None = None  #: the sentence for people: no paths, no traceback
    created_at: int = 0
    started_at: int | None = None  #: first claim
    finished_at: int | None = None
    expires_at: int | None = None  #: pictures are erased then
    is_expired: bool = False  #: pictures are erased already
    origin: Origin = Origin()

    @property
    def wait_seconds(self) -> float:
        """From submit to the first claim, 0 before it; never negative, though clocks may be set back."""
        return max(0, (self.started_at or self.created_at) - self.created_at) / 1000

    @property
    def trail(self) -> dict[str, str]:
        """The ids by which its log lines are found; those that it has."""
        origin = self.origin
        ids = {"key_id": origin.key_id, "request_id": origin.request_id, "trace_id": origin.traceparent[3:35]}
        return {"task_id": self.id, **{name: value for name, value in ids.items() if value}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What its owner is told of a task while it waits, is made, and afterwards: the part that polls read."""

    id: str
    checkpoint: str
    seed: int
    steps: int  #: denoising steps asked for
    status: Status
    queue_position: int  #: 1 = next; 0 when not queued
    attempt: int
    step: int  #: denoising steps done in this attempt
    outputs: tuple[OutputPicture, ...]
    error_code: str | None
    error_text: str | None
    expires_at: int | None  #: wall-clock unix milliseconds: pictures are erased then
    is_expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a task, numbered from 1."""

    task_id: str
    number: int
    worker_id: str
    started_at: int
    ended_at: int | None = None
    outcome: str = "running"  #: running, succeeded, failed, lost, released, canceled
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to a task: every write by the worker names (task, attempt, worker)."""

    task: Task
    attempt: int
    worker_id: str


class Beat(StrEnum):
    """The store's answer to a heartbeat."""

    OK = "ok"
    CANCEL = "cancel"  #: the lease is renewed, but somebody asked to stop
    LOST = "lost"  #: somebody else may own the task now: stop, and write nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """Outcome: the picture is made and stored."""

    outputs: tuple[OutputPicture, ...]
    timings: Timings
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Outcome: this attempt failed; repeated while errors.FAILURES says retryable and attempts are left."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """Outcome: stopped at a step boundary because somebody asked."""

    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Released:
    """Outcome: given back unfinished by a draining worker; does not count as a failed attempt."""


Outcome = Succeeded | Failed | Canceled | Released


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """What a worker process says of itself in the store."""

    id: str  #: a new UUID per process start
    pid: int
    device: str
    checkpoint: str
    state: str  #: starting, idle, busy
    loading_percent: int = 0
    seconds_per_step: float | None = None  #: moving average, for estimates; None before the first edit
    max_pixels: int | None = None  #: of a picture that its device has room to make; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """A key as the store knows it: never the secret, only its SHA-256. `*_at` are wall-clock unix milliseconds."""

    id: str  #: public part, 8 base62 characters
    owner: str
    label: str
    sha256: str
    scopes: frozenset[Scope]
    created_at: int
    expires_at: int | None = None  #: no longer valid from then on
    used_at: int | None = None  #: within a minute
    revoked_at: int | None = None

    def is_valid(self, now_ms: int) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now_ms < self.expires_at)


class MessageState(StrEnum):
    """What has become of a message. PENDING: a try is before it. GONE: its receiver said 410, or had said so before."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Word of a task's end, in the hands of whoever tries to deliver it."""

    task: Task
    url: str
    host: str  #: "name:port"
    tries: int  #: so far, since the end or since somebody asked for another delivery
    held_until: int  #: wall-clock unix milliseconds; fences what the try led to


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """How many messages one process may have in its hands."""

    at_once: int
    per_owner: int
    per_host: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try at a message."""

    at: int  #: wall-clock unix milliseconds
    status: int | None  #: of HTTP; None when nothing came
    error: str | None  #: a word for people; None when it was delivered
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRecord:
    """A message as its operator sees it."""

    task_id: str
    owner: str
    url: str
    state: MessageState
    due_at: int | None  #: of the next try, wall-clock unix milliseconds
    deliveries: tuple[Delivery, ...]  #: oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an owner or a key may do. None: as the server's settings say, of a key: no limit of its own. 0: no limit."""

    per_minute: int | None = None  #: submits
    queued: int | None = None  #: tasks that wait; one more is refused
    running: int | None = None  #: tasks in work; one more waits
    pixels_per_day: int | None = None  #: of the pictures asked for, by the day in UTC
    weight: float = 1.0  #: an owner's share of the workers beside the other owners'; a key has none


@dataclass(frozen=True, slots=True)
class Account:
    """What an owner, or one of his keys that has limits, may do and does."""

    owner: str
    key_id: str  #: empty: the owner, with all his keys
    limits: Limits
    queued: int
    running: int
    pixels_today: int


@dataclass(frozen=True, slots=True)
class Quota:
    """The submits of a minute, of whichever limit is nearest."""

    limit: int
    remaining: int
    reset_seconds: int  #: until all of them are there again


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Counts for health, metrics and estimates."""

    queued: int
    processing: int
    oldest_queued_at: int | None  #: unix milliseconds
