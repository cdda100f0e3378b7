"""Every failure the outside may see: one class for each thing a caller can do something about.

Knows codes, statuses, sentences and hints, and how others say that memory is short. Does not know dialects (they
translate a code to their own words), logs or HTTP libraries. No message ever holds a path, an address, a key or a
traceback.

OverpaintError
├── NotAllowed ─ InvalidApiKey, ScopeMissing, Forbidden, WrongHost   bring another key, or come by the right name
├── NotFound ─ RouteNotFound, MethodNotAllowed, EditNotFound, OutputNotFound
├── InvalidRequest ─ MalformedBody, InvalidParameter, …         change the request
├── TryLater ─ QueueFull, RateLimited, Draining, …              send the same request again
└── ConfigurationError                                          the operator changes a setting (never sent on the wire)
"""

from __future__ import annotations

import errno
from dataclasses import dataclass


class OverpaintError(Exception):
    """Base of the family. `facts` fill the message and go to the log and the body: never a path, key or traceback."""

    code = "internal_error"
    status = 500
    message = "Something failed inside the server; the request id finds it in the log."
    hint = ""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message.format(**facts))


class NotAllowed(OverpaintError):
    code, status, message = "forbidden", 403, "This is not allowed."


class InvalidApiKey(NotAllowed):
    code, status, message = "invalid_api_key", 401, "invalid api-key"
    hint = "Send `Authorization: Bearer <key>`; `overpaint keys create` makes one."


class Forbidden(NotAllowed):
    """A picture link whose signature is missing, wrong or too old."""

    message = "This link is not valid, or no longer."
    hint = "Read the task again: every read signs a fresh link."


class ScopeMissing(NotAllowed):
    """facts: scope."""

    message = "This key lacks the scope {scope}."
    hint = "`overpaint keys create --scope` makes a key that has it."


class WrongHost(NotAllowed):
    code, status, message = "wrong_host", 421, "This server listens on loopback and answers to loopback names only."
    hint = "Use http://127.0.0.1, or start the server with --host and set PUBLIC_URL."


class NotFound(OverpaintError):
    code, status, message = "not_found", 404, "Not found."


class RouteNotFound(NotFound):
    code, message = "route_not_found", "There is no such route."


class MethodNotAllowed(NotFound):
    code, status, message = "method_not_allowed", 405, "This route does not take {method}."


class EditNotFound(NotFound):
    """Unknown, erased and somebody else's: one answer."""

    code, message = "edit_not_found", "There is no such task."


class OutputNotFound(NotFound):
    code, message = "output_not_found", "There is no such picture, or no longer."


class InvalidRequest(OverpaintError):
    code, status, message = "invalid_request", 400, "{problem}"


class MalformedBody(InvalidRequest):
    code, message = "malformed_body", "The body cannot be read: {problem}."


class InvalidParameter(InvalidRequest):
    """facts: field, problem."""

    code, message = "invalid_parameter", "{field}: {problem}"


class UnsupportedParameter(InvalidParameter):
    """A known field with a value that this server or model cannot honour. facts: field, problem."""

    code = "unsupported_parameter"


class UnsupportedMediaType(InvalidRequest):
    code, status, message = "unsupported_media_type", 415, "{problem}"


class RequestTimeout(InvalidRequest):
    code, status, message = "request_timeout", 408, "The body took longer than {seconds} s to arrive."


class PayloadTooLarge(InvalidRequest):
    code, status, message = "payload_too_large", 413, "The body has more than {limit:,} bytes."


class ImageFileTooLarge(InvalidRequest):
    code, status, message = "image_file_too_large", 413, "{field}: the picture has more than {limit:,} bytes."


class InvalidImage(InvalidRequest):
    code, message = "invalid_image", "{field}: {problem}"
    hint = "Send a whole JPEG, PNG or WebP."


class ImageResolutionTooHigh(InvalidRequest):
    code, message = (
        "image_resolution_too_high",
        "{field}: the picture has {pixels:,} pixels; up to {limit:,} are taken.",
    )
    hint = "Scale it down, or raise MAX_IMAGE_PIXELS on the server."


