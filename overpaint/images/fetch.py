"""Fetching a picture from a stranger's URL without being led into our own network.

Each hop: parse strictly → resolve once → every address must be public → connect to a checked address → TLS for the
original name. Redirects are followed by hand and checked like the first. Nothing of the environment (proxies, .netrc)
is used, nothing is decompressed. Knows bytes and time; does not know pictures.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any

import httpcore2

from overpaint import __version__
from overpaint.errors import ImageFetchFailed, ImageFileTooLarge, ImageUrlNotAllowed, TryLater
from overpaint.images.addresses import (
    PORTS,
    Address,
    Exceptions,
    NotAllowed,
    Target,
    is_public,
    literal,
    parse,
    redirected,
)

MAX_REDIRECTS = 3
MAX_AT_ONCE = 32  #: fetches; each may hold a picture's bytes
CONNECT_SECONDS = 3.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]  #: (host, port) -> addresses as text


async def resolve(host: str, port: int) -> list[str]:
    """The system resolver's addresses, in its order. Raises OSError for an unknown name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """Gets bytes from public addresses. `resolver` and `backend` stand open for tests and nothing else."""

    def __init__(
        self,
        *,
        max_bytes: int,
        timeout_seconds: float,
        allow: Iterable[str] = (),
        resolver: Resolver = resolve,
        backend: httpcore2.AsyncNetworkBackend | None = None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
        self._exceptions = Exceptions(allow)
        self._resolver = resolver
        self._backend = backend or httpcore2.AnyIOBackend()
        self._ssl_context = ssl_context
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)

    async def get(self, url: str, *, field: str = "image") -> bytes:
        """The body behind `url`.

        Raises ImageUrlNotAllowed before any connection to an address that is not allowed, ImageFetchFailed when the
        other side does not deliver within the time, ImageFileTooLarge above `max_bytes`, TryLater when too many others
        are being fetched.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise TryLater() from None
        try:
            return await self._get(url, field)
        finally:
            self._slots.release()

    async def _get(self, url: str, field: str) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._follow(parse(url), field)
        except NotAllowed:
            raise ImageUrlNotAllowed(field=field) from None
        except TimeoutError:
            raise ImageFetchFailed(field=field, problem="it took too long") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError):
            # Refused, reset, silent, bad TLS: one sentence, so that nobody can use us to look at somebody's ports.
            raise ImageFetchFailed(field=field, problem="the server there did not answer properly") from None

    async def _follow(self, target: Target, field: str) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._one(target, await self._checked(target), field)
            if isinstance(answer, bytes):
                return answer
            target = redirected(target, answer)
        raise ImageFetchFailed(field=field, problem=f"it was redirected more than {MAX_REDIRECTS} times")

    async def _checked(self, target: Target) -> list[Address]:
        """Every address of the host, once all have been found allowed."""
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

    async def _one(self, target: Target, addresses: Sequence[Address], field: str) -> bytes | str:
        """The body, or the address a redirect names."""
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=self._tls() if target.scheme == "https" else None,
            network_backend=_Pinned(self._backend, addresses),
            max_connections=1,
        )
        async with pool, pool.stream("GET", target.url, headers=_headers(target), extensions=_TIMEOUTS) as response:
            headers = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS and b"location" in headers:
                return headers[b"location"].decode("latin-1")
            if not 200 <= response.status < 300:
                raise ImageFetchFailed(field=field, problem=f"it answered {response.status}")
            if headers.get(b"content-encoding", b"identity").lower() != b"identity":
                raise ImageFetchFailed(field=field, problem="it came compressed")
            return await self._body(response, headers, field)

    async def _body(self, response: httpcore2.Response, headers: dict[bytes, bytes], field: str) -> bytes:
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise ImageFileTooLarge(field=field, limit=self._max_bytes)
        body = bytearray()
        async for part in response.aiter_stream():
            body += part
            if len(body) > self._max_bytes:
                raise ImageFileTooLarge(field=field, limit=self._max_bytes)
        return bytes(body)

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


def _headers(target: Target) -> dict[bytes | str, bytes | str]:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return {
        "Host": host if target.port == PORTS[target.scheme] else f"{host}:{target.port}",
        "User-Agent": f"Overpaint/{__version__}",
        "Accept": "image/*",
        "Accept-Encoding": "identity",
    }
