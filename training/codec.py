"""The autoencoder that an editor is trained on, with its statistics, as the service will load it.

Knows where a run keeps it: made from the trained chain, or taken over from a checkpoint. Does not train.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from overpaint.model.autoencoder import Autoencoder, AutoencoderConfig
from training import crops, edits, photographs
from training.autoencoder import RUNS, LinearChain
from training.layout import config, to_autoencoder

KEPT = RUNS / "vae.pt"


@dataclass(frozen=True)
class Codec:
    """`encode` and `decode` of `autoencoder` take and give normalised latents.

    `weight` (z,) is the root of the pixel error that unit noise on a channel causes, mean 1.
    """

    autoencoder: Autoencoder
    weight: Tensor

    def save(self, path: Path = KEPT) -> None:
        tensors = self.autoencoder.state_dict()
        statistics = self.autoencoder.config.latents_mean, self.autoencoder.config.latents_std
        torch.save(
            {"tensors": tensors, "statistics": [list(values) for values in statistics], "weight": self.weight}, path
        )

    @classmethod
    def load(cls, path: Path = KEPT) -> Codec:
        """What a run has kept; at first, what `training.autoencoder` has trained."""
        if not path.exists():
            cls.of_chain().save(path)
        kept = torch.load(path)
        autoencoder = Autoencoder(AutoencoderConfig.from_json(config(*kept["statistics"])))
        autoencoder.load_state_dict(kept["tensors"])
        return cls(autoencoder.eval().requires_grad_(False), kept["weight"])

    @classmethod
    def of_chain(cls, path: Path = RUNS / "autoencoder.pt") -> Codec:
        chain = LinearChain()
        chain.load_state_dict(torch.load(path)["chain"])
        autoencoder = to_autoencoder(chain)
        with torch.no_grad():
            raw = torch.cat([autoencoder.encode(batch) for batch in samples(seed=11)])
        statistics = raw.mean((0, 2, 3)).tolist(), raw.std((0, 2, 3)).tolist()
        autoencoder.config = AutoencoderConfig.from_json(config(*statistics))
        return cls.of(autoencoder)

    @classmethod
    @torch.no_grad()
    def of(cls, autoencoder: Autoencoder) -> Codec:
        """Measures what each channel matters."""
        latents = autoencoder.encode(next(samples(seed=11))[:4, :, :96, :96])
        rng, errors, still = torch.Generator().manual_seed(11), [], autoencoder.decode(latents)
        for channel in range(latents.shape[1]):
            moved = torch.zeros_like(latents)
            moved[:, channel] = torch.randn(moved[:, channel].shape, generator=rng)
            errors.append((autoencoder.decode(latents + moved) - still).square().mean().sqrt())
        weight = torch.stack(errors)
        return cls(autoencoder, weight / weight.mean())


def samples(seed: int) -> Iterator[Tensor]:
    """Each tonal edit of crops of every photograph, a batch an edit, (B, 3, 192, 192) in [-1, 1]."""
    rng = random.Random(seed)
    photos = list(photographs.load("train", kind="photo").values())
    pixels = torch.stack([crops.to_pixels(crops.crop(image, 192, 192, rng)) for image in photos for _ in range(2)])
    for edit in edits.tone.EDITS.values():
        yield edit(pixels) * 2 - 1
