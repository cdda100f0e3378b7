"""From an image string to a checked picture: one rule for all dialects.

Knows the three spellings (data URI, URL, raw base64), the limits of a picture, and in which order they are checked.
Does not know pixels, prompts or tasks.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import ParamSpec, TypeVar

import pybase64

from overpaint.errors import ImageFileTooLarge, InvalidImage, OverpaintError
from overpaint.images import header
from overpaint.images.fetch import Fetcher
from overpaint.images.header import Header
from overpaint.outbound.transport import Transport
from overpaint.settings import Settings
from overpaint.telemetry import Metrics

IN_THREAD_BYTES = 2**20  #: above this, decoding and hashing leave the event loop: 1 MiB takes it about 1 ms

P = ParamSpec("P")
T = TypeVar("T")
ImageText = str | bytes | memoryview  #: an image string; bytes must be ASCII

_URL = re.compile(rb"https?://", re.IGNORECASE)
_DATA = re.compile(rb"data:[^,]{0,256}?(?P<base64>;base64)?,", re.IGNORECASE)
_HEAD_BYTES = 300
_WHITESPACE = b" \t\r\n\f\v"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Picture:
    """A caller's picture, checked as far as its header goes."""

    data: bytes
    sha256: str
    header: Header


class Pictures:
    """Takes pictures in. Holds the limits and the way out to the network."""

    def __init__(self, settings: Settings, metrics: Metrics, fetcher: Fetcher | None = None) -> None:
        self._max_bytes = settings.max_image_bytes
        self._max_pixels = settings.max_image_pixels
        self._metrics = metrics
        self._fetcher = fetcher or Fetcher(
            Transport(allow=settings.outbound_allow),
            max_bytes=settings.max_image_bytes,
            timeout_seconds=settings.fetch_timeout_seconds,
        )

    async def take(self, text: ImageText, *, field: str = "image") -> Picture:
        """The picture an image string holds or leads to.

        Raises InvalidImage, InvalidImageSize, ImageFileTooLarge, ImageResolutionTooHigh; for a URL also
        ImageUrlNotAllowed and ImageFetchFailed.
        """
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
        if _URL.match(bytes(raw[:_HEAD_BYTES])):
            data = await self._fetched(bytes(raw).decode("utf-8", "replace"), field)
            return await off_loop(len(data), self._checked, data, field)
        return await off_loop(len(raw), self._decoded, memoryview(raw), field)

    async def _fetched(self, url: str, field: str) -> bytes:
        outcome = "ok"
        try:
            return await self._fetcher.get(url, field=field)
        except OverpaintError as error:
            outcome = error.code
            raise
        finally:
            self._metrics.fetches.labels(outcome).inc()

    def _decoded(self, raw: memoryview, field: str) -> Picture:
        head = bytes(raw[:_HEAD_BYTES])
        if head[:5].lower() == b"data:":
            match = _DATA.match(head)
            if match is None or not match["base64"]:
                raise InvalidImage(field=field, problem="a data URI must be `data:<type>;base64,<data>`.")
            raw = raw[match.end() :]
        if len(raw) // 4 * 3 > 2 * self._max_bytes:  # even if half of it were whitespace
            raise ImageFileTooLarge(field=field, limit=self._max_bytes)
        return self._checked(from_base64(raw, field), field)

    def _checked(self, data: bytes, field: str) -> Picture:
        if len(data) > self._max_bytes:
            raise ImageFileTooLarge(field=field, limit=self._max_bytes)
        head = header.read(data, max_pixels=self._max_pixels, field=field)
        return Picture(data, sha256(data).hexdigest(), head)


async def off_loop(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls `work`, in a thread if it has more than IN_THREAD_BYTES to do."""
    return await asyncio.to_thread(work, *args, **kwargs) if size > IN_THREAD_BYTES else work(*args, **kwargs)


def from_base64(raw: memoryview, field: str) -> bytes:
    """Strict base64, but whitespace, the URL-safe alphabet and missing padding are taken too. Raises InvalidImage."""
    try:
        return pybase64.b64decode(raw, validate=True)
    except ValueError:
        pass
    tidy = bytes(raw).translate(_URL_SAFE, _WHITESPACE).rstrip(b"=")
    try:
        return pybase64.b64decode(tidy + b"=" * (-len(tidy) % 4), validate=True)
    except ValueError:
        raise InvalidImage(
            field=field, problem="this is neither a picture in base64, nor a data URI, nor a URL."
        ) from None
