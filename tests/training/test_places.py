"""Which tokens a step looks at, and what they stand for."""

from __future__ import annotations

import math

import pytest
import torch

from training import places
from training.edits import geometry

SHAPES = [(1, 32, 32), (1, 28, 40), (1, 24, 44)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pattern", ["scattered", "window", "orbits", "whole"])
def test_chosen_tokens_are_in_the_picture_once_and_in_order(pattern: places.Pattern, shape: places.Shape) -> None:
    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        chosen = places.choose(pattern, shape, rng)
        assert chosen.min() >= 0 and chosen.max() < math.prod(shape)
        assert torch.equal(chosen, chosen.unique())


@pytest.mark.parametrize("shape", SHAPES)
def test_an_orbit_holds_all_that_moves_fetch_from(shape: places.Shape) -> None:
    rng = torch.Generator().manual_seed(1)
    chosen = places.choose("orbits", shape, rng)
    moves = [name for name in geometry.MOVES if shape[1] == shape[2] or name not in geometry.SQUARE_ONLY]
    known = {name: int(places.seen(name, shape, chosen).sum()) for name in moves}
    assert all(count >= places.ORBITS for count in known.values()), known
    assert places.seen("bw", shape, chosen).all()


def test_a_window_is_a_square_and_reaches_the_border() -> None:
    rng = torch.Generator().manual_seed(2)
    corners = set()
    for _ in range(300):
        chosen = places.choose("window", (1, 28, 40), rng)
        rows, columns = chosen // 40, chosen % 40
        assert rows.max() - rows.min() == columns.max() - columns.min() == places.WINDOW - 1
        corners.add((int(rows.min()) == 0, int(rows.max()) == 27))
    assert corners == {(True, False), (False, True), (False, False)}


def test_chosen_keys_stand_for_the_absent_but_a_place_for_itself() -> None:
    shape = (1, 32, 32)
    chosen = places.choose("scattered", shape, torch.Generator().manual_seed(3))
    weights = places.weights(shape, chosen, 1024)
    assert torch.equal(weights.diagonal(), torch.zeros(len(chosen)))
    torch.testing.assert_close(weights.exp().sum(1), torch.full((len(chosen),), 1024.0))
    everything = places.choose("whole", shape, torch.Generator())
    assert places.weights(shape, everything, 1024).abs().max() < 1e-6
