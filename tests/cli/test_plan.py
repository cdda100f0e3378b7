"""`overpaint plan`: the sum is shown, and what fits nowhere ends with an error that says so."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Run, assert_complaint

LATEST = "Qwen/Qwen-Image-Edit-2511"


def test_an_official_checkpoint_that_is_not_here(overpaint: Run) -> None:
    done = overpaint("plan", "--checkpoint", LATEST, "--vram", "48GiB")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split() == ["GB", "resident", "table", "encoder", "blocks"]
    assert done.stdout.splitlines()[-1] == "48GiB: table"


def test_a_small_card_gets_the_fewest_blocks_streamed(overpaint: Run) -> None:
    arguments = ("plan", "--checkpoint", LATEST, "--vram", "24GB")
    assert overpaint(*arguments).stdout.splitlines()[-1] == "24GB: blocks, 19 of 60 streamed"
    ways = json.loads(overpaint(*arguments, "--json").stdout)
    assert [way["way"] for way in ways if way["fits"]] == ["blocks"]
    parts = ("transformer", "text_encoder", "autoencoder", "places", "table", "pictures", "working")
    assert all(way["total"] == sum(way[part] for part in parts) for way in ways)
    assert ways[-1]["streamed_blocks"] == 19


@pytest.mark.parametrize("weights", ["int8", "fp8"])
def test_weights_in_8_bits_leave_room_for_more(weights: str, overpaint: Run) -> None:
    done = overpaint("plan", "--checkpoint", LATEST, "--vram", "24GB", "--weights", weights)
    assert done.stdout.splitlines()[-1] == "24GB: encoder"


def test_a_card_that_is_too_small_is_said_after_the_sum(overpaint: Run) -> None:
    done = overpaint("plan", "--checkpoint", LATEST, "--vram", "4GiB")
    assert "on the card" in done.stdout
    assert_complaint(done, 2, "5.1 GB")


def test_a_size_that_is_none(overpaint: Run) -> None:
    assert_complaint(overpaint("plan", "--vram", "12parsec"), 2, "12parsec")
