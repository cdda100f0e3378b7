"""A closed loop of HTTP/1.1 connections in a process of its own: `python -m benchmarks.load < plan.json > result.json`.

Each connection sends its next request as soon as it has the answer, on a raw socket, so that little of the machine goes
into making load. Knows a plan (`Plan`) and counts (`Result`). Does not know who is measured.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
from base64 import b64encode
from typing import cast

import msgspec
import uvloop

GRACE_SECONDS = 30.0  #: for the last answers; then the measurement is void

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TASK_ID = re.compile(rb'"task_id" *: *"([^"]+)"')


class Plan(msgspec.Struct):
    """What to send, for how long."""

    port: int
    connections: int
    seconds: float
    path: str
    headers: dict[str, str] = {}
    picture: bytes = b""  #: submit this picture, each time with another prompt
    task_ids: list[str] = []  #: or read these, in random order


class Result(msgspec.Struct):
    """What came back."""

    answers: int
    refusals: int  #: answers other than 200
    seconds: float
    latencies_ms: list[float]
    task_ids: list[str]


class Requests:
    """Makes each request from parts prepared once: only the prompt or the id changes."""

    def __init__(self, plan: Plan) -> None:
        self._task_ids = plan.task_ids
        self._count = random.randrange(10**6) * 10**6
        headers = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **plan.headers}.items())
        if plan.task_ids:
            self._head, self._tail = f"GET {plan.path}?task_id=".encode(), f" HTTP/1.1\r\n{headers}\r\n".encode()
            return
        image = b64encode(plan.picture)
        self._tail = b'","seed":7,"image":"' + image + b'"}'
        prompt = b'{"prompt":"make it black and white, '
        length = len(prompt) + 12 + len(self._tail)
        line = (
            f"POST {plan.path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        self._head = line.encode() + prompt

    def next(self) -> bytes:
        if self._task_ids:
            return self._head + random.choice(self._task_ids).encode() + self._tail
        self._count += 1
        return self._head + b"%012d" % self._count + self._tail


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, requests: Requests, result: Result, end: float) -> None:
        self._requests, self._result, self._end = requests, result, end
        self._buffer = b""
        self._began = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._send()

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._requests.next())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._buffer, 0, head) if head >= 0 else None
        if length is None or len(self._buffer) < head + 4 + int(length[1]):
            return
        self._count(self._buffer)
        self._buffer = b""
        if time.perf_counter() < self._end:
            self._send()
        else:
            self._transport.close()

    def _count(self, answer: bytes) -> None:
        self._result.latencies_ms.append((time.perf_counter() - self._began) * 1000)
        if answer[9:12] == b"200":
            self._result.answers += 1
            if match := _TASK_ID.search(answer):
                self._result.task_ids.append(match[1].decode())
        else:
            self._result.refusals += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.done.set_result(None)


async def run(plan: Plan) -> Result:
    """Runs the plan on 127.0.0.1."""
    loop = asyncio.get_running_loop()
    result = Result(0, 0, 0.0, [], [])
    requests = Requests(plan)
    began = time.perf_counter()
    make = lambda: Connection(requests, result, began + plan.seconds)  # noqa: E731
    connections = [await loop.create_connection(make, "127.0.0.1", plan.port) for _ in range(plan.connections)]
    async with asyncio.timeout(plan.seconds + GRACE_SECONDS):
        await asyncio.gather(*(connection.done for _, connection in connections))
    result.seconds = time.perf_counter() - began
    return result


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)))
    sys.stdout.buffer.write(msgspec.json.encode(found))
