"""The typefaces of signs: where they come from, their licences, and masks of text in them.

Each typeface is a Latin and a Chinese font that go together, so that a translated sign keeps its look. Only pictures of
glyphs are made; no font is shipped.

    python -m training.scenes.fonts          # fetches the Debian packages with apt-get, writes data/fonts/
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from training.photographs import DATA, unpack

FOLDER = DATA / "fonts"
FINER = 2  #: glyphs are drawn this much larger, then averaged


@dataclass(frozen=True)
class Font:
    """One font file of a Debian package. `bolder` is the stroke added to each side, for 100 pixels of height."""

    package: str
    file: str
    licence: str
    bolder: float = 0.0


ARPHIC, GPL = "Arphic Public License", "GPL-2 with font exception"
#: typeface → its Latin and its Chinese font
TYPEFACES = {
    "sans": {
        "latin": Font("fonts-liberation", "LiberationSans-Bold.ttf", GPL),
        "han": Font("fonts-wqy-microhei", "wqy-microhei.ttc", "Apache-2.0", 1.5),
    },
    "serif": {
        "latin": Font("fonts-dejavu-core", "DejaVuSerif-Bold.ttf", "Bitstream Vera licence"),
        "han": Font("fonts-arphic-gbsn00lp", "gbsn00lp.ttf", ARPHIC, 2.0),
    },
    "kai": {
        "latin": Font("fonts-liberation", "LiberationSerif-Bold.ttf", GPL),
        "han": Font("fonts-arphic-gkai00mp", "gkai00mp.ttf", ARPHIC, 2.0),
    },
}
TALLEST = {"latin": ("H", 1.0), "han": ("国", 1.2)}  #: the character measured, and its height over that asked for


def script(text: str) -> str:
    """Which of a typeface's fonts writes the text: "latin" or "han"."""
    return "latin" if text.isascii() else "han"


@lru_cache(maxsize=256)
def face(typeface: str, writing: str, height: int) -> tuple[ImageFont.FreeTypeFont, int, int]:
    """The font in which the tallest character is that high, its baseline below the middle of it, and its stroke."""
    character, taller = TALLEST[writing]
    font = TYPEFACES[typeface][writing]
    path = FOLDER / font.file
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; run: python -m training.scenes.fonts")
    _, top, _, bottom = ImageFont.truetype(path, 200).getbbox(character, anchor="ls")
    size = round(200 * height * taller / (bottom - top))
    middle = -size * (top + bottom) / 400
    return ImageFont.truetype(path, size), round(middle), round(font.bolder * height / 100)


def width(text: str, typeface: str, height: int) -> int:
    """Pixels that the text takes when nothing squeezes it."""
    font, _, stroke = face(typeface, script(text), height * FINER)
    return -(-(round(font.getlength(text)) + 2 * stroke) // FINER)


def mask(text: str, typeface: str, height: int, room: int) -> np.ndarray:
    """(rows, columns) float in [0, 1] of the text, capitals `height` pixels high around the middle row.

    Wider than `room`, it is squeezed to it, as on a narrow sign.
    """
    font, baseline, stroke = face(typeface, script(text), height * FINER)
    natural, rows = width(text, typeface, height), 2 * height
    drawn = Image.new("L", (natural * FINER, rows * FINER))
    pen = ImageDraw.Draw(drawn)
    pen.text((stroke, rows * FINER // 2 + baseline), text, 255, font, anchor="ls", stroke_width=stroke)
    small = drawn.resize((min(natural, room), rows), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255


def main() -> None:
    fonts = [font for pair in TYPEFACES.values() for font in pair.values()]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        unpack(Path(folder), {font.package for font in fonts})
        for font in fonts:
            (found,) = (Path(folder) / font.package).rglob(font.file)
            shutil.copy(found, FOLDER / font.file)
    print(f"{len(fonts)} fonts, {sum(file.stat().st_size for file in FOLDER.iterdir()) / 1e6:.1f} MB: {FOLDER}")


if __name__ == "__main__":
    main()
