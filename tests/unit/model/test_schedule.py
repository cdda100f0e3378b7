"""Noise levels against the published tables, and guidance against its formula."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from overpaint.model.schedule import ScheduleConfig, guided, sigmas

PUBLISHED: dict[str, Any] = {
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 8192,
    "max_shift": 0.9,
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "shift_terminal": 0.02,
    "time_shift_type": "exponential",
    "use_dynamic_shifting": True,
}


@pytest.mark.parametrize(
    ("steps", "first", "last"),
    [
        (40, [1, 0.98696, 0.97359, 0.95987], [0.11353, 0.06788, 0.02, 0]),
        (50, [1, 0.98970, 0.97919], [0.05848, 0.02, 0]),
        (4, [1, 0.76671, 0.45561, 0.02], [0]),
    ],
)
def test_levels_of_a_megapixel_are_the_published_ones(steps: int, first: list[float], last: list[float]) -> None:
    walk = sigmas(ScheduleConfig.from_json(PUBLISHED), steps, 4096)
    assert len(walk) == steps + 1
    assert walk[: len(first)] == pytest.approx(first, abs=1e-5)
    assert walk[-len(last) :] == pytest.approx(last, abs=1e-5)


def test_a_larger_picture_stays_noisy_for_longer() -> None:
    config = ScheduleConfig.from_json(PUBLISHED)
    small, large = sigmas(config, 10, 1024), sigmas(config, 10, 8192)
    assert all(lower < higher for lower, higher in zip(small[1:-2], large[1:-2], strict=True))


@pytest.mark.parametrize("steps", [1, 0, -1])
def test_one_step_is_no_schedule(steps: int) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        sigmas(ScheduleConfig.from_json(PUBLISHED), steps, 4096)


@pytest.mark.parametrize(
    "kind",
    ["invert_sigmas", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "stochastic_sampling"],
)
def test_schedules_of_another_kind_are_refused(kind: str) -> None:
    ScheduleConfig.from_json(PUBLISHED | {kind: False})
    with pytest.raises(ValueError, match=kind):
        ScheduleConfig.from_json(PUBLISHED | {kind: True})


def test_guidance_leads_away_and_keeps_the_length() -> None:
    generator = torch.Generator().manual_seed(1)
    positive, negative = (torch.randn(1, 5, 64, generator=generator) for _ in range(2))
    made = guided(positive, negative, 4.0)
    torch.testing.assert_close(made.norm(dim=-1), positive.norm(dim=-1))
    direction = negative + 4.0 * (positive - negative)
    cosine = torch.nn.functional.cosine_similarity(made, direction, dim=-1)
    torch.testing.assert_close(cosine, torch.ones(1, 5))
    torch.testing.assert_close(guided(positive, negative, 1.0), positive)
