"""The benchmark of the 20B sizes, at its depth and very narrow: every rung computes the same, and a call goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend

from benchmarks import gpu, gpu_measure, report
from benchmarks.gpu_measure import CASES, Row, apart
from benchmarks.gpu_models import FULL, TINY, Networks
from benchmarks.gpu_rungs import (
    ANGLES,
    DIFFUSERS,
    ENTRIES,
    FP8_PRODUCTS,
    LADDER,
    LEVELS,
    NOISE_ROWS,
    OVERPAINT,
    PLAIN,
    Case,
    Edit,
    composed,
    edit,
    flop,
    in_fp8,
    velocity,
)
from overpaint.errors import EditFailed
from overpaint.model import transformer as network
from overpaint.model.attention import Attention
from overpaint.model.schedule import Velocity
from overpaint.plan import PUBLISHED

CPU = torch.device("cpu")
EXACT = (ANGLES, ENTRIES, LEVELS)  # to the bit; what multiplies fewer rows may be summed in another order
KINDS = {
    "two references": Case(name="two references", references=(1024, 512)),
    "a batch": Case(name="a batch", side=512, references=(512,), batch=3),
}
#: |difference| / |velocity| after 60 blocks and guidance of 4
ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 5e-2}


@pytest.fixture(scope="module")
def networks() -> Callable[[torch.dtype], Networks]:
    return cache(lambda dtype: Networks(replace(TINY, dtype=dtype), CPU))


def at(made: Velocity, given: Edit) -> list[Tensor]:
    """Its velocities at two levels."""
    return [made(given.noise, sigma) for sigma in given.walk[:2]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_every_rung_gives_the_plain_velocity(
    kind: str, dtype: torch.dtype, networks: Callable[[torch.dtype], Networks]
) -> None:
    given = edit(KINDS[kind], networks(dtype), steps=2)
    plain = at(velocity(networks(dtype), given, PLAIN), given)
    assert apart(plain[0], plain[1]) > 0.05, "the level shows, or equality would prove little"
    for rung, on in LADDER.items():
        for made, expected in zip(at(velocity(networks(dtype), given, rung), given), plain, strict=True):
            if rung != DIFFUSERS and set(on) <= set(EXACT):
                assert torch.equal(made, expected), rung
            else:
                assert apart(made, expected) <= ROUNDING[dtype], rung


@torch.no_grad()
def test_each_speed_up_alone_and_with_any_other_is_exact(networks: Callable[[torch.dtype], Networks]) -> None:
    ours, case = networks(torch.float32), KINDS["two references"]
    given = edit(case, ours, steps=2)
    (plain, _) = at(composed(ours, given, ()), given)
    for count in (1, 2):
        for on in combinations(EXACT, count):
            assert torch.equal(composed(ours, given, on)(given.noise, given.walk[0]), plain), on
    assert apart(composed(ours, given, {NOISE_ROWS})(given.noise, given.walk[0]), plain) <= ROUNDING[torch.float32]


@torch.no_grad()
def test_fp8_products_give_nearly_the_velocity_and_share_what_is_not_in_fp8(
    networks: Callable[[torch.dtype], Networks],
) -> None:
    ours = networks(torch.float32)
    given, short = edit(KINDS["two references"], ours, steps=2), ours.in_fp8()
    plain, made = at(velocity(ours, given, PLAIN), given), at(in_fp8(ours, given, short), given)
    for one, other in zip(made, plain, strict=True):
        assert 1e-3 < apart(one, other) < 0.3, "60 blocks and guidance of 4 make much of a rounding"
    mine, theirs = ours.transformer.state_dict(), short.state_dict()
    kinds = Counter(theirs[key].dtype for key in mine)
    assert kinds[torch.float8_e4m3fn] == 60 * 12
    shared = [key for key in mine if theirs[key].dtype == torch.float32]
    assert len(shared) == len(mine) - 60 * 12
    assert [key for key in shared if theirs[key].data_ptr() != mine[key].data_ptr()] == []


@torch.no_grad()
def test_what_is_switched_on_is_no_longer_done_in_a_step(
    networks: Callable[[torch.dtype], Networks], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were two rungs the same code, their equality would prove nothing."""
    ours = networks(torch.float32)
    transformer = ours.transformer
    watched = {
        "text entered": transformer.txt_in,
        "level read": transformer.transformer_blocks[0].img_mod,
        "text leaves the last block": transformer.transformer_blocks[-1].txt_mlp,
    }
    given, seen = edit(KINDS["two references"], ours, steps=2), Counter[str]()
    for name, module in watched.items():
        module.register_forward_hook(partial(_count, seen, name))
    turned = network.rotation
    monkeypatch.setattr(network, "rotation", lambda *given: (_count(seen, "angles made"), turned(*given))[1])

    def in_a_step(on: Collection[str]) -> dict[str, int]:
        made = composed(ours, given, on)
        seen.clear()
        made(given.noise, given.walk[0])
        return {name: seen[name] for name in all_of_it}

    all_of_it = dict.fromkeys(watched, 2) | {"angles made": 4}  # two passes of guidance; of text and of pictures
    assert in_a_step(()) == all_of_it
    assert in_a_step({ANGLES}) == all_of_it | {"angles made": 0}
    assert in_a_step({ANGLES, ENTRIES}) == all_of_it | {"angles made": 0, "text entered": 0}
    assert in_a_step({LEVELS}) == all_of_it | {"level read": 0}
    assert in_a_step({NOISE_ROWS}) == all_of_it | {"text leaves the last block": 0}
    assert in_a_step(LADDER[OVERPAINT]) == dict.fromkeys(all_of_it, 0)


