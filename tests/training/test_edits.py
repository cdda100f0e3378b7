"""The true edits do what their names say."""

from __future__ import annotations

import pytest
import torch

from training import edits
from training.edits import geometry, style, tone

GREY = {"bw", "sketch"}


def a_picture(width: int = 64, height: int = 64, seed: int = 0) -> torch.Tensor:
    small = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(small, size=(height, width), mode="bicubic").clamp(0, 1)[0]


@pytest.mark.parametrize("family", list(edits.EDITS))
def test_an_edit_keeps_size_and_range_alone_and_in_a_batch(family: str) -> None:
    before = torch.stack([a_picture(seed=seed) for seed in range(2)])
    after = edits.EDITS[family](before)
    assert after.shape == before.shape and after.min() >= 0 and after.max() <= 1
    torch.testing.assert_close(edits.EDITS[family](before[0]), after[0], atol=1e-5, rtol=0)
    assert (after.std(1).max() < 1e-6) == (family in GREY)


@pytest.mark.parametrize("family", (*tone.EDITS, *style.EDITS, *edits.STRENGTHS))
def test_sides_need_not_be_multiples_of_anything(family: str) -> None:
    assert edits.EDITS[family](a_picture(61, 43)).shape == (3, 43, 61)


def test_every_edit_differs_from_every_other() -> None:
    picture = a_picture() + 0.1 * torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(1))
    made = {name: edit(picture.clamp(0, 1)) for name, edit in edits.EDITS.items()}
    pairs = [(a, b) for index, a in enumerate(made) for b in list(made)[:index]]
    assert min((made[a] - made[b]).square().mean() for a, b in pairs) > 1e-4


def test_tones_go_where_they_should() -> None:
    before = a_picture()

    def warmth(pixels: torch.Tensor) -> float:
        return float((pixels[0] - pixels[2]).mean())

    def colour(pixels: torch.Tensor) -> float:
        return float(pixels.std(0).mean())

    def light(pixels: torch.Tensor) -> float:
        return float(pixels.mean())

    def spread(pixels: torch.Tensor) -> float:
        return float(pixels.std())

    measures = {
        warmth: (("warmer", "sepia", "sunset"), ("cooler", "night")),
        colour: (("vivid",), ("muted", "fog")),
        light: (("brighter",), ("darker", "night")),
        spread: (("contrast",), ("flat", "fog")),
    }
    for measure, (more, less) in measures.items():
        for family in more:
            assert measure(edits.EDITS[family](before)) > measure(before), family
        for family in less:
            assert measure(edits.EDITS[family](before)) < measure(before), family


@pytest.mark.parametrize("family", tone.COMPARABLE)
def test_strengths_are_steps_on_one_way(family: str) -> None:
    before = a_picture()
    names = (f"slightly {family}", family, f"much {family}")
    slight, plain, much = (float((edits.EDITS[name](before) - before).square().mean()) for name in names)
    assert slight == pytest.approx(plain / 4, rel=1e-3) and plain < much


def test_moves_move_what_they_say() -> None:
    picture = torch.arange(64 * 64, dtype=torch.float32).view(1, 64, 64).expand(3, -1, -1)
    assert geometry.mirror(picture)[0, 0, 0] == picture[0, 0, 63]
    assert geometry.flip(picture)[0, 0, 0] == picture[0, 63, 0]
    assert geometry.left(picture)[0, 0, 0] == picture[0, 0, 63]  # counter-clockwise: top right comes to the top left
    assert geometry.right(picture)[0, 0, 0] == picture[0, 63, 0]


@pytest.mark.parametrize("family", list(geometry.MOVES))
def test_the_token_a_move_fetches_from_holds_its_pixels(family: str) -> None:
    """Each token a colour of its own: the made token has the colour of its source."""
    colours = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(2))
    picture = colours.repeat_interleave(8, 1).repeat_interleave(8, 2)
    made = geometry.MOVES[family](picture)[:, 3::8, 3::8]
    expected = colours.flatten(1)[:, geometry.sources(family, 8, 8)].view(3, 8, 8)
    torch.testing.assert_close(made, expected, atol=0.12 if family == "zoom" else 0, rtol=0)


def test_a_frame_covers_the_border_and_nothing_else() -> None:
    before = a_picture()
    after = edits.EDITS["frame red"](before)
    side = geometry.FRAME
    assert torch.equal(after[:, side:-side, side:-side], before[:, side:-side, side:-side])
    assert torch.equal(after[:, side - 1, 5], torch.tensor(geometry.COLOURS["red"]))


def test_mosaic_stones_are_flat_and_keep_the_mean() -> None:
    before = a_picture()
    after = style.mosaic(before)
    assert after[:, :8, :8].flatten(1).std(1).max() < 1e-6
    torch.testing.assert_close(after[:, 8:16, 8:16].mean((1, 2)), before[:, 8:16, 8:16].mean((1, 2)))


def test_oil_smooths_flat_parts_but_not_an_edge() -> None:
    rng = torch.Generator().manual_seed(3)
    step = torch.where(torch.arange(64) < 32, 0.2, 0.8).expand(3, 64, 64)
    noisy = (step + 0.03 * torch.randn(3, 64, 64, generator=rng)).clamp(0, 1)
    painted, blurred = style.kuwahara(noisy, 3), style.blur(noisy)
    flat = (..., slice(8, 56), slice(4, 24))
    assert painted[flat].std() < 0.6 * noisy[flat].std()
    assert (painted - step)[..., 28:36].abs().mean() < 0.3 * (blurred - step)[..., 28:36].abs().mean()


def test_oil_is_richer_in_colour() -> None:
    red = torch.tensor([0.7, 0.4, 0.4]).view(3, 1, 1).expand(3, 32, 32)
    painted = style.oil(red).mean((1, 2))
    assert painted[0] - painted[1] > 1.5 * (red[0, 0, 0] - red[1, 0, 0])
