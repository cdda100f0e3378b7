"""Letters for tests of scenes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from training.scenes import fonts
from training.scenes.scene import layer


@pytest.fixture
def some_letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the fonts are not there, blocks of noise stand for text, other ones for every string."""
    if not fonts.FOLDER.exists():
        monkeypatch.setattr(fonts, "width", lambda text, typeface, height: len(text) * height)
        monkeypatch.setattr(fonts, "mask", blocks)
    layer.cache_clear()
    yield
    layer.cache_clear()


def blocks(text: str, typeface: str, height: int, room: int) -> np.ndarray:
    drawn = np.zeros((2 * height, min(len(text) * height, room)), dtype=np.float32)
    drawn[height // 2 : -height // 2] = np.random.default_rng([*text.encode()]).random((height, drawn.shape[1])) > 0.5
    return drawn
