"""Receivers of webhooks on loopback, of every temper: good, failing, hanging, resetting, redirecting, flooding."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

FLOOD_BYTES = 2**30


@dataclass(frozen=True)
class Post:
    """One request that arrived whole."""

    path: str
    headers: dict[str, str]
    body: bytes
    arrived_at: float  #: unix seconds

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def is_signed_with(self, secret: str) -> bool:
        """By the independent library, at whatever time it says it was sent."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        wanted = Webhook(secret).sign(self.id, at, self.body.decode())
        return wanted in self.headers["webhook-signature"].split(" ")


class Receiver:
    """`async with Receiver() as receiver:` one listener; the path of a URL says how it answers.

    /ok 200 · /500, /410 and so on · /hang never · /reset a reset · /redirect 302 to `trap` · /flood a gigabyte
    /busy 429 with Retry-After: 600 · /flaky 500, then 200 · /cut half an answer
    """

    def __init__(self, trap: str = "", *, certificate: Path | None = None) -> None:
        self.posts: list[Post] = []
        self.trap = trap
        self.tls: ssl.SSLContext | None = None
        if certificate is not None:
            self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.tls.load_cert_chain(certificate)
        self.hanging = 0  #: requests held open now
        self.most_hanging = 0
        self.flooded = 0  #: bytes that somebody took of /flood
        self.is_cured = False  #: set: /hang answers 200
        self._connections: dict[asyncio.StreamWriter, tuple[asyncio.StreamReader, asyncio.Task[None]]] = {}

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for _, connection in self._connections.values():
            connection.cancel()

    def url(self, path: str) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/{path}"

    def ids(self, path: str) -> list[str]:
        """Of the posts to a path, in the order of their arrival."""
        return [post.id for post in self.posts if post.path == f"/{path}"]

    async def until(self, what: Callable[[], bool]) -> None:
        """Waits; a test that waits in vain is ended by its own time limit."""
        async with asyncio.timeout(120):
            while not what():
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[writer] = reader, task
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                post = await _read(reader)
                self.posts.append(post)
                await self._answers(post.path.strip("/").split("/")[0])(writer, post)
                await writer.drain()
        finally:
            del self._connections[writer]
            writer.close()

    def _answers(self, name: str) -> Callable[[asyncio.StreamWriter, Post], Awaitable[None]]:
        if name.isdigit():
            return _status(int(name))
        return {
            "ok": _status(200),
            "busy": _status(429, "retry-after: 600"),
            "redirect": _status(302, f"location: {self.trap}"),
            "hang": self._hang,
            "reset": _reset,
            "flood": self._flood,
            "cut": _cut,
            "flaky": self._flaky,
        }[name]

    async def _hang(self, writer: asyncio.StreamWriter, post: Post) -> None:
        if self.is_cured:
            await _status(200)(writer, post)
            return
        self.hanging += 1
        self.most_hanging = max(self.hanging, self.most_hanging)
        try:
            await self._connections[writer][0].read()  # until the other side hangs up
        finally:
            self.hanging -= 1

    async def _flood(self, writer: asyncio.StreamWriter, post: Post) -> None:
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n" % FLOOD_BYTES)
        while self.flooded < FLOOD_BYTES:
            writer.write(bytes(2**16))
            await writer.drain()
            self.flooded += 2**16

    async def _flaky(self, writer: asyncio.StreamWriter, post: Post) -> None:
        is_first = Counter(self.ids(post.path.strip("/")))[post.id] == 1
        await _status(500 if is_first else 200)(writer, post)


async def _read(reader: asyncio.StreamReader) -> Post:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    method, path, _ = first.split(" ")
    assert method == "POST"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    return Post(path, headers, await reader.readexactly(int(headers["content-length"])), time.time())


def _status(code: int, *headers: str) -> Callable[[asyncio.StreamWriter, Post], Awaitable[None]]:
    async def answer(writer: asyncio.StreamWriter, _: Post) -> None:
        lines = (f"HTTP/1.1 {code} X", "content-length: 0", *headers)
        writer.write("\r\n".join((*lines, "", "")).encode())

    return answer


async def _reset(writer: asyncio.StreamWriter, _: Post) -> None:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _cut(writer: asyncio.StreamWriter, _: Post) -> None:
    writer.write(b"HTTP/1.1 20")
