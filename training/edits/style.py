"""Styles: each pixel's new colour follows from its neighbourhood.

Lengths are pixels at the working size. Borders are continued by their last pixel.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from training.edits.tone import Pixels, black_and_white, saturated

BLOCK = 8  #: side of a mosaic's stones; a token's side, so that a stone is one token
LEVELS = 4  #: of a poster, each channel
SOFT = 2.5  #: deviation of the blur


def blur(pixels: Pixels) -> Pixels:
    return gaussian(pixels, SOFT)


def sharpen(pixels: Pixels) -> Pixels:
    """Unsharp mask."""
    return (pixels + 1.5 * (pixels - gaussian(pixels, 1.5))).clamp(0, 1)


def sketch(pixels: Pixels) -> Pixels:
    """A pencil's lines: the grey picture divided by its blurred self (colour dodge), lines made darker."""
    grey = black_and_white(pixels)
    return ((grey + 0.03) / (gaussian(grey, 3.0) + 0.03)).clamp(0, 1) ** 2


def poster(pixels: Pixels) -> Pixels:
    return (pixels * (LEVELS - 1)).round() / (LEVELS - 1)


def mosaic(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[-2:]
    padded = pad(pixels, (0, -width % BLOCK, 0, -height % BLOCK))
    stones = functional.avg_pool2d(padded, BLOCK).repeat_interleave(BLOCK, -1).repeat_interleave(BLOCK, -2)
    return stones[..., :height, :width]


def oil(pixels: Pixels) -> Pixels:
    """Dabs of rich colour."""
    return saturated((0.5 + 1.15 * (kuwahara(pixels, 3) - 0.5)).clamp(0, 1), 1.6)


def kuwahara(pixels: Pixels, radius: int) -> Pixels:
    """The mean of that quarter of the neighbourhood that varies least: smooth, with hard edges."""
    side = radius + 1
    padded = pad(pixels, (radius, radius, radius, radius))
    mean = functional.avg_pool2d(padded, side, stride=1)
    spread = (functional.avg_pool2d(padded**2, side, stride=1) - mean**2).sum(-3, keepdim=True)
    height, width = pixels.shape[-2:]
    corners = [(top, left) for top in (0, radius) for left in (0, radius)]
    means = torch.stack([mean[..., t : t + height, x : x + width] for t, x in corners])
    spreads = torch.stack([spread[..., t : t + height, x : x + width] for t, x in corners])
    return means.gather(0, spreads.argmin(0, keepdim=True).expand_as(means[:1]))[0]


def gaussian(pixels: Pixels, deviation: float) -> Pixels:
    """Blurred with a normal kernel, cut off at three deviations."""
    reach = round(3 * deviation)
    places = torch.arange(-reach, reach + 1, dtype=pixels.dtype, device=pixels.device)
    kernel = torch.exp(-0.5 * (places / deviation) ** 2)
    kernel = kernel / kernel.sum()
    planes = pixels.reshape(-1, 1, *pixels.shape[-2:])
    planes = functional.pad(planes, (reach, reach, reach, reach), mode="replicate")
    planes = functional.conv2d(functional.conv2d(planes, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    return planes.view(pixels.shape)


def pad(pixels: Pixels, sides: tuple[int, int, int, int]) -> Pixels:
    """Left, right, top, bottom."""
    planes = pixels.reshape(-1, *pixels.shape[-3:])
    padded = functional.pad(planes, sides, mode="replicate")
    return padded.view(*pixels.shape[:-2], *padded.shape[-2:])


EDITS: dict[str, Callable[[Pixels], Pixels]] = {
    "sketch": sketch,
    "poster": poster,
    "mosaic": mosaic,
    "oil": oil,
    "blur": blur,
    "sharpen": sharpen,
}
