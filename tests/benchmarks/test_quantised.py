"""What the table of errors stands on: its formats, and that the road of the setting is the one it measures."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import quantised
from overpaint.model import load_editor
from tests.model import checkpoints


@pytest.mark.parametrize(
    ("name", "share", "of_products"),
    [
        ("int8", 0.01, 0.01),
        ("FP8 products", 0.03, 0.05),
        ("float8_e4m3fn", 0.03, 0.03),
        ("int4, groups of 64", 0.12, 0.12),
    ],
)
def test_a_format_errs_as_its_bits_allow(name: str, share: float, of_products: float) -> None:
    matrix, inputs = torch.randn((2, 64, 112), generator=torch.Generator().manual_seed(1))
    to, exact = quantised.FORMATS[name], inputs @ matrix.T
    error, products_error = to.weights(matrix) - matrix, to.product(inputs, matrix) - exact
    assert share / 3 < float(error.norm() / matrix.norm()) < share
    assert of_products * 0.6 < float(products_error.norm() / exact.norm()) < of_products


def test_matrices_replaced_by_what_is_left_of_them_make_the_picture_of_the_setting(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    load = partial(load_editor, checkpoints.build(tmp_path / "tiny", tiny=True), device="cpu")
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    with torch.no_grad():
        editors = (load(dtype="float32", weights="int8"), quantised.approximated(load, quantised.int8))
    asked_for, measured = (quantised.made(editor, image, "red") for editor in editors)
    assert np.array_equal(asked_for, measured)


def test_distance_of_pictures() -> None:
    plain = np.zeros((2, 2, 3), dtype=int)
    assert quantised.distance(plain, plain) == "the same"
    other = plain.copy()
    other[0, 0, 0] = 12
    assert quantised.distance(plain, other) == "37.3 dB, 12"
