"""One table of routes: dispatching, metrics and OpenAPI are all read from it.

Knows what an operation is and how a path finds it. Does not know any operation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from overpaint.domain import Scope
from overpaint.errors import MethodNotAllowed, OverpaintError, RouteNotFound
from overpaint.http.replies import Reply
from overpaint.http.requests import Request

Handler = Callable[[Request], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, for the reference."""

    name: str
    description: str
    place: Literal["query", "path"] = "query"
    form: Mapping[str, object] = field(default_factory=dict)  #: JSON Schema of the string


@dataclass(frozen=True, slots=True)
class Answer:
    """What may come back, for the reference."""

    sentence: str
    content: type | tuple[str, ...] | None = None  #: msgspec struct of the JSON body, or media types
    headers: tuple[str, ...] = ()  #: names, beside those that every answer has
    leads_to: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: path -> parameter -> where it stands


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """One method of one path: what answers it, and what the reference says of it."""

    method: str
    path: str  #: from its first `{` on it stands for anything that may follow, slashes included
    handler: Handler
    dialect: str
    summary: str
    scope: Scope | None  #: of the caller's key, checked before the handler is called; None: no key is needed
    body: type | None = None  #: msgspec struct of the JSON body
    answers: Mapping[int, Answer] = field(default_factory=dict)  #: by status
    refusals: tuple[type[OverpaintError], ...] = ()  #: beside those that any request may meet, and any with a key
    parameters: tuple[Parameter, ...] = ()


class Routes:
    """Finds the operation that answers a request. What answers GET answers HEAD."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._exact: dict[str, dict[str, Operation]] = {}
        self._below: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            path, is_prefix, _ = operation.path.partition("{")
            methods = (self._below if is_prefix else self._exact).setdefault(path, {})
            for method in ("GET", "HEAD") if operation.method == "GET" else (operation.method,):
                methods[method] = operation

    def find(self, method: str, path: str) -> Operation:
        """Raises RouteNotFound, and MethodNotAllowed with the allowed ones among its facts."""
        methods = self._exact.get(path) or self._methods_below(path)
        operation = methods.get(method)
        if operation is None:
            raise MethodNotAllowed(method=method, allow=", ".join(methods))
        return operation

    def _methods_below(self, path: str) -> dict[str, Operation]:
        for prefix, methods in self._below.items():
            if path.startswith(prefix):
                return methods
        raise RouteNotFound()
