"""OpenAPI 3.1 from the route table, the body structs and the error classes: there is no second truth to keep in step.

Knows OpenAPI's words, and what the front puts on every answer. Does not know any route.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from overpaint import __version__
from overpaint.errors import (
    InvalidApiKey,
    OverpaintError,
    RateLimited,
    ScopeMissing,
    StoreUnavailable,
    TryLater,
    WrongHost,
)
from overpaint.http import novita
from overpaint.http.novita_bodies import Error
from overpaint.http.replies import Problem
from overpaint.http.routes import Answer, Operation, Parameter

_REF = "#/components/schemas/{name}"
_ANY = (OverpaintError, WrongHost)  #: what any request may meet
_KEYED = (InvalidApiKey, ScopeMissing, StoreUnavailable)  #: and what any may that needs a key
_EVERY_ANSWER = ("X-Request-Id", "X-Content-Type-Options", "Cache-Control")
_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Accept-Ranges": ("Parts may be asked for.", {"const": "bytes"}),
    "Access-Control-Allow-Origin": ("Any page may show it.", {"const": "*"}),
    "Cache-Control": ("Who may keep it, and how long.", {"type": "string", "pattern": "^(no-store|private, max-age=)"}),
    "Content-Disposition": ("A name to save it under.", {"type": "string", "pattern": '^inline; filename="'}),
    "Content-Range": ("Which bytes, of how many.", {"type": "string", "pattern": "^bytes ([0-9]+-[0-9]+|[*])/[0-9]+$"}),
    "Content-Security-Policy": ("A picture, and no page.", {"const": "default-src 'none'; sandbox"}),
    "ETag": ("Its SHA-256.", {"type": "string", "pattern": '^"[0-9a-f]{64}"$'}),
    "RateLimit": (
        "Submits left of a minute's, and the seconds until all are there again; where there is such a limit.",
        {"type": "string", "pattern": '^"submit";r=[0-9]+;t=[0-9]+$'},
    ),
    "RateLimit-Policy": (
        "How many submits a minute may have; where there is such a limit.",
        {"type": "string", "pattern": '^"submit";q=[0-9]+;w=60$'},
    ),
    "Retry-After": ("Seconds to wait before the next try.", {"type": "integer", "minimum": 1, "maximum": 86400}),
    "WWW-Authenticate": ("How to bring a key.", {"const": "Bearer"}),
    "X-Content-Type-Options": ("Believe `Content-Type`.", {"const": "nosniff"}),
    "X-Request-Id": (
        "Yours if it has this form, else a new one; the log has it too.",
        {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    ),
}


_MAY_BE_MISSING = ("RateLimit", "RateLimit-Policy")


def document(operations: Iterable[Operation]) -> bytes:
    """The description of all routes, as JSON."""
    table = list(operations)
    answers = {operation: _answers(operation) for operation in table}
    structs = _structs(answers)
    schemas, components = msgspec.json.schema_components(structs, ref_template=_REF)
    schema_of = dict(zip(structs, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        described = _described(operation, answers[operation], schema_of)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Overpaint", "version": __version__, "license": {"name": "Apache-2.0"}},
            "paths": paths,
            "components": {
                "schemas": components,
                "headers": {name: _header(name, *told) for name, told in _HEADERS.items()},
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`Bearer <key>`."}},
            },
        }
    )


def _answers(operation: Operation) -> dict[int, Answer]:
    """What the operation says itself, and one answer for all refusals of a status."""
    by_status: dict[int, dict[str, tuple[str, ...]]] = {}
    shape: type = Problem
    for kind in (*_ANY, *(_KEYED if operation.scope else ()), *operation.refusals):
        status, word = kind.status, kind.code
        if novita.PATHS.match(operation.path):
            status, word = novita.reason_of(kind.code, operation.path)
            shape = Error
        by_status.setdefault(status, {})[word] = _headers_of(kind, shape)
    refused = {
        status: Answer(f"One of: {', '.join(f'`{word}`' for word in words)}.", shape, next(iter(words.values())))
        for status, words in by_status.items()
    }
    return dict(sorted({**refused, **operation.answers}.items()))


def _headers_of(kind: type[OverpaintError], shape: type) -> tuple[str, ...]:
    if issubclass(kind, RateLimited):
        return ("Retry-After", *_MAY_BE_MISSING)
    if issubclass(kind, TryLater):
        return ("Retry-After",)
    return ("WWW-Authenticate",) if issubclass(kind, InvalidApiKey) and shape is Problem else ()


def _structs(answers: Mapping[Operation, Mapping[int, Answer]]) -> list[type]:
    found: dict[type, None] = {}
    for operation, told in answers.items():
        for kind in (operation.body, *(answer.content for answer in told.values())):
            if isinstance(kind, type):
                found[kind] = None
    return list(found)


def _described(operation: Operation, answers: Mapping[int, Answer], schema_of: Mapping[type, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.dialect],
        "operationId": _id(operation.method, operation.path),
        "responses": {str(status): _answer(answer, schema_of) for status, answer in answers.items()},
        "security": [{"key": [operation.scope]}] if operation.scope else [],
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body, schema_of)}
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    return described


def _id(method: str, path: str) -> str:
    return method.lower() + re.sub(r"[^A-Za-z0-9]", "", path.title())


def _answer(answer: Answer, schema_of: Mapping[type, Any]) -> dict[str, Any]:
    named = (*_EVERY_ANSWER, *answer.headers)
    described: dict[str, Any] = {
        "description": answer.sentence,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in named},
    }
    if answer.content:
        described["content"] = _content(answer.content, schema_of)
    if answer.leads_to:
        described["links"] = {
            _id("", path): {"operationId": _id("get", path), "parameters": parameters}
            for path, parameters in answer.leads_to.items()
        }
    return described


def _content(content: type | tuple[str, ...], schema_of: Mapping[type, Any]) -> dict[str, Any]:
    if isinstance(content, tuple):
        return {kind: {} for kind in content}
    kind = "application/problem+json" if content is Problem else "application/json"
    return {kind: {"schema": schema_of[content]}}


def _header(name: str, sentence: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": sentence, "required": name not in _MAY_BE_MISSING, "schema": schema}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": True,
        "description": parameter.description,
        "schema": {"type": "string", **parameter.form},
    }
