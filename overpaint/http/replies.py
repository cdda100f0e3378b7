"""Answers, made and sent: JSON from structs, and the error shape of everything outside a foreign dialect (RFC 9457).

Knows ASGI's words for an answer. Does not know who asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec

from overpaint.domain import Quota
from overpaint.errors import InvalidApiKey, OverpaintError
from overpaint.http.requests import Send

_encoder = msgspec.json.Encoder()
_JSON = b"application/json"


@dataclass(slots=True)
class Reply:
    """An answer that is not yet sent, whole or in pieces. Header names are in lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes | AsyncGenerator[bytes] = b""

    async def send(self, send: Send) -> None:
        """Once, to its end; what the pieces raise leaves half an answer behind."""
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers.items()]})
        if isinstance(self.body, bytes):
            await send({"type": "http.response.body", "body": self.body})
            return
        async with contextlib.aclosing(self.body) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


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


def bytes_reply(content: bytes, media_type: bytes, status: int = 200) -> Reply:
    """The bytes as they are."""
    return Reply(status, {b"content-type": media_type, b"content-length": b"%d" % len(content)}, content)


def json_reply(body: object, status: int = 200, media_type: bytes = _JSON) -> Reply:
    """A struct or plain value as JSON."""
    return bytes_reply(_encoder.encode(body), media_type, status)


def rate_limit(quota: Quota | None) -> dict[bytes, bytes]:
    """What is left of a minute's submits, as headers (draft-ietf-httpapi-ratelimit-headers); none without a limit."""
    if quota is None:
        return {}
    return {
        b"ratelimit-policy": b'"submit";q=%d;w=60' % quota.limit,
        b"ratelimit": b'"submit";r=%d;t=%d' % (quota.remaining, quota.reset_seconds),
    }


def problem_reply(error: OverpaintError, request_id: str) -> Reply:
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
    reply = json_reply(body, error.status, b"application/problem+json")
    if isinstance(error, InvalidApiKey):
        reply.headers[b"www-authenticate"] = b"Bearer"
    return reply
