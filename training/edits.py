"""The true edits: what each family of prompts means, as exact pixel arithmetic.

Knows the seven tonal families and their default strengths. Used to make training targets and to judge results;
nothing of it is reachable from the served path. Does not know prompts, latents or networks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

Pixels = torch.Tensor  #: (..., 3, H, W) sRGB values in [0, 1]

LUMA = (0.299, 0.587, 0.114)  # Rec. 601, on sRGB values as Pillow's convert("L")
SEPIA = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))  # the usual matrix
WARM = (1.25, 1.02, 0.65)  # strong enough that the autoencoder's own error stays small beside the edit
COOL = (0.68, 0.98, 1.28)


def keep(pixels: Pixels) -> Pixels:
    return pixels


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


def mix(pixels: Pixels, matrix: tuple[tuple[float, ...], ...]) -> Pixels:
    """Each output channel as a weighted sum of the input's."""
    return torch.einsum("oc,...chw->...ohw", pixels.new_tensor(matrix), pixels)


def gains(pixels: Pixels, factors: tuple[float, float, float]) -> Pixels:
    return (pixels * pixels.new_tensor(factors).view(3, 1, 1)).clamp(0, 1)


EDITS: dict[str, Callable[[Pixels], Pixels]] = {
    "bw": black_and_white,
    "invert": invert,
    "sepia": sepia,
    "brighter": brighter,
    "darker": darker,
    "warmer": warmer,
    "cooler": cooler,
    "keep": keep,
}
FAMILIES = [name for name in EDITS if name != "keep"]
