"""From a picture file to upright 8-bit sRGB pixels, and back to a file.

Knows colour: orientation, alpha, palette, grey, 16 bit, CMYK, embedded profiles. Does not know the model, sizes to
work at, or where bytes are kept. Runs where pictures are made (the worker, the in-process CLI), never in the API.
"""

from __future__ import annotations

import io

from PIL import Image, ImageCms

from overpaint.errors import InvalidImage
from overpaint.images import header

FORMATS = {"jpeg": ("JPEG", "MPO"), "png": ("PNG",), "webp": ("WEBP",)}  #: ours -> Pillow's names of the allowed ones
MAX_PROFILE_BYTES = 4 * 2**20
MAX_SCANS = 100  #: of a JPEG: each goes over all its pixels again, and honest files have about ten

# Pillow's own alarm is a warning at a number it chose. `header.read` has refused large pictures before Pillow sees
# them, and `open_upright` refuses a file of which Pillow thinks otherwise, so its alarm is switched off knowingly.
Image.MAX_IMAGE_PIXELS = None

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SRGB = ImageCms.createProfile("sRGB")


def open_upright(data: bytes, *, max_pixels: int = 40_000_000) -> Image.Image:
    """The picture as a person sees it: RGB, 8 bit, sRGB, upright, alpha laid on white; of several frames the first.

    Raises InvalidImage when the file is damaged, and what `header.read` raises.
    """
    head = header.read(data, max_pixels=max_pixels)
    if head.format == "jpeg" and header.jpeg_scans(data) > MAX_SCANS:
        raise InvalidImage(field="image", problem="the JPEG has too many scans.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS[head.format]) as image:
            if image.size != (head.stored_width, head.stored_height):
                raise InvalidImage(field="image", problem="the file contradicts itself about its size.")
            image.load()
            profile = image.info.get("icc_profile")
            flat = _to_srgb(_on_white(_to_eight_bit(image)), profile)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        raise InvalidImage(field="image", problem="the file is damaged.") from None
    turn = _TURNS.get(head.orientation)
    return flat if turn is None else flat.transpose(turn)


def encode(image: Image.Image, format: str, quality: int) -> bytes:
    """One finished picture as a file: "jpeg", "png" or "webp"; quality 1 … 100 for the lossy ones.

    The same pixels give the same bytes, and nothing but the pixels goes in.
    """
    clean = image.convert("RGB") if image.mode != "RGB" else image.copy()
    clean.info = {}  # Pillow would copy an embedded profile or EXIF from here
    file = io.BytesIO()
    if format == "jpeg":
        # Full colour resolution where somebody asks for quality: halved, saturated edges bleed visibly.
        clean.save(file, "JPEG", quality=quality, subsampling="4:4:4" if quality >= 90 else "4:2:0")
    elif format == "png":
        clean.save(file, "PNG", compress_level=6)
    else:
        clean.save(file, "WEBP", quality=quality, method=4)
    return file.getvalue()


def _to_eight_bit(image: Image.Image) -> Image.Image:
    """L, LA, RGB, RGBA or CMYK. 16-bit grey is divided by 257; Pillow itself gives 16-bit colour as its high bytes."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA")
    if "transparency" in image.info and image.mode in ("L", "RGB"):  # one colour counts as clear
        return image.convert("RGBA")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image
    mode = image.mode[:-1]
    white = Image.new(mode, image.size, (255,) * len(mode))
    white.paste(image.convert(mode), mask=image.getchannel("A"))
    return white


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Through the embedded profile where it is usable; a profile that is broken or of another mode is ignored."""
    if profile and len(profile) <= MAX_PROFILE_BYTES:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # Most files say sRGB; 12 megapixels through littleCMS would cost them a third of a second for nothing.
            if image.mode == "RGB" and ImageCms.getProfileDescription(source).startswith("sRGB"):
                return image
            converted = ImageCms.profileToProfile(
                image,
                source,
                _SRGB,
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
        else:
            assert converted is not None  # only an in-place conversion gives None
            return converted
    return image.convert("RGB")