class InvalidImageSize(InvalidRequest):
    code, message = "invalid_image_size", "{field}: {problem}"


class ImageUrlNotAllowed(InvalidRequest):
    """One sentence for every refusal, so that it tells nothing about the network behind the server."""

    code, message = "image_url_not_allowed", "{field}: this address is not allowed."
    hint = "Use a public http(s) address on port 80 or 443, or send the picture itself as base64."


class ImageFetchFailed(InvalidRequest):
    code, message = "image_fetch_failed", "{field}: the picture could not be fetched: {problem}."


class TryLater(OverpaintError):
    """Nothing was accepted. `retry_after` seconds go into the header: 1…120, but until midnight for a day's limit."""

    code, status, message = "overloaded", 503, "The server is busy; nothing was accepted."
    hint = "Send the same request again."
    retry_after = 5


class QueueFull(TryLater):
    code, status, message = "queue_full", 429, "{limit:,} edits are waiting already; nothing was accepted."
    retry_after = 30

    def __init__(self, *, limit: int, **facts: object) -> None:
        super().__init__(limit=limit, **facts)
        self.limit = limit


class RateLimited(TryLater):
    """A caller's own limit. facts: limit, per.

    reset_seconds  until a minute's submits are all free again, if those are the limit
    """

    code, status, message = "rate_limited", 429, "The limit is {limit:,} {per}; nothing was accepted."
    hint = "Wait as long as `Retry-After` says."

    def __init__(self, *, limit: int, retry_after: int = 60, reset_seconds: int | None = None, **facts: object) -> None:
        super().__init__(limit=limit, **facts)
        self.limit, self.retry_after, self.reset_seconds = limit, retry_after, reset_seconds


class Draining(TryLater):
    code, message = "draining", "The server is shutting down; nothing was accepted."


class StoreUnavailable(TryLater):
    code, message = "store_unavailable", "The task store does not answer; nothing was accepted."


class StorageFull(TryLater):
    code, message = "storage_full", "The server's disk is full; nothing was accepted."
    retry_after = 60


class ConfigurationError(OverpaintError):
    """A setting, a checkpoint folder or the machine is not as the server needs it. Seen by the operator only."""

    code, message = "configuration", "{problem}"

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem=problem)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Why a task may fail: a row of the table that docs and dialects print."""

    retryable: bool
    sentence: str
    hint: str = ""


FAILURES: dict[str, FailureKind] = {
    "canceled": FailureKind(False, "The edit was canceled before it finished."),
    "run_timeout": FailureKind(False, "The edit ran longer than its limit."),
    "prompt_too_long": FailureKind(False, "The prompt has more tokens than the model can read.", "Shorten the prompt."),
    "out_of_memory": FailureKind(
        False, "The device has not enough memory for this size and number of pictures.", "Ask for a smaller `size`."
    ),
    "worker_lost": FailureKind(True, "The worker died on every attempt ({attempts})."),
    "input_lost": FailureKind(False, "A stored input picture is missing or damaged."),
    "output_invalid": FailureKind(True, "The model produced numbers that are not a picture (NaN)."),
    "output_storage_failed": FailureKind(True, "The finished picture could not be stored."),
    "internal_error": FailureKind(True, "The edit failed for a reason inside the server."),
    "test_mode": FailureKind(False, "This failure was asked for with webhook test_mode."),
}


class EditFailed(OverpaintError):
    """An edit that cannot be made, raised while making it. `code` is a key of FAILURES."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.message = FAILURES[code].sentence
        super().__init__(attempts=0)


#: torch's allocator on a CPU, and oneDNN's convolutions, which say no more than that
_OUT_OF_MEMORY = ("can't allocate memory", "could not create a primitive")


def is_out_of_memory(error: Exception) -> bool:
    """Whoever says it: Python, the system or torch, whose own error is known by name, so that nobody need import it."""
    return (
        isinstance(error, MemoryError)
        or getattr(error, "errno", None) == errno.ENOMEM
        or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__)
        or any(words in str(error) for words in _OUT_OF_MEMORY)
    )
