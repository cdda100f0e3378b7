"""Pictures to latents and back: the published 3-D causal autoencoder, cut down to what a single frame uses.

Knows pixels and latents. Does not know tokens, noise or files. Module names spell the published keys.

Why 2-D is exact: the stored convolutions are 3-D and causal, padded in time by two empty frames in front. With one
frame the two front slices of each kernel only ever meet zeros, so the last slice alone acts, and the temporal
resampling never runs. `folded` does that cut to a checkpoint's tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

QUERIES_AT_ONCE = 4096  # rows of attention made together: its head is too wide for flash kernels at a megapixel


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderConfig:
    """`vae/config.json`; latents_mean and latents_std have z_dim entries each."""

    base_dim: int = 96
    z_dim: int = 16
    dim_mult: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: int = 2
    input_channels: int = 3
    temperal_downsample: tuple[bool, ...] = (False, True, True)  #: (sic) one entry a halving
    latents_mean: tuple[float, ...] = ()
    latents_std: tuple[float, ...] = ()

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> AutoencoderConfig:
        """Raises ValueError for a layout this autoencoder does not have."""
        own: dict[str, Any] = {field.name: config[field.name] for field in fields(cls) if field.name in config}
        own |= {name: tuple(value) for name, value in own.items() if isinstance(value, list)}
        made = cls(**own)
        if config.get("attn_scales"):
            raise ValueError("attn_scales: attention inside the stages is not part of this model family")
        if len(made.temperal_downsample) != len(made.dim_mult) - 1:
            raise ValueError("temperal_downsample needs one entry fewer than dim_mult")
        if not len(made.latents_mean) == len(made.latents_std) == made.z_dim:
            raise ValueError("latents_mean and latents_std need z_dim entries each")
        return made

    @property
    def factor(self) -> int:
        """Pixels a latent, along each side."""
        return 1 << len(self.temperal_downsample)


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's 3-D tensors -> those of this module, exactly (see above). Views, no copies."""
    return {key: _folded(tensor) for key, tensor in tensors.items() if ".time_conv." not in key}


def _folded(tensor: Tensor) -> Tensor:
    if tensor.ndim == 5:  # a convolution (out, in, time, height, width): its last moment
        return tensor[:, :, -1]
    if tensor.ndim == 4 and tensor.shape[1:] == (1, 1, 1):  # a norm's gain (channels, 1, 1, 1)
        return tensor[..., 0]
    return tensor


class ChannelNorm(nn.Module):
    """x / |x| * sqrt(C) * gamma over channels; the division in float32."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = channels**0.5
        self.gamma = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        length = wide.square().sum(1, keepdim=True).sqrt().clamp_min(1e-12)  # vector_norm over an outer axis is slow
        return (wide / length).to(x.dtype) * self.scale * self.gamma


class ResidualBlock(nn.Module):
    def __init__(self, entering: int, leaving: int) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(entering)
        self.conv1 = nn.Conv2d(entering, leaving, 3, padding=1)
        self.norm2 = ChannelNorm(leaving)
        self.conv2 = nn.Conv2d(leaving, leaving, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(entering, leaving, 1) if entering != leaving else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(F.silu(self.norm1(x)))
        return self.conv2(F.silu(self.norm2(inner))) + self.conv_shortcut(x)


class Attention(nn.Module):
    """One head as wide as the channels, over all positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.to_qkv(self.norm(x)).flatten(2).transpose(1, 2).unsqueeze(1)  # (B, 1, positions, 3 C)
        q, k, v = qkv.contiguous().chunk(3, dim=-1)
        rows = [F.scaled_dot_product_attention(part, k, v) for part in q.split(QUERIES_AT_ONCE, dim=2)]
        seen = torch.cat(rows, dim=2).squeeze(1).transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.proj(seen)


class MiddleBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([ResidualBlock(channels, channels), ResidualBlock(channels, channels)])
        self.attentions = nn.ModuleList([Attention(channels)])

    def forward(self, x: Tensor) -> Tensor:
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Halve(nn.Module):
    """Half as many pixels a side. Padded right and bottom only; index 0 of the published pair was that padding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.resample = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(channels, channels, 3, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        return self.resample(x)


class Double(nn.Module):
    """Twice as many pixels a side, half as many channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        nearest = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.resample = nn.Sequential(nearest, nn.Conv2d(channels, channels // 2, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return self.resample(x)


class UpBlock(nn.Module):
    def __init__(self, entering: int, leaving: int, residual_blocks: int, is_last: bool) -> None:
        super().__init__()
        widths = [entering] + [leaving] * residual_blocks
        self.resnets = nn.ModuleList(ResidualBlock(width, leaving) for width in widths)
        self.upsamplers = nn.ModuleList([] if is_last else [Double(leaving)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in (*self.resnets, *self.upsamplers):
            x = layer(x)
        return x


class Encoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = [config.base_dim * multiple for multiple in (1, *config.dim_mult)]
        self.conv_in = nn.Conv2d(config.input_channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(_down_layers(widths, config.num_res_blocks))
        self.mid_block = MiddleBlock(widths[-1])
        self.norm_out = ChannelNorm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], 2 * config.z_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for layer in self.down_blocks:
            x = layer(x)
        return self.conv_out(F.silu(self.norm_out(self.mid_block(x))))


def _down_layers(widths: Sequence[int], residual_blocks: int) -> list[nn.Module]:
    """The encoder's stages as one flat list, as published: residual blocks, then a halving but for the last stage."""
    layers: list[nn.Module] = []
    for stage, (entering, leaving) in enumerate(pairwise(widths)):
        layers += [ResidualBlock(entering if j == 0 else leaving, leaving) for j in range(residual_blocks)]
        if stage < len(widths) - 2:
            layers.append(Halve(leaving))
    return layers


class Decoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        top = config.base_dim * config.dim_mult[-1]
        widths = [config.base_dim * multiple for multiple in reversed(config.dim_mult)]
        entering = [top] + [width // 2 for width in widths[:-1]]  # every doubling halves the channels
        self.conv_in = nn.Conv2d(config.z_dim, top, 3, padding=1)
        self.mid_block = MiddleBlock(top)
        self.up_blocks = nn.ModuleList(
            UpBlock(entering[i], width, config.num_res_blocks, is_last=i == len(widths) - 1)
            for i, width in enumerate(widths)
        )
        self.norm_out = ChannelNorm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], config.input_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid_block(self.conv_in(x))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class Autoencoder(nn.Module):
    """`encode` and `decode`; latents leave and enter normalised (mean 0, deviation 1 a channel)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quant_conv = nn.Conv2d(2 * config.z_dim, 2 * config.z_dim, 1)
        self.post_quant_conv = nn.Conv2d(config.z_dim, config.z_dim, 1)
        self.decoder = Decoder(config)

    def encode(self, pixels: Tensor) -> Tensor:
        """pixels (B, 3, H, W) in -1 … 1, sides multiples of the factor -> latents (B, z, H/factor, W/factor).

        The mode of the posterior: the mean half of what the encoder gives; the variance half is not used.
        """
        mean = self.quant_conv(self.encoder(pixels)).chunk(2, dim=1)[0]
        return (mean - self._constant(self.config.latents_mean, mean)) / self._constant(self.config.latents_std, mean)

    def decode(self, latents: Tensor) -> Tensor:
        """latents (B, z, h, w), normalised -> pixels (B, 3, h*factor, w*factor), clamped to -1 … 1."""
        inverse = 1.0 / self._constant(self.config.latents_std, latents)  # divided by below: rounds as published
        latents = latents / inverse + self._constant(self.config.latents_mean, latents)
        return self.decoder(self.post_quant_conv(latents)).clamp(-1.0, 1.0)

    def _constant(self, values: Sequence[float], like: Tensor) -> Tensor:
        return torch.tensor(values).to(like.device, like.dtype).view(1, -1, 1, 1)
