"""Where tokens stand, worked out by hand: in the transformer's rotary embedding and in the encoder's."""

from __future__ import annotations

import math

import pytest
import torch

from overpaint.model.conditioner import positions
from overpaint.model.editor import pack, unpack
from overpaint.model.rotary import image_positions, rotated, rotation, text_positions


def test_an_even_picture_is_centred() -> None:
    assert image_positions([(1, 2, 4)]).tolist() == [
        [0, -1, -2], [0, -1, -1], [0, -1, 0], [0, -1, 1],
        [0, 0, -2], [0, 0, -1], [0, 0, 0], [0, 0, 1],
    ]  # fmt: skip


def test_an_odd_picture_leans_to_the_top_left() -> None:
    rows = image_positions([(1, 5, 1)])[:, 1].tolist()
    columns = image_positions([(1, 1, 3)])[:, 2].tolist()
    assert rows == [-3, -2, -1, 0, 1]
    assert columns == [-2, -1, 0]


def test_each_picture_has_its_own_frame() -> None:
    frames = image_positions([(1, 1, 2), (1, 2, 2), (1, 1, 1)])[:, 0].tolist()
    assert frames == [0, 0, 1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("shapes", "first"),
    [([(1, 4, 4)], 2), ([(1, 56, 74), (1, 56, 74)], 37), ([(1, 5, 3)], 2), ([(1, 2, 2), (1, 3, 20)], 10)],
)
def test_words_stand_beyond_the_largest_picture(shapes: list[tuple[int, int, int]], first: int) -> None:
    assert text_positions(shapes, 3).tolist() == [[first + j] * 3 for j in range(3)]


def test_adjacent_channels_turn_together() -> None:
    """Axis widths 2, 4 and 2: one, two and one angle; the second of an axis of four turns at theta^(-1/2)."""
    turned = rotated(torch.tensor([[1.0, 0] * 4]).view(1, 1, 1, 8), rotation(torch.tensor([[2, 3, 5]]), (2, 4, 2)))
    angles = [2, 3, 3 / 100, 5]
    expected = [value for angle in angles for value in (math.cos(angle), math.sin(angle))]
    torch.testing.assert_close(turned.flatten(), torch.tensor(expected))


def test_the_encoder_spreads_a_picture_and_goes_on_beyond_its_longer_side() -> None:
    """Two words, a picture of 2 x 3, a word, a picture of 1 x 1, a word; 9 is the picture token."""
    ids = [1, 2, 9, 9, 9, 9, 9, 9, 3, 9, 4]
    time, height, width = positions(ids, 9, [(2, 3), (1, 1)]).squeeze(1).tolist()
    assert time == [0, 1, 2, 2, 2, 2, 2, 2, 5, 6, 7]
    assert height == [0, 1, 2, 2, 2, 3, 3, 3, 5, 6, 7]
    assert width == [0, 1, 2, 3, 4, 2, 3, 4, 5, 6, 7]


def test_packing_puts_two_by_two_latents_into_one_token() -> None:
    latents = torch.arange(2 * 4 * 6).view(1, 2, 4, 6)
    tokens = pack(latents)
    assert tokens.shape == (1, 6, 8)
    # token (row 1, column 2): channel 0 at rows 2-3 and columns 4-5, then channel 1 there
    assert tokens[0, 5].tolist() == [16, 17, 22, 23, 40, 41, 46, 47]
    assert torch.equal(unpack(tokens, (1, 2, 3)), latents)
