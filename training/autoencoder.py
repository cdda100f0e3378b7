"""Trains the autoencoder as a chain of plain convolutions, then copies it into the published layout.

Knows the layout's skeleton (which convolutions stand on the straight path) and how a linear chain hides in it.
Does not know edits' prompts or the editor. Why linear: see README.md, "The autoencoder".

    python -m training.autoencoder --seconds 240       # → runs/autoencoder.pt, resumes where it stopped
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from training import crops, edits, photographs
from training.optimiser import Muon

RUNS = Path(__file__).parent / "runs"
LATENTS = 24
WIDTHS = (16, 32, 64)  #: base 16, dim_mult [1, 2, 4]; the last channel of each level holds the constant
FEATURES = 7  #: at full size, stored as ± pairs: 14 of 16 channels


class EdgeConv(nn.Module):
    """A convolution that also reads a channel of ones, zero-padded like the rest: its bias knows the border.

    In the published layout that channel is the constant one, so this is only a convolution there.
    """

    def __init__(self, fan_in: int, out: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(fan_in, out, kernel, stride, padding)
        self.edge = nn.Parameter(torch.zeros(out, 1, kernel, kernel))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ones = x.new_ones(1, 1, *x.shape[-2:])
        if self.conv.stride[0] == 2:
            x, ones = F.pad(x, (0, 1, 0, 1)), F.pad(ones, (0, 1, 0, 1))
        return self.conv(x) + F.conv2d(ones, self.edge, None, self.conv.stride, self.conv.padding)


class LinearChain(nn.Module):
    """The straight path of the layout, without norms and activations. Pixels and output in [-1, 1]."""

    def __init__(self, latents: int = LATENTS) -> None:
        super().__init__()
        a, b, c = (width - 1 for width in WIDTHS)
        self.conv_in = nn.Conv2d(3, a, 3, padding=1)
        self.down = nn.ModuleList([EdgeConv(a, a, stride=2, padding=0), EdgeConv(b, b, stride=2, padding=0)])
        self.widen = nn.ModuleList([nn.Conv2d(a, b, 1), nn.Conv2d(b, c, 1)])
        self.conv_out = EdgeConv(c, latents)
        self.decode_in = nn.Conv2d(latents, c, 3, padding=1)
        self.up = nn.ModuleList([EdgeConv(c, b), EdgeConv(b, FEATURES)])
        self.rgb = EdgeConv(FEATURES, 3)

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) → (B, latents, H/4, W/4)."""
        x = self.conv_in(pixels)
        for down, widen in zip(self.down, self.widen, strict=True):
            x = widen(down(x))
        return self.conv_out(x)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        x = self.decode_in(latents)
        for up in self.up:
            x = up(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.rgb(x)


class CropSource:
    """Batches of square crops in [-1, 1], a third of them edited, from pictures shrunk to several sizes."""

    def __init__(self, seed: int, side: int = 96, areas: tuple[int, ...] = (256**2, 256**2, 384**2, 512**2)) -> None:
        photos = list(photographs.load("train", kind="photo").values())
        drawn = list(photographs.load("train", kind="drawn").values())
        self.rng, self.side = random.Random(seed), side
        self.pools = [
            [[crops.to_pixels(crops.to_area(image, area)) for image in kind] for kind in (photos, drawn)]
            for area in areas
        ]

    def batch(self, count: int) -> torch.Tensor:
        return torch.stack([self.one() for _ in range(count)]) * 2 - 1

    def one(self) -> torch.Tensor:
        photos, drawn = self.rng.choice(self.pools)
        picture = self.rng.choice(photos if self.rng.random() < 0.8 else drawn)
        top = self.rng.randint(0, picture.shape[1] - self.side)
        left = self.rng.randint(0, picture.shape[2] - self.side)
        part = picture[:, top : top + self.side, left : left + self.side]
        if self.rng.random() < 0.5:
            part = part.flip(2)
        return edits.EDITS[self.rng.choice(edits.OFFERED)](part) if self.rng.random() < 0.4 else part


def heldout(area: int = 256**2) -> list[torch.Tensor]:
    """Held-out photographs at the working area, cut to multiples of 32, (1, 3, H, W) in [-1, 1]."""
    pictures = [crops.to_pixels(crops.to_area(image, area)) for image in photographs.load("heldout").values()]
    return [p[None, :, : p.shape[1] // 32 * 32, : p.shape[2] // 32 * 32] * 2 - 1 for p in pictures]


@torch.no_grad()
def psnr(roundtrip: object, pictures: list[torch.Tensor]) -> tuple[float, float]:
    """(mean over pictures, pooled) in dB for a callable pixels → pixels."""
    errors = torch.stack([((roundtrip(p).clamp(-1, 1) - p) / 2).square().mean() for p in pictures])  # type: ignore[operator]
    return float((-10 * errors.log10()).mean()), float(-10 * errors.mean().log10())


def train(seconds: float, lr: float, seed: int, path: Path) -> None:
    """MSE only, 96-px crops, batch 12; the rate falls as (1 − t/T)^1.5, the last fifth in fp32 brings the last dB."""
    torch.manual_seed(seed)
    chain = LinearChain().to(memory_format=torch.channels_last)  # 2.4 times as fast as the default order
    source, pictures = CropSource(seed), heldout()
    kernels = [p for name, p in chain.named_parameters() if p.ndim > 1 and "edge" not in name]
    biases = [p for name, p in chain.named_parameters() if p.ndim == 1 or "edge" in name]
    muon, adam = Muon(kernels, lr), torch.optim.AdamW(biases, lr, betas=(0.9, 0.98), weight_decay=0)
    spent, step = 0.0, 0
    if path.exists():
        state = torch.load(path)
        chain.load_state_dict(state["chain"])
        muon.load_state_dict(state["muon"])
        adam.load_state_dict(state["adam"])
        spent, step = state["spent"], state["step"]
        source.rng.seed(seed + step)
    started, shown = time.monotonic() - spent, 0.0
    while (now := time.monotonic() - started) < seconds:
        rate = lr * (1 - now / seconds) ** 1.5 * min(1.0, (step + 1) / 20)
        for group in muon.param_groups + adam.param_groups:
            group["lr"] = rate
        pixels = source.batch(12).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=now < 0.8 * seconds):
            made = chain.decode(chain.encode(pixels))
        loss = (made.float() - pixels).square().mean()
        loss.backward()
        muon.step()
        adam.step()
        muon.zero_grad()
        adam.zero_grad()
        step += 1
        if now - shown > 15:
            shown = now
            mean, pooled = psnr(lambda p: chain.decode(chain.encode(p)), pictures)
            print(
                f"{now:5.0f} s  step {step}  loss {loss:.5f}  held-out {mean:.2f} dB, pooled {pooled:.2f}", flush=True
            )
            save(path, chain, muon, adam, now, step)
    save(path, chain, muon, adam, seconds, step)
    mean, pooled = psnr(lambda p: chain.decode(chain.encode(p)), pictures)
    print(f"done: {step} steps, held-out {mean:.2f} dB, pooled {pooled:.2f}")


def save(path: Path, chain: nn.Module, muon: Muon, adam: torch.optim.Optimizer, spent: float, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"chain": chain.state_dict(), "muon": muon.state_dict(), "adam": adam.state_dict()}
    torch.save(parts | {"spent": spent, "step": step}, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--lr", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RUNS / "autoencoder.pt")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args.seconds, args.lr, args.seed, args.out)


if __name__ == "__main__":
    main()
