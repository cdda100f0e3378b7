"""Finished pictures over signed links: ranges, validators and caching as browsers and download tools expect them.

Knows HTTP's rules for one immutable file. Does not know how a link is signed or where the bytes lie.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from overpaint.domain import OutputPicture
from overpaint.errors import Forbidden, OutputNotFound, RouteNotFound
from overpaint.http.replies import Problem
from overpaint.http.routes import Operation, Parameter
from overpaint.images.header import MEDIA_TYPES
from overpaint.service.edits import Edits
from overpaint.service.links import parse_path
from overpaint.store.blobs import FolderBlobs

DIALECT = "files"
PIECE_BYTES = 2**20
_RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18}))", re.ASCII)


def operations(edits: Edits, blobs: FolderBlobs) -> list[Operation]:
    """The picture route."""

    async def picture(request: Request) -> Response:
        # The raw path: an encoded slash or dot is another spelling, and no other spelling is signed.
        file = parse_path(request.scope["raw_path"].decode("latin-1"))
        if file is None:
            raise RouteNotFound()
        query = parse_qs(request.scope["query_string"].decode("latin-1"))
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
            path="/files/{name:path}",
            handler=picture,
            dialect=DIALECT,
            summary="A finished picture, by the signed link that a task read gives.",
            needs_key=False,
            answers={
                200: ("The picture.", "image/*"),
                403: ("The link is wrong or too old.", Problem),
                404: ("The picture is gone.", Problem),
            },
            parameters=tuple(Parameter(name, "Part of the signed link.") for name in ("exp", "kid", "sig")),
        )
    ]


def _headers(output: OutputPicture, file_name: str, seconds_left: int) -> dict[str, str]:
    return {
        "accept-ranges": "bytes",
        "access-control-allow-origin": "*",
        "cache-control": f"private, max-age={seconds_left}, immutable",
        "content-disposition": f'inline; filename="{file_name}"',
        "content-type": MEDIA_TYPES[output.format],
        "etag": f'"{output.sha256}"',
    }


async def _reply(request: Request, output: OutputPicture, path: Path, headers: dict[str, str]) -> Response:
    size = await asyncio.to_thread(_size, path)
    if _is_named(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    part = _part(request.headers.get("range", ""), size) if _may_be_partial(request, headers["etag"]) else None
    if part is None:
        status, part = 200, range(size)
    elif len(part):
        status, headers["content-range"] = 206, f"bytes {part.start}-{part.stop - 1}/{size}"
    else:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
    headers["content-length"] = str(len(part))
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_pieces(path, part), status, headers=headers)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        raise OutputNotFound() from None


def _is_named(if_none_match: str, etag: str) -> bool:
    named = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in named or "*" in named


def _may_be_partial(request: Request, etag: str) -> bool:
    """If-Range with another tag, or with a date (we give none), asks for the whole."""
    return request.headers.get("if-range", etag) == etag


def _part(header: str, size: int) -> range | None:
    """The bytes asked for, perhaps none that exist; None (give the whole) for no range, several, or nonsense."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None:
        return None
    if match["suffix"]:
        return range(max(0, size - int(match["suffix"])), size)
    first, last = int(match["first"]), int(match["last"] or size)
    return None if last < first and match["last"] else range(first, max(first, min(last + 1, size)))


async def _pieces(path: Path, part: range) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
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
