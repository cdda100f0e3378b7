"""One table of routes: dispatching, metrics and OpenAPI are all read from it.

Knows what an operation is. Does not know any operation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, for the reference."""

    name: str
    description: str
    is_required: bool = True


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path: what answers it, and what the reference says of it."""

    method: str
    path: str
    handler: Handler
    dialect: str
    summary: str
    needs_key: bool = True
    body: type | None = None  #: msgspec struct of the JSON body
    answers: Mapping[int, tuple[str, type | str | None]] = field(default_factory=dict)  #: status -> sentence, content
    parameters: tuple[Parameter, ...] = ()

    def route(self) -> Route:
        """Starlette's own routing decides 404, 405 and HEAD."""
        return Route(self.path, self, methods=[self.method])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.handler(Request(scope, receive))
        await response(scope, receive, send)
