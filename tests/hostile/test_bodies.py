"""Bad requests on a real socket: each gets a 4xx in the caller's dialect or a closed door, and the server lives on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from overpaint.errors import RequestTimeout
from overpaint.http import bodies
from overpaint.http.requests import Request
from tests.figures import figures
from tests.hostile.requests import ANY, BAD, SILENT, Wire, framing, order, post
from tests.hostile.requests import bodies as bad_bodies
from tests.http.test_process import head
from tests.http.world import SECRET, SUBMIT, ServerProcess, World, base64_of, photo
from tests.secrecy import REVEALING

pytestmark = pytest.mark.anyio

Serve = Callable[..., ServerProcess]
MakeWorld = Callable[..., Awaitable[World]]
IMAGE = base64_of(photo())
MAX_RESIDENT_BYTES = 500 * 2**20


def exchange(server: ServerProcess, data: bytes, *, hangs_up: bool = False) -> bytes:
    """All that comes back until the server closes; who hangs up says first that nothing more will come."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as wire:
        with contextlib.suppress(OSError):  # closed in our face
            wire.sendall(data)
            if hangs_up:
                wire.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := wire.recv(65_536):
                answer += piece
    return answer


@pytest.mark.parametrize("part", ["bodies", "framing"])
def test_what_is_wrong_is_refused_and_the_server_lives_on(serve: Serve, part: str) -> None:
    server = serve()
    good = head(SUBMIT).removesuffix(b"\r\n\r\n")
    wires = list(bad_bodies(good, IMAGE) if part == "bodies" else framing(good, IMAGE))
    answers: Counter[str] = Counter()
    wrong: list[tuple[str, bytes]] = []
    for wire in wires:
        answer = exchange(server, wire.data, hangs_up=wire.fate == SILENT)
        status = answer[9:12].decode("latin-1")
        answers[status or "closed"] += 1
        if not _is_right(wire, status, answer) or REVEALING.search(answer):
            wrong.append((wire.name, answer[:300]))
    resident = _resident_bytes(server)
    figures(
        row=f"bodies, {part}",
        requests=len(wires),
        wrong=len(wrong),
        answers=dict(sorted(answers.items())),
        server_peak=f"{resident / 2**20:.0f} MiB",
    )
    assert wrong == []
    assert exchange(server, post(good, order(IMAGE)))[9:12] == b"200"
    assert resident < MAX_RESIDENT_BYTES
    log = server.log()
    assert "Traceback" not in log
    assert SECRET not in log
    for line in log.splitlines():
        assert json.loads(line)["level"] != "error", line


def _is_right(wire: Wire, status: str, answer: bytes) -> bool:
    if not status:
        return wire.fate not in (BAD, ANY)
    if status.startswith("4"):
        body = answer.partition(b"\r\n\r\n")[2]
        if body == b"Invalid HTTP request received.":  # it was no HTTP, so no dialect either
            return status == "400"
        with contextlib.suppress(ValueError):
            told: dict[str, Any] = json.JSONDecoder().raw_decode(body.decode())[0]
            return told.get("code") == int(status) or told.get("status") == int(status)
        return False
    return wire.fate == ANY and status[0] in "123"


def _resident_bytes(server: ServerProcess) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024


class Sender:
    """An ASGI caller whose body comes when the test says."""

    def __init__(self, world: World, *headers: tuple[bytes, bytes]) -> None:
        self._parts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        authorization = (b"authorization", world.key.encode())
        scope = {
            "type": "http", "method": "POST", "path": SUBMIT, "raw_path": SUBMIT.encode(), "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), authorization, *headers], "scheme": "http",
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
        }  # fmt: skip
        self.task = asyncio.create_task(world.app(scope, self._parts.get, self._hear))

    async def _hear(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])

    def send(self, part: bytes, *, more: bool = True) -> None:
        self._parts.put_nowait({"type": "http.request", "body": part, "more_body": more})

    def hang_up(self) -> None:
        self._parts.put_nowait({"type": "http.disconnect"})

    async def taken(self) -> None:
        """Once all that was sent has been read."""
        while not self._parts.empty():
            await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)

    async def answer(self) -> int:
        await self.task
        return self.status


async def test_bodies_in_flight_have_one_budget(make_world: MakeWorld) -> None:
    body = order(IMAGE)
    world = await make_world(body_bytes_in_flight=len(body) + 20)
    first = Sender(world)
    first.send(body[:40])
    await first.taken()
    declared = Sender(world, (b"content-length", b"%d" % len(body)))  # nothing of it was sent
    assert await declared.answer() == 503
    assert declared.headers[b"retry-after"].isdigit()
    counted = Sender(world)
    counted.send(body, more=False)
    assert await counted.answer() == 503
    first.send(body[40:], more=False)
    assert await first.answer() == 200
    for _ in range(3):  # what was taken is given back, after an answer, a refusal and a lost caller
        gone = Sender(world)
        gone.send(body[:-1])
        gone.hang_up()
        await gone.answer()
        bad = Sender(world)
        bad.send(body[:-1], more=False)
        assert await bad.answer() == 400
        again = Sender(world)
        again.send(body, more=False)
        assert await again.answer() == 200


async def test_a_body_that_comes_too_slowly_is_given_up_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.02)
    sender = Sender(world)
    sender.send(b"{")
    assert await sender.answer() == 408


async def test_a_body_that_comes_fast_enough_may_take_longer_than_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(bodies, "SLOWEST_BYTES_PER_SECOND", 1)
    parts = [b"x" * 60, b"y"]

    async def receive() -> dict[str, Any]:
        if len(parts) == 1:
            await asyncio.sleep(0.1)  # twice the grace, but 60 bytes have earned a minute
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    request = Request({"method": "POST", "path": "/", "headers": []}, receive)
    with bodies.Budget(1000).share() as share:
        assert await bodies.read(request, share, limit=100, seconds=30) == b"x" * 60 + b"y"
        parts[:] = [b"x" * 60, b"y"]
        with pytest.raises(RequestTimeout, match=r"0\.05 s"):
            await bodies.read(request, share, limit=100, seconds=0.05)


async def test_a_limit_of_the_budget_holds_whatever_is_declared() -> None:
    budget = bodies.Budget(100)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(60), "more_body": False}

    lying = Request({"method": "POST", "path": "/", "headers": [(b"content-length", b"1")]}, receive)
    with budget.share() as share:
        await bodies.read(lying, share, limit=1000, seconds=1)
        assert (budget.used, share.size) == (60, 60)
    assert budget.used == 0
