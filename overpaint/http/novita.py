"""The Novita dialect: request → domain → answer, and nothing decided in between.

Knows the dialect's routes, its words for a task's state and its name for each of our errors. Does not know how a
submit's body is read (`novita_orders`), nor limits or defaults of an edit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec

from overpaint.domain import Origin, Scope, Standing, Status
from overpaint.errors import (
    FAILURES,
    Draining,
    EditNotFound,
    ImageFetchFailed,
    ImageFileTooLarge,
    ImageResolutionTooHigh,
    ImageUrlNotAllowed,
    InvalidImage,
    InvalidImageSize,
    InvalidParameter,
    MalformedBody,
    OverpaintError,
    PayloadTooLarge,
    QueueFull,
    RateLimited,
    RequestTimeout,
    StorageFull,
    TryLater,
    UnsupportedMediaType,
    UnsupportedParameter,
)
from overpaint.http import bodies
from overpaint.http.novita_bodies import (
    Balance,
    Error,
    Event,
    EventExtra,
    EventWebhook,
    Result,
    ResultExtra,
    ResultImage,
    ResultOverpaint,
    ResultTask,
    SubmitBody,
    Submitted,
    User,
)
from overpaint.http.novita_orders import DIALECT, check_media_type, to_order
from overpaint.http.replies import Reply, json_reply, rate_limit
from overpaint.http.requests import Request
from overpaint.http.routes import Answer, Handler, Operation, Parameter
from overpaint.service.edits import Edits, Reading
from overpaint.service.pictures import off_loop
from overpaint.settings import Settings

PATHS = re.compile(r"/(?:v3|v3beta|openapi|openai)(?:/|$)")  #: where errors speak this dialect
SUBMIT, RESULT = "/v3/async/qwen-image-edit", "/v3/async/task-result"
SIBLINGS = ("qwen-image-edit-2509", "qwen-image-edit-2511")  #: answer only where that very model is served

STATUS = {
    Status.QUEUED: "TASK_STATUS_QUEUED",
    Status.PROCESSING: "TASK_STATUS_PROCESSING",
    Status.SUCCEEDED: "TASK_STATUS_SUCCEED",
    Status.FAILED: "TASK_STATUS_FAILED",
    Status.CANCELED: "TASK_STATUS_FAILED",  # four words in this dialect; `reason` says which it was
}

#: our code -> (HTTP status, reason); what is missing here is a bug of ours and answers 500
REASONS: dict[str, tuple[int, str]] = {
    "invalid_api_key": (403, "INVALID_API_KEY"),
    "forbidden": (403, "API_NOT_ALLOWED"),
    "route_not_found": (404, "API_NOT_FOUND"),
    "wrong_host": (404, "API_NOT_FOUND"),
    "method_not_allowed": (405, "METHOD_NOT_ALLOWED"),
    "edit_not_found": (404, "TASK_NOT_FOUND"),
    "output_not_found": (404, "TASK_NOT_FOUND"),
    "malformed_body": (400, "INVALID_REQUEST_BODY"),
    "invalid_request": (400, "INVALID_REQUEST_BODY"),
    "invalid_parameter": (400, "INVALID_REQUEST_BODY"),
    "unsupported_parameter": (400, "INVALID_REQUEST_BODY"),
    "unsupported_media_type": (400, "INVALID_REQUEST_BODY"),
    "request_timeout": (408, "INVALID_REQUEST_BODY"),
    "image_url_not_allowed": (400, "INVALID_REQUEST_BODY"),
    "image_fetch_failed": (400, "INVALID_REQUEST_BODY"),
    "payload_too_large": (400, "IMAGE_FILE_EXCEEDS_MAX_SIZE"),
    "image_file_too_large": (400, "IMAGE_FILE_EXCEEDS_MAX_SIZE"),
    "invalid_image": (400, "INVALID_IMAGE_FORMAT"),
    "image_resolution_too_high": (400, "IMAGE_EXCEEDS_MAX_RESOLUTION"),
    "invalid_image_size": (400, "INVALID_IMAGE_SIZE"),
    "queue_full": (429, "RATE_LIMIT_EXCEEDED"),
    "rate_limited": (429, "RATE_LIMIT_EXCEEDED"),
    "overloaded": (503, "SERVICE_UNAVAILABLE"),
    "draining": (503, "SERVICE_UNAVAILABLE"),
    "store_unavailable": (503, "SERVICE_UNAVAILABLE"),
    "storage_full": (503, "SERVICE_UNAVAILABLE"),
}
_TOLD = ("field", "task_id", "limit", "pixels")  # facts that go into `metadata`

_PLAIN_QUERY = re.compile(r"task_id=([0-9a-f-]{36})", re.ASCII)


def operations(
    settings: Settings, budget: bodies.Budget, edits: Edits, served: str, base: Callable[[Request], str]
) -> list[Operation]:
    """The dialect's part of the route table. `served` is the id of the served model, `base` gives a link's base."""

    async def submit(request: Request) -> Reply:
        check_media_type(request.header(b"content-type"))
        with budget.share() as share:
            body = await bodies.read(
                request, share, limit=settings.max_body_bytes, seconds=settings.body_timeout_seconds
            )
            order = await off_loop(len(body), to_order, body, base(request))
            origin = Origin(key_id=request.caller.key_id, request_id=request.id, traceparent=request.traceparent)
            task, quota = await edits.submit(request.caller, order, origin)
        reply = json_reply(Submitted(task.id))
        reply.headers.update(rate_limit(quota))
        return reply

    async def result(request: Request) -> Reply:
        reading = await edits.read(request.caller.owner, _task_id(request), base=base(request))
        return json_reply(to_result(reading))

    models = [SUBMIT, *(f"/v3/async/{name}" for name in SIBLINGS if name == served)]
    submitted = Answer(
        "The edit is stored.",
        Submitted,
        headers=("RateLimit", "RateLimit-Policy"),
        leads_to={RESULT: {"task_id": "$response.body#/task_id"}},
    )
    return [
        *(
            _operation("POST", path, submit, "Submit an edit.", submitted, refusals=_SUBMIT_REFUSALS, body=SubmitBody)
            for path in models
        ),
        _operation(
            "GET",
            RESULT,
            result,
            "Read a task.",
            Answer("As it stands.", Result),
            refusals=(InvalidParameter, EditNotFound),
            parameters=(_TASK_ID,),
        ),
        _operation("GET", "/v3/user", _constant(User()), "The key's account.", Answer("Constants.", User)),
        _operation(
            "GET",
            "/openapi/v1/billing/balance/detail",
            _constant(Balance()),
            "The key's balance.",
            Answer("Constants.", Balance),
        ),
    ]


def to_result(reading: Reading) -> Result:
    """Domain -> body of a task read. Reads nothing, decides nothing."""
    task = reading.standing
    return Result(
        extra=ResultExtra(
            seed=str(task.seed),
            overpaint=ResultOverpaint(
                model=task.checkpoint,
                queue_position=task.queue_position,
                step=task.steps if task.status is Status.SUCCEEDED else task.step,
                steps=task.steps,
                attempt=task.attempt,
                expired=True if task.is_expired else msgspec.UNSET,
            ),
        ),
        task=ResultTask(
            task_id=task.id,
            status=STATUS[task.status],  # type: ignore[arg-type]
            reason=_reason(task),
            eta=reading.eta_seconds,
            progress_percent=_percent(task),
        ),
        images=[
            ResultImage(image_url=link.url, image_url_ttl=str(link.ttl_seconds), image_type=link.format)  # type: ignore[arg-type]
            for link in reading.links
        ],
    )


def to_event(reading: Reading, url: str) -> bytes:
    """Domain -> body of a message to a webhook."""
    result = to_result(reading)
    extra = EventExtra(**msgspec.structs.asdict(result.extra), webhook=EventWebhook(url))
    return msgspec.json.encode(Event("ASYNC_TASK_RESULT", msgspec.structs.replace(result, extra=extra)))


def to_error(error: OverpaintError, path: str) -> tuple[int, Error]:
    """Our error -> this dialect's status and body."""
    status, reason = reason_of(error.code, path)
    told = {name: str(error.facts[name]) for name in _TOLD if name in error.facts}
    return status, Error(code=status, reason=reason, message=str(error), metadata=told)


