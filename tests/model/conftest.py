"""Random checkpoints and loaded pipelines, made once a session each: factories with plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from overpaint import catalog
from overpaint.model import Editor, load_editor
from tests.model import checkpoints
from tests.model.stock import Stock


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """These networks are too small to share out; and sums come in one order."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """random_checkpoint("2511", seed=3, …) -> a folder that nobody changes; arguments of `checkpoints.build`."""

    @cache
    def make(generation: checkpoints.Generation = "2511", **options: Any) -> Path:
        return checkpoints.build(tmp_path_factory.mktemp(generation) / "checkpoint", generation, **options)

    return make


@pytest.fixture
def own_checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """own_checkpoint("2511", …) -> a tiny folder of this test alone, to be damaged."""

    def make(generation: checkpoints.Generation = "2511", **options: Any) -> Path:
        return checkpoints.build(tmp_path / "checkpoint", generation, **{"tiny": True, **options})

    return make


@pytest.fixture(scope="session")
def stock() -> Callable[..., Stock]:
    """stock(folder, repaired=True) -> the stock pipeline over that folder, with the folder's own areas."""

    @cache
    def make(folder: Path, *, repaired: bool = True, dtype: torch.dtype = torch.float32) -> Stock:
        known = catalog.read(folder)
        return Stock(
            folder,
            native_pixels=known.native_pixels,
            condition_pixels=known.condition_pixels,
            repaired=repaired,
            dtype=dtype,
        )

    return make


@pytest.fixture(scope="session")
def editor() -> Callable[..., Editor]:
    """editor(folder) -> ours on the CPU in float32. Shared: that edits leave nothing behind is tested."""
    return cache(lambda folder: load_editor(folder, device="cpu"))


@pytest.fixture(scope="session")
def picture() -> Callable[..., Image.Image]:
    """picture(width, height, seed) -> soft coloured noise: every channel, row and column differs."""

    def make(width: int, height: int, seed: int = 0) -> Image.Image:
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)

    return make
