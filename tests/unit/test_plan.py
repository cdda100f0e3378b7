"""The arithmetic of memory: from real headers, and for the published sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from overpaint import catalog, plan
from overpaint.errors import ConfigurationError

MEGAPIXEL = 1024**2
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "official-checkpoints.md"


def every(budget: float | None = None, weights: plan.Weights = "exact") -> list[plan.Plan]:
    cut = None if budget is None else int(budget)
    return plan.plans(plan.PUBLISHED, bytes_a_value=2, pixels=2 * MEGAPIXEL, budget=cut, weights=weights)


def published(budget: float, weights: plan.Weights = "exact") -> plan.Plan:
    return plan.choose(every(budget, weights), int(budget))


def test_the_table_saves_the_modulation_weights() -> None:
    resident, table, *_ = every()
    assert resident.weights - table.weights == 2 * plan.PUBLISHED.modulation
    assert 43e9 < table.weights + table.table < 44e9


def test_each_way_takes_less_of_the_card_than_the_one_before() -> None:
    ways = every()
    assert [way.way for way in ways] == ["resident", "table", "encoder", "blocks"]
    totals = [way.total for way in ways]
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) == len(totals)


@pytest.mark.parametrize(
    ("weights", "gigabytes", "way", "streamed", "host"),
    [
        ("exact", 80, "resident", 0, 0),
        ("exact", 48, "table", 0, 0),
        ("exact", 32, "blocks", 1, 19),
        ("exact", 24, "blocks", 19, 29),
        ("exact", 16, "blocks", 37, 39),
        ("int8", 48, "resident", 0, 0),
        ("int8", 32, "table", 0, 0),
        ("int8", 24, "encoder", 0, 10),
        ("int8", 16, "blocks", 11, 13),
        ("fp8", 48, "resident", 0, 0),
        ("fp8", 32, "table", 0, 0),
        ("fp8", 24, "encoder", 0, 10),
        ("fp8", 16, "blocks", 12, 13),
    ],
)
def test_the_simplest_way_that_fits(weights: plan.Weights, gigabytes: int, way: str, streamed: int, host: int) -> None:
    chosen = published(gigabytes * plan.GB, weights)
    assert (chosen.way, chosen.streamed_blocks) == (way, streamed)
    assert chosen.host <= host * plan.GB
    assert chosen.carried_a_pass == streamed * plan.PUBLISHED.block.size(2, weights)


@pytest.mark.parametrize("weights", ["int8", "fp8"])
def test_in_8_bits_all_weights_that_an_edit_reads_stay_on_the_device_in_24_gb(weights: plan.Weights) -> None:
    exact, short = every()[1], every(weights=weights)[1]
    assert short.weights + short.table < 24e9 < exact.weights
    assert short.autoencoder == exact.autoencoder
    assert short.table == exact.table


def test_a_layer_in_8_bits_has_a_byte_a_value_and_a_scale_a_row() -> None:
    layer = plan.Layer(values=32 * 48 + 5 * 48 + 32, matrices=((32, 48), (5, 48)))
    assert layer.size(2, "exact") == 2 * (32 * 48 + 5 * 48 + 32)
    assert layer.size(2, "int8") == (32 + 5) * (48 + 2) + 2 * 32
    assert layer.size(2, "fp8") == 32 * (48 + 4) + 2 * 5 * 48 + 2 * 32, "scales of float32; one has no product in FP8"
    assert layer.size(4, "fp8") - layer.size(2, "fp8") == 2 * (5 * 48 + 32)


def test_the_largest_matrix_is_reckoned_once_more_where_it_is_opened() -> None:
    exact, int8 = every()[0], every(weights="int8")[0]
    assert int8.working - exact.working == 2 * 18944 * 3584


def test_the_widest_input_of_a_product_is_reckoned_twice_more_where_it_is_cast() -> None:
    exact, fp8 = every()[0], every(weights="fp8")[0]
    assert fp8.working - exact.working == (2 * MEGAPIXEL // 256) * 12288 * (2 + 1)


def test_as_few_blocks_are_streamed_as_fit() -> None:
    block = 2 * plan.PUBLISHED.block.values
    for budget in range(6 * 10**9, 33 * 10**9, 10**9):
        cut = every(budget)[-1]
        assert cut.total <= budget
        assert cut.streamed_blocks == 0 or cut.total + block > budget
    assert published(every()[2].total).way == "encoder"


def test_what_is_carried_is_what_is_missing_on_the_card() -> None:
    _, table, _, cut = every(20e9)
    missing = table.weights - cut.weights
    assert missing == cut.carried_a_pass + cut.carried_a_reading + 2 * plan.PUBLISHED.words
    assert missing < cut.host < 1.25 * missing  # powers of two


def test_places_are_as_large_as_the_largest_that_passes() -> None:
    assert every()[3].places == plan.PLACES * 2 * max(
        layer.values for layer in (plan.PUBLISHED.block, *plan.PUBLISHED.layers)
    )


def test_a_place_for_a_block_is_reckoned_where_blocks_are_the_largest() -> None:
    small_encoder = replace(plan.PUBLISHED, layers=(plan.Layer(values=1),))
    *_, least = plan.plans(small_encoder, bytes_a_value=2, pixels=MEGAPIXEL)
    assert least.places == 2 * 2 * plan.PUBLISHED.block.values


@pytest.mark.parametrize("gigabytes", [80, 48, 32, 24, 16])
@pytest.mark.parametrize("weights", get_args(plan.Weights))
def test_the_guide_says_what_is_reckoned(weights: plan.Weights, gigabytes: int) -> None:
    chosen = published(gigabytes * plan.GB, weights)
    sums = (chosen.total, chosen.host, chosen.carried_a_pass)
    cells = (f"{gigabytes} GB", chosen.way, chosen.streamed_blocks, *(f"{size / plan.GB:.1f} GB" for size in sums))
    assert f"| {' | '.join(map(str, cells))} |" in GUIDE.read_text("utf-8")


def test_what_fits_nowhere_is_said_with_both_numbers() -> None:
    with pytest.raises(ConfigurationError, match=r"needs 5\.1 GB on the device, and 5\.0 GB are free"):
        published(5e9)


def test_too_little_host_memory_is_said_with_both_numbers() -> None:
    ways = every(24e9)
    assert plan.choose(ways, int(24e9), host=int(30e9)).way == "blocks"
    with pytest.raises(ConfigurationError, match=r"needs 28\.5 GB of host memory, and 28\.0 GB are free"):
        plan.choose(ways, int(24e9), host=int(28e9))


def test_what_follows_holds_less_and_the_simplest_that_fits_is_taken() -> None:
    ways = plan.every(plan.PUBLISHED, bytes_a_value=2, pixels=5 * MEGAPIXEL)
    resident, table, encoder, *_, least = ways
    for free in (80e9, 1e9):
        for than in ways:
            found = plan.smaller(ways, than, int(free), int(60e9))
            assert found is None if than == least else found is not None and found.held < than.held
    assert plan.smaller(ways, resident, int(80e9), 0) == table
    assert plan.smaller(ways, resident, int(40e9), int(20e9)) == encoder
    assert plan.smaller(ways, table, int(80e9), 0) is None  # the encoder would wait in host memory
    assert plan.smaller(ways, resident, int(1e9), int(60e9)) == least
    found = plan.smaller(ways, published(24e9), int(24e9), int(60e9))
    assert found is not None and 19 < found.streamed_blocks < 60 and found.total <= 24e9


@pytest.mark.parametrize("weights", get_args(plan.Weights))
@pytest.mark.parametrize("gigabytes", [6, 8, 16])
def test_the_largest_edit_is_what_fits_beside_the_least(gigabytes: int, weights: plan.Weights) -> None:
    free, host = int(gigabytes * plan.GB), int(60e9)

    def most(budget: int, host: int) -> int:
        return plan.most_pixels(plan.PUBLISHED, bytes_a_value=2, weights=weights, budget=budget, host=host)

    def ways(pixels: int) -> list[plan.Plan]:
        return plan.plans(plan.PUBLISHED, bytes_a_value=2, pixels=pixels, weights=weights)

    assert ways(most(free, host))[-1].total <= free < ways(most(free, host) + 1)[-1].total
    assert most(10**9, host) == 0
    # without host memory to hold what waits, the table is the least
    assert most(ways(MEGAPIXEL)[1].total, 0) == MEGAPIXEL


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
    assert 0 < sizes.blocks * sizes.block.values < sizes.transformer - sizes.modulation
    assert 0 < sum(layer.values for layer in sizes.layers) + sizes.words < sizes.text_encoder


def test_nothing_to_measure_is_left_to_the_loader(tmp_path: Path) -> None:
    ways = plan.plans(plan.measure(tmp_path), bytes_a_value=2, pixels=MEGAPIXEL, budget=10**10)
    assert [way.weights for way in ways] == [0, 0, 0, 0]
