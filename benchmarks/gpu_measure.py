"""One case after the other, each side warm and in turn: milliseconds, memory, and how far the results lie apart.

Knows clocks, cases and networks. Does not know files, tables or how much time there is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.gpu_models import Networks
from benchmarks.gpu_rungs import FP8_PRODUCTS, LADDER, OVERPAINT, PLAIN, Case, Edit, edit, in_fp8, velocity
from overpaint.model import Edited, Step
from overpaint.model.schedule import Stride, Velocity, denoise

WARM_UP = 1  # steps of each walk that do not count
PROMPT = "make it black and white"

Result = TypeVar("Result")


@dataclass
class Row:
    """What one rung, or one part of an edit, took."""

    rung: str
    ms: list[float] = field(default_factory=list)  #: of each counted step
    before_ms: float | None = None  #: what it does once an edit, before its first step
    peak_bytes: int | None = None  #: weights of all that stands in memory included; None where nobody counts
    apart: float | None = None  #: |result - plain result| / |plain result| at the end of the walk
    flop: float | None = None  #: of a step, by the formula in gpu_rungs

    @property
    def median(self) -> float:
        return statistics.median(self.ms)


@dataclass
class Meter:
    """Times work on a device to its end, and keeps the peak of its memory."""

    device: torch.device

    def __call__(self, work: Callable[[], Result], row: Row | None = None) -> tuple[Result, float]:
        """What `work` gives, and its milliseconds; its peak of memory is kept in the row."""
        self._wait()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        began = time.perf_counter()
        made = work()
        self._wait()
        took = 1000 * (time.perf_counter() - began)
        if row is not None and self.device.type == "cuda":
            row.peak_bytes = max(row.peak_bytes or 0, torch.cuda.max_memory_allocated(self.device))
        return made, took

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def ladder(case: Case, networks: Networks, runs: int) -> list[Row]:
    """Every rung of a case walks the same edit."""
    given = edit(case, networks, WARM_UP + runs)
    rows, ends = _in_turn(given, networks.device, {r: partial(velocity, networks, given, r) for r in case.rungs})
    for row, end in zip(rows, ends, strict=True):
        row.flop, row.apart = case.flop_a_step(networks.size), apart(end, ends[case.rungs.index(PLAIN)])
    return rows


def fp8_products(case: Case, networks: Networks, runs: int) -> list[Row]:
    """A case's rungs, and the top one with products in FP8, which is approximate: how far apart they are is said of the
    first velocity, for from there on each walks its own way."""
    given, short = edit(case, networks, WARM_UP + runs), networks.in_fp8()
    sides = {rung: partial(velocity, networks, given, rung) for rung in case.rungs}
    sides[FP8_PRODUCTS] = partial(in_fp8, networks, given, short)
    rows, _ = _in_turn(given, networks.device, sides)
    plain = sides[PLAIN]()(given.noise, given.walk[0])
    for row in rows:
        row.flop = case.flop_a_step(networks.size)
        row.apart = apart(sides[row.rung]()(given.noise, given.walk[0]), plain)
    return rows


def _in_turn(
    given: Edit, device: torch.device, sides: Mapping[str, Callable[[], Velocity]]
) -> tuple[list[Row], list[Tensor]]:
    """Rows of all sides, and the ends of their walks: they take turns step by step, another one first each time."""
    meter, rows, ends = Meter(device), {side: Row(side) for side in sides}, dict[str, Tensor]()
    walks: dict[str, Iterator[Stride]] = {}
    for side, row in rows.items():
        sides[side]()  # a first time costs what no later one does
        made, row.before_ms = meter(sides[side], row)
        walks[side] = denoise(made, given.noise, given.walk)
    order = list(sides)
    for turn in range(len(given.walk) - 1):
        first = turn % len(order)
        for side in (*order[first:], *order[:first]):
            stride, took = meter(partial(next, walks[side]), rows[side])
            ends[side] = stride.latents
            if turn >= WARM_UP:
                rows[side].ms.append(took)
    return list(rows.values()), [ends[side] for side in sides]


def without_modulation(case: Case, networks: Networks, runs: int) -> list[Row]:
    """The top rung with all weights in memory, then without those that its table makes superfluous. Spoils `networks`:
    the last thing done to them."""
    given, meter = edit(case, networks, WARM_UP + runs), Meter(networks.device)
    walked = velocity(networks, given, OVERPAINT)
    rows, ends = [Row("all weights resident"), Row("modulation weights left out")], []
    for row in rows:
        row.flop = case.flop_a_step(networks.size)
        walk = denoise(walked, given.noise, given.walk)
        for turn in range(WARM_UP + runs):
            stride, took = meter(partial(next, walk), row)
            if turn >= WARM_UP:
                row.ms.append(took)
        ends.append(stride.latents)
        networks.leave_modulation()
    for row, end in zip(rows, ends, strict=True):
        row.apart = apart(end, ends[0])
    return rows


def whole_edits(networks: Networks, runs: int) -> list[Row]:
    """Two edits of one 1024² picture each through the editor: one after the other, then in turn step by step."""
    meter, steps = Meter(networks.device), WARM_UP + runs
    prepare, alone, in_turn, decode = (
        Row(name) for name in ("prepare", "a step, one edit alone", "a step, two edits in turn", "decode")
    )
    editor, side = networks.editor(), 1024 // networks.size.shrinks

    def events(seed: int) -> Iterator[Step | Edited]:
        return editor.edit([_noise(side, seed)], PROMPT, seed=seed, steps=steps)

    def walk(row: Row, *seeds: int) -> list[Edited]:
        running = [events(seed) for seed in seeds]
        for turn in range(steps):
            for edits in running:
                _, took = meter(partial(next, edits), row)
                if turn >= WARM_UP:
                    row.ms.append(took)
        return [made for edits in running for made in edits if isinstance(made, Edited)]

    list(events(0))  # warms up, and reads the table
    apart_made = [*walk(alone, 1), *walk(alone, 2)]
    for made in apart_made:
        prepare.ms.append(made.timings.prepare_ms)
        decode.ms.append(made.timings.decode_ms)
    in_turn_made = walk(in_turn, 1, 2)
    in_turn.apart = max(
        apart(_pixels(one.image), _pixels(other.image)) for one, other in zip(in_turn_made, apart_made, strict=True)
    )
    return [prepare, alone, in_turn, decode]


def apart(made: Tensor, plain: Tensor) -> float:
    """The distance of two results, as a share of the second's length."""
    return float((made.float() - plain.float()).norm() / plain.float().norm())


def _noise(side: int, seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


def _pixels(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture, dtype=np.float32))


ONE = Case(name="1024², 1 reference", rungs=tuple(LADDER))
SMALL = replace(ONE, name="512² from 512²", side=512, references=(512,))
CASES = (
    ONE,
    replace(ONE, name="1024², 2 references", references=(1024,) * 2),
    replace(ONE, name="1024², 3 references", references=(1024,) * 3),
    SMALL,
    Case(name="2048² from 1024²", side=2048),
    *(
        replace(of, name=f"{of.name}, batch of {batch}", batch=batch, rungs=Case.rungs)
        for of in (SMALL, ONE)
        for batch in (2, 3, 4)
    ),
)
MEASUREMENTS: dict[str, Callable[[Networks, int], list[Row]]] = {
    **{case.name: partial(ladder, case) for case in CASES},
    "1024², FP8 products": partial(fp8_products, replace(ONE, rungs=Case.rungs)),
    "whole edits, 1024²": whole_edits,
    "1024², weights left out": partial(without_modulation, ONE),  # spoils the networks, so the last
}