def reason_of(code: str, path: str) -> tuple[int, str]:
    """The status and the word of one of our error codes on a path of this dialect."""
    return REASONS.get(code, (500, "GET_RESULT_FAILED" if path == RESULT else "CREATE_TASK_FAILED"))


def _reason(task: Standing) -> str:
    if task.status not in (Status.FAILED, Status.CANCELED):
        return ""
    code = task.error_code or ("canceled" if task.status is Status.CANCELED else "internal_error")
    sentence = task.error_text or FAILURES[code].sentence.format(attempts=task.attempt)
    return f"{code}: {sentence}"


def _percent(task: Standing) -> int:
    if task.status is Status.SUCCEEDED:
        return 100
    return 0 if task.status is Status.QUEUED else min(99, 100 * task.step // task.steps)


def _task_id(request: Request) -> str:
    plain = _PLAIN_QUERY.fullmatch(request.query)
    if plain:  # nearly every poll: a tenth of its time went into taking the query apart
        return plain[1]
    values = parse_qs(request.query, keep_blank_values=True).get("task_id", [""])
    if not values[-1]:
        raise InvalidParameter(field="task_id", problem="is required, as a query parameter")
    return values[-1]


_TASK_ID = Parameter("task_id", "The id that submit answered with.", form={"minLength": 1})
_SUBMIT_REFUSALS = (
    MalformedBody,
    InvalidParameter,
    UnsupportedParameter,
    UnsupportedMediaType,
    RequestTimeout,
    PayloadTooLarge,
    ImageFileTooLarge,
    InvalidImage,
    ImageResolutionTooHigh,
    InvalidImageSize,
    ImageUrlNotAllowed,
    ImageFetchFailed,
    TryLater,
    QueueFull,
    RateLimited,
    Draining,
    StorageFull,
)


def _operation(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    answer: Answer,
    *,
    refusals: tuple[type[OverpaintError], ...] = (),
    body: type | None = None,
    parameters: tuple[Parameter, ...] = (),
) -> Operation:
    return Operation(
        method=method,
        path=path,
        handler=handler,
        scope=Scope.SUBMIT if method == "POST" else Scope.READ,
        dialect=DIALECT,
        summary=summary,
        body=body,
        answers={200: answer},
        refusals=refusals,
        parameters=parameters,
    )


def _constant(answer: msgspec.Struct) -> Handler:
    async def constant(_: Request) -> Reply:
        return json_reply(answer)

    return constant
