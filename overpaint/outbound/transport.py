"""Requests to addresses that strangers named, without being led into our own network.

Each request: parsed strictly → resolved once → every address must be public → connected to a checked address → TLS for
the original name. Nothing of the environment (proxies, .netrc) is used, nothing is decompressed, no redirect is
followed. Knows names, addresses and HTTP; does not know pictures or webhooks, nor how long anybody wants to wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any

import httpcore2

from overpaint.outbound.addresses import PORTS, Address, Exceptions, NotAllowed, Target, is_public, literal

CONNECT_SECONDS = 3.0

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]  #: (host, port) -> addresses as text


class Unreachable(Exception):
    """Refused, reset, silent, bad TLS, no HTTP. One word, so that nobody can use us to look at somebody's ports."""


async def resolve(host: str, port: int) -> list[str]:
    """The system resolver's addresses, in its order. Raises OSError for an unknown name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Transport:
    """Speaks to public addresses. `resolver` and `backend` stand open for tests and nothing else."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        resolver: Resolver = resolve,
        backend: httpcore2.AsyncNetworkBackend | None = None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        self._exceptions = Exceptions(allow)
        self._resolver = resolver
        self._backend = backend or httpcore2.AnyIOBackend()
        self._ssl_context = ssl_context

    async def check(self, target: Target) -> list[Address]:
        """Every address of the host, once all have been found allowed. Raises NotAllowed."""
        spelled = literal(target.host)
        if spelled is None:
            try:
                addresses = [ip_address(text) for text in await self._resolver(target.host, target.port)]
            except (OSError, ValueError):
                raise NotAllowed from None
        else:
            addresses = [spelled]
        if not addresses:
            raise NotAllowed
        if self._exceptions.names(target) or all(self._exceptions.holds(address) for address in addresses):
            return addresses
        if target.port not in PORTS.values() or not all(
            is_public(address) or self._exceptions.holds(address) for address in addresses
        ):
            raise NotAllowed
        return addresses

    @asynccontextmanager
    async def request(
        self, method: str, target: Target, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[httpcore2.Response]:
        """The answer, its body unread, on a connection of its own that ends with the block. Any time limit is yours.

        Raises NotAllowed before any connection to an address that is not allowed, Unreachable when the other side does
        not answer in HTTP, also while its body is read.
        """
        addresses = await self.check(target)
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._tls() if target.scheme == "https" else None,
            network_backend=_Pinned(self._backend, addresses),
            max_connections=1,
        )
        sent = [*_headers(target).items(), *headers.items()]
        try:
            async with (
                pool,
                pool.stream(method, target.url, headers=sent, content=content, extensions=_TIMEOUTS) as response,
            ):
                yield response
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError):
            raise Unreachable from None

    def _tls(self) -> SSLContext:
        if self._ssl_context is None:
            self._ssl_context = httpcore2.default_ssl_context()
        return self._ssl_context


class _Pinned(httpcore2.AsyncNetworkBackend):
    """Connects to the checked addresses, whatever name the connection pool asks for."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend, addresses: Sequence[Address]) -> None:
        self._backend = backend
        self._addresses = addresses

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        for address in self._addresses[:-1]:
            try:
                return await self._backend.connect_tcp(str(address), port, *args, **kwargs)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(str(self._addresses[-1]), port, *args, **kwargs)

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


_TIMEOUTS = {"timeout": {"connect": CONNECT_SECONDS}}  # reading and writing are bounded by the whole


def _headers(target: Target) -> dict[str, str]:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return {
        "Host": host if target.port == PORTS[target.scheme] else f"{host}:{target.port}",
        "Accept-Encoding": "identity",
    }
