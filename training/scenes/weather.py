"""Snow and rain, on any photograph.

Fallen wherever it likes, snow would be learnt as what it is on average: a grey veil. So what makes the weather here
follows from the picture or from the place alone, the same every time, and the expected picture is the picture: a veil
of one tone, snow lying on what is bright from above, and flakes or streaks at fixed places, a pattern of 8 × 8 tokens
repeated from the middle of the picture, where the transformer counts its places from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from training.edits.tone import LUMA, Pixels, saturated

TILE = 64  #: pixels after which flakes and streaks repeat


def snow(pixels: Pixels) -> Pixels:
    """Pale and cold, white on upper edges, flakes."""
    pale = 0.22 + 0.72 * saturated(pixels, 0.45) * pixels.new_tensor((0.95, 1.0, 1.05)).view(3, 1, 1)
    return torch.lerp(
        torch.lerp(pale, torch.ones_like(pale), lying(pixels)), torch.ones_like(pale), fallen("snow", pixels)
    )


def rain(pixels: Pixels) -> Pixels:
    """Dim, grey and flat, light streaks."""
    dim = 0.10 + 0.58 * saturated(pixels, 0.4) * pixels.new_tensor((0.92, 0.99, 1.06)).view(3, 1, 1)
    return torch.lerp(dim.clamp(0, 1), pixels.new_tensor((0.86, 0.90, 0.95)).view(3, 1, 1), fallen("rain", pixels))


WEATHER: dict[str, Callable[[Pixels], Pixels]] = {"snow": snow, "rain": rain}


def lying(pixels: Pixels) -> Tensor:
    """(..., 1, H, W) in [0, 0.85]: how much snow lies there: below the sky, where it is darker than above."""
    luma = (pixels * pixels.new_tensor(LUMA).view(3, 1, 1)).sum(-3, keepdim=True)
    planes = luma.reshape(-1, 1, *luma.shape[-2:])
    smooth = functional.avg_pool2d(functional.pad(planes, (2, 2, 2, 2), mode="replicate"), 5, 1)
    above = functional.pad(smooth, (0, 0, 6, 0), mode="replicate")[..., :-6, :]
    return ((above - smooth - 0.05) * 6).clamp(0, 0.85).view(luma.shape)


def fallen(name: str, pixels: Pixels) -> Tensor:
    """(H, W) in [0, 1]: the pattern, its corner in the middle of the picture."""
    height, width = pixels.shape[-2:]
    rows = (torch.arange(height) - height // 2) % TILE
    columns = (torch.arange(width) - width // 2) % TILE
    return pattern(name)[rows][:, columns].to(pixels)


@lru_cache
def pattern(name: str) -> Tensor:
    """(TILE, TILE): soft discs for snow, slanted lines for rain, going on beyond the border on the other side."""
    rng = torch.Generator().manual_seed({"snow": 3, "rain": 5}[name])
    across = torch.arange(TILE).float()
    made = torch.zeros(TILE, TILE)
    for _ in range({"snow": 13, "rain": 15}[name]):
        y, x, size = (torch.rand(3, generator=rng) * torch.tensor([TILE, TILE, 1.0])).tolist()
        down = (across[:, None] - y + TILE / 2) % TILE - TILE / 2
        aside = (across[None] - x + TILE / 2) % TILE - TILE / 2
        if name == "snow":
            drop = (1.2 + 2.0 * size + 0.5 - (down**2 + aside**2).sqrt()).clamp(0, 1) * 0.95
        else:
            near = (1.1 - (aside + 0.25 * down).abs()).clamp(0, 1)
            drop = near * ((7 + 9 * size - down.abs()) / 4).clamp(0, 1) * 0.6
        made = torch.maximum(made, drop)
    return made
