"""Edits that move pixels, and frames, which cover those at the border.

Quarter turns are for square pictures. Knows, for training, from which token a token's pixels come.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from training.edits.tone import Pixels

FRAME = 16  #: width of a frame, pixels at the working size
COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (0.80, 0.10, 0.10),
    "yellow": (0.95, 0.85, 0.15),
    "green": (0.10, 0.55, 0.20),
    "blue": (0.10, 0.25, 0.75),
}


def mirror(pixels: Pixels) -> Pixels:
    return pixels.flip(-1)


def flip(pixels: Pixels) -> Pixels:
    return pixels.flip(-2)


def left(pixels: Pixels) -> Pixels:
    """A quarter turn, counter-clockwise."""
    return torch.rot90(pixels, 1, (-2, -1))


def right(pixels: Pixels) -> Pixels:
    return torch.rot90(pixels, -1, (-2, -1))


def zoom(pixels: Pixels) -> Pixels:
    """The middle half of each side, twice as large."""
    height, width = pixels.shape[-2:]
    top, side = height // 4, width // 4
    middle = pixels[..., top : top + height // 2, side : side + width // 2]
    planes = middle.reshape(-1, *middle.shape[-3:])
    large = functional.interpolate(planes, size=(height, width), mode="bicubic", align_corners=False)
    return large.clamp(0, 1).view(pixels.shape)


def framed(colour: tuple[float, float, float]) -> Callable[[Pixels], Pixels]:
    def edit(pixels: Pixels) -> Pixels:
        made = pixels.new_tensor(colour).view(3, 1, 1).expand_as(pixels).clone()
        inside = (..., slice(FRAME, -FRAME), slice(FRAME, -FRAME))
        made[inside] = pixels[inside]
        return made

    return edit


MOVES: dict[str, Callable[[Pixels], Pixels]] = {
    "mirror": mirror,
    "flip": flip,
    "left": left,
    "right": right,
    "zoom": zoom,
}
SQUARE_ONLY = ("left", "right")
FRAMES = {f"frame {name}": framed(colour) for name, colour in COLOURS.items()}
EDITS = MOVES | FRAMES


def sources(family: str, rows: int, columns: int) -> Tensor:
    """For each token of a rows × columns picture (row by row) the token its pixels come from."""
    places = torch.arange(rows * columns).view(rows, columns)
    if family == "zoom":
        down, across = (rows // 4 + torch.arange(rows) // 2), (columns // 4 + torch.arange(columns) // 2)
        return places[down][:, across].flatten()
    return MOVES[family](places).flatten() if family in MOVES else places.flatten()
