"""The denoising network: a dual-stream MMDiT that reads picture tokens and text states and gives a velocity.

Knows tokens, positions and the noise level. Does not know pictures, prompts, schedules or checkpoints' files.
Module names spell the published keys, so that a state dict maps one to one.

Source of the maths: "Qwen-Image Technical Report" (arXiv:2508.02324) and, where it is silent, the published
implementation in diffusers; dual-stream blocks after "Scaling Rectified Flow Transformers" (arXiv:2403.03206).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-6
TIME_CHANNELS = 256  # width of the sinusoidal embedding of the noise level
ROPE_THETA = 10_000.0

Shape = tuple[int, int, int]  #: (frames, height, width) of one picture in tokens; frames is always 1
Rotation = tuple[Tensor, Tensor]  #: cosines and sines, each (tokens, 1, head_dim / 2) float32


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """`transformer/config.json`; the values are those of the 20B model."""

    in_channels: int = 64  #: latent channels x 2 x 2, as packed
    out_channels: int = 16
    patch_size: int = 2
    num_layers: int = 60
    num_attention_heads: int = 24
    attention_head_dim: int = 128
    joint_attention_dim: int = 3584  #: width of the text states
    axes_dims_rope: tuple[int, int, int] = (16, 56, 56)  #: frame, height, width; their sum is the head dim
    zero_cond_t: bool = False  #: reference pictures are modulated as if free of noise

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> TransformerConfig:
        own = {field.name: config[field.name] for field in fields(cls) if field.name in config}
        own["axes_dims_rope"] = tuple(own.get("axes_dims_rope", cls().axes_dims_rope))
        return cls(**own)

    @property
    def width(self) -> int:
        return self.num_attention_heads * self.attention_head_dim


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last axis; variance in float32, back to x's dtype before the weight."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        variance = x.float().square().mean(-1, keepdim=True)
        return (x * torch.rsqrt(variance + EPSILON)).to(x.dtype) * self.weight


# --- positions --------------------------------------------------------------------------------------------------------


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
    """Angles of rotary embedding (arXiv:2104.09864), an axis of D channels turning at theta^(-2j/D), j < D/2."""
    angles = []
    for axis, channels in enumerate(axes):
        frequencies = 1.0 / torch.pow(ROPE_THETA, torch.arange(0, channels, 2).float() / channels)
        angles.append(torch.outer(positions[:, axis].float(), frequencies))
    angle = torch.cat(angles, dim=-1).unsqueeze(1)
    return angle.cos().to(device), angle.sin().to(device)


def rotated(x: Tensor, by: Rotation) -> Tensor:
    """x (B, tokens, heads, head_dim) with each adjacent pair of channels turned, in float32."""
    cos, sin = by
    first, second = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)


# --- the noise level --------------------------------------------------------------------------------------------------


class TimestepEmbedder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(TIME_CHANNELS, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, sigma: Tensor) -> Tensor:
        """sigma (B,) in 0 … 1 -> (B, width). The sinusoids stay float32 whatever the model's dtype."""
        half = TIME_CHANNELS // 2
        exponent = -math.log(10_000) * torch.arange(half, dtype=torch.float32, device=sigma.device) / half
        angle = 1000.0 * (sigma.float()[:, None] * exponent.exp())
        embedded = torch.cat([angle.cos(), angle.sin()], dim=-1).to(self.linear_1.weight.dtype)
        return self.linear_2(F.silu(self.linear_1(embedded)))


class TimeEmbedding(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.timestep_embedder = TimestepEmbedder(width)

    def forward(self, sigma: Tensor) -> Tensor:
        return self.timestep_embedder(sigma)


# --- modulation -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Modulation:
    """Shift, scale and gate of one sub-layer, one of each for every segment of the sequence.

    `lengths` are the segments' token counts (noise, references); the vectors are (segments, B, 1, width).
    """

    lengths: Sequence[int]
    shift: Tensor
    scale: Tensor
    gate: Tensor

    def entering(self, x: Tensor) -> Tensor:
        """LayerNorm(x) * (1 + scale) + shift."""
        normed = F.layer_norm(x, x.shape[-1:], eps=EPSILON)
        return self._by_segment(lambda part, i: part * (1 + self.scale[i]) + self.shift[i], normed)

    def leaving(self, x: Tensor) -> Tensor:
        """x * gate."""
        return self._by_segment(lambda part, i: part * self.gate[i], x)

    def _by_segment(self, function: Callable[[Tensor, int], Tensor], x: Tensor) -> Tensor:
        if len(self.lengths) == 1:
            return function(x, 0)
        return torch.cat([function(part, i) for i, part in enumerate(x.split(list(self.lengths), dim=1))], dim=1)


def modulations(linear: nn.Module, conditions: Tensor, lengths: Sequence[int]) -> tuple[Modulation, Modulation]:
    """The two modulations of a stream (attention, MLP) from conditions (segments, B, width)."""
    shift1, scale1, gate1, shift2, scale2, gate2 = linear(conditions).unsqueeze(2).chunk(6, dim=-1)
    return Modulation(lengths, shift1, scale1, gate1), Modulation(lengths, shift2, scale2, gate2)


def modulation_linear(width: int) -> nn.Sequential:
    return nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))


