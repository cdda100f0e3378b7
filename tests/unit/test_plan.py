"""The arithmetic of memory: from real headers, and for the published sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from overpaint import catalog, plan
from overpaint.errors import ConfigurationError

MEGAPIXEL = 1024**2


def published(budget: float) -> plan.Plan:
    ways = plan.plans(plan.PUBLISHED, bytes_a_value=2, pixels=2 * MEGAPIXEL)
    return plan.choose(ways, int(budget))


def test_the_table_saves_the_modulation_weights() -> None:
    resident, table = plan.plans(plan.PUBLISHED, bytes_a_value=2, pixels=2 * MEGAPIXEL)
    assert resident.weights - table.weights == 2 * plan.PUBLISHED.modulation
    assert 43e9 < table.weights + table.table < 44e9


@pytest.mark.parametrize(("gib", "way"), [(80, "resident"), (48, "table")])
def test_the_simplest_way_that_fits(gib: int, way: str) -> None:
    assert published(gib * 2**30).way == way


@pytest.mark.parametrize("gib", [32, 24, 16])
def test_what_fits_nowhere_is_said_with_both_numbers(gib: int) -> None:
    with pytest.raises(ConfigurationError, match=r"needs 46\.0 GB .* are free"):
        published(gib * 2**30)


def test_a_damaged_header_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "model.safetensors").write_bytes(b"\xff" * 9)
    with pytest.raises(ConfigurationError, match=r"model\.safetensors is damaged"):
        plan.measure(tmp_path)


def test_sizes_of_mini_are_those_of_its_files() -> None:
    sizes = plan.measure(catalog.EMBEDDED / "mini")
    stored = sum(path.stat().st_size for path in (catalog.EMBEDDED / "mini").rglob("*.safetensors"))
    assert 2 * (sizes.transformer + sizes.text_encoder) < stored
    assert 0 < sizes.modulation < sizes.transformer
