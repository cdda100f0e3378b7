"""OpenAPI 3.1 from the route table and the body structs: there is no second truth to keep in step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from overpaint import __version__
from overpaint.http.routes import Operation, Parameter

_REF = "#/components/schemas/{name}"


def document(operations: Iterable[Operation]) -> bytes:
    """The description of all routes, as JSON."""
    table = list(operations)
    structs = _structs(table)
    schemas, components = msgspec.json.schema_components(structs, ref_template=_REF)
    schema_of = dict(zip(structs, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schema_of)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Overpaint", "version": __version__, "license": {"name": "Apache-2.0"}},
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`Bearer <key>`."}},
            },
        }
    )


def _structs(operations: Iterable[Operation]) -> list[type]:
    found: dict[type, None] = {}
    for operation in operations:
        for kind in (operation.body, *(content for _, content in operation.answers.values())):
            if isinstance(kind, type):
                found[kind] = None
    return list(found)


def _described(operation: Operation, schema_of: dict[type, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [operation.dialect],
        "operationId": f"{operation.method.lower()}{operation.path.title()}".translate(
            {ord(character): None for character in "/{}-_:."}
        ),
        "responses": {str(status): _answer(*answer, schema_of) for status, answer in operation.answers.items()},
        "security": [{"key": [operation.scope]}] if operation.scope else [],
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body, schema_of)}
    parameters = [_parameter(parameter, "query") for parameter in operation.parameters]
    if "{" in operation.path:
        name = operation.path.partition("{")[2].removesuffix("}")
        parameters.append(_parameter(Parameter(name, "Part of the path."), "path"))
    if parameters:
        described["parameters"] = parameters
    return described


def _answer(sentence: str, content: type | str | None, schema_of: dict[type, Any]) -> dict[str, Any]:
    return {"description": sentence} | ({"content": _content(content, schema_of)} if content else {})


def _content(content: type | str, schema_of: dict[type, Any]) -> dict[str, Any]:
    if isinstance(content, str):
        return {content: {}}
    kind = "application/problem+json" if content.__name__ == "Problem" else "application/json"
    return {kind: {"schema": schema_of[content]}}


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": {"type": "string"},
    }
