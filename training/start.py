"""Where the editor starts: weights, legal in the published layout, under which it returns its input.

Knows the transformer's tensors. Does not train. With these weights velocity = noise − reference, so that training
only has to learn what differs. How:

- `img_in` puts the latents on the first channels and a constant ±4 pattern on all: LayerNorm is then nearly a fixed
  scale, which `proj_out` undoes.
- In every block heads 0 and 1 look at the token one picture further, same row, same column: their queries and keys are
  constants whose rotary phases meet there. Block 0 copies the reference's latents onto the second half of the channels.
- In every block head 2 of the pictures reads the text: its picture keys repel its picture queries on the slowest
  rotary channels. Without this the constant pattern draws all attention to pictures and the prompt is never learnt.
- All gates are open, and what passes them starts at zero: gates that start closed open too slowly.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from overpaint.model.rotary import THETA
from overpaint.model.transformer import Block, Transformer

PATTERN = 4.0
POINTING = 3.5  #: gain of the queries' and keys' norm on the channels that point
POINTED_HEADS = (0, 1)
READING_HEAD = 2
PAIRS = (1, 3, 3)  #: fast rotary pairs used for pointing on the axes picture, row, column


@torch.no_grad()
def copy_start(transformer: Transformer) -> None:
    config = transformer.config
    width, latents = config.width, config.in_channels
    pattern = PATTERN * torch.tensor([1.0, -1.0]).repeat(width // 2)
    scale = math.sqrt(PATTERN**2 + 1)  # of LayerNorm: pattern plus latents of variance 1

    transformer.img_in.weight.zero_()
    transformer.img_in.weight[:latents] = torch.eye(latents)
    transformer.img_in.bias.copy_(pattern)
    for index, block in enumerate(transformer.transformer_blocks):
        assert isinstance(block, Block)
        for modulation in (block.img_mod[1], block.txt_mod[1]):
            modulation.weight.mul_(0.1)
            modulation.bias.zero_()
            for gate in (2, 5):
                modulation.bias[gate * width : (gate + 1) * width] = 1
        for silent in (block.attn.to_out[0], block.attn.to_add_out, block.img_mlp.net[2], block.txt_mlp.net[2]):
            silent.weight.zero_()
            silent.bias.zero_()
        _point(block, config.axes_dims_rope, weight=0.0 if index == 0 else 0.1)
    _copy_reference(transformer.transformer_blocks[0], pattern, scale, latents)
    transformer.norm_out.linear.weight.zero_()
    transformer.norm_out.linear.bias.zero_()
    transformer.proj_out.weight.zero_()
    transformer.proj_out.weight[:, :latents] = scale * torch.eye(latents)
    transformer.proj_out.weight[:, latents : 2 * latents] = -scale * torch.eye(latents)
    transformer.proj_out.bias.zero_()


def _point(block: Block, axes: tuple[int, int, int], weight: float) -> None:
    """Queries (1, 0) and keys turned back by one picture: the sum of cosines peaks one picture ahead, same place."""
    head_dim = sum(axes)
    query, key = torch.zeros(head_dim), torch.zeros(head_dim)
    gain = torch.ones(head_dim)
    first = 0
    for axis, (channels, pairs) in enumerate(zip(axes, PAIRS, strict=True)):
        for pair in range(pairs):
            angle = THETA ** (-2 * pair / channels) if axis == 0 else 0.0
            at = first + 2 * pair
            query[at] = 1.0
            key[at], key[at + 1] = math.cos(angle), -math.sin(angle)
            gain[at : at + 2] = POINTING
        first += channels
    attention = block.attn
    for head in POINTED_HEADS:
        rows = slice(head * head_dim, (head + 1) * head_dim)
        for linear, vector in ((attention.to_q, query), (attention.to_k, key)):
            linear.weight[rows] *= weight
            linear.bias[rows] = vector
    slow = torch.zeros(head_dim)
    for end in (axes[0], axes[0] + axes[1], head_dim):
        slow[end - 8 : end] = 1.0
    rows = slice(READING_HEAD * head_dim, (READING_HEAD + 1) * head_dim)
    for linear, sign in ((attention.to_q, 1.0), (attention.to_k, -1.0)):
        linear.weight[rows] *= 0.2
        linear.bias[rows] = sign * slow
    attention.norm_q.weight.copy_(gain)
    attention.norm_k.weight.copy_(gain)


def _copy_reference(block: Block, pattern: Tensor, scale: float, latents: int) -> None:
    attention, width = block.attn, pattern.shape[0]
    attention.to_v.weight[:latents] = 0
    attention.to_v.weight[:latents, :latents] = scale * torch.eye(latents)
    attention.to_v.bias[:latents] = -pattern[:latents]
    attention.to_out[0].weight[latents : 2 * latents, :latents] = torch.eye(latents)
    block.img_mod[1].weight[: 3 * width] = 0
