"""Tonal edits: each pixel's new colour follows from its old one alone.

Knows the default strength of each family and how to make an edit slighter or stronger.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

Pixels = torch.Tensor  #: (..., 3, H, W) sRGB values in [0, 1]

LUMA = (0.299, 0.587, 0.114)  # Rec. 601, on sRGB values as Pillow's convert("L")
SEPIA = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))  # the usual matrix
WARM = (1.25, 1.02, 0.65)  # strong enough that the autoencoder's own error stays small beside the edit
COOL = (0.68, 0.98, 1.28)


def black_and_white(pixels: Pixels) -> Pixels:
    return mix(pixels, (LUMA, LUMA, LUMA))


def invert(pixels: Pixels) -> Pixels:
    return 1 - pixels


def sepia(pixels: Pixels) -> Pixels:
    return mix(pixels, SEPIA).clamp(0, 1)


def brighter(pixels: Pixels) -> Pixels:
    """A gamma curve over a small lift: shadows open, white stays white."""
    return 0.06 + 0.94 * pixels.clamp(0, 1) ** 0.6


def darker(pixels: Pixels) -> Pixels:
    return pixels * 0.55


def warmer(pixels: Pixels) -> Pixels:
    return gains(pixels, WARM)


def cooler(pixels: Pixels) -> Pixels:
    return gains(pixels, COOL)


def contrast(pixels: Pixels) -> Pixels:
    return (0.5 + 1.5 * (pixels - 0.5)).clamp(0, 1)


def flat(pixels: Pixels) -> Pixels:
    return 0.5 + 0.5 * (pixels - 0.5)


def vivid(pixels: Pixels) -> Pixels:
    return saturated(pixels, 1.9)


def muted(pixels: Pixels) -> Pixels:
    return saturated(pixels, 0.45)


def night(pixels: Pixels) -> Pixels:
    """Dark and blue, shadows closed."""
    return gains(pixels.clamp(0, 1) ** 1.3, (0.30, 0.36, 0.60))


def sunset(pixels: Pixels) -> Pixels:
    """Low orange light over violet shadows."""
    return (gains(pixels, (1.05, 0.68, 0.42)) + pixels.new_tensor((0.12, 0.02, 0.08)).view(3, 1, 1)).clamp(0, 1)


def fog(pixels: Pixels) -> Pixels:
    """Less than half of the light of things comes through, the rest is grey."""
    return 0.45 * pixels + 0.55 * pixels.new_tensor((0.80, 0.82, 0.84)).view(3, 1, 1)


def by_strength(edit: Callable[[Pixels], Pixels], part: float) -> Callable[[Pixels], Pixels]:
    """The same edit, going `part` of the way (above 1: beyond it)."""
    return lambda pixels: torch.lerp(pixels, edit(pixels), part).clamp(0, 1)


def mix(pixels: Pixels, matrix: tuple[tuple[float, ...], ...]) -> Pixels:
    """Each output channel as a weighted sum of the input's."""
    return torch.einsum("oc,...chw->...ohw", pixels.new_tensor(matrix), pixels)


def gains(pixels: Pixels, factors: tuple[float, float, float]) -> Pixels:
    return (pixels * pixels.new_tensor(factors).view(3, 1, 1)).clamp(0, 1)


def saturated(pixels: Pixels, factor: float) -> Pixels:
    grey = black_and_white(pixels)
    return (grey + factor * (pixels - grey)).clamp(0, 1)


EDITS: dict[str, Callable[[Pixels], Pixels]] = {
    "bw": black_and_white,
    "invert": invert,
    "sepia": sepia,
    "brighter": brighter,
    "darker": darker,
    "warmer": warmer,
    "cooler": cooler,
    "contrast": contrast,
    "flat": flat,
    "vivid": vivid,
    "muted": muted,
    "night": night,
    "sunset": sunset,
    "fog": fog,
}
#: families of which people ask for a little or for much
COMPARABLE = ("brighter", "darker", "warmer", "cooler", "contrast", "flat", "vivid", "muted")
