"""Where tokens stand: positions on three axes, and the rotary angles they become.

Knows token grids. Does not know what the tokens hold. Source: rotary embedding (arXiv:2104.09864), its three axes after
the "Qwen-Image Technical Report" (arXiv:2508.02324).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

THETA = 10_000.0

Shape = tuple[int, int, int]  #: (frames, height, width) of one picture in tokens; frames is always 1
Rotation = tuple[Tensor, Tensor]  #: cosines and sines, each (tokens, 1, head_dim / 2) float32


def image_positions(shapes: Sequence[Shape]) -> Tensor:
    """(tokens, 3) integers: picture index, and height and width centred on the middle of each picture.

    A side of 5 tokens runs -3 … 1, one of 4 tokens -2 … 1: the origin lies at half the side, rounded down.
    """
    grids = []
    for index, (_, height, width) in enumerate(shapes):
        rows = torch.arange(height) - (height - height // 2)
        columns = torch.arange(width) - (width - width // 2)
        grids.append(torch.cartesian_prod(torch.tensor([index]), rows, columns).reshape(-1, 3))
    return torch.cat(grids)


def text_positions(shapes: Sequence[Shape], tokens: int) -> Tensor:
    """(tokens, 3): the same position on all axes, counted on from beyond the largest picture."""
    start = max(max(height // 2, width // 2) for _, height, width in shapes)
    return (start + torch.arange(tokens)).unsqueeze(1).expand(-1, 3)


def rotation(positions: Tensor, axes: Sequence[int], device: torch.device | None = None) -> Rotation:
    """Cosines and sines: an axis of D channels turning at theta^(-2j/D), j < D/2."""
    angles = []
    for axis, channels in enumerate(axes):
        frequencies = 1.0 / torch.pow(THETA, torch.arange(0, channels, 2).float() / channels)
        angles.append(torch.outer(positions[:, axis].float(), frequencies))
    angle = torch.cat(angles, dim=-1).unsqueeze(1)
    return angle.cos().to(device), angle.sin().to(device)


def rotated(x: Tensor, by: Rotation) -> Tensor:
    """x (B, tokens, heads, head_dim) with each adjacent pair of channels turned, in float32."""
    cos, sin = by
    first, second = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)
