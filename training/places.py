"""Which tokens of a picture a training step looks at, and how much each of them stands for.

Knows the token grid and where the true edits move things. Does not know latents, prompts or networks.

Tone is the same everywhere in a picture: a few scattered tokens teach words as well as all 1,024 and cost a sixtieth.
Styles need neighbours: a window. Geometry needs the tokens that pixels come from: an orbit holds with each token all
those that a mirror, a flip, a quarter turn or a zoom fetches it from.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from training.edits import geometry

Shape = tuple[int, int, int]  #: (1, rows, columns), as the transformer counts
Pattern = Literal["scattered", "window", "orbits", "whole"]
SCATTERED = 8  #: tokens
WINDOW = 5  #: tokens a side
ORBITS = 32  #: tokens, before those that a zoom looks at


def choose(pattern: Pattern, shape: Shape, rng: torch.Generator) -> Tensor:
    """Indices of the tokens looked at, in order."""
    _, rows, columns = shape
    if pattern == "scattered":
        return torch.randperm(rows * columns, generator=rng)[:SCATTERED].sort().values
    if pattern == "window":
        top, left = _corner(rows, columns, WINDOW, rng)
        return _block(top, left, WINDOW, columns)
    return _orbits(rows, columns, rng) if pattern == "orbits" else torch.arange(rows * columns)


def seen(family: str, shape: Shape, chosen: Tensor) -> Tensor:
    """(chosen,) bool: the token's pixels come from a chosen token, so that its answer can be known."""
    return torch.isin(geometry.sources(family, *shape[1:])[chosen], chosen)


def weights(shape: Shape, chosen: Tensor, crowd: int) -> Tensor:
    """(chosen, chosen): what to add to the attention logit of each key for each query, `crowd` tokens being meant.

    A chosen key stands for many that are left out, or the words, which compete with 32 picture tokens in training and
    with 2,048 when served, would lose: log of how many. Not where a query might point exactly (its own place and the
    places that geometry fetches from, each with its neighbours): there a key stands for itself, or pointing would be
    learnt only as sharp as a few tokens ask for.
    """
    _, rows, columns = shape
    places = torch.stack([chosen // columns, chosen % columns], -1)
    fetched = [geometry.sources(name, rows, columns)[chosen] for name in ("keep", *_moves(rows, columns))]
    exact = torch.zeros(len(chosen), len(chosen), dtype=torch.bool)
    for source in fetched:
        apart = torch.stack([source // columns, source % columns], -1)[:, None] - places[None]
        exact |= apart.abs().amax(-1) <= 1
    others = (~exact).sum(1, keepdim=True)
    return torch.where(exact, 0.0, ((crowd - len(chosen) + others) / others.clamp_min(1)).log())


def _moves(rows: int, columns: int) -> list[str]:
    return [name for name in geometry.MOVES if rows == columns or name not in geometry.SQUARE_ONLY]


def _corner(rows: int, columns: int, side: int, rng: torch.Generator) -> tuple[int, int]:
    """Top left of a window, at the border as often as anywhere."""
    ends = torch.tensor([rows - side, columns - side])
    top, left = (torch.rand(2, generator=rng) * (ends + 3)).long() - 1
    return int(top.clamp(0, ends[0])), int(left.clamp(0, ends[1]))


def _block(top: int, left: int, side: int, columns: int) -> Tensor:
    return ((top + torch.arange(side))[:, None] * columns + left + torch.arange(side)).flatten()


def _orbits(rows: int, columns: int, rng: torch.Generator) -> Tensor:
    """Windows of 2 × 2 at even places with all their images, and the tokens they are zoomed from."""
    found: set[int] = set()
    while len(found) < ORBITS:
        top, left = _corner(rows // 2, columns // 2, 1, rng)
        tokens = _block(2 * top, 2 * left, 2, columns)
        for name in ("mirror", "flip", *(() if rows != columns else ("left",))):
            tokens = torch.cat([tokens, geometry.sources(name, rows, columns)[tokens]])
        found |= set(tokens.tolist())
    moved = torch.tensor(sorted(found))
    return torch.cat([moved, geometry.sources("zoom", rows, columns)[moved]]).unique()
