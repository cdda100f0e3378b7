"""A fixed pool of crops, encoded once: latents of each crop and of its true edits, those that are offered.

Knows pictures, edits and the autoencoder. Does not know prompts or the editor.

    python -m training.pool --width 256 --height 256 --count 120         # → runs/pool-256x256.pt
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from overpaint.model.editor import pack
from training import crops, edits, photographs
from training.autoencoder import RUNS
from training.codec import Codec
from training.encoder import condition_patches


@dataclass
class Pool:
    """`latents[family]` (crops, tokens, 4z) bf16, `patches` (crops, n, 1176) bf16; (width, height) in pixels."""

    width: int
    height: int
    latents: dict[str, Tensor]
    patches: Tensor
    grid: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.height // crops.TOKEN, self.width // crops.TOKEN


@torch.no_grad()
def build(codec: Codec, width: int, height: int, count: int, seed: int) -> Pool:
    rng = random.Random(f"{seed} {width} {height}")
    photos = list(photographs.load("train", kind="photo").values())
    drawn = list(photographs.load("train", kind="drawn").values())
    offered = [name for name in (*edits.OFFERED, "keep") if width == height or name not in edits.geometry.SQUARE_ONLY]
    latents: dict[str, list[Tensor]] = {name: [] for name in offered}
    seen, grid, started = [], (0, 0), time.monotonic()
    at_once = max(1, 32 * 64 * 64 // (width * height))
    for first in range(0, count, at_once):
        number = min(at_once, count - first)
        pictures = [crops.crop(crops.weighted(rng, photos, drawn), width, height, rng) for _ in range(number)]
        pixels = torch.stack([crops.to_pixels(picture) for picture in pictures])
        for name in offered:
            latents[name].append(
                pack(codec.autoencoder.encode(quantised(edits.EDITS[name](pixels)) * 2 - 1)).bfloat16()
            )
        for picture in pictures:
            patches, grid = condition_patches(picture)
            seen.append(patches.bfloat16())
        if first // at_once % 25 == 0:
            print(f"{first + number}/{count} crops, {time.monotonic() - started:.0f} s", flush=True)
    return Pool(width, height, {name: torch.cat(parts) for name, parts in latents.items()}, torch.stack(seen), grid)


def quantised(pixels: Tensor) -> Tensor:
    """As 8-bit pictures hold it."""
    return (pixels * 255).round() / 255


def load(width: int, height: int) -> Pool:
    return Pool(**torch.load(RUNS / f"pool-{width}x{height}.pt"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Encodes a pool of crops and their edits.")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--height", type=int, default=64)
    parser.add_argument("--count", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    codec = Codec.load()
    print("channel weights", [round(float(value), 2) for value in codec.weight], flush=True)
    pool = build(codec, args.width, args.height, args.count, args.seed)
    torch.save(vars(pool), RUNS / f"pool-{args.width}x{args.height}.pt")


if __name__ == "__main__":
    main()
