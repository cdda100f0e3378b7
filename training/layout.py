"""Writes the trained linear chain into the published autoencoder, where norms and activations stand in its way.

Knows which published tensor carries which part of the chain. Does not train.

How it hides: residual branches end in zeros, so blocks pass their input on. The last channel of every level is the
constant 128, made by the first bias and carried by single taps; every norm divides by a length that this channel
dominates, so it is almost a fixed scale (gamma undoes it). Edge weights read the constant: zero padding shows them the
border. Before SiLU the encoder makes its signal small (silu(x) ≈ x/2); the decoder keeps ± pairs
(silu(a) − silu(−a) = a, exactly).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from overpaint.model.autoencoder import Autoencoder, AutoencoderConfig
from training.autoencoder import FEATURES, LATENTS, WIDTHS, EdgeConv, LinearChain

CONSTANT = 128.0  #: a power of two: exact in bfloat16
SMALL = 1 / 256  #: the encoder's signal before SiLU
SILU_OF_ONE = float(torch.nn.functional.silu(torch.ones(())))


def config(mean: Sequence[float] = (), std: Sequence[float] = ()) -> dict[str, object]:
    """`vae/config.json`; without statistics latents pass unchanged."""
    return {
        "_class_name": "AutoencoderKLQwenImage",
        "_diffusers_version": "0.42.1",
        "base_dim": WIDTHS[0],
        "z_dim": LATENTS,
        "dim_mult": [width // WIDTHS[0] for width in WIDTHS],
        "num_res_blocks": 1,
        "attn_scales": [],
        "temperal_downsample": [False] * (len(WIDTHS) - 1),
        "dropout": 0.0,
        "input_channels": 3,
        "latents_mean": list(mean) or [0.0] * LATENTS,
        "latents_std": list(std) or [1.0] * LATENTS,
    }


@torch.no_grad()
def to_autoencoder(chain: LinearChain) -> Autoencoder:
    """The published network that computes what the chain computes."""
    made = Autoencoder(AutoencoderConfig.from_json(config()))
    for name, parameter in made.named_parameters():
        if name.endswith(("conv2.weight", "conv2.bias", "proj.weight", "proj.bias")):
            parameter.zero_()
    _write_encoder(made, chain)
    _write_decoder(made, chain)
    return made.eval().requires_grad_(False)


def _write_encoder(made: Autoencoder, chain: LinearChain) -> None:
    encoder = made.encoder
    _clear(encoder.conv_in)
    encoder.conv_in.weight[:-1] = chain.conv_in.weight
    encoder.conv_in.bias[:-1] = chain.conv_in.bias
    encoder.conv_in.bias[-1] = CONSTANT
    for index, (down, widen) in enumerate(zip(chain.down, chain.widen, strict=True)):
        _write(encoder.down_blocks[2 * index + 1].resample[1], down)
        shortcut = encoder.down_blocks[2 * index + 2].conv_shortcut
        _clear(shortcut)
        shortcut.weight[:-1, :-1] = widen.weight
        shortcut.bias[:-1] = widen.bias
        shortcut.weight[-1, -1] = 1
    width = WIDTHS[-1]
    encoder.norm_out.gamma.fill_(CONSTANT * SMALL / width**0.5)
    encoder.norm_out.gamma[-1] = 1 / width**0.5
    _clear(encoder.conv_out)
    encoder.conv_out.weight[:LATENTS, :-1] = chain.conv_out.conv.weight * (2 / SMALL)
    encoder.conv_out.weight[:LATENTS, -1:] = chain.conv_out.edge / SILU_OF_ONE
    encoder.conv_out.bias[:LATENTS] = chain.conv_out.conv.bias
    for joint in (made.quant_conv, made.post_quant_conv):
        _clear(joint)
        joint.weight[:, :, 0, 0] = torch.eye(joint.weight.shape[0])


def _write_decoder(made: Autoencoder, chain: LinearChain) -> None:
    decoder = made.decoder
    _clear(decoder.conv_in)
    decoder.conv_in.weight[:-1] = chain.decode_in.weight
    decoder.conv_in.bias[:-1] = chain.decode_in.bias
    decoder.conv_in.bias[-1] = CONSTANT
    _write(decoder.up_blocks[0].upsamplers[0].resample[1], chain.up[0])
    _write_pairs(decoder.up_blocks[1].upsamplers[0].resample[1], chain.up[1])
    width = WIDTHS[0]
    decoder.norm_out.gamma.fill_(CONSTANT / width**0.5)
    decoder.norm_out.gamma[-1] = 1 / width**0.5
    _clear(decoder.conv_out)
    decoder.conv_out.weight[:, :FEATURES] = chain.rgb.conv.weight
    decoder.conv_out.weight[:, FEATURES : 2 * FEATURES] = -chain.rgb.conv.weight
    decoder.conv_out.weight[:, -1:] = chain.rgb.edge / SILU_OF_ONE
    decoder.conv_out.bias.copy_(chain.rgb.conv.bias)


def _clear(layer: nn.Conv2d) -> None:
    layer.weight.zero_()
    assert layer.bias is not None
    layer.bias.zero_()


def _write(layer: nn.Conv2d, edge_conv: EdgeConv) -> None:
    """Signal to signal, constant to constant through the middle tap, edge weights from the constant."""
    _clear(layer)
    layer.weight[:-1, :-1] = edge_conv.conv.weight
    layer.weight[:-1, -1:] = edge_conv.edge / CONSTANT
    layer.weight[-1, -1, 1, 1] = 1
    layer.bias[:-1] = edge_conv.conv.bias


def _write_pairs(layer: nn.Conv2d, edge_conv: EdgeConv) -> None:
    """As `_write`, each feature twice: + and −."""
    _clear(layer)
    for first, sign in ((0, 1.0), (FEATURES, -1.0)):
        rows = slice(first, first + FEATURES)
        layer.weight[rows, :-1] = sign * edge_conv.conv.weight
        layer.weight[rows, -1:] = sign * edge_conv.edge / CONSTANT
        layer.bias[rows] = sign * edge_conv.conv.bias
    layer.weight[-1, -1, 1, 1] = 1
