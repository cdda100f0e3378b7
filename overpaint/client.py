"""The SDK: two lines to an edited picture, over HTTP only.

    with Client() as client:
        client.submit("cat.jpg", "make it black and white").wait().save("edited.png")

Knows the service's Novita-shaped routes and when it is safe to ask again. Does not know the server's rooms: it imports
nothing of ours but the errors.
"""

from __future__ import annotations

import base64
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from overpaint.errors import (
    EditNotFound,
    InvalidApiKey,
    InvalidRequest,
    NotAllowed,
    OverpaintError,
    RouteNotFound,
    ScopeMissing,
    TryLater,
)

DEFAULT_URL = "http://127.0.0.1:8000"
SUBMIT = "/v3/async/qwen-image-edit"
RESULT = "/v3/async/task-result"
TRIES = 4  # of a request that is safe to repeat
LONGEST_PAUSE_SECONDS = 30.0

_STATUS = {
    "TASK_STATUS_QUEUED": "queued",
    "TASK_STATUS_PROCESSING": "processing",
    "TASK_STATUS_SUCCEED": "succeeded",
    "TASK_STATUS_FAILED": "failed",
}


class Unreachable(OverpaintError):
    """No answer came from the server's address. facts: url."""

    code, status, message = "unreachable", 503, "No Overpaint answers at {url}."
    hint = "Start one with `overpaint serve`, or name another with --url or OVERPAINT_URL."


class Busy(TryLater):
    """The queue is full, or this key asks too often; nothing was accepted. facts: problem."""

    code, status, message = "rate_limited", 429, "{problem}"


class NotPermitted(NotAllowed):
    """The key is valid, but not for this. facts: problem."""

    message, hint = "{problem}", ScopeMissing.hint


class GaveUpWaiting(OverpaintError):
    """The edit goes on, but nobody waits for it any longer. facts: task_id, seconds."""

    code, status, message = "gave_up_waiting", 504, "Edit {task_id} was not finished after {seconds:g} s; it goes on."
    hint = "`Client().task(id)` finds it again."


