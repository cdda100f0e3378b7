"""`overpaint plan`: the sum is shown, and what fits nowhere ends with an error that says so."""

from __future__ import annotations

import json

from tests.cli.conftest import Run, assert_complaint

LATEST = "Qwen/Qwen-Image-Edit-2511"


def test_an_official_checkpoint_that_is_not_here(overpaint: Run) -> None:
    done = overpaint("plan", "--checkpoint", LATEST, "--vram", "48GiB")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "48GiB: table"
    resident, table = json.loads(overpaint("plan", "--checkpoint", LATEST, "--vram", "48GiB", "--json").stdout)
    assert (resident["fits"], table["fits"]) == (False, True)
    parts = ("transformer", "text_encoder", "autoencoder", "table", "working")
    assert table["total"] == sum(table[part] for part in parts)


def test_a_card_that_is_too_small_is_said_after_the_sum(overpaint: Run) -> None:
    done = overpaint("plan", "--checkpoint", LATEST, "--vram", "24GiB")
    assert "in all" in done.stdout
    assert_complaint(done, 2, "46.0 GB")


def test_a_size_that_is_none(overpaint: Run) -> None:
    assert_complaint(overpaint("plan", "--vram", "12parsec"), 2, "12parsec")