def _count(seen: Counter[str], name: str, *_: object) -> None:
    seen[name] += 1


def test_diffusers_holds_our_tensors_and_no_others(networks: Callable[[torch.dtype], Networks]) -> None:
    ours = dict(networks(torch.float32).transformer.named_parameters())
    theirs = dict(networks(torch.float32).stock.named_parameters())
    assert {name: p.data_ptr() for name, p in ours.items()} == {name: p.data_ptr() for name, p in theirs.items()}


def test_the_full_size_is_the_published_one() -> None:
    networks = Networks(FULL, torch.device("meta"))
    values = {
        "transformer": networks.transformer,
        "text_encoder": networks.conditioner.encoder,
        "autoencoder": networks.autoencoder,
    }
    for part, module in values.items():
        assert sum(p.numel() for p in module.parameters()) == getattr(PUBLISHED, part)
        assert {p.dtype for p in module.parameters()} == {torch.bfloat16}
    networks.leave_modulation()
    left = sum(p.numel() for p in networks.stock.parameters())
    assert left == sum(p.numel() for p in networks.transformer.parameters())
    assert left == PUBLISHED.transformer - PUBLISHED.modulation


def test_floors_are_those_of_the_published_sizes() -> None:
    """10^12 operations a pass: 4096 tokens of noise, as many of a reference and 300 of text; and so on."""
    for tokens, expected in ((8492, 168.6), (17134, 449.3), (2348, 36.0), (20780, 600.8)):
        assert round(flop(FULL.config, tokens) / 1e12, 1) == expected
    one = next(case for case in CASES if case.name == "1024², 1 reference")
    assert one.words(FULL) == (300, 260)
    assert one.flop_a_step(FULL) == flop(FULL.config, 8492) + flop(FULL.config, 8452)
    assert replace(one, batch=4).flop_a_step(FULL) == 4 * one.flop_a_step(FULL)


def call(out: Path, *options: str) -> list[dict[str, object]]:
    """The lines on disk after a call with hardly any steps."""
    gpu.main(["--size", "tiny", "--runs", "1", "--device", "cpu", "--out", str(out), *options])
    return [json.loads(line) for line in (out / "tiny.jsonl").read_text("utf-8").splitlines()]


def test_lines_become_a_table_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ("512² from 512², batch of 2", "FP8", "whole edits", "weights left out")
    call(tmp_path, "--peak", "1", "--only", *wanted)
    table = (tmp_path / "tiny.md").read_text("utf-8")
    assert capsys.readouterr().out == table
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("|")]
    assert [row[1] for row in rows[2:]] == [
        *(DIFFUSERS, PLAIN, OVERPAINT),
        *(DIFFUSERS, PLAIN, OVERPAINT, FP8_PRODUCTS),
        *("prepare", "a step, one edit alone", "a step, two edits in turn", "decode"),
        *("all weights resident", "modulation weights left out"),
    ]
    by_rung = {row[1]: dict(zip(rows[0], row, strict=True)) for row in rows[2:]}
    assert by_rung[DIFFUSERS]["ratio"] == "1.00 ×"
    assert by_rung[OVERPAINT]["of the floor"].endswith("%")
    assert by_rung[PLAIN]["apart from plain"] == "equal"
    assert 1e-3 < float(by_rung[FP8_PRODUCTS]["apart from plain"]) < 0.3
    assert by_rung["a step, two edits in turn"]["apart from plain"] == "equal"
    assert by_rung["modulation weights left out"]["apart from plain"] == "equal"
    assert (tmp_path / "tiny.png").read_bytes().startswith(b"\x89PNG")


