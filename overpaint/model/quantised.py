"""Weights in 8 bits: the matrices of the repeated layers as int8, a scale for each row. Half the memory of bfloat16.

Approximate: the picture is only nearly that of the exact weights; `benchmarks/quantised.py` says how nearly. What is
small or stands alone stays exact, for an error there would be in all that follows: norms, biases, the table of words,
the first and last projections; the modulation weights, because a table replaces them where memory is short; and the
autoencoder, which is small.

Knows matrices and the names of layers. Does not know what a layer computes, nor where weights wait.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overpaint.plan import layer_of

GREATEST = 127


class Int8Linear(nn.Module):
    """In the place of a linear, on the meta device until its weights are read."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty_like(linear.weight, dtype=torch.int8), requires_grad=False)
        self.scale = nn.Parameter(torch.empty_like(linear.weight[:, :1]), requires_grad=False)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """The product is that of the exact dtype: only memory is saved. The whole matrix exists while it is made."""
        return F.linear(x, self.weight * self.scale, self.bias)


def quantise(network: nn.Module) -> None:
    """Makes an Int8Linear of each linear in the repeated layers, modulation apart. Nothing may have been read yet."""
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Linear) and layer_of(name):
            network.set_submodule(name, Int8Linear(module))


def as_held(key: str, stored: Tensor, held: Mapping[str, Tensor], device: torch.device) -> list[tuple[str, Tensor]]:
    """A tensor as stored -> as a network holds it: in int8 a matrix is two, made on the device."""
    if held[key].dtype != torch.int8:
        return [(key, stored)]
    scale = f"{key.removesuffix('weight')}scale"
    values, scales = quantised(stored.to(device), held[scale].dtype)
    return [(key, values), (scale, scales)]


def quantised(matrix: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A matrix (rows, columns) -> int8 of that shape, and scales (rows, 1) in `dtype`.

    Values times scales lie within half a scale of the matrix, and a scale is 1/127 of its row's greatest value; a row
    that has a NaN or an infinity becomes NaN.
    """
    greatest = matrix.abs().amax(dim=1, keepdim=True).float()
    scales = (greatest / GREATEST).to(dtype).clamp_min(torch.finfo(dtype).tiny)  # a row of zeros has one, too
    values = (matrix / scales.float()).round_().clamp_(-GREATEST, GREATEST)
    return values.to(torch.int8), scales
