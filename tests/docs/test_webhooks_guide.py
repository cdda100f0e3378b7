"""The receivers that the guide shows take what the server sends, and nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from overpaint.domain import MessageState
from overpaint.service.links import root_secret
from overpaint.service.webhooks import Secrets, signatures
from tests.docs.test_examples import blocks
from tests.http.world import World
from tests.receivers import Receiver

pytestmark = pytest.mark.anyio
GUIDE = "docs/guides/webhooks.md"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = await World(tmp_path, {"outbound_allow": "127.0.0.1/32", "webhook_allow_http": True}, {}).open()
    delivering = asyncio.create_task(made.app.deliverer.run())
    yield made
    delivering.cancel()
    await made.close()


async def secret_of(world: World) -> str:
    return (await Secrets(world.store, root_secret(world.settings.data)).active("alice"))[0]


async def delivered(world: World, url: str) -> str:
    """The id of a task whose message was taken."""
    task_id = await world.submit(extra={"webhook": {"url": url}})
    await world.succeed(await world.claim())
    async with asyncio.timeout(120):
        while not await world.store.messages(state=MessageState.DELIVERED, task_id=task_id):
            await asyncio.sleep(0.05)
    return task_id


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def test_the_whole_receiver_takes_the_message_and_no_forgery(world: World) -> None:
    port, secret = free_port(), await secret_of(world)
    process = subprocess.Popen(
        [sys.executable, "-c", blocks(GUIDE, "python")[0]],
        env={**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        await listening(port)
        task_id = await delivered(world, url)
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == f"{task_id} TASK_STATUS_SUCCEED\n"
        forged = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(time.time())),
            "webhook-signature": signatures([secret], "msg_2", int(time.time()), b"{}"),
        }
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.post(url, content=b"{}", headers=forged)).status_code == 401
    finally:
        process.kill()
        process.communicate()


async def test_the_check_without_a_library_agrees(world: World) -> None:
    names: dict[str, Any] = {}
    exec(blocks(GUIDE, "python")[1], names)
    is_genuine: Callable[[str, dict[str, str], bytes], bool] = names["is_genuine"]
    async with Receiver() as receiver:
        await delivered(world, receiver.url("ok"))
    post, secret = receiver.posts[0], await secret_of(world)
    assert is_genuine(secret, post.headers, post.body)
    assert not is_genuine(secret, post.headers, post.body + b" ")
    assert not is_genuine(another(secret), post.headers, post.body)
    old = {**post.headers, "webhook-timestamp": "1"}
    old["webhook-signature"] = signatures([secret], post.id, 1, post.body)
    assert not is_genuine(secret, old, post.body)


async def listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(ConnectionError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


def another(secret: str) -> str:
    return "whsec_" + secret[6:][::-1].strip("=") + "="