def test_each_attention_kernel_that_runs_here_has_its_row(networks: Callable[[torch.dtype], Networks]) -> None:
    case = Case(name="attention", side=512, references=(512,))
    plain, *kernels = gpu_measure.kernels(case, networks(torch.float32), runs=1)
    assert (plain.rung, plain.apart) == (OVERPAINT, 0.0)
    assert [row.rung for row in kernels] == ["attention: FLASH_ATTENTION"], "the only fused one of a CPU"
    assert [row.apart for row in kernels] == [0.0]
    assert all(row.median > 0 for row in (plain, *kernels))


def test_compiled_blocks_have_a_row_beside_the_plain_ones(networks: Callable[[torch.dtype], Networks]) -> None:
    """With a backend that needs no compiler: inductor takes a minute here."""
    case = Case(name="compiled", side=512, references=(512,))
    plain, made, once = gpu_measure.compiled(case, networks(torch.float32), runs=1, backend="aot_eager")
    assert [row.rung for row in (plain, made, once)] == [OVERPAINT, "+ compiled blocks", "compiling, once a start"]
    assert made.apart is not None
    assert made.apart <= ROUNDING[torch.float32]
    assert once.flop is None, "it is no step"
    assert once.median > made.median


def test_a_kernel_runs_within_its_context_alone(networks: Callable[[torch.dtype], Networks]) -> None:
    ours = networks(torch.float32)
    given = edit(KINDS["two references"], ours, steps=2)
    under = gpu_measure.within(Attention((SDPBackend.MATH,)), lambda: velocity(ours, given, OVERPAINT))
    (plain, _), (made, _) = at(velocity(ours, given, OVERPAINT), given), at(under, given)
    assert 0 < apart(made, plain) <= ROUNDING[torch.float32]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Row]]:
    """No networks; what each case gives is in this table, and may be changed."""
    given = {case: [Row("a rung", ms=[2.0], flop=1e9)] for case in ("one", "two", "three")}
    monkeypatch.setattr(report, "_sync_ms", lambda: "not measured here")
    monkeypatch.setattr(gpu, "Networks", lambda _, device: SimpleNamespace(device=device))
    monkeypatch.setattr(gpu, "MEASUREMENTS", {case: lambda *_, case=case: given[case] for case in given})
    return given


def test_calls_go_on_where_the_last_one_stopped(
    quick: dict[str, list[Row]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for done in (["one"], ["one", "two"]):
        assert [line["case"] for line in call(tmp_path, "--seconds", "0")] == done, "without time, one case a call"
    said = capsys.readouterr()
    assert "1 cases are left" in said.err
    assert "Not measured yet: three." in said.out
    assert [line["case"] for line in call(tmp_path)] == list(quick)
    monkeypatch.setattr(gpu, "Networks", lambda *_: pytest.fail("there is nothing left to measure"))
    assert [line["case"] for line in call(tmp_path)] == list(quick)
    assert "2.0" in capsys.readouterr().out


def test_lines_of_another_device_are_left_alone(quick: dict[str, list[Row]], tmp_path: Path) -> None:
    """A folder may travel between machines: what one measured stays beside what the other did."""
    (line,) = call(tmp_path, "--only", "one")
    path = tmp_path / "tiny.jsonl"
    path.write_text(json.dumps(line | {"device": "another"}) + "\n", "utf-8")
    assert [line["device"] for line in call(tmp_path, "--only", "one")] == ["another", "cpu"]


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError(), EditFailed("out_of_memory")], ids=lambda error: type(error).__name__
)
def test_a_case_that_is_too_large_for_the_device_is_said_and_not_tried_again(
    error: Exception,
    quick: dict[str, list[Row]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setitem(gpu.MEASUREMENTS, "two", full)
    assert len(call(tmp_path)) == 3
    assert "Too large for this device: two." in capsys.readouterr().out
    assert len(call(tmp_path)) == 3


def test_the_full_size_is_refused_on_a_cpu(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="needs a GPU"):
        gpu.main(["--size", "full", "--device", "cpu", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="No case is called x"):
        gpu.main(["--size", "tiny", "--device", "cpu", "--only", "x", "--out", str(tmp_path)])
