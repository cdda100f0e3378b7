"""Sizes of an edit: from a picture's pixels to the grid the network works on, and back.

Knows aspect ratios, areas and padding. Does not know tensors, latents or checkpoints.

The reference pipelines round each side to the grid on its own, which stretches a picture by up to 3 % and is part of
the "zoom" seen in edits. Here a picture is scaled by one factor, laid on the grid with its edge pixels repeated to the
right and below, and the repeated part is cut off the result: nothing is stretched, shifted or cropped. Where the
aspect ratio fits the grid, the two are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from overpaint.catalog import GRID


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of width x height pixels in the top left corner of a grid of whole units."""

    width: int
    height: int
    grid_width: int
    grid_height: int

    @classmethod
    def exact(cls, width: int, height: int) -> Frame:
        return cls(width, height, _up(width), _up(height))

    def lay(self, picture: Image.Image) -> Image.Image:
        """The picture scaled to this frame, its last column and row repeated over the rest of the grid."""
        if picture.size != (self.width, self.height):
            picture = picture.resize((self.width, self.height), Image.Resampling.LANCZOS)
        right, below = self.grid_width - self.width, self.grid_height - self.height
        if not right and not below:
            return picture
        return Image.fromarray(np.pad(np.asarray(picture), ((0, below), (0, right), (0, 0)), mode="edge"))

    def cut(self, picture: Image.Image) -> Image.Image:
        """The inverse of the padding."""
        return picture.crop((0, 0, self.width, self.height)) if picture.size != (self.width, self.height) else picture


def fit_exact(size: tuple[int, int], area: int) -> Frame:
    """(width, height) scaled evenly to about `area` pixels, each side rounded to whole pixels."""
    width, height = size
    scale = math.sqrt(area / (width * height))
    return Frame.exact(max(1, round(width * scale)), max(1, round(height * scale)))


def fit_reference(size: tuple[int, int], area: int) -> Frame:
    """As the reference pipelines do: each side rounded to the grid on its own (half to even), nothing to cut."""
    ratio = size[0] / size[1]
    width = math.sqrt(area * ratio)
    fitted = (max(GRID, round(side / GRID) * GRID) for side in (width, width / ratio))
    width_on_grid, height_on_grid = fitted
    return Frame(width_on_grid, height_on_grid, width_on_grid, height_on_grid)


def _up(side: int) -> int:
    return -(-side // GRID) * GRID