class AdaptiveNorm(nn.Module):
    """The last norm. Its linear gives (scale, shift): the other order than in the blocks."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.linear(F.silu(condition)).unsqueeze(1).chunk(2, dim=-1)
        return F.layer_norm(x, x.shape[-1:], eps=EPSILON) * (1 + scale) + shift


# --- blocks -----------------------------------------------------------------------------------------------------------


class JointAttention(nn.Module):
    """Every token of text and picture sees every other; each stream has its own projections."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, head_dim = config.width, config.attention_head_dim
        self.heads = config.num_attention_heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width) for _ in range(3))
        self.add_q_proj, self.add_k_proj, self.add_v_proj = (nn.Linear(width, width) for _ in range(3))
        self.norm_q, self.norm_k = RMSNorm(head_dim), RMSNorm(head_dim)
        self.norm_added_q, self.norm_added_k = RMSNorm(head_dim), RMSNorm(head_dim)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        self.to_add_out = nn.Linear(width, width)

    def forward(
        self, image: Tensor, text: Tensor, image_rotation: Rotation, text_rotation: Rotation
    ) -> tuple[Tensor, Tensor]:
        """image (B, Ni, width), text (B, Nt, width) -> what each stream takes from both, same shapes."""
        image_q = rotated(self.norm_q(self._split(self.to_q(image))), image_rotation)
        image_k = rotated(self.norm_k(self._split(self.to_k(image))), image_rotation)
        text_q = rotated(self.norm_added_q(self._split(self.add_q_proj(text))), text_rotation)
        text_k = rotated(self.norm_added_k(self._split(self.add_k_proj(text))), text_rotation)
        text_v, image_v = self._split(self.add_v_proj(text)), self._split(self.to_v(image))

        q = torch.cat([text_q, image_q], dim=1).transpose(1, 2)
        k = torch.cat([text_k, image_k], dim=1).transpose(1, 2)
        v = torch.cat([text_v, image_v], dim=1).transpose(1, 2)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        from_text, from_image = seen.split([text.shape[1], image.shape[1]], dim=1)
        return self.to_out[0](from_image), self.to_add_out(from_text)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1))


class GeluProjection(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.proj(x), approximate="tanh")


class FeedForward(nn.Module):
    """Index 1 was a dropout in training; it holds no tensor but keeps the published key of what follows it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GeluProjection(width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class Block(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.img_mod = modulation_linear(config.width)
        self.txt_mod = modulation_linear(config.width)
        self.attn = JointAttention(config)
        self.img_mlp = FeedForward(config.width)
        self.txt_mlp = FeedForward(config.width)

    def forward(
        self,
        image: Tensor,
        text: Tensor,
        conditions: Tensor,
        lengths: Sequence[int],
        image_rotation: Rotation,
        text_rotation: Rotation,
    ) -> tuple[Tensor, Tensor]:
        """image (B, Ni, width), text (B, Nt, width), conditions (segments, B, width); the first is the noise's."""
        image_attention, image_mlp = modulations(self.img_mod, conditions, lengths)
        text_attention, text_mlp = modulations(self.txt_mod, conditions[:1], [text.shape[1]])

        for_image, for_text = self.attn(
            image_attention.entering(image), text_attention.entering(text), image_rotation, text_rotation
        )
        image = image + image_attention.leaving(for_image)
        text = text + text_attention.leaving(for_text)
        image = image + image_mlp.leaving(self.img_mlp(image_mlp.entering(image)))
        text = text + text_mlp.leaving(self.txt_mlp(text_mlp.entering(text)))
        return image, text


class Transformer(nn.Module):
    """60 blocks at full size. Stateless: the same arguments give the same velocity."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.time_text_embed = TimeEmbedding(config.width)
        self.txt_norm = RMSNorm(config.joint_attention_dim)
        self.img_in = nn.Linear(config.in_channels, config.width)
        self.txt_in = nn.Linear(config.joint_attention_dim, config.width)
        self.transformer_blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm_out = AdaptiveNorm(config.width)
        self.proj_out = nn.Linear(config.width, config.patch_size**2 * config.out_channels)

    def forward(self, image_tokens: Tensor, text: Tensor, sigma: Tensor, shapes: Sequence[Shape]) -> Tensor:
        """Velocity of the noise tokens.

        image_tokens  (B, Ni, in_channels): the noise's tokens, then each reference picture's
        text          (B, Nt, joint_attention_dim) states of the conditioner
        sigma         (B,) noise level, 0 … 1
        shapes        of the noise and of each reference, in the same order; their areas sum to Ni
        returns       (B, N of the noise, in_channels)
        """
        noise_tokens = math.prod(shapes[0])
        axes, device = self.config.axes_dims_rope, image_tokens.device
        image_rotation = rotation(image_positions(shapes), axes, device)
        text_rotation = rotation(text_positions(shapes, text.shape[1]), axes, device)
        conditions, lengths = self._conditions(sigma, noise_tokens, image_tokens.shape[1])

        image, text = self.img_in(image_tokens), self.txt_in(self.txt_norm(text))
        for block in self.transformer_blocks:
            image, text = block(image, text, conditions, lengths, image_rotation, text_rotation)
        return self.proj_out(self.norm_out(image[:, :noise_tokens], conditions[0]))

    def _conditions(self, sigma: Tensor, noise_tokens: int, all_tokens: int) -> tuple[Tensor, list[int]]:
        """(segments, B, width) and the segments' lengths: one segment, or noise and references at sigma = 0."""
        now = self.time_text_embed(sigma)
        if not self.config.zero_cond_t:
            return now.unsqueeze(0), [all_tokens]
        clean = self.time_text_embed(torch.zeros_like(sigma))
        return torch.stack([now, clean]), [noise_tokens, all_tokens - noise_tokens]
