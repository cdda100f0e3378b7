"""uvicorn's HTTP protocol, each answer in one packet, and each caller held to its part of a request.

uvicorn writes an answer's head and its body apart, and uvloop sends at once what it is given: two system calls of ours
and two wake-ups of the caller, together a quarter of what uvicorn takes for a small answer. And it bounds neither the
bytes nor the time of a head, of what frames a body, and of a body that nobody reads any more; the body that is read,
its reader bounds. Knows transports and the parser. Does not know routes.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 * 2**10  #: of a request's line and headers, and of all that frames a body
CHUNK_FRAME_BYTES = 12  #: allowed for each piece of a body
_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
MAX_CONNECTIONS = 100_000 if _FILES == resource.RLIM_INFINITY else _FILES * 3 // 4  #: the rest is for the store's files
PATIENCE_SECONDS = 10.0  #: for a whole head, and for the rest of a body that was answered unread


class GatheringProtocol(HttpToolsProtocol):
    """What is written within one turn of the event loop leaves together."""

    _framing = 0  #: bytes of this request that were no body
    _is_body = False  #: the head is whole, the body is not
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        gathering = _Gathering(cast(asyncio.Transport, transport), self.loop)
        super().connection_made(cast(asyncio.Transport, gathering))
        self._begin_waiting()
        if len(self.connections) > MAX_CONNECTIONS:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._end_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._framing += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._framing > MAX_HEAD_BYTES:
            self._refuse()
        elif self._framing and not self._is_body and self._patience is None:  # a head that came in part
            self._begin_waiting()

    def on_headers_complete(self) -> None:
        """Called by the parser. An error raised here is answered with 400."""
        if self._framing > MAX_HEAD_BYTES and len(self.url) + sum(map(_size, self.headers)) > MAX_HEAD_BYTES:
            raise ValueError("head too large")
        self._is_body = True
        self._end_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Called by the parser, for each piece."""
        self._framing = max(0, self._framing - len(body) - CHUNK_FRAME_BYTES)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._is_body, self._framing = False, 0
        self._end_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called when an answer is written."""
        super().on_response_complete()
        if self._is_body and self.cycle.response_complete and not self.transport.is_closing():
            self._begin_waiting()  # closed at once, the caller who still sends might never read the answer

    def _refuse(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.send_400_response("Invalid HTTP request received.")
        else:
            self.transport.close()

    def _begin_waiting(self) -> None:
        self._patience = self.loop.call_later(PATIENCE_SECONDS, self._lose_patience)

    def _end_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:  # it asks ahead, and its last answer is still being made
            self._begin_waiting()


def _size(header: tuple[bytes, bytes]) -> int:
    name, value = header
    return len(name) + len(value) + 4


class _Gathering:
    """A transport in all but `write`, which waits for the end of the turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing  # asked for at every answer

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():  # else the caller went away meanwhile
            self._transport.writelines(parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
