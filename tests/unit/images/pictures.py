"""Picture files made on the spot, in every mode and container the service takes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIZE = (40, 24)


def scene(size: tuple[int, int] = SIZE) -> Image.Image:
    """Four flat quarters: red, green / blue, grey. Tells every turn and mirror from every other."""
    width, height = size
    image = Image.new("RGB", size, (128, 128, 128))
    image.paste((230, 20, 20), (0, 0, width // 2, height // 2))
    image.paste((20, 200, 20), (width // 2, 0, width, height // 2))
    image.paste((20, 20, 220), (0, height // 2, width // 2, height))
    return image


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colours well inside the four quarters: top left, top right, bottom left, bottom right."""
    width, height = image.size
    places = [(x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [image.getpixel(place) for place in places]


def as_file(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image saved by Pillow, which shares no code with our header reader."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_orientation(orientation: int, kind: str = "JPEG", order: str = "<") -> bytes:
    """`scene()` stored as a camera held that way would: shown upright it looks like `scene()`."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = scene() if undo is None else scene().transpose(undo)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    exif = mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    return as_file(stored, kind, exif=exif if kind == "PNG" else b"Exif\0\0" + exif, **options)


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG by hand: IHDR (8-bit grey), the chunks given, IEND. Not necessarily decodable."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def grey16_png(values: list[list[int]]) -> bytes:
    """A 16-bit grey PNG, written without Pillow."""
    rows = b"".join(b"\0" + struct.pack(f">{len(row)}H", *row) for row in values)
    head = struct.pack(">IIBBBBB", len(values[0]), len(values), 16, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def colour16_png(values: list[list[tuple[int, int, int]]]) -> bytes:
    """A 16-bit RGB PNG, written without Pillow."""
    rows = b"".join(b"\0" + b"".join(struct.pack(">3H", *pixel) for pixel in row) for row in values)
    head = struct.pack(">IIBBBBB", len(values[0]), len(values), 16, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
