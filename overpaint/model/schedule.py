"""Noise levels of an edit, and the walk down them.

Knows sigmas and the Euler step of flow matching ("Flow Matching for Generative Modeling", arXiv:2210.02747).
Does not know the network: a velocity is a function handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Sigmas = npt.NDArray[np.float32]
Velocity = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfig:
    """`scheduler/scheduler_config.json`. The class defaults of the reference differ from the published files."""

    num_train_timesteps: int = 1000
    shift: float = 1.0
    use_dynamic_shifting: bool = False
    base_shift: float = 0.5
    max_shift: float = 1.15
    base_image_seq_len: int = 256
    max_image_seq_len: int = 4096
    shift_terminal: float | None = None
    time_shift_type: str = "exponential"

    @classmethod
    def from_json(cls, config: Mapping[str, Any]) -> ScheduleConfig:
        """Raises ValueError for a kind of schedule that this model family does not use."""
        kinds = (
            "invert_sigmas",
            "use_karras_sigmas",
            "use_exponential_sigmas",
            "use_beta_sigmas",
            "stochastic_sampling",
        )
        for kind in kinds:
            if config.get(kind):
                raise ValueError(f"{kind} is not part of this model family")
        made = cls(**{field.name: config[field.name] for field in fields(cls) if field.name in config})
        if made.time_shift_type != "exponential":
            raise ValueError(f"time_shift_type {made.time_shift_type!r} is not part of this model family")
        return made


def sigmas(config: ScheduleConfig, steps: int, noise_tokens: int) -> list[float]:
    """`steps` + 1 noise levels falling from 1 to 0. The larger the picture, the longer the noise stays high.

    steps  >= 2: one step is not a schedule, its terminal stretch divides by zero. Raises ValueError below.

    float32 throughout, operation by operation as the reference: the network turns 1000 * sigma radians, so that one
    rounding more here is 2e-5 in the latents.
    """
    if steps < 2:
        raise ValueError("steps: at least 2")
    even = np.linspace(1.0, 1.0 / steps, steps).astype(np.float32)
    shifted = _shifted(even, math.exp(_mu(config, noise_tokens)) if config.use_dynamic_shifting else config.shift)
    if config.shift_terminal:
        rest = 1 - shifted
        shifted = 1 - rest / (rest[-1] / np.float32(1 - config.shift_terminal))
    return [*shifted.tolist(), 0.0]


def _mu(config: ScheduleConfig, noise_tokens: int) -> float:
    """The shift's exponent, linear in the number of noise tokens and not clamped beyond its two anchors."""
    span = config.max_image_seq_len - config.base_image_seq_len
    return (
        config.base_shift + (config.max_shift - config.base_shift) * (noise_tokens - config.base_image_seq_len) / span
    )


def _shifted(even: Sigmas, by: float) -> Sigmas:
    return np.asarray(by / (by + (1 / even - 1)), dtype=np.float32)


def denoise(velocity: Velocity, latents: Tensor, walk: list[float]) -> Iterator[tuple[Tensor, Tensor]]:
    """Euler steps along the flow, one yield each: (latents, estimate).

    Latents are where the walk stands, after the last step the finished ones; the estimate is where it would end if this
    velocity held, blurry but not noisy.

    velocity  (latents, sigma) -> d latents / d sigma, same shape, guidance included
    latents   (1, tokens, channels), pure noise at sigma = 1
    walk      N + 1 sigmas falling from 1 to 0
    """
    # On the CPU, and the first factor below, as in the reference: there the product rounds as the reference's does.
    strides = torch.tensor(walk, dtype=torch.float32).diff()
    for sigma, stride in zip(walk[:-1], strides, strict=True):
        flow = velocity(latents, sigma)
        # x = (1 - sigma) * picture + sigma * noise, so the walk's end is one stride of length sigma away
        estimate = latents - sigma * flow
        # the sum in float32, back to the latents' dtype between steps: as the reference rounds
        latents = (latents.float() + stride * flow).to(latents.dtype)
        yield latents, estimate


def guided(positive: Tensor, negative: Tensor, scale: float) -> Tensor:
    """True classifier-free guidance (arXiv:2207.12598), each token rescaled to the length of the positive one.

    positive, negative  (B, tokens, channels) velocities under the prompt and under the negative prompt
    """
    mixed = negative + scale * (positive - negative)
    return mixed * (positive.norm(dim=-1, keepdim=True) / mixed.norm(dim=-1, keepdim=True))