class EditUnsuccessful(OverpaintError):
    """The edit ended without a picture. `code` is the server's word for why. facts: task_id, reason."""

    status, message = 200, "Edit {task_id} failed: {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditStatus:
    """Where an edit stands, as the server said when it was asked."""

    status: str  #: queued, processing, succeeded or failed
    reason: str  #: why it failed, "code: sentence"; else empty
    progress_percent: int
    eta_seconds: int  #: 0 = unknown
    queue_position: int  #: 1 = next; 0 = not queued
    step: int  #: denoising steps done
    steps: int
    seed: int
    urls: tuple[str, ...]  #: of the finished pictures; signed, they need no key and end after a while

    @property
    def is_final(self) -> bool:
        return self.status in ("succeeded", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedPicture:
    """A finished picture, downloaded."""

    bytes: bytes
    format: str  #: jpeg, png or webp
    seed: int  #: send it with the same request to get the same picture
    url: str

    def save(self, path: str | Path) -> Path:
        """Writes the bytes as they came; the name's extension changes nothing."""
        target = Path(path)
        target.write_bytes(self.bytes)
        return target


class EditTask:
    """A handle on one submitted edit. It survives the client: `Client.task(id)` makes another."""

    def __init__(self, client: Client, task_id: str) -> None:
        self.id = task_id
        self._client = client

    def status(self) -> EditStatus:
        """Asks the server now. Raises EditNotFound for an unknown task."""
        return self._client._read(self.id)

    def wait(self, timeout: float = 3600.0, watch: Callable[[EditStatus], None] | None = None) -> EditedPicture:
        """Waits for the end, at most `timeout` seconds, and downloads the picture.

        `watch` is called with every status read on the way. Raises GaveUpWaiting (the edit goes on), EditUnsuccessful
        (it failed).
        """
        give_up_at = time.monotonic() + timeout
        pause = 0.05  # a warm small model is done in a few of these; doubles up to a second for the long ones
        while not (now := self.status()).is_final:
            if watch is not None:
                watch(now)
            left = give_up_at - time.monotonic()
            if left <= 0:
                raise GaveUpWaiting(task_id=self.id, seconds=timeout)
            time.sleep(min(pause, left))
            pause = min(pause * 2, 1.0)
        return self.picture(now)

    def picture(self, end: EditStatus) -> EditedPicture:
        """Downloads what a final `status()` names. Raises EditUnsuccessful where the edit failed."""
        if not end.urls:
            failure = EditUnsuccessful(task_id=self.id, reason=end.reason or "its picture is no longer kept")
            failure.code = end.reason.partition(":")[0] or "output_not_found"
            raise failure
        return self._client._download(end)

    def save(self, path: str | Path, timeout: float = 3600.0) -> Path:
        """`wait(timeout)`, then writes the picture to `path`."""
        return self.wait(timeout).save(path)


class Client:
    """Talks to one Overpaint server.

    base_url  default: OVERPAINT_URL, else http://127.0.0.1:8000
    api_key   default: OVERPAINT_API_KEY
    timeout   seconds without a sign of life from the server, per request; never endless
    """

    def __init__(self, base_url: str | None = None, api_key: str | None = None, *, timeout: float = 60.0) -> None:
        self.base_url = (base_url or os.environ.get("OVERPAINT_URL") or DEFAULT_URL).rstrip("/")
        key = api_key or os.environ.get("OVERPAINT_API_KEY") or ""
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; tasks go on."""
        self._http.close()

    def submit(
        self,
        image: str | Path | bytes,
        prompt: str,
        *,
        seed: int = -1,
        output_format: str = "jpeg",
        steps: int | None = None,
        true_cfg_scale: float | None = None,
        negative_prompt: str | None = None,
        size: str | None = None,
        output_quality: int | None = None,
    ) -> EditTask:
        """Sends one picture and an instruction; durable on the server once this returns.

        image          a path, the file's bytes, or an http(s) URL that the server fetches; JPEG, PNG or WebP
        seed           0 … 2147483647, or -1: the server draws one
        output_format  jpeg, png or webp
        others         None = the checkpoint's own default

        Raises InvalidRequest, InvalidApiKey, NotPermitted, Busy, TryLater, Unreachable.
        """
        asked = {
            "steps": steps,
            "true_cfg_scale": true_cfg_scale,
            "negative_prompt": negative_prompt,
            "size": size,
            "output_quality": output_quality,
        }
        own = {name: value for name, value in asked.items() if value is not None}
        body: dict[str, Any] = {
            "prompt": prompt,
            "image": _image_string(image),
            "seed": seed,
            "output_format": output_format,
        }
        if own:
            body["extra"] = {"overpaint": own}
        answer = self._send("POST", self.base_url + SUBMIT, headers=self._headers, json=body)
        return EditTask(self, str(answer.json()["task_id"]))

    def task(self, task_id: str) -> EditTask:
        """A handle on an edit submitted earlier; asks nothing yet."""
        return EditTask(self, task_id)

    def _read(self, task_id: str) -> EditStatus:
        answer = self._send("GET", self.base_url + RESULT, headers=self._headers, params={"task_id": task_id}).json()
        task, extra = answer["task"], answer["extra"]
        ours = extra.get("overpaint", {})
        return EditStatus(
            status=_STATUS[task["status"]],
            reason=task["reason"],
            progress_percent=task["progress_percent"],
            eta_seconds=task["eta"],
            queue_position=ours.get("queue_position", 0),
            step=ours.get("step", 0),
            steps=ours.get("steps", 0),
            seed=int(extra["seed"]),
            urls=tuple(image["image_url"] for image in answer["images"]),
        )

    def _download(self, end: EditStatus) -> EditedPicture:
        url = end.urls[0]
        answer = self._send("GET", url)  # without the key: the signed link may lead to another host
        kind = answer.headers.get("content-type", "image/").removeprefix("image/")
        return EditedPicture(bytes=answer.content, format=kind, seed=end.seed, url=url)

    def _send(self, method: str, url: str, **request: Any) -> httpx2.Response:
        """One answer of status 200, after at most TRIES.

        Sent twice, a submit makes two edits: a POST is repeated only where surely nothing was accepted.
        """
        problem: OverpaintError = Unreachable(url=self.base_url)
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._http.request(method, url, **request)
            except httpx2.TransportError as fault:
                problem = Unreachable(url=self.base_url)
                is_repeatable = method == "GET" or isinstance(fault, httpx2.ConnectError | httpx2.ConnectTimeout)
                asked_pause = None
            except (httpx2.InvalidURL, ValueError):
                raise InvalidRequest(problem=f"{self.base_url} is not a URL.") from None
            else:
                if answer.status_code == httpx2.codes.OK:
                    return answer
                problem = _refusal(answer)
                is_repeatable = answer.status_code in (429, 503) or (
                    method == "GET" and (answer.status_code == 408 or answer.status_code >= 500)
                )
                asked_pause = _retry_after(answer)
            if not is_repeatable or attempt == TRIES:
                break
            time.sleep(_pause(attempt, asked_pause))
        raise problem


def _pause(attempt: int, asked: float | None) -> float:
    """Seconds before the next try: what the server asked for, else 0.25, 0.5, 1 …, scattered so that clients spread."""
    if asked is not None:
        return min(asked, LONGEST_PAUSE_SECONDS)
    return random.uniform(0.5, 1.5) * 0.25 * 2.0 ** (attempt - 1)


def _retry_after(answer: httpx2.Response) -> float | None:
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


def _refusal(answer: httpx2.Response) -> OverpaintError:
    """The server's error as one of ours, with its own sentence where it says more than the class does."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    said = str(body.get("message") or body.get("detail") or f"The server answered {answer.status_code}.")
    error = _by_status(answer.status_code, str(body.get("reason", "")), said)
    error.status = answer.status_code
    error.facts = {**error.facts, "request_id": answer.headers.get("x-request-id", "")}
    return error


def _by_status(status: int, reason: str, said: str) -> OverpaintError:
    if status in (401, 403):
        return NotPermitted(problem=said) if reason == "API_NOT_ALLOWED" else InvalidApiKey()
    if status == 404:
        return EditNotFound() if reason == "TASK_NOT_FOUND" else RouteNotFound()
    if status == 429:
        return Busy(problem=said)
    if status == 503:
        return TryLater()
    return InvalidRequest(problem=said) if status < 500 else OverpaintError()


def _image_string(image: str | Path | bytes) -> str:
    """What the wire calls an image string: a URL as it is, else the bytes in base64."""
    if isinstance(image, str) and image.lower().startswith(("http://", "https://", "data:")):
        return image
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    return base64.b64encode(data).decode("ascii")
