"""Answers as bytes: JSON from structs, and the error shape of everything outside a foreign dialect (RFC 9457)."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from overpaint.errors import InvalidApiKey, OverpaintError

_encoder = msgspec.json.Encoder()
_JSON = "application/json"


class FieldProblem(msgspec.Struct):
    """One field that is not as it should be."""

    field: str
    message: str


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`code` is stable: branch on it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] = []
    hint: str = ""
    request_id: str


def json_reply(body: object, status: int = 200, media_type: str = _JSON) -> Response:
    """A struct or plain value as JSON."""
    return Response(_encoder.encode(body), status, media_type=media_type)


def problem_reply(error: OverpaintError, request_id: str) -> Response:
    """The error as problem+json."""
    field = error.facts.get("field")
    body = Problem(
        type=f"/docs/errors#{error.code}",
        title=error.code.replace("_", " ").capitalize(),
        status=error.status,
        code=error.code,
        detail=str(error),
        errors=[FieldProblem(str(field), str(error.facts.get("problem", error)))] if field else [],
        hint=error.hint,
        request_id=request_id,
    )
    reply = json_reply(body, error.status, "application/problem+json")
    if isinstance(error, InvalidApiKey):
        reply.headers["www-authenticate"] = "Bearer"
    return reply
