"""Our two-dimensional autoencoder against diffusers' three-dimensional one: one frame, the same latents and pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from overpaint.model.autoencoder import Autoencoder, AutoencoderConfig, folded
from tests.model.checkpoints import weights
from tests.model.stock import Stock

SIZES = [(64, 64), (96, 160), (160, 32)]  # height, width


def ours(folder: Path) -> Autoencoder:
    config = json.loads((folder / "vae" / "config.json").read_text("utf-8"))
    autoencoder = Autoencoder(AutoencoderConfig.from_json(config))
    autoencoder.load_state_dict(folded(load_file(weights(folder, "vae"))), strict=True)
    return autoencoder.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]  # as it is served


def constants(stock: Stock) -> tuple[Tensor, Tensor]:
    config = stock.vae.config
    return torch.tensor(config.latents_mean).view(1, -1, 1, 1, 1), torch.tensor(config.latents_std).view(1, -1, 1, 1, 1)


@pytest.mark.parametrize("vae_factor", [8, 4])
@pytest.mark.parametrize(("height", "width"), SIZES)
@torch.no_grad()
def test_encode_equals_the_reference(
    height: int, width: int, vae_factor: int, random_checkpoint: Callable[..., Path], stock: Callable[..., Stock]
) -> None:
    folder = random_checkpoint(vae_factor=vae_factor)
    pixels = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mean, std = constants(stock(folder))
    expected = (stock(folder).vae.encode(pixels.unsqueeze(2)).latent_dist.mode() - mean) / std
    torch.testing.assert_close(ours(folder).encode(pixels), expected.squeeze(2), atol=1e-5, rtol=0)


@pytest.mark.parametrize("vae_factor", [8, 4])
@pytest.mark.parametrize(("height", "width"), SIZES)
@torch.no_grad()
def test_decode_equals_the_reference(
    height: int, width: int, vae_factor: int, random_checkpoint: Callable[..., Path], stock: Callable[..., Stock]
) -> None:
    folder = random_checkpoint(vae_factor=vae_factor)
    shape = (2, 16, height // vae_factor, width // vae_factor)
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    mean, std = constants(stock(folder))
    expected = stock(folder).vae.decode(latents.unsqueeze(2) * std + mean, return_dict=False)[0].squeeze(2)
    made = ours(folder).decode(latents)
    assert made.shape == (2, 3, height, width)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_attention_made_in_parts_equals_the_whole(
    random_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    autoencoder = ours(random_checkpoint())
    latents = torch.randn(1, 16, 6, 10, generator=torch.Generator().manual_seed(3))
    whole = autoencoder.decode(latents)
    monkeypatch.setattr("overpaint.model.autoencoder.QUERIES_AT_ONCE", 7)
    torch.testing.assert_close(autoencoder.decode(latents), whole, atol=1e-6, rtol=0)
