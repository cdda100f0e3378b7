"""Sizes: upstream's rounding by its published examples, ours by what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from overpaint.model.conditioner import VisionConfig
from overpaint.model.frame import Frame, fit_exact, fit_reference

MEGAPIXEL = 1024**2


@pytest.mark.parametrize(
    ("size", "area", "expected"),
    [
        ((1024, 1024), MEGAPIXEL, (1024, 1024)),
        ((1024, 768), MEGAPIXEL, (1184, 896)),
        ((640, 480), MEGAPIXEL, (1184, 896)),
        ((1200, 800), MEGAPIXEL, (1248, 832)),
        ((1920, 1080), MEGAPIXEL, (1376, 768)),
        ((3000, 1000), MEGAPIXEL, (1760, 576)),
        ((1024, 768), 384**2, (448, 320)),
    ],
)
def test_reference_rounds_each_side_on_its_own(size: tuple[int, int], area: int, expected: tuple[int, int]) -> None:
    assert fit_reference(size, area) == Frame(*expected, *expected)


def test_exact_keeps_the_ratio_and_pads_to_the_grid() -> None:
    assert fit_exact((1920, 1080), MEGAPIXEL) == Frame(1365, 768, 1376, 768)
    assert fit_exact((768, 1024), MEGAPIXEL) == Frame(887, 1182, 896, 1184)


sides = st.integers(1, 8000)


@given(sides, sides, st.sampled_from([65536, 147456, MEGAPIXEL]))
def test_exact_is_true_to_half_a_pixel_at_the_area_asked_for(width: int, height: int, area: int) -> None:
    assume(1 / 16 <= width / height <= 16)
    frame = fit_exact((width, height), area)
    scale = (area / (width * height)) ** 0.5
    assert abs(frame.width - width * scale) <= 0.5
    assert abs(frame.height - height * scale) <= 0.5
    assert (frame.grid_width % 32, frame.grid_height % 32) == (0, 0)
    assert 0 <= frame.grid_width - frame.width < 32
    assert 0 <= frame.grid_height - frame.height < 32


def test_padding_repeats_the_edge_and_is_cut_off_again() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (37, 50, 3), dtype=np.uint8)
    frame = Frame.exact(50, 37)
    laid = frame.lay(Image.fromarray(pixels))
    assert laid.size == (64, 64)
    padded = np.asarray(laid)
    assert np.array_equal(padded[:37, :50], pixels)
    assert np.array_equal(padded[:37, 50:], np.repeat(pixels[:, -1:], 14, axis=1))
    assert np.array_equal(padded[37:, :50], np.repeat(pixels[-1:], 27, axis=0))
    assert np.array_equal(np.asarray(frame.cut(laid)), pixels)


@pytest.mark.parametrize(
    ("given_size", "expected"),
    [((1184, 896), (1176, 896)), ((448, 320), (448, 308)), ((1024, 1024), (1036, 1036)), ((20, 20), (56, 56))],
)
def test_the_encoder_takes_whole_groups_of_patches(given_size: tuple[int, int], expected: tuple[int, int]) -> None:
    vision = VisionConfig(
        patch_size=14,
        merge_size=2,
        temporal_patch_size=2,
        min_pixels=3136,
        max_pixels=12845056,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    assert vision.grid_size(*given_size) == expected
