"""Finished pictures over signed links: ranges, validators and caching as browsers and download tools expect them.

Knows HTTP's rules for one immutable file. Does not know how a link is signed or where the bytes lie.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import parse_qs

from overpaint.domain import OutputPicture
from overpaint.errors import Forbidden, OutputNotFound, RouteNotFound, StoreUnavailable
from overpaint.http.replies import Reply
from overpaint.http.requests import Request
from overpaint.http.routes import Answer, Operation, Parameter
from overpaint.images.header import MEDIA_TYPES
from overpaint.service.edits import Edits
from overpaint.service.links import parse_path
from overpaint.store.blobs import FolderBlobs

DIALECT = "files"
PIECE_BYTES = 2**20
_RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18}))", re.ASCII)


def operations(edits: Edits, blobs: FolderBlobs) -> list[Operation]:
    """The picture route."""

    async def picture(request: Request) -> Reply:
        # The raw path: an encoded slash or dot is another spelling, and no other spelling is signed.
        file = parse_path(request.raw_path)
        if file is None:
            raise RouteNotFound()
        query = parse_qs(request.query)
        try:
            ((expiry,), (key_id,), (signature,)) = (query[name] for name in ("exp", "kid", "sig"))
        except (KeyError, ValueError):
            raise Forbidden() from None
        output, seconds_left = await edits.output(file, expiry, key_id, signature)
        headers = _headers(output, f"{file.task_id}-{file.index}.{file.format}", seconds_left)
        return await _reply(request, output, blobs.path(output.name), headers)

    return [
        Operation(
            method="GET",
            path="/files/{task_id}/{picture}",
            handler=picture,
            dialect=DIALECT,
            summary="A finished picture, by the signed link that a task read gives.",
            scope=None,
            answers={
                200: Answer("The picture.", _TYPES, _HEADERS),
                206: Answer("The part of it that `Range` asked for.", _TYPES, (*_HEADERS, "Content-Range")),
                304: Answer("`If-None-Match` names it.", None, _HEADERS),
                416: Answer("It has no such part.", None, (*_HEADERS, "Content-Range")),
            },
            refusals=(RouteNotFound, Forbidden, OutputNotFound, StoreUnavailable),
            parameters=(
                Parameter("task_id", "The task's id.", "path", {"pattern": _TASK_ID}),
                Parameter("picture", "Which picture of it.", "path", {"pattern": _PICTURE}),
                *(Parameter(name, "Part of the signed link.") for name in ("exp", "kid", "sig")),
            ),
        )
    ]


_TASK_ID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_PICTURE = "^[1-9][0-9]{0,5}-(0|[1-9][0-9]{0,2})[.](jpeg|png|webp)$"
_TYPES = tuple(MEDIA_TYPES.values())
_HEADERS = (
    "Accept-Ranges",
    "Access-Control-Allow-Origin",
    "Content-Security-Policy",
    "Content-Disposition",
    "ETag",
)


def _headers(output: OutputPicture, file_name: str, seconds_left: int) -> dict[bytes, bytes]:
    return {
        b"accept-ranges": b"bytes",
        b"access-control-allow-origin": b"*",
        b"cache-control": b"private, max-age=%d, immutable" % seconds_left,
        # Opened by itself in a browser, it is a picture and nothing else, whatever its bytes might be taken for.
        b"content-security-policy": b"default-src 'none'; sandbox",
        b"content-disposition": f'inline; filename="{file_name}"'.encode(),
        b"content-type": MEDIA_TYPES[output.format].encode(),
        b"etag": _etag(output).encode(),
    }


def _etag(output: OutputPicture) -> str:
    return f'"{output.sha256}"'


async def _reply(request: Request, output: OutputPicture, path: Path, headers: dict[bytes, bytes]) -> Reply:
    size = await asyncio.to_thread(_size, path)
    etag = _etag(output)
    if _is_named(request.header(b"if-none-match"), etag):
        return Reply(304, headers)
    part = _part(request.header(b"range"), size) if _may_be_partial(request, etag) else None
    if part is None:
        status, part = 200, range(size)
    elif len(part):
        status, headers[b"content-range"] = 206, b"bytes %d-%d/%d" % (part.start, part.stop - 1, size)
    else:
        return Reply(416, {**headers, b"content-range": b"bytes */%d" % size, b"content-length": b"0"})
    headers[b"content-length"] = b"%d" % len(part)
    return Reply(status, headers, b"" if request.method == "HEAD" else _pieces(path, part))


def _size(path: Path) -> int:
    try:
        status = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        raise OutputNotFound() from None
    if not stat.S_ISREG(status.st_mode):  # a link would lead out of the folder
        raise OutputNotFound()
    return status.st_size


def _is_named(if_none_match: str, etag: str) -> bool:
    named = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in named or "*" in named


def _may_be_partial(request: Request, etag: str) -> bool:
    """If-Range with another tag, or with a date (we give none), asks for the whole."""
    return request.header(b"if-range", etag) == etag


def _part(header: str, size: int) -> range | None:
    """The bytes asked for, perhaps none that exist; None (give the whole) for no range, several, or nonsense."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None:
        return None
    if match["suffix"]:
        return range(max(0, size - int(match["suffix"])), size)
    first, last = int(match["first"]), int(match["last"] or size)
    return None if last < first and match["last"] else range(first, max(first, min(last + 1, size)))


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


async def _pieces(path: Path, part: range) -> AsyncGenerator[bytes]:
    file = await asyncio.to_thread(open, path, "rb", opener=_without_following)
    try:
        await asyncio.to_thread(file.seek, part.start)
        left = len(part)
        while left:
            piece = await asyncio.to_thread(file.read, min(left, PIECE_BYTES))
            if not piece:
                raise EOFError("a stored picture is shorter than it was")
            left -= len(piece)
            yield piece
    finally:
        file.close()
