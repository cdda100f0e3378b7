"""Request bodies: read within limits, and JSON taken apart strictly.

Knows bytes on the wire and what we call JSON: one UTF-8 object, at most 32 levels deep, a BOM forgiven. Does not know
any field's name.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator, Mapping

import msgspec

from overpaint.errors import MalformedBody, PayloadTooLarge, RequestTimeout, TryLater, UnsupportedMediaType
from overpaint.http.requests import ClientDisconnect, Request

GRACE_SECONDS, SLOWEST_BYTES_PER_SECOND = 5.0, 16_000  #: a body may be slower than that only this long
MAX_DEPTH = 32
MAX_MEMBERS = 100_000  #: colons, to be exact: each member has one, and costs us some 200 bytes while it is looked at
_BOM = b"\xef\xbb\xbf"
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

Fields = Mapping[str, msgspec.Raw]


class Budget:
    """How many bytes of bodies this process holds at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    @contextlib.contextmanager
    def share(self) -> Iterator[Share]:
        """What one request takes of it, until that request is answered."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used -= share.size

    def check(self, size: int) -> None:
        """Raises TryLater if so many bytes more would be too many."""
        if self.used + size > self._limit:
            raise TryLater()


class Share:
    """One request's part of the budget."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """Raises TryLater."""
        self.budget.check(size)
        self.budget.used += size
        self.size += size


async def read(request: Request, share: Share, *, limit: int, seconds: float) -> bytes:
    """The whole body, which counts in `share` as it comes.

    Raises PayloadTooLarge and TryLater (a declared length is believed, and the body left unread), RequestTimeout when
    it takes longer than `seconds` in all or comes too slowly, UnsupportedMediaType for a Content-Encoding.
    """
    if request.header(b"content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(problem="Content-Encoding is not supported; send the body as it is.")
    declared = request.header(b"content-length")
    if declared.isdecimal() and int(declared) > limit:
        raise PayloadTooLarge(limit=limit)
    share.budget.check(int(declared) if declared.isdecimal() else 0)
    parts: list[bytes] = []
    size, allowed = 0, min(seconds, GRACE_SECONDS)
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(began + allowed) as deadline:
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                part = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise PayloadTooLarge(limit=limit)
                share.grow(len(part))
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                allowed = min(seconds, GRACE_SECONDS + size / SLOWEST_BYTES_PER_SECOND)
                deadline.reschedule(began + allowed)
    except TimeoutError:
        raise RequestTimeout(seconds=f"{allowed:.3g}") from None


def keep_memory() -> None:
    """Has the C library keep up to 64 MiB that bodies gave back, instead of asking the kernel anew for each copy."""
    bytes(31 * 2**20)  # glibc takes the largest block ever freed for the size that comes and goes; others ignore it


def json_object(body: bytes) -> Fields:
    """The members of a JSON object, each still undecoded; of equal names the last. Raises MalformedBody."""
    body = body.removeprefix(_BOM)
    if _has_more_than(MAX_MEMBERS, b":", body):
        raise MalformedBody(problem=f"it has more than {MAX_MEMBERS:,} members")
    _check_depth(body)
    try:
        if not body.isascii():
            body.decode()  # members nobody reads would pass unchecked otherwise
        return _decoder.decode(body)
    except msgspec.ValidationError:
        raise MalformedBody(problem="it is not one JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBody(problem=_reason(error)) from None


def first_byte(raw: msgspec.Raw) -> bytes:
    """Tells a member's kind: quote string, brace object, bracket array, n null, t or f boolean, else number."""
    return bytes(memoryview(raw)[:1])


def value(raw: msgspec.Raw) -> object:
    """One member as Python's own types. Raises MalformedBody."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBody(problem=_reason(error)) from None


def text_bytes(raw: msgspec.Raw) -> memoryview | bytes:
    """The UTF-8 bytes of a JSON string, decoded only if it has escapes; `raw` must begin with a quote."""
    text = bytes(raw)  # a copy is ten times cheaper than looking for escapes in a view
    if b"\\" not in text:
        return memoryview(text)[1:-1]
    decoded = value(raw)
    assert isinstance(decoded, str)
    return decoded.encode()


def _reason(error: Exception) -> str:
    return "it is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else "it is not valid JSON"


def _has_more_than(limit: int, byte: bytes, body: bytes) -> bool:
    # `find` goes through a photograph in 4 us where `count` takes 180 and more
    position = -1
    for _ in range(limit + 1):
        position = body.find(byte, position + 1)
        if position < 0:
            return False
    return True


def _check_depth(body: bytes) -> None:
    half = MAX_DEPTH // 2
    if not _has_more_than(half, b"{", body) and not _has_more_than(half, b"[", body):
        return  # nearly every body: no need to look where they stand
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        first = body[match.start()]
        if first in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedBody(problem=f"it is nested deeper than {MAX_DEPTH} levels")
        elif first in b"}]":
            depth -= 1
