"""Servers for the tests of the asking side: factories with plain arguments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.world import ServerProcess, World

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def make_world(tmp_path: Path) -> AsyncIterator[MakeWorld]:
    """make_world(queue_max=1, own={"max_pixels": 10_000}) -> the application over a store of its own."""
    worlds: list[World] = []

    async def make(own: dict[str, Any] | None = None, **flags: Any) -> World:
        worlds.append(await World(tmp_path / str(len(worlds)), flags, own or {}).open())
        return worlds[-1]

    yield make
    for world in worlds:
        await world.close()


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """The application with default settings."""
    return await make_world()


@pytest.fixture(scope="module")
async def shared_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One application for a whole module, for tests that leave no trace that another could see."""
    opened = await World(tmp_path_factory.mktemp("shared"), {}, {}).open()
    yield opened
    await opened.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """serve(drain_seconds=0) -> the API as a process."""
    servers: list[ServerProcess] = []

    def start(**flags: object) -> ServerProcess:
        servers.append(ServerProcess(tmp_path, **flags))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
