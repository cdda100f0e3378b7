"""What becomes of a task when an attempt at it ends: the one place that counts failures.

Knows outcomes, failures and the limit of attempts. Does not know rows, leases or time; every store asks it.
"""

from __future__ import annotations

from dataclasses import dataclass

from overpaint.domain import Canceled, Failed, Outcome, Released, Status, Succeeded
from overpaint.errors import FAILURES


@dataclass(frozen=True, slots=True)
class Lost:
    """The lease ran out, or the whole server was killed."""

    is_counted: bool  #: False when the task cannot be to blame


@dataclass(frozen=True, slots=True)
class Verdict:
    """The task's next status, and the words for its attempt."""

    status: Status
    attempt_outcome: str  #: a word of domain.Attempt.outcome
    failures: int  #: failures of the task so far, this one included if it counts
    attempt_error: str | None = None  #: code for the attempt's line
    error_code: str | None = None  #: code for the task, if this is its end

    @property
    def error_text(self) -> str | None:
        return FAILURES[self.error_code].sentence.format(attempts=self.failures) if self.error_code else None


def attempt_outcome(outcome: Outcome) -> str:
    """The word for the attempt's line."""
    return type(outcome).__name__.lower()


def judge(ended: Outcome | Lost, *, failures: int, is_cancel_requested: bool, max_attempts: int) -> Verdict:
    """A cancelled task is never repeated; a failure is, while it is retryable and attempts are left."""
    match ended:
        case Succeeded():
            return Verdict(Status.SUCCEEDED, "succeeded", failures)
        case Canceled():
            return Verdict(Status.CANCELED, "canceled", failures, error_code="canceled")
        case Released():
            return _again("released", failures, None, is_cancel_requested)
        case Lost(is_counted=False):
            return _again("lost", failures, None, is_cancel_requested)
        case Lost():
            word, code = "lost", "worker_lost"
        case Failed(code=code):
            word = "failed"
    failures += 1
    if FAILURES[code].retryable and failures < max_attempts:
        return _again(word, failures, code, is_cancel_requested)
    return Verdict(Status.FAILED, word, failures, attempt_error=code, error_code=code)


def _again(word: str, failures: int, code: str | None, is_cancel_requested: bool) -> Verdict:
    if is_cancel_requested:
        return Verdict(Status.CANCELED, word, failures, attempt_error=code, error_code="canceled")
    return Verdict(Status.QUEUED, word, failures, attempt_error=code)
