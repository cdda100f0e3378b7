"""Picture files that a stranger might send: cut off, flipped, inflated, disguised, and rightful ones of every mode.

Everything is made here from a fixed seed; nothing is read from disk. Knows containers. Does not know our code.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms

from tests.unit.images.pictures import as_file, colour16_png, grey16_png, scene, with_orientation

DECODES, REFUSED, EITHER = "decodes", "refused", "either"
SIDE = 64


@dataclass(frozen=True)
class File:
    """One file, and what must become of it: DECODES, REFUSED, or EITHER where only the absence of harm counts."""

    kind: str
    name: str
    data: bytes
    fate: str


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with a right checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int,
    height: int,
    *before: bytes,
    depth: int = 8,
    colour: int = 0,
    rows: bytes | None = None,
    interlace: int = 0,
    packed: bytes | None = None,
    after: bytes = b"",
) -> bytes:
    """A PNG by hand. `before`: whole chunks ahead of the pixels; `rows`: unpacked pixels, zeros when None."""
    if packed is None:
        channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
        line = 1 + (width * channels * depth + 7) // 8
        packed = zlib.compress(bytes(line * height) if rows is None else rows, 1)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + b"".join(before)
        + chunk(b"IDAT", packed)
        + after
        + chunk(b"IEND", b"")
    )


def zeros(count: int) -> bytes:
    """`count` zero bytes as zlib packs them, made without holding them."""
    pack, parts = zlib.compressobj(9), []
    while count > 0:
        parts.append(pack.compress(bytes(min(count, 2**20))))
        count -= 2**20
    return b"".join([*parts, pack.flush()])


def segment(marker: int, data: bytes) -> bytes:
    """A JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP container of these chunks."""
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a WebP file."""
    found, at = [], 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    """A WebP's VP8X chunk."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes((flags, 0, 0, 0)) + sides


def noise(seed: int = 1, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """A picture that does not compress to nothing, so that a cut or a flip hits something."""
    return Image.frombytes("RGB", size, random.Random(seed).randbytes(3 * size[0] * size[1]))


def srgb() -> bytes:
    """A plain profile, 588 bytes."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def bases() -> dict[str, bytes]:
    """One whole file of each container and coding."""
    image = noise()
    frames: dict[str, Any] = {"save_all": True, "append_images": [noise(2), noise(3)]}
    return {
        "jpeg": as_file(image, "JPEG", quality=80),
        "jpeg-progressive": as_file(image, "JPEG", progressive=True, icc_profile=srgb()),
        "jpeg-cmyk": as_file(image.convert("CMYK"), "JPEG"),
        "mpo": as_file(image, "MPO", **frames),
        "png": as_file(image, "PNG", icc_profile=srgb()),
        "png-palette": as_file(image.quantize(200), "PNG", transparency=3),
        "png-animated": as_file(image, "PNG", **frames),
        "webp": as_file(image, "WEBP", quality=80),
        "webp-lossless": as_file(image, "WEBP", lossless=True, exif=_exif(6), icc_profile=srgb()),
        "webp-animated": as_file(image, "WEBP", quality=60, **frames),
    }


