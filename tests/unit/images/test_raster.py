"""Every kind of file comes out as the same upright sRGB picture, and goes back without metadata."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageCms

from overpaint.errors import InvalidImage
from overpaint.images import raster
from tests.unit.images import pictures

RED, GREEN, BLUE, GREY = (230, 20, 20), (20, 200, 20), (20, 20, 220), (128, 128, 128)


def assert_close(found: list[tuple[int, ...]], wanted: list[tuple[int, ...]], tolerance: int = 2) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) <= tolerance, (found, wanted)


def grey_of(pixel: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = pixel
    level = round(0.299 * red + 0.587 * green + 0.114 * blue)
    return (level, level, level)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int, kind: str) -> None:
    image = raster.open_upright(pictures.with_orientation(orientation, kind))
    assert image.mode == "RGB"
    assert image.size == pictures.SIZE
    assert_close(pictures.corners(image), [RED, GREEN, BLUE, GREY], tolerance=4)


def test_grey_becomes_three_equal_channels() -> None:
    image = raster.open_upright(pictures.as_file(pictures.scene().convert("L"), "PNG"))
    assert_close(pictures.corners(image), [grey_of(pixel) for pixel in (RED, GREEN, BLUE, GREY)])


def test_palette_colours_are_looked_up() -> None:
    image = raster.open_upright(pictures.as_file(pictures.scene().quantize(8), "PNG"))
    assert_close(pictures.corners(image), [RED, GREEN, BLUE, GREY])


def test_a_clear_palette_entry_shows_white() -> None:
    palette = pictures.scene().quantize(8)
    clear = palette.getpixel((1, 1))
    image = raster.open_upright(pictures.as_file(palette, "PNG", transparency=clear))
    assert_close(pictures.corners(image), [(255, 255, 255), GREEN, BLUE, GREY])


def test_one_bit_is_black_and_white() -> None:
    image = raster.open_upright(pictures.as_file(Image.new("1", (10, 10), 1), "PNG"))
    assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_is_laid_on_white(kind: str) -> None:
    image = pictures.scene().convert("RGBA")
    image.putalpha(128)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    found = raster.open_upright(pictures.as_file(image, kind, **options))
    half = [tuple(round(level * 128 / 255 + 127) for level in pixel) for pixel in (RED, GREEN, BLUE, GREY)]
    assert_close(pictures.corners(found), half)


def test_what_lies_under_full_transparency_does_not_shine_through() -> None:
    image = pictures.scene().convert("RGBA")
    image.putalpha(0)
    assert raster.open_upright(pictures.as_file(image, "PNG")).getextrema() == ((255, 255),) * 3


def test_grey_with_alpha_is_laid_on_white() -> None:
    image = Image.new("LA", (10, 10), (100, 51))
    found = raster.open_upright(pictures.as_file(image, "PNG"))
    assert_close([found.getpixel((5, 5))], [(224, 224, 224)])


def test_a_colour_that_counts_as_clear_shows_white() -> None:
    found = raster.open_upright(pictures.as_file(pictures.scene(), "PNG", transparency=RED))
    assert_close(pictures.corners(found), [(255, 255, 255), GREEN, BLUE, GREY])


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    levels = [0, 255, 256, 4_660, 32_768, 40_000, 65_279, 65_535]
    found = raster.open_upright(pictures.grey16_png([levels] * 8))
    assert [found.getpixel((x, 3))[0] for x in range(8)] == [round(level / 257) for level in levels]


def test_sixteen_bit_colour_is_scaled() -> None:
    row = [(0, 32_768, 65_535)] * 8
    found = raster.open_upright(pictures.colour16_png([row] * 8))
    assert_close([found.getpixel((3, 3))], [(0, 128, 255)], tolerance=1)


def test_cmyk_without_a_profile() -> None:
    """Pillow writes CMYK JPEGs as Adobe does, inverted: read wrongly, white would be black."""
    found = raster.open_upright(pictures.as_file(pictures.scene().convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert_close(pictures.corners(found), [RED, GREEN, BLUE, GREY], tolerance=6)


def test_of_several_frames_the_first() -> None:
    for kind in ("PNG", "WEBP", "MPO"):
        more = {"save_all": True, "append_images": [Image.new("RGB", pictures.SIZE, "black")]}
        found = raster.open_upright(pictures.as_file(pictures.scene(), kind, **more))
        assert_close(pictures.corners(found), [RED, GREEN, BLUE, GREY], tolerance=14)


def test_an_embedded_profile_is_applied() -> None:
    """A profile whose red and blue are exchanged: whoever ignores it sees the wrong colours."""
    srgb = bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    swapped = srgb.replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")
    swapped = swapped.replace(b"sRGB", b"odd!").replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))
    found = raster.open_upright(pictures.as_file(pictures.scene(), "PNG", icc_profile=swapped))
    assert_close(pictures.corners(found), [(20, 20, 230), (20, 200, 20), (220, 20, 20), GREY], tolerance=6)


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 128])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    found = raster.open_upright(pictures.as_file(pictures.scene(), "PNG", icc_profile=profile))
    assert_close(pictures.corners(found), [RED, GREEN, BLUE, GREY])


def test_a_profile_of_another_mode_is_ignored() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = raster.open_upright(pictures.as_file(pictures.scene().convert("L"), "PNG", icc_profile=srgb))
    assert_close(pictures.corners(found), [grey_of(pixel) for pixel in (RED, GREEN, BLUE, GREY)])


def test_damage_inside_the_pixels_is_an_error_and_not_a_grey_half() -> None:
    whole = pictures.as_file(pictures.scene((400, 400)), "PNG")
    at = whole.index(b"IDAT") + 40
    with pytest.raises(InvalidImage):
        raster.open_upright(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :])


def test_a_file_that_hides_its_size_from_the_header_is_refused() -> None:
    """The container says one size, the frame inside another: the check before decoding must not be fooled."""
    data = bytearray(pictures.with_orientation(1, "WEBP"))
    assert data[12:16] == b"VP8X"
    data[24:30] = (9).to_bytes(3, "little") * 2
    with pytest.raises(InvalidImage):
        raster.open_upright(bytes(data))


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_encoding_is_repeatable_and_carries_no_metadata(format: str) -> None:
    image = pictures.scene()
    plain = raster.encode(image, format, 90)
    image.info = {"icc_profile": b"x" * 200, "exif": b"Exif\0\0MM\0*", "dpi": (72, 72), "comment": b"where I live"}
    assert raster.encode(image, format, 90) == plain
    with Image.open(io.BytesIO(plain)) as found:
        assert found.format == format.upper()
        assert not {"icc_profile", "exif", "comment", "dpi"} & set(found.info)


def test_png_is_lossless_and_quality_counts_for_the_others() -> None:
    image = Image.effect_noise((64, 64), 60).convert("RGB")
    with Image.open(io.BytesIO(raster.encode(image, "png", 5))) as found:
        assert ImageChops.difference(found.convert("RGB"), image).getbbox() is None
    for format in ("jpeg", "webp"):
        assert len(raster.encode(image, format, 20)) < len(raster.encode(image, format, 95))
