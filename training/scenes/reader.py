"""Reads what stands on a sign, with eyes of its own: a recogniser of lines that others trained on other pictures.

Knows the box of a known sign and one network (PP-OCRv4's, Apache-2.0, out of the wheel of rapidocr-onnxruntime; nothing
is downloaded when it runs). It may answer with any string of the signs' alphabet, so it cannot confuse a capital with a
small letter; what to expect it is not told. Of 26 Latin and 34 Chinese signs it read every one, in the true picture and
after `mini`'s autoencoder. Does not know prompts, editors or scores, and does not look for signs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from training.scenes import words
from training.scenes.scene import Scene, Text

Reader = Callable[[Image.Image], str]
LINE, NARROWEST = 48, 320  #: pixels: how high the network sees a line, and how wide it is at least, filled with grey
BESIDE = 8  #: pixels of the plate that are shown on the left and on the right of the text
ABOVE = 0.75  #: how much is shown above the middle of the text and below, of the height of its capitals


def load() -> Reader:
    """Raises ModuleNotFoundError where the packages are not installed."""
    package = find_spec("rapidocr_onnxruntime")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("rapidocr-onnxruntime is not installed: pip install --group training")
    return Recogniser(Path(package.origin).parent / "models" / "ch_PP-OCRv4_rec_infer.onnx")


class Recogniser:
    """The network alone: the package around it looks for lines, and brings OpenCV along."""

    def __init__(self, path: Path) -> None:
        import onnxruntime  # not among what tests install

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        listed = self.session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self.characters = ["", *listed]  # the first stands for "nothing new here"
        known = {*words.LATIN, *words.HAN, ""}
        self.allowed = np.array([index for index, each in enumerate(self.characters) if each in known])

    def __call__(self, line: Image.Image) -> str:
        width = max(1, round(line.width * LINE / line.height))
        seen = np.asarray(line.convert("RGB").resize((width, LINE), Image.Resampling.BICUBIC), dtype=np.float32)
        values = np.zeros((1, 3, LINE, max(NARROWEST, width)), dtype=np.float32)
        values[0, :, :, :width] = (seen[..., ::-1] / 127.5 - 1).transpose(2, 0, 1)
        (scores,) = self.session.run(None, {"x": values})
        best = self.allowed[scores[0][:, self.allowed].argmax(-1)]
        fresh = np.diff(best, prepend=0) != 0  # a character that lasts is one character
        return "".join(self.characters[index] for index in best[fresh])


def line(picture: Image.Image, scene: Scene) -> Image.Image:
    """The part of a picture where the text of the scene's sign stands, or stood."""
    (text,) = (part for part in scene.parts if isinstance(part, Text))
    across, down = text.room // 2 + BESIDE, round(ABOVE * text.height)
    return picture.crop((text.x - across, text.y - down, text.x + across, text.y + down))
