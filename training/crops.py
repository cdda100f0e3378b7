"""Pictures as tensors at the sizes the editor works at: fitting, cropping, tokens per side.

Knows the working grid (area, aspect, multiples of 32) and how a training crop is drawn.
Does not know edits, prompts, latents or networks.
"""

from __future__ import annotations

import random

import numpy as np
import torch
from PIL import Image

GRID = 32  #: working sides are multiples of this
TOKEN = 8  #: pixels per token side: autoencoder /4, then 2×2 latents a token


def fit(area: int, aspect: float) -> tuple[int, int]:
    """(width, height) of that area and aspect (width/height), each rounded to the grid."""
    width = (area * aspect) ** 0.5
    return max(GRID, round(width / GRID) * GRID), max(GRID, round(width / aspect / GRID) * GRID)


def to_pixels(image: Image.Image) -> torch.Tensor:
    """(3, H, W) float in [0, 1]."""
    return torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32) / 255).permute(2, 0, 1).contiguous()


def to_image(pixels: torch.Tensor) -> Image.Image:
    array = (pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(array)


def shrink(image: Image.Image, scale: float) -> Image.Image:
    """Evenly scaled (Lanczos)."""
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def to_area(image: Image.Image, area: int) -> Image.Image:
    """The whole picture, scaled evenly to about `area` pixels: as the service prepares it before padding."""
    return shrink(image, (area / (image.width * image.height)) ** 0.5)


def crop(image: Image.Image, width: int, height: int, rng: random.Random, *, zoom: float = 3.0) -> Image.Image:
    """A random window of that aspect, shrunk to (width, height): between the largest that fits and 1/zoom of it.

    Half of the draws take (nearly) the whole picture: that is what a user sends. A third are flipped.
    """
    most = min(image.width / width, image.height / height)
    least = min(most, max(1.0, most / zoom))
    scale = most if rng.random() < 0.5 else rng.uniform(least, most)
    box_w, box_h = min(image.width, round(width * scale)), min(image.height, round(height * scale))
    left, top = rng.randint(0, image.width - box_w), rng.randint(0, image.height - box_h)
    part = image.resize((width, height), Image.Resampling.LANCZOS, box=(left, top, left + box_w, top + box_h))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.33 else part


def weighted(rng: random.Random, photos: list[Image.Image], drawn: list[Image.Image]) -> Image.Image:
    """One source picture; a drawn one is three times rarer than a photograph."""
    total = len(photos) + len(drawn) / 3
    return rng.choice(photos) if not drawn or rng.random() < len(photos) / total else rng.choice(drawn)
