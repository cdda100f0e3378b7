"""The servers of tests/http, and the proof that nothing here speaks to anyone but loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from tests.http.conftest import anyio_backend, make_world, serve, world

__all__ = ["anyio_backend", "make_world", "serve", "world"]  # the servers of tests/http are ours too

_outside: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Python tells of each name that is looked up and each connection, whoever asks for it."""
    if event == "socket.getaddrinfo":
        _note(str(arguments[0]))
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        _note(str(arguments[1][0]))


def _note(host: str) -> None:
    try:
        address = ip_address(host)
        is_ours = (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        is_ours = host in ("localhost", "None", "")
    if not is_ours:
        _outside.append(host)


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine() -> Iterator[None]:
    """Fails the test that looked up a name or connected beyond loopback."""
    _outside.clear()
    yield
    assert _outside == []
