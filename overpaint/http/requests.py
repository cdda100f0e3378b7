"""A request as the server hands it over: its line and headers are here, its body is still to come.

Knows ASGI's words for a request. Does not know routes, limits, or what any header but `traceparent` means.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from overpaint.service.access import Caller

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class ClientDisconnect(Exception):
    """The caller went away before the body was whole."""


class Request:
    """What handlers read. `path` is percent-decoded, `raw_path` and `query` are as they came."""

    __slots__ = ("_headers", "caller", "id", "method", "path", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.caller: Caller  #: given to it by the front, on routes that ask for a scope
        self.id = ""  #: given to it by the front; stands in the answer and on log lines
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self._headers: dict[bytes, bytes] = dict(scope["headers"])  # of equal names the last

    def header(self, name: bytes, default: str = "") -> str:
        """A header by its name in lower case."""
        value = self._headers.get(name)
        return default if value is None else value.decode("latin-1")

    @property
    def traceparent(self) -> str:
        """W3C Trace Context, if the caller sent a valid one; else empty."""
        given = self.header(b"traceparent")
        return given if _TRACEPARENT.fullmatch(given) else ""

    @property
    def raw_path(self) -> str:
        path: bytes = self.scope["raw_path"]
        return path.decode("latin-1")

    @property
    def query(self) -> str:
        query: bytes = self.scope["query_string"]
        return query.decode("latin-1")
