"""Weights in 8 bits: the matrices of the repeated layers as 8-bit values, a scale for each row. Half the memory of
bfloat16.

One idea, two kinds of product. In int8 a matrix is opened for the moment of its product, which is that of the exact
dtype: every device can. In FP8 the product itself is one of 8 bits: each token that comes in is a row like those of a
matrix, and is cast for the moment. A GPU needs units for that.

Approximate: the picture is only nearly that of the exact weights; `benchmarks/quantised.py` says how nearly. What is
small or stands alone stays exact, for an error there would be in all that follows: norms, biases, the table of words,
the first and last projections; the modulation weights, because a table replaces them where memory is short; and the
autoencoder, which is small.

Knows matrices and the names of layers. Does not know what a layer computes, nor where weights wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overpaint.errors import ConfigurationError
from overpaint.plan import Weights, is_short, layer_of

FP8 = torch.float8_e4m3fn
GREATEST = {torch.int8: 127, FP8: 448}  #: that the values of a kind reach
CAPABILITY = (8, 9)  #: of a GPU, from which on torch has FP8 products with a scale for each row


class ShortLinear(nn.Module):
    """In the place of a linear, on the meta device until its weights are read."""

    def __init__(self, linear: nn.Linear, values: torch.dtype, scales: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty_like(linear.weight, dtype=values), requires_grad=False)
        self.scale = nn.Parameter(linear.weight.new_empty((linear.out_features, 1), dtype=scales), requires_grad=False)
        self.bias = linear.bias


class Int8Linear(ShortLinear):
    """Saves memory and nothing else."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear, torch.int8, linear.weight.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """The whole matrix exists while its product is made."""
        return F.linear(x, self.weight * self.scale, self.bias)


class Fp8Linear(ShortLinear):
    """Saves memory, and has the device multiply in 8 bits."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear, FP8, torch.float32)  # on a GPU the product takes no other scales

    def forward(self, x: Tensor) -> Tensor:
        """Rounded to bfloat16 with the bias, whatever `x` is: on a GPU torch adds a bias to nothing wider."""
        rows = x.reshape(-1, x.shape[-1]).contiguous()  # a GPU reads rows that lie one after the other
        values, scales = quantised(rows, FP8, x.dtype)
        by_row = F.ScalingType.RowWise
        bias = None if self.bias is None else self.bias.bfloat16()
        made = F.scaled_mm(values, self.weight.t(), scales.float(), by_row, self.scale.t(), by_row, bias=bias)
        return made.to(x.dtype).view(*x.shape[:-1], len(self.weight))


KINDS: dict[Weights, type[Int8Linear | Fp8Linear]] = {"int8": Int8Linear, "fp8": Fp8Linear}


def check(weights: Weights, device: torch.device) -> None:
    """Raises ConfigurationError where a device cannot multiply such weights."""
    if weights != "fp8" or device.type != "cuda":
        return
    has = torch.cuda.get_device_capability(device)
    if has < CAPABILITY:
        needs, found = (".".join(map(str, version)) for version in (CAPABILITY, has))
        raise ConfigurationError(
            f"OVERPAINT_WEIGHTS=fp8 needs a GPU of compute capability {needs} or more; this one has {found}.",
            hint="OVERPAINT_WEIGHTS=int8 works everywhere, and takes as little memory.",
        )


def quantise(network: nn.Module, weights: Weights) -> None:
    """Puts a ShortLinear in the place of each linear in the repeated layers that is held in 8 bits, modulation apart.
    Nothing may have been read yet."""
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Linear) and layer_of(name) and is_short(module.weight.shape, weights):
            network.set_submodule(name, KINDS[weights](module))


def as_held(key: str, stored: Tensor, held: Mapping[str, Tensor], device: torch.device) -> list[tuple[str, Tensor]]:
    """A tensor as stored -> as a network holds it: in 8 bits a matrix is two, made on the device."""
    if held[key].dtype not in GREATEST:
        return [(key, stored)]
    scale = f"{key.removesuffix('weight')}scale"
    values, scales = quantised(stored.to(device), held[key].dtype, held[scale].dtype)
    return [(key, values), (scale, scales)]


def quantised(matrix: Tensor, kind: torch.dtype, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A matrix (rows, columns) -> values of that shape and `kind`, and scales (rows, 1) in `dtype`.

    A scale is 1/127 or 1/448 of its row's greatest value. Values times scales lie in int8 within half a scale of the
    matrix, in FP8 within 1/16 of each value, or 1/1024 of a scale; a row that has a NaN or an infinity becomes NaN.
    """
    greatest = torch.linalg.vector_norm(matrix, math.inf, dim=1, keepdim=True).float()
    scales = (greatest / GREATEST[kind]).to(dtype).clamp_min(torch.finfo(dtype).tiny)  # a row of zeros has one, too
    if kind == torch.int8:
        return (matrix / scales.float()).round_().clamp_(-GREATEST[kind], GREATEST[kind]).to(kind), scales
    # A rounded scale may leave a little more than 448, which every conversion rounds to 448. The quotient may be
    # bfloat16, for its four digits more are enough, and half the memory.
    return (matrix / scales).to(kind), scales