def files(*, flips: int) -> Iterator[File]:
    """The corpus; `flips` damaged copies of each base file beside the fixed part."""
    for make in (_truncated, _bombs, _polyglots, _animated, _modes, _shapes, _metadata, _disguised):
        yield from make()
    yield from _flipped(flips)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _truncated() -> Iterator[File]:
    for name, data in bases().items():
        for percent in range(100):
            # A cut behind the first of several pictures leaves that one whole
            fate = EITHER if name == "mpo" else REFUSED
            yield File("truncated", f"{name} at {percent} %", data[: len(data) * percent // 100], fate)


def _flipped(count: int) -> Iterator[File]:
    chance = random.Random(7)
    for name, data in bases().items():
        for number in range(count):
            damaged = bytearray(data)
            for _ in range(chance.choice((1, 1, 2, 8))):
                damaged[chance.randrange(12, len(data))] ^= 1 << chance.randrange(8)
            if name.startswith("png") and number % 2:
                damaged = bytearray(_resealed(bytes(damaged)))
            yield File("flipped", f"{name} {number}", bytes(damaged), EITHER)
    for number in range(count):
        profile = bytearray(srgb())
        for _ in range(chance.choice((1, 2, 4))):
            profile[chance.randrange(len(profile))] = chance.randrange(256)
        yield File("flipped", f"profile {number}", as_file(noise(), "PNG", icc_profile=bytes(profile)), EITHER)


def _resealed(data: bytes) -> bytes:
    """The PNG with every checksum right again, so that the damage reaches the decoder."""
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            break
        parts.append(chunk(kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join([*parts, data[at:]])


def _bombs() -> Iterator[File]:
    def bomb(name: str, data: bytes, fate: str = REFUSED) -> File:
        return File("bomb", name, data, fate)

    for side in (12_000, 18_000):
        line = side // 8 + 1
        yield bomb(f"png {side} squared, whole", png(side, side, depth=1, packed=zeros(line * side)))
        yield bomb(f"png {side} squared, RGBA", png(side, side, colour=6, packed=zeros(side * 400)))
    yield bomb("png 2^31", png(2**31 - 1, 2**31 - 1, packed=zeros(10**6)))
    yield bomb("png no pixels", png(0, 0, packed=b""))
    # As large as the header may say, with next to nothing behind it
    yield bomb("png 36 MP, a few rows", png(6000, 6000, packed=zeros(10**6)))
    yield bomb("png inflates to 300 MB for 64 rows", png(SIDE, SIDE, packed=zeros(300 * 2**20)), EITHER)
    blown = zeros(200 * 2**20)
    for kind, head in ((b"zTXt", b"k\0\0"), (b"iTXt", b"k\0\1\0\0\0"), (b"iCCP", b"k\0\0")):
        yield bomb(f"png {kind.decode()} of 200 MB", png(SIDE, SIDE, chunk(kind, head + blown)), EITHER)
    text = chunk(b"zTXt", b"k\0\0" + zeros(2**20 - 1))
    yield bomb("png 200 texts of 1 MB", png(SIDE, SIDE, *([text] * 200)), EITHER)
    yield bomb("png 70,000 empty chunks", png(SIDE, SIDE, *([chunk(b"teSt", b"")] * 70_000)))
    yield bomb("png 60,000 empty IDATs", png(SIDE, SIDE, *([chunk(b"IDAT", b"")] * 60_000)), EITHER)
    yield bomb("png palette twice, of 64 kB", png(SIDE, SIDE, *([chunk(b"PLTE", bytes(65_535))] * 2), colour=3), EITHER)

    jpeg = as_file(noise(), "JPEG", progressive=True)
    size_at = next(at for at in range(len(jpeg)) if jpeg[at : at + 2] == b"\xff\xc2") + 5
    for height, width in ((65_535, 65_535), (0, 64), (64, 0), (6000, 6000)):
        lying = jpeg[:size_at] + struct.pack(">HH", height, width) + jpeg[size_at + 4 :]
        # 6000 squared of a 64 squared file: whole by its container, and libjpeg fills in what is missing
        yield bomb(f"jpeg says {width}x{height}", lying, EITHER if height == 6000 else REFUSED)
    scan_at = jpeg.rindex(b"\xff\xda")
    scan = jpeg[scan_at:-2]
    for count in (50, 5000):
        repeated = jpeg[:-2] + scan * count + b"\xff\xd9"
        yield bomb(f"jpeg {count} scans more", repeated, REFUSED if count > 100 else EITHER)
    large = jpeg[:size_at] + struct.pack(">HH", 6000, 6000) + jpeg[size_at + 4 : -2]
    yield bomb("jpeg 36 MP in 3000 scans", large + scan * 3000 + b"\xff\xd9")
    yield bomb("jpeg 90 scans of 36 MP", large + scan * 85 + b"\xff\xd9", EITHER)

    (lossy,) = webp_chunks(as_file(noise(), "WEBP"))
    yield bomb("webp canvas 16384 squared", riff(canvas(16_384, 16_384), lossy))
    yield bomb("webp canvas 6000 squared, frame 64", riff(canvas(6000, 6000), lossy), EITHER)
    loop = (b"ANIM", bytes(6))
    frame = (
        b"ANMF",
        bytes(6) + b"\x3f\0\0\x3f\0\0" + bytes(4) + lossy[0] + struct.pack("<I", len(lossy[1])) + lossy[1],
    )
    yield bomb("webp 10,000 frames", riff(canvas(SIDE, SIDE, 2), loop, *([frame] * 10_000)), DECODES)
    yield bomb("webp 70,000 frames", riff(canvas(SIDE, SIDE, 2), loop, *([(b"ANMF", b"")] * 70_000)))
    yield bomb("webp 36 MP of 3 frames", riff(canvas(6000, 6000, 2), loop, *([frame] * 3)), EITHER)
    outside = (b"ANMF", b"\xff\xff\xff" * 2 + frame[1][6:])
    yield bomb("webp frame outside the canvas", riff(canvas(SIDE, SIDE, 2), loop, outside), EITHER)


def _polyglots() -> Iterator[File]:
    tails = {
        "zip": b"PK\3\4" + bytes(26) + b"PK\5\6" + bytes(18),
        "html": b"<html><script>alert(1)</script></html>",
        "php": b"<?php system($_GET['c']); ?>",
        "pdf": b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF",
        "zeros": bytes(100_000),
        "itself": b"",
    }
    for base in ("jpeg", "png", "webp"):
        data = bases()[base]
        for name, tail in tails.items():
            yield File("polyglot", f"{base} then {name}", data + (tail or data), DECODES)
            yield File("polyglot", f"{name} then {base}", (tail or b"\0") + data, REFUSED)
    jpeg = bases()["jpeg"]
    for name, text in tails.items():
        yield File("polyglot", f"{name} in a JPEG comment", jpeg[:2] + segment(0xFE, text[:60_000]) + jpeg[2:], DECODES)
        yield File("polyglot", f"{name} in a PNG text", png(SIDE, SIDE, chunk(b"tEXt", b"k\0" + text)), DECODES)
    for start in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP"):
        for name, tail in tails.items():
            yield File("polyglot", f"{name} behind {start[:4]!r}", start + tail, REFUSED)


def _animated() -> Iterator[File]:
    for count in (2, 3, 10, 50):
        options: dict[str, Any] = {"save_all": True, "append_images": [noise(seed) for seed in range(count - 1)]}
        for kind in ("PNG", "WEBP", "MPO"):
            yield File("animated", f"{kind} of {count}", as_file(noise(99), kind, **options), DECODES)
        yield File("animated", f"GIF of {count}", as_file(noise(99).quantize(), "GIF", **options), REFUSED)


def _modes() -> Iterator[File]:
    def mode(name: str, data: bytes, fate: str = DECODES) -> File:
        return File("mode", name, data, fate)

    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        palette = [chunk(b"PLTE", bytes(range(6)))] if colour == 3 else []
        clear = {0: [b"\0\1"], 2: [b"\0\1" * 3], 3: [b"\0", b"\0\x80"]}.get(colour, [])
        for depth in depths:
            yield mode(f"png colour {colour} depth {depth}", png(16, 16, *palette, colour=colour, depth=depth))
            for number, values in enumerate(clear):
                chunks = [*palette, chunk(b"tRNS", values)]
                yield mode(f"png {colour}/{depth} clear {number}", png(16, 16, *chunks, colour=colour, depth=depth))
            # Adam7 of 16x16 at up to 64 bits a pixel: enough zeros for the seven passes
            woven = png(16, 16, *palette, colour=colour, depth=depth, packed=zlib.compress(bytes(4096)), interlace=1)
            yield mode(f"png {colour}/{depth} interlaced", woven)
    for colour, depth in ((0, 3), (1, 8), (2, 4), (3, 16), (5, 8), (6, 1), (7, 8), (255, 255)):
        packed = zlib.compress(bytes(4096))
        yield mode(
            f"png colour {colour} depth {depth}", png(16, 16, colour=colour, depth=depth, packed=packed), REFUSED
        )
    yield mode("png palette absent", png(16, 16, colour=3), EITHER)
    yield mode(
        "png index beyond the palette", png(16, 16, chunk(b"PLTE", b"abc"), colour=3, rows=b"\0" + b"\xff" * 16), EITHER
    )
    for filter_type in range(1, 256, 6):
        rows = b"".join(bytes((filter_type,)) + bytes(16) for _ in range(16))
        yield mode(f"png filter {filter_type}", png(16, 16, rows=rows), EITHER)
    yield mode("png grey 16", grey16_png([[0, 65_535] * 8] * 16))
    yield mode("png colour 16", colour16_png([[(0, 65_535, 257)] * 16] * 16))
    for name in ("L", "RGB", "CMYK"):
        for sampling in (0, 1, 2):
            for options in ({}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 2}):
                image = noise().convert(name)
                chosen: dict[str, Any] = {"quality": 70, "subsampling": sampling, **options}
                yield mode(f"jpeg {name} {sampling} {options}", as_file(image, "JPEG", **chosen))
    adobe = as_file(noise().convert("CMYK"), "JPEG")
    for transform in (0, 1, 2, 9):
        at = adobe.index(b"Adobe")
        yield mode(
            f"jpeg CMYK transform {transform}", adobe[: at + 11] + bytes((transform,)) + adobe[at + 12 :], EITHER
        )
    for name in ("L", "LA", "RGB", "RGBA", "P"):
        for lossless in (False, True):
            yield mode(f"webp {name} lossless={lossless}", as_file(noise().convert(name), "WEBP", lossless=lossless))


def _shapes() -> Iterator[File]:
    fates = {
        (1, 1): REFUSED, (7, 7): REFUSED, (7, 100): REFUSED, (8, 8): DECODES, (8, 128): DECODES, (8, 129): REFUSED,
        (128, 8): DECODES, (129, 8): REFUSED, (1, 16_384): REFUSED, (16_384, 1): REFUSED, (16_384, 1024): DECODES,
        (1024, 16_384): DECODES, (16_384, 1023): REFUSED, (16_385, 1200): REFUSED, (1200, 16_385): REFUSED,
        (8, 40_000): REFUSED, (65_500, 8): REFUSED, (40_000, 999): REFUSED, (7000, 7000): REFUSED,
    }  # fmt: skip
    for (width, height), fate in fates.items():
        yield File(
            "shape", f"PNG {width}x{height}", png(width, height, packed=zeros(height * (width // 8 + 2)), depth=1), fate
        )
        if width * height <= 10**6:
            image = Image.new("RGB", (width, height))
            yield File("shape", f"JPEG {width}x{height}", as_file(image, "JPEG"), fate)
            if max(width, height) <= 16_383:
                yield File("shape", f"WebP {width}x{height}", as_file(image, "WEBP"), fate)


def _metadata() -> Iterator[File]:
    def extra(name: str, data: bytes, fate: str = DECODES) -> File:
        return File("metadata", name, data, fate)

    for kind in ("JPEG", "PNG", "WEBP"):
        for orientation in range(1, 9):
            for order in "<>":
                yield extra(f"{kind} turned {orientation} {order}", with_orientation(orientation, kind, order))
        for orientation in (0, 9, 65_535):
            yield extra(f"{kind} turned {orientation}", as_file(scene(), kind, exif=_exif(orientation)))
    loop = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 3, 1, 1, 8)
    oddities = {
        "empty": b"",
        "no directory": b"II*\0\xff\xff\xff\xff",
        "points at itself": loop,
        "65,535 entries": b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" * 4000,
        "huge counts": b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 12, 2**31, 0),
        "60 kB of nothing": b"II*\0\x08\0\0\0" + bytes(60_000),
        "not TIFF": b"\xde\xad\xbe\xef" * 10,
    }
    jpeg = bases()["jpeg"]
    for name, tiff in oddities.items():
        yield extra(f"JPEG EXIF {name}", jpeg[:2] + segment(0xE1, b"Exif\0\0" + tiff) + jpeg[2:])
        yield extra(f"PNG EXIF {name}", png(SIDE, SIDE, chunk(b"eXIf", tiff)))
        (lossy,) = webp_chunks(as_file(noise(), "WEBP"))
        yield extra(f"WebP EXIF {name}", riff(canvas(SIDE, SIDE, 8), lossy, (b"EXIF", tiff)))
        mpf = jpeg[:2] + segment(0xE2, b"MPF\0" + tiff) + jpeg[2:]
        yield extra(f"JPEG MPF {name}", mpf, EITHER)
    profiles: dict[str, bytes] = {
        "garbage": b"\xde\xad" * 300,
        "3 MB": srgb() + bytes(3 * 2**20),
        "6 MB": srgb() + bytes(6 * 2**20),
        "Lab": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        "XYZ": ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes(),
        "2^32 tags": srgb()[:128] + b"\xff\xff\xff\xff" + srgb()[132:],
        "cut": srgb()[:200],
    }
    for name, profile in profiles.items():
        for kind in ("JPEG", "PNG", "WEBP"):
            # Pillow inflates at most 1 MiB out of a PNG
            fate = EITHER if kind == "PNG" and "MB" in name else DECODES
            yield extra(f"{kind} profile {name}", as_file(noise(), kind, icc_profile=profile), fate)
    for number in range(100):
        junk = [segment(0xE0 + number % 16, random.Random(number).randbytes(60_000))] * (number % 20)
        yield extra(f"JPEG with {len(junk)} segments", jpeg[:2] + b"".join(junk) + jpeg[2:], EITHER)
    yield extra("PNG text of 20 MB", png(SIDE, SIDE, chunk(b"tEXt", b"k\0" + b"x" * 20 * 2**20)), EITHER)
    yield extra("PNG unknown chunks", png(SIDE, SIDE, *[chunk(b"abCd", bytes(1000))] * 1000))
    yield extra("PNG unknown critical chunk", png(SIDE, SIDE, chunk(b"ABCD", b"x")), EITHER)
    yield extra("JPEG comment of 20 MB", jpeg[:2] + segment(0xFE, bytes(65_000)) * 320 + jpeg[2:])


def _disguised() -> Iterator[File]:
    image = noise()
    texts = {
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
        "xml with entities": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file",
        "imagemagick": b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/x'\npop graphic-context",
        "html": b"<!doctype html><script>alert(1)</script>",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(100),
        "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
        "jpeg xl": b"\xff\x0a" + bytes(100),
        "psd": b"8BPS\0\1" + bytes(100),
        "exr": b"v/1\1" + bytes(100),
        "dds": b"DDS |\0\0\0" + bytes(120),
        "zip": b"PK\3\4" + bytes(100),
        "elf": b"\x7fELF" + bytes(100),
        "pickle": b"\x80\4cos\nsystem\n(S'true'\ntR.",
        "wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(28),
        "avi": b"RIFF\x24\0\0\0AVI LIST" + bytes(28),
        "mp4": b"\0\0\0\x18ftypmp42" + bytes(100),
        "webm": b"\x1aE\xdf\xa3" + bytes(100),
        "empty": b"",
        "one byte": b"\xff",
        "spaces": b" " * 1000,
        "zeros": bytes(1000),
        "utf-16": "\ufeffpicture".encode("utf-16"),
    }
    for kind in ("GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "SGI", "EPS"):
        texts[kind] = as_file(image.quantize() if kind == "GIF" else image, kind)
    for name, data in texts.items():
        yield File("disguised", name, data, REFUSED)
        yield File("disguised", f"{name} cut", data[: len(data) // 2], REFUSED)
