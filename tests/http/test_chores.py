"""What the API process does beside answering."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from overpaint.http import app
from tests.http.world import World

pytestmark = pytest.mark.anyio


class Server:
    """Serves nothing, until it is told to stop."""

    should_exit = False

    async def serve(self, sockets: object) -> None:
        async with asyncio.timeout(60):
            while not self.should_exit:
                await asyncio.sleep(0.01)


async def test_a_chore_that_breaks_ends_the_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(world.app.deliverer), "run", broken)
    server: Any = Server()
    with pytest.raises(ZeroDivisionError):
        await app._serve(server, world.app, world.store, world.blobs, None)
