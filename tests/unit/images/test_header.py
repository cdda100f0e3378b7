"""Sizes, orientation and wholeness, read from bytes; held to Pillow, which reads them its own way."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from overpaint.errors import ImageResolutionTooHigh, InvalidImage, InvalidImageSize, OverpaintError
from overpaint.images import header
from tests.unit.images import pictures

LIMIT = 40_000_000
ODD = (41, 23)


def read(data: bytes, limit: int = LIMIT) -> header.Header:
    return header.read(data, max_pixels=limit)


FILES = {
    "baseline jpeg": pictures.as_file(pictures.scene(ODD), "JPEG"),
    "progressive jpeg": pictures.as_file(pictures.scene(ODD), "JPEG", progressive=True),
    "grey jpeg": pictures.as_file(pictures.scene(ODD).convert("L"), "JPEG"),
    "cmyk jpeg": pictures.as_file(pictures.scene(ODD).convert("CMYK"), "JPEG"),
    "multi-picture jpeg": pictures.as_file(
        pictures.scene(ODD), "MPO", save_all=True, append_images=[pictures.scene((99, 77))]
    ),
    "png": pictures.as_file(pictures.scene(ODD), "PNG"),
    "palette png": pictures.as_file(pictures.scene(ODD).convert("P"), "PNG"),
    "one-bit png": pictures.as_file(pictures.scene(ODD).convert("1"), "PNG"),
    "animated png": pictures.as_file(
        pictures.scene(ODD), "PNG", save_all=True, append_images=[Image.new("RGB", ODD, "pink")]
    ),
    "lossy webp": pictures.as_file(pictures.scene(ODD), "WEBP"),
    "lossless webp": pictures.as_file(pictures.scene(ODD), "WEBP", lossless=True),
    "webp with alpha": pictures.as_file(pictures.scene(ODD).convert("RGBA"), "WEBP"),
    "animated webp": pictures.as_file(
        pictures.scene(ODD), "WEBP", save_all=True, append_images=[Image.new("RGB", ODD, "pink")]
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_size_and_format_are_what_pillow_finds(name: str) -> None:
    data = FILES[name]
    with Image.open(io.BytesIO(data)) as image:
        theirs = image.size, {"MPO": "jpeg"}.get(image.format or "", (image.format or "").lower())
    head = read(data)
    assert ((head.width, head.height), head.format) == theirs


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_turns_the_size_reported(orientation: int, kind: str, order: str) -> None:
    head = read(pictures.with_orientation(orientation, kind, order))
    assert (head.width, head.height, head.orientation) == (*pictures.SIZE, orientation)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_refused(name: str) -> None:
    data = FILES[name]
    # A multi-picture file may lose its further pictures: only the first is read.
    end = data.index(b"\xff\xd9") if name.startswith("multi") else len(data) - 1
    for cut in range(0, end, max(1, end // 97)):
        with pytest.raises(InvalidImage):
            read(data[:cut])


def test_a_thumbnails_end_does_not_stand_for_the_pictures_end() -> None:
    """Cut a photograph inside its pixels: the embedded thumbnail still brings an end marker along."""
    thumbnail = pictures.as_file(pictures.scene((16, 16)), "JPEG")
    data = pictures.as_file(pictures.scene(ODD), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0" + thumbnail)
    assert read(data).width == ODD[0]
    with pytest.raises(InvalidImage, match="cut off"):
        read(data[:-30])


def test_bytes_after_the_end_are_nobodys_business() -> None:
    for name, data in FILES.items():
        assert read(data + b"trailer of a motion photo").format in name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"hello, I am a text file and not a picture at all",
        pictures.as_file(pictures.scene(), "GIF"),
        pictures.as_file(pictures.scene(), "BMP"),
        pictures.as_file(pictures.scene(), "TIFF"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        pictures.png(10, 10),
        b"RIFF\x04\0\0\0WEBP",
        b"\0\0\0\x20ftypheic" + bytes(64),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        read(data)


def test_a_gigapixel_header_is_refused_by_its_header() -> None:
    bomb = pictures.png(16_000, 12_500, (b"IDAT", b"never looked into"))
    with pytest.raises(ImageResolutionTooHigh, match="200,000,000 pixels"):
        read(bomb)


@pytest.mark.parametrize(
    ("size", "is_taken"), [((8, 100), True), ((7, 50), False), ((16, 257), False), ((16, 256), True)]
)
def test_sides_and_ratio(size: tuple[int, int], is_taken: bool) -> None:
    data = pictures.as_file(Image.new("L", size), "PNG")
    if is_taken:
        assert read(data).width == size[0]
    else:
        with pytest.raises(InvalidImageSize):
            read(data)


def test_a_side_above_16384_is_refused_although_its_pixels_are_few() -> None:
    with pytest.raises(InvalidImageSize):
        read(pictures.png(16_385, 1_100, (b"IDAT", b"")))
    assert read(pictures.png(16_384, 1_100, (b"IDAT", b""))).width == 16_384


def test_a_flood_of_empty_chunks_ends_early() -> None:
    with pytest.raises(InvalidImage, match="too many"):
        read(pictures.png(9, 9, *[(b"tEXt", b"")] * 70_000))


@given(st.binary(max_size=400), st.sampled_from(sorted(FILES)), st.integers(0, 400))
def test_no_bytes_make_it_fall_over(noise: bytes, name: str, at: int) -> None:
    data = bytearray(FILES[name])
    data[at : at + len(noise)] = noise
    try:
        head = read(bytes(data))
    except OverpaintError:
        return
    assert head.width * head.height <= LIMIT


@given(st.binary(max_size=64), st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_broken_exif_means_upright(exif: bytes, kind: str) -> None:
    data = pictures.as_file(pictures.scene(), kind, exif=exif if kind != "JPEG" else b"Exif\0\0" + exif)
    assert read(data).orientation in range(1, 9)
