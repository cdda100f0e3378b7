"""The denoising network: a dual-stream MMDiT that reads picture tokens and text states and gives a velocity.

Knows tokens, positions and the noise level. Does not know pictures, prompts, schedules or checkpoints' files.
Module names spell the published keys, so that a state dict maps one to one.

Source of the maths: "Qwen-Image Technical Report" (arXiv:2508.02324) and, where it is silent, the published
implementation in diffusers; dual-stream blocks after "Scaling Rectified Flow Transformers" (arXiv:2403.03206).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overpaint.model.rotary import Rotation, Shape, image_positions, rotated, rotation, text_positions

EPSILON = 1e-6
TIME_CHANNELS = 256  # width of the sinusoidal embedding of the noise level


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
        """Raises ValueError for a layout this network does not have."""
        own = {field.name: config[field.name] for field in fields(cls) if field.name in config}
        own["axes_dims_rope"] = tuple(own.get("axes_dims_rope", cls().axes_dims_rope))
        made = cls(**own)
        if made.patch_size != 2:
            raise ValueError(f"patch_size {made.patch_size} is not part of this model family")
        if len(made.axes_dims_rope) != 3 or sum(made.axes_dims_rope) != made.attention_head_dim:
            raise ValueError("axes_dims_rope needs three entries that sum up to attention_head_dim")
        return made

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

#: What modulates a block at a noise level: its image stream (segments, B, 6 width) and its text stream (1, B, 6 width).
#: Segments are the noise and, where they are modulated apart, the references.
Vectors = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Level:
    """A noise level as the network reads it. It depends on sigma and the weights alone: no picture, no prompt."""

    condition: Tensor  #: (B, width), for the last norm
    blocks: Sequence[Vectors]


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

    def of_noise(self, tokens: int) -> Modulation:
        """For the first `tokens` alone: the noise, which is the first segment or the beginning of the only one."""
        return replace(self, lengths=[tokens])

    def _by_segment(self, function: Callable[[Tensor, int], Tensor], x: Tensor) -> Tensor:
        if len(self.lengths) == 1:
            return function(x, 0)
        return torch.cat([function(part, i) for i, part in enumerate(x.split(list(self.lengths), dim=1))], dim=1)


def modulations(vectors: Tensor, lengths: Sequence[int]) -> tuple[Modulation, Modulation]:
    """The two modulations of a stream (attention, MLP) from its vectors (segments, B, 6 width)."""
    shift1, scale1, gate1, shift2, scale2, gate2 = vectors.unsqueeze(2).chunk(6, dim=-1)
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


@dataclass(frozen=True, slots=True)
class Scene:
    """What stays the same over the steps of an edit: what is seen, and where everything stands."""

    noise_tokens: int
    references: Tensor  #: (B, Nr, width), entered
    text: Tensor  #: (B, Nt, width), entered
    image_rotation: Rotation  #: of the noise's tokens and the references', in this order
    text_rotation: Rotation

    @property
    def noise_rotation(self) -> Rotation:
        cos, sin = self.image_rotation
        return cos[: self.noise_tokens], sin[: self.noise_tokens]

    def segments(self, apart: bool) -> list[int]:
        """Lengths of what is modulated apart: noise and references, or all picture tokens as one."""
        lengths = [self.noise_tokens, self.references.shape[1]]
        return lengths if apart else [sum(lengths)]


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

    def forward(self, image: Tensor, text: Tensor, scene: Scene) -> tuple[Tensor, Tensor]:
        """image (B, Ni, width), text (B, Nt, width) -> what each stream takes from both, same shapes."""
        image_q = rotated(self.norm_q(self._split(self.to_q(image))), scene.image_rotation)
        text_q = rotated(self.norm_added_q(self._split(self.add_q_proj(text))), scene.text_rotation)
        seen = self._look(torch.cat([text_q, image_q], dim=1), image, text, scene)
        from_text, from_image = seen.split([text.shape[1], image.shape[1]], dim=1)
        return self.to_out[0](from_image), self.to_add_out(from_text)

    def of_noise(self, image: Tensor, text: Tensor, scene: Scene) -> Tensor:
        """As `forward`, what the noise tokens take alone."""
        noise_q = self._split(self.to_q(image[:, : scene.noise_tokens]))
        seen = self._look(rotated(self.norm_q(noise_q), scene.noise_rotation), image, text, scene)
        return self.to_out[0](seen)

    def _look(self, queries: Tensor, image: Tensor, text: Tensor, scene: Scene) -> Tensor:
        """queries (B, Nq, heads, head_dim) on the keys and values of all tokens -> (B, Nq, width)."""
        image_k = rotated(self.norm_k(self._split(self.to_k(image))), scene.image_rotation)
        text_k = rotated(self.norm_added_k(self._split(self.add_k_proj(text))), scene.text_rotation)
        text_v, image_v = self._split(self.add_v_proj(text)), self._split(self.to_v(image))
        k = torch.cat([text_k, image_k], dim=1).transpose(1, 2)
        v = torch.cat([text_v, image_v], dim=1).transpose(1, 2)
        return F.scaled_dot_product_attention(queries.transpose(1, 2), k, v).transpose(1, 2).flatten(2)

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

    def forward(self, image: Tensor, text: Tensor, vectors: Vectors, scene: Scene) -> tuple[Tensor, Tensor]:
        """image (B, Ni, width), text (B, Nt, width), `vectors` of this block."""
        image_attention, image_mlp, text_attention, text_mlp = self._modulations(vectors, text, scene)
        for_image, for_text = self.attn(image_attention.entering(image), text_attention.entering(text), scene)
        image = image + image_attention.leaving(for_image)
        text = text + text_attention.leaving(for_text)
        image = image + image_mlp.leaving(self.img_mlp(image_mlp.entering(image)))
        text = text + text_mlp.leaving(self.txt_mlp(text_mlp.entering(text)))
        return image, text

    def last(self, image: Tensor, text: Tensor, vectors: Vectors, scene: Scene) -> Tensor:
        """As `forward`, the noise tokens alone (B, N of the noise, width): nothing reads the others any more."""
        image_attention, image_mlp, text_attention, _ = self._modulations(vectors, text, scene)
        for_noise = self.attn.of_noise(image_attention.entering(image), text_attention.entering(text), scene)
        noise = image[:, : scene.noise_tokens]
        noise = noise + image_attention.of_noise(scene.noise_tokens).leaving(for_noise)
        image_mlp = image_mlp.of_noise(scene.noise_tokens)
        return noise + image_mlp.leaving(self.img_mlp(image_mlp.entering(noise)))

    def vectors(self, conditions: Tensor) -> Vectors:
        """This block's part of a `Level`, from conditions (segments, B, width); the first is the noise's."""
        return self.img_mod(conditions), self.txt_mod(conditions[:1])

    @staticmethod
    def _modulations(vectors: Vectors, text: Tensor, scene: Scene) -> tuple[Modulation, ...]:
        of_image, of_text = vectors
        lengths = scene.segments(apart=len(of_image) > 1)
        return (*modulations(of_image, lengths), *modulations(of_text, [text.shape[1]]))


class Transformer(nn.Module):
    """60 blocks at full size. Stateless: the same arguments give the same velocity.

    An edit enters its scene once and reads each noise level once; a pass then costs only what depends on the latents.
    """

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

    def scene(self, references: Tensor, text: Tensor, shapes: Sequence[Shape]) -> Scene:
        """Enters what an edit looks at.

        references  (B, Nr, in_channels): the reference pictures' tokens, one picture after the other
        text        (B, Nt, joint_attention_dim) states of the conditioner
        shapes      of the noise, then of each reference
        """
        axes, device = self.config.axes_dims_rope, references.device
        return Scene(
            noise_tokens=math.prod(shapes[0]),
            references=self.img_in(references),
            text=self.txt_in(self.txt_norm(text)),
            image_rotation=rotation(image_positions(shapes), axes, device),
            text_rotation=rotation(text_positions(shapes, text.shape[1]), axes, device),
        )

    def level(self, sigma: Tensor) -> Level:
        """sigma (B,), 0 … 1 -> what a pass needs to know of it."""
        conditions = self.conditions(sigma)
        return Level(conditions[0], [block.vectors(conditions) for block in self._blocks()])

    def conditions(self, sigma: Tensor) -> Tensor:
        """sigma (B,) -> (segments, B, width). With `zero_cond_t` references are modulated as if their level were 0."""
        now = self.time_text_embed(sigma)
        clean = [self.time_text_embed(torch.zeros_like(sigma))] if self.config.zero_cond_t else []
        return torch.stack([now, *clean])

    def forward(self, latents: Tensor, level: Level, scene: Scene) -> Tensor:
        """latents (B, N of the noise, in_channels) -> their velocity, same shape."""
        image, text = torch.cat([self.img_in(latents), scene.references], dim=1), scene.text
        for number, (block, vectors) in enumerate(zip(self._blocks(), level.blocks, strict=True), start=1):
            if number < self.config.num_layers:
                image, text = block(image, text, vectors, scene)
            else:
                image = block.last(image, text, vectors, scene)
        return self.proj_out(self.norm_out(image, level.condition))

    def _blocks(self) -> Iterator[Block]:
        """One at a time: a block's weights may be here only until the next is asked for (see `streaming.py`)."""
        return cast(Iterator[Block], iter(self.transformer_blocks))
