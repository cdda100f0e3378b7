"""What a picture file says of itself, read from its bytes without decoding a pixel.

Knows the containers of JPEG (also MPO), PNG and WebP, where each keeps its size and its EXIF orientation, and whether
the file is whole. Does not know pixels or any picture library, so the process that takes pictures from strangers
never runs a decoder.

What is found here: wrong format, cut-off files, absurd sizes. What only decoding can find (a flipped bit inside the
compressed data) is found by the worker, whose task then fails as `input_lost`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from overpaint.errors import ImageResolutionTooHigh, InvalidImage, InvalidImageSize

MIN_SIDE, MAX_SIDE = 8, 16_384  #: pixels a side
MAX_RATIO = 16  #: longer side to shorter side
MEDIA_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}  #: of the formats taken and given
_MAX_CHUNKS = 65_536  # a 30 MiB PNG written in libpng's 8 KiB pieces has 3,840
_SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height

_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_JPEG_SCAN, _JPEG_END, _JPEG_APP1 = 0xDA, 0xD9, 0xE1


@dataclass(frozen=True, slots=True)
class Header:
    """A whole file of a known format. Width and height are as stored; `upright` turns them."""

    format: str  #: "jpeg", "png" or "webp"
    stored_width: int
    stored_height: int
    orientation: int  #: EXIF orientation, 1 … 8

    @property
    def width(self) -> int:
        """Pixels across, EXIF orientation applied."""
        return self.stored_height if self.orientation in _SIDEWAYS else self.stored_width

    @property
    def height(self) -> int:
        """Pixels down, EXIF orientation applied."""
        return self.stored_width if self.orientation in _SIDEWAYS else self.stored_height


Bytes = bytes | memoryview
_Reader = Callable[[Bytes], Header]


class _Broken(Exception):
    """The container ends early or contradicts itself; the text says which."""


def read(data: Bytes, *, max_pixels: int, field: str = "image") -> Header:
    """The header of one picture file.

    `field` is the caller's name for it, used in messages. Raises InvalidImage (unknown format, empty, cut off),
    ImageResolutionTooHigh (more than `max_pixels`), InvalidImageSize (sides or ratio out of range).
    """
    if not len(data):
        raise InvalidImage(field=field, problem="the picture is empty.")
    try:
        header = _reader(data)(data)
    except (_Broken, struct.error, IndexError) as error:
        problem = str(error) if isinstance(error, _Broken) else "the file is cut off."
        raise InvalidImage(field=field, problem=problem) from None
    _check_size(header, max_pixels, field)
    return header


def jpeg_scans(data: bytes) -> int:
    """How many scans the first picture of a whole JPEG has. Goes through all its bytes: a millisecond a megabyte."""
    # Inside a scan 0xFF is always followed by 0x00 or a restart marker, so these pairs are markers themselves.
    first = next(end for marker, _, end in _jpeg_segments(data) if marker == _JPEG_SCAN)
    return 1 + data.count(b"\xff\xda", first, data.find(b"\xff\xd9", first))


def _check_size(header: Header, max_pixels: int, field: str) -> None:
    width, height = header.width, header.height
    if width * height > max_pixels:
        raise ImageResolutionTooHigh(field=field, pixels=width * height, limit=max_pixels)
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        problem = f"the picture is {width}x{height}; each side must have {MIN_SIDE} to {MAX_SIDE:,} pixels."
        raise InvalidImageSize(field=field, problem=problem)
    if max(width, height) > MAX_RATIO * min(width, height):
        problem = f"the picture is {width}x{height}; no side may be more than {MAX_RATIO} times the other."
        raise InvalidImageSize(field=field, problem=problem)


def _reader(data: Bytes) -> _Reader:
    start = bytes(data[:12])
    if start[:3] == b"\xff\xd8\xff":
        return _jpeg
    if start[:8] == b"\x89PNG\r\n\x1a\n":
        return _png
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _webp
    raise _Broken("this is not a JPEG, PNG or WebP picture.")


def _jpeg(data: Bytes) -> Header:
    size: tuple[int, int] | None = None
    orientation = 1
    for marker, start, end in _jpeg_segments(data):
        if marker == _JPEG_APP1 and bytes(data[start : start + 6]) == b"Exif\0\0" and orientation == 1:
            orientation = _orientation(data[start + 6 : end])
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = size or (width, height)
        elif marker == _JPEG_SCAN:
            # Inside a scan 0xFF is always followed by 0x00 or a restart marker, so this pair is the end itself.
            if bytes(data).rfind(b"\xff\xd9", end) < 0:
                raise _Broken("the file is cut off.")
            break
    if size is None:
        raise _Broken("the JPEG has no frame before its pixels.")
    return Header("jpeg", *size, orientation)


def _jpeg_segments(data: Bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's payload, from the first to the start of the first scan."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise _Broken("the JPEG's segments do not follow each other.")
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _JPEG_BARE:
            at += 2
        elif marker == _JPEG_END:
            raise _Broken("the JPEG has no pixels.")
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            start, end = at + 4, at + 2 + length
            if length < 2 or end > len(data):
                raise _Broken("the file is cut off.")
            yield marker, start, end
            at = end


def _png(data: Bytes) -> Header:
    size: tuple[int, int] | None = None
    orientation = 1
    at, has_pixels = 8, False
    for _ in range(_MAX_CHUNKS):
        length, kind = struct.unpack_from(">I4s", data, at)
        start, end = at + 8, at + 8 + length
        if end + 4 > len(data):
            raise _Broken("the file is cut off.")
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise _Broken("the PNG does not begin with its header.")
            size = struct.unpack_from(">II", data, start)
        elif kind == b"IDAT":
            has_pixels = True
        elif kind == b"eXIf":
            orientation = _orientation(data[start:end])
        elif kind == b"IEND":
            if not has_pixels:
                raise _Broken("the PNG has no pixels.")
            return Header("png", *size, orientation)
        at = end + 4
    raise _Broken("the PNG has too many chunks.")


def _webp(data: Bytes) -> Header:
    (riff,) = struct.unpack_from("<I", data, 4)
    if riff + 8 > len(data):
        raise _Broken("the file is cut off.")
    size: tuple[int, int] | None = None
    orientation = 1
    at, has_pixels, stop = 12, False, riff + 8
    for _ in range(_MAX_CHUNKS):
        if at + 8 > stop:
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        start, end = at + 8, at + 8 + length
        if end > stop:
            raise _Broken("the file is cut off.")
        if kind in _WEBP_SIZES:
            size = size or _WEBP_SIZES[kind](data, start)
        elif kind == b"EXIF":
            exif = data[start:end]
            orientation = _orientation(exif[6:] if bytes(exif[:6]) == b"Exif\0\0" else exif)
        has_pixels = has_pixels or kind in (b"VP8 ", b"VP8L", b"ANMF")
        at = end + length % 2
    if size is None or not has_pixels:
        raise _Broken("the WebP has no pixels.")
    return Header("webp", *size, orientation)


def _webp_extended(data: Bytes, start: int) -> tuple[int, int]:
    width, height = (int.from_bytes(data[start + offset : start + offset + 3], "little") for offset in (4, 7))
    return width + 1, height + 1


def _webp_lossy(data: Bytes, start: int) -> tuple[int, int]:
    if bytes(data[start + 3 : start + 6]) != b"\x9d\x01\x2a":
        raise _Broken("the WebP's frame has no start code.")
    width, height = struct.unpack_from("<HH", data, start + 6)
    return width & 0x3FFF, height & 0x3FFF


def _webp_lossless(data: Bytes, start: int) -> tuple[int, int]:
    if data[start] != 0x2F:
        raise _Broken("the WebP's frame has no signature.")
    (bits,) = struct.unpack_from("<I", data, start + 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


_WEBP_SIZES = {b"VP8X": _webp_extended, b"VP8 ": _webp_lossy, b"VP8L": _webp_lossless}


def _orientation(tiff: Bytes) -> int:
    """Tag 0x0112 of the first directory; 1 when it is absent or makes no sense, for EXIF is often broken."""
    try:
        order = {b"II": "<", b"MM": ">"}[bytes(tiff[:2])]
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for index in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * index)
            if tag == 0x0112 and kind == 3 and 1 <= value <= 8:
                return int(value)
    except (KeyError, struct.error):
        pass
    return 1
