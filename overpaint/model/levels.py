"""The modulation table: each noise level as the network reads it, read once.

A third of the 20B model's transformer (6.8 of 20.4 B weights) depends on the noise level alone. So a schedule's levels
are read before the walk begins and kept: steps and later edits look them up, and the weights behind them need not stay
on the device (`Streamed`). Exact: the same products, made once.

Knows sigmas and where modulation weights are. Does not know latents, pictures or prompts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from overpaint.model.reading import ahead
from overpaint.model.transformer import Level, Transformer, Vectors
from overpaint.plan import KEPT_LEVELS

#: Reads levels from sigmas, each (1,) on the device and in the dtype of the network.
Reader = Callable[[Sequence[Tensor]], list[Level]]


def resident(transformer: Transformer) -> Reader:
    """With the network's own weights."""
    return lambda sigmas: [transformer.level(sigma) for sigma in sigmas]


class Streamed:
    """With weights fetched for the moment of reading, a few linears at a time: all levels asked for share the fetch.

    fetch  key of a stored tensor -> the tensor on the network's device and in its dtype
    """

    def __init__(self, transformer: Transformer, fetch: Callable[[str], Tensor]) -> None:
        self.transformer, self.fetch = transformer, fetch

    def __call__(self, sigmas: Sequence[Tensor]) -> list[Level]:
        conditions = [self.transformer.conditions(sigma) for sigma in sigmas]
        blocks: list[list[Vectors]] = [[] for _ in sigmas]
        numbers = range(self.transformer.config.num_layers)
        names = [f"transformer_blocks.{number}.{name}.1" for number in numbers for name in ("img_mod", "txt_mod")]
        linears = ahead(self._linear, names)
        # one iterator, asked in turn: the image's linear of a block, then its text's
        for of_image, of_text in zip(linears, linears, strict=True):
            for found, condition in zip(blocks, conditions, strict=True):
                found.append((_through(of_image, condition), _through(of_text, condition[:1])))
        return [Level(condition[0], found) for condition, found in zip(conditions, blocks, strict=True)]

    def _linear(self, name: str) -> tuple[Tensor, Tensor]:
        return self.fetch(f"{name}.weight"), self.fetch(f"{name}.bias")


def _through(linear: tuple[Tensor, Tensor], condition: Tensor) -> Tensor:
    return F.linear(F.silu(condition), *linear)


class LevelTable:
    """Levels by sigma, as many as `overpaint.plan` reckons with; those longest unused go first.

    scale  what a level is multiplied by on its way: it travels as a timestep in the network's dtype and is rounded
           there, as in the reference
    """

    def __init__(self, read: Reader, scale: int, device: torch.device, dtype: torch.dtype) -> None:
        self.read, self.scale, self.device, self.dtype = read, scale, device, dtype
        self.known: OrderedDict[float, Level] = OrderedDict()

    def schedule(self, sigmas: Sequence[float]) -> Mapping[float, Level]:
        """The levels of a walk; those not in the table are read together."""
        walk = dict.fromkeys(sigmas)
        found = {sigma: self.known.pop(sigma) for sigma in walk if sigma in self.known}
        missing = [sigma for sigma in walk if sigma not in found]
        while self.known and len(self.known) + len(walk) > KEPT_LEVELS:
            self.known.popitem(last=False)
        if missing:
            found.update(zip(missing, self.read([self._rounded(sigma) for sigma in missing]), strict=True))
        self.known.update(list(found.items())[-KEPT_LEVELS:])
        return found

    def _rounded(self, sigma: float) -> Tensor:
        return torch.tensor([sigma * self.scale]).to(self.device, self.dtype) / self.scale
