"""What a caller owes: a head of bounded size in bounded time, little framing, the rest of a body soon. No sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from overpaint.http.protocol import MAX_HEAD_BYTES, PATIENCE_SECONDS, GatheringProtocol

pytestmark = pytest.mark.anyio

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


class Wire(asyncio.Transport):
    """A transport that remembers what was written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def writelines(self, parts: Any) -> None:
        self.written += b"".join(parts)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Clock:
    """The event loop, but its timers go off when the test says."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.timers: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        handle = self._loop.call_later(3600, call)
        self.timers.append((seconds, call, handle))
        return handle

    @property
    def pending(self) -> list[Callable[[], None]]:
        """Timers of ours that are set; uvicorn's keep-alive is another."""
        return [call for seconds, call, handle in self.timers if seconds == PATIENCE_SECONDS and not handle.cancelled()]

    def ring(self) -> None:
        (call,) = self.pending
        self.timers.clear()
        call()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


class Conversation:
    """A connection, and what the application behind it was asked."""

    def __init__(self, *, reads: bool, state: ServerState | None = None) -> None:
        self.reads = reads
        self.asked = 0
        self.body = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.clock = Clock()
        self.wire = Wire()
        config = uvicorn.Config(
            self._answer, interface="asgi3", proxy_headers=False, lifespan="off", ws="none", log_config=None
        )
        self.protocol = GatheringProtocol(config, state or ServerState(), {}, _loop=self.clock)  # type: ignore[arg-type]
        self.protocol.connection_made(self.wire)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        more = self.reads
        while more:
            message = await receive()
            self.body += len(message.get("body", b""))
            more = message.get("more_body", False)
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def hear(self, *parts: bytes) -> Conversation:
        for part in parts:
            if not self.wire.is_closed:
                self.protocol.data_received(part)
            for _ in range(5):
                await asyncio.sleep(0)
        return self


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_an_ordinary_request_leaves_nothing_to_wait_for() -> None:
    talk = await Conversation(reads=True).hear(HEAD + b"Content-Length: 2\r\n\r\n{}", HEAD + b"\r\n")
    assert (talk.asked, talk.body, talk.wire.is_closed, talk.clock.pending) == (2, 2, False, [])


async def test_who_says_nothing_or_half_a_head_is_hung_up_on() -> None:
    for said in ([], [HEAD], [HEAD + b"\r\n", HEAD[:3]], [HEAD, b"A: b\r\n"]):
        talk = await Conversation(reads=True).hear(*said)
        talk.clock.ring()
        assert talk.wire.is_closed


async def test_a_connection_too_many_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overpaint.http.protocol.MAX_CONNECTIONS", 2)
    state = ServerState()
    talks = [Conversation(reads=True, state=state) for _ in range(3)]
    assert [talk.wire.is_closed for talk in talks] == [False, False, True]
    for talk in talks:
        talk.protocol.connection_lost(None)
    assert talk.clock.pending == []
    assert not Conversation(reads=True, state=state).wire.is_closed


async def test_a_head_that_comes_byte_by_byte_is_a_head() -> None:
    talk = await Conversation(reads=True).hear(*(bytes((byte,)) for byte in HEAD + b"\r\n"))
    assert (talk.asked, talk.clock.pending) == (1, [])


@pytest.mark.parametrize("step", [1000, 10**6])
@pytest.mark.parametrize(
    "long",
    [
        b"GET /" + b"a" * MAX_HEAD_BYTES,
        HEAD + b"A: " + b"b" * MAX_HEAD_BYTES,
        HEAD + b"A: b\r\n" * (MAX_HEAD_BYTES // 5),
        HEAD + b"A: b\r\n" * (MAX_HEAD_BYTES // 5) + b"\r\n",
    ],
)
async def test_a_head_too_long_is_refused_and_nobody_is_asked(long: bytes, step: int) -> None:
    talk = await Conversation(reads=True).hear(*(long[at : at + step] for at in range(0, len(long), step)))
    assert talk.wire.is_closed
    assert talk.wire.written.startswith(b"HTTP/1.1 400 ")
    assert talk.asked == 0


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("frame", [b"5;" + b"x" * 9000, b"0\r\n" + b"A: b\r\n" * 1500, b"0\r\nA: " + b"b" * 9000])
async def test_framing_without_end_is_hung_up_on(reads: bool, frame: bytes) -> None:
    more = [frame[-6000:]] * 8
    talk = await Conversation(reads=reads).hear(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", frame, *more)
    assert talk.wire.is_closed


async def test_a_large_body_in_chunks_is_a_body() -> None:
    chunk = b"1000\r\n" + bytes(4096) + b"\r\n"
    small = b"1\r\nx\r\n"
    parts = [chunk * 16] * 20 + [small * 1000] * 20 + [b"0\r\n\r\n"]
    talk = await Conversation(reads=True).hear(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *parts)
    assert (talk.body, talk.wire.is_closed) == (4096 * 16 * 20 + 20_000, False)
    assert talk.wire.written.startswith(b"HTTP/1.1 200 ")


async def test_the_rest_of_a_body_that_was_answered_unread_is_waited_for_but_not_for_ever() -> None:
    talk = await Conversation(reads=False).hear(HEAD + b"Content-Length: 9\r\n\r\n", b"1234")
    assert talk.wire.written.startswith(b"HTTP/1.1 200 ")
    assert not talk.wire.is_closed
    await talk.hear(b"5678")
    talk.clock.ring()
    assert talk.wire.is_closed
    talk = await Conversation(reads=False).hear(HEAD + b"Content-Length: 9\r\n\r\n", b"123456789", HEAD + b"\r\n")
    assert (talk.asked, talk.clock.pending, talk.wire.is_closed) == (2, [], False)


async def test_who_asks_ahead_in_part_still_gets_the_answer_under_way() -> None:
    talk = Conversation(reads=True)
    talk.may_answer.clear()
    await talk.hear(HEAD + b"\r\n", HEAD)
    talk.clock.ring()
    assert not talk.wire.is_closed
    talk.may_answer.set()
    await talk.hear(b"A: b\r\n")
    assert talk.wire.written.startswith(b"HTTP/1.1 200 ")
    talk.clock.ring()
    assert talk.wire.is_closed
