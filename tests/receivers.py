"""Receivers of webhooks on loopback, of every temper: good, failing, hanging, resetting, redirecting, flooding."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

FLOOD_BYTES = 2**30


@dataclass(frozen=True)
class Post:
    """One request that arrived whole."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_with(self, secret: str) -> bool:
        """By the independent library, at whatever time it says it was sent."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        wanted = Webhook(secret).sign(self.id, at, self.body.decode())
        return wanted in self.headers["webhook-signature"].split(" ")


class Receiver:
    """`async with Receiver() as receiver:` one listener; the path of a URL says how it answers.

    /ok 200 · /500, /410 and so on · /hang never · /reset a reset · /redirect 302 to `trap` · /flood a gigabyte
    /busy 429 with Retry-After: 600 · /flaky 500, then 200 · /cut half an answer · /tls no TLS
    """

    def __init__(self, trap: str = "") -> None:
        self.posts: list[Post] = []
        self.trap = trap
        self.hanging = 0  #: requests held open now
        self.most_hanging = 0
        self.flooded = 0  #: bytes that somebody took of /flood
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

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
        self._connections.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                post = await _read(reader)
                self.posts.append(post)
                await self._answers(post.path.strip("/").split("/")[0])(writer, post)
                await writer.drain()
        finally:
            self._connections.discard(task)
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
        self.hanging += 1
        self.most_hanging = max(self.hanging, self.most_hanging)
        try:
            await asyncio.Event().wait()
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
    return Post(path, headers, await reader.readexactly(int(headers["content-length"])))


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


def duplicates(ids: Iterable[str]) -> dict[str, int]:
    """Ids that came more than once, and how often."""
    return {each: times for each, times in Counter(ids).items() if times > 1}
