"""Our noise levels and steps against diffusers' scheduler."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_shift

from overpaint.model.schedule import ScheduleConfig, denoise, sigmas
from tests.model.checkpoints import SCHEDULE


def stock_scheduler(steps: int, noise_tokens: int) -> FlowMatchEulerDiscreteScheduler:
    """Set up the way the pipelines do it."""
    scheduler = FlowMatchEulerDiscreteScheduler(**SCHEDULE)
    mu = calculate_shift(
        noise_tokens,
        SCHEDULE["base_image_seq_len"],
        SCHEDULE["max_image_seq_len"],
        SCHEDULE["base_shift"],
        SCHEDULE["max_shift"],
    )
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    return scheduler


@pytest.mark.parametrize("noise_tokens", [64, 256, 3960, 4144, 8192, 16384])
def test_noise_levels_equal_the_reference(noise_tokens: int) -> None:
    """To the last bit: one rounding more is 2e-5 in the latents, because the network turns 1000 * sigma radians."""
    config = ScheduleConfig.from_json(SCHEDULE)
    for steps in range(2, 101):
        expected = stock_scheduler(steps, noise_tokens).sigmas
        assert sigmas(config, steps, noise_tokens) == expected.tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_equal_the_reference(dtype: torch.dtype) -> None:
    """The walk with a made-up velocity; in bfloat16 the rounding between steps must fall in the same places."""
    generator = torch.Generator().manual_seed(5)
    start = torch.randn(1, 24, 64, generator=generator).to(dtype)
    flows = [torch.randn(1, 24, 64, generator=generator).to(dtype) for _ in range(6)]

    scheduler, expected = stock_scheduler(6, 24), start
    scheduler.set_begin_index(0)
    for time, flow in zip(scheduler.timesteps, flows, strict=True):
        expected = scheduler.step(flow, time, expected, return_dict=False)[0].to(dtype)

    replies, walk = iter(flows), sigmas(ScheduleConfig.from_json(SCHEDULE), 6, 24)
    *_, (last, _) = denoise(lambda _latents, _sigma: next(replies), start, walk)
    torch.testing.assert_close(last, expected, atol=1e-6, rtol=0)


def test_the_estimate_is_where_a_straight_flow_ends() -> None:
    """With x = (1 - sigma) * picture + sigma * noise the velocity is noise - picture, and each estimate the picture."""
    generator = torch.Generator().manual_seed(6)
    picture, noise = (torch.randn(1, 24, 64, generator=generator) for _ in range(2))
    walk = sigmas(ScheduleConfig.from_json(SCHEDULE), 5, 24)
    steps = list(denoise(lambda _latents, _sigma: noise - picture, noise, walk))
    assert len(steps) == 5
    for _, estimate in steps:
        torch.testing.assert_close(estimate, picture, atol=1e-5, rtol=0)
    torch.testing.assert_close(steps[-1][0], picture, atol=1e-5, rtol=0)


def test_levels_fall_from_one_to_nothing() -> None:
    walk = sigmas(ScheduleConfig.from_json(SCHEDULE), 40, 4144)
    assert walk[0] == 1
    assert walk[-1] == 0
    assert walk[-2] == pytest.approx(0.02, abs=1e-6)
    assert all(upper > lower for upper, lower in pairwise(walk))
