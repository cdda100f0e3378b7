"""Fetching a picture from a stranger's URL, over the guarded way out.

Redirects are followed by hand and checked like the first address. Knows bytes and time; does not know pictures, or
which addresses are allowed.
"""

from __future__ import annotations

import asyncio

import httpcore2

from overpaint import __version__
from overpaint.errors import ImageFetchFailed, ImageFileTooLarge, ImageUrlNotAllowed, TryLater
from overpaint.outbound.addresses import NotAllowed, Target, parse, redirected
from overpaint.outbound.transport import Transport, Unreachable

MAX_REDIRECTS = 3
MAX_AT_ONCE = 32  #: fetches; each may hold a picture's bytes
_HEADERS = {"User-Agent": f"Overpaint/{__version__}", "Accept": "image/*"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Fetcher:
    """Gets bytes from public addresses."""

    def __init__(self, transport: Transport, *, max_bytes: int, timeout_seconds: float) -> None:
        self._transport = transport
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
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
        except Unreachable:
            raise ImageFetchFailed(field=field, problem="the server there did not answer properly") from None

    async def _follow(self, target: Target, field: str) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._one(target, field)
            if isinstance(answer, bytes):
                return answer
            target = redirected(target, answer)
        raise ImageFetchFailed(field=field, problem=f"it was redirected more than {MAX_REDIRECTS} times")

    async def _one(self, target: Target, field: str) -> bytes | str:
        """The body, or the address a redirect names."""
        async with self._transport.request("GET", target, _HEADERS) as response:
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
