"""One case after the other, each side warm and in turn: milliseconds, memory, and how far the results lie apart.

Knows clocks, cases and networks. Does not know files, tables or how much time there is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.gpu_models import Networks
from benchmarks.gpu_rungs import FP8_PRODUCTS, LADDER, OVERPAINT, PLAIN, Case, Edit, edit, in_fp8, velocity
from overpaint.model import Edited, Step, attention
from overpaint.model.attention import Attention
from overpaint.model.compiled import Backend, CompiledBlocks
from overpaint.model.editor import Around
from overpaint.model.schedule import Velocity, denoise

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
    return in_turn(case, networks, runs, given, {rung: partial(velocity, networks, given, rung) for rung in case.rungs})


def fp8_products(case: Case, networks: Networks, runs: int) -> list[Row]:
    """A case's rungs, and the top one with products in FP8, which is approximate: how far apart they are is said of the
    first velocity, for from there on each walks its own way."""
    given, short = edit(case, networks, WARM_UP + runs), networks.in_fp8()
    makers = {rung: partial(velocity, networks, given, rung) for rung in case.rungs}
    makers[FP8_PRODUCTS] = partial(in_fp8, networks, given, short)
    rows = in_turn(case, networks, runs, given, makers)
    plain = makers[PLAIN]()(given.noise, given.walk[0])
    for row in rows:
        row.apart = apart(makers[row.rung]()(given.noise, given.walk[0]), plain)
    return rows


def kernels(case: Case, networks: Networks, runs: int) -> list[Row]:
    """The top rung as torch chooses its attention, and with each of the fused kernels that runs here."""
    given, config = edit(case, networks, WARM_UP + runs), networks.size.config
    tokens = given.noise.shape[1] + given.references.shape[1] + given.prompt.shape[1]
    shape = (case.batch, tokens, config.num_attention_heads, config.attention_head_dim)
    able = attention.measured(attention.FUSED, shape, networks.device, networks.dtype)
    top = partial(velocity, networks, given, OVERPAINT)
    under = {f"attention: {backend.name}": partial(within, Attention((backend,)), top) for backend in able}
    return in_turn(case, networks, runs, given, {OVERPAINT: top, **under}, plain=OVERPAINT)


def compiled(case: Case, networks: Networks, runs: int, backend: Backend = "inductor") -> list[Row]:
    """The top rung, and the same with its blocks compiled; and what the pass took that compiled them."""
    given, twin, once = edit(case, networks, WARM_UP + runs), networks.twin(), Row("compiling, once a start")
    blocks = CompiledBlocks(twin.transformer, nullcontext, backend)
    plain, other = (partial(velocity, each, given, OVERPAINT) for each in (networks, twin))
    _, took = Meter(networks.device)(partial(within(blocks, other), given.noise, given.walk[0]), once)
    once.ms.append(took)
    makers = {OVERPAINT: plain, "+ compiled blocks": partial(within, blocks, other)}
    return [*in_turn(case, networks, runs, given, makers, plain=OVERPAINT), once]


def within(around: Around, make: Callable[[], Velocity]) -> Velocity:
    """A velocity of which each call is made in a context."""
    made = make()

    def velocity(latents: Tensor, sigma: float) -> Tensor:
        with around():
            return made(latents, sigma)

    return velocity


def in_turn(
    case: Case,
    networks: Networks,
    runs: int,
    given: Edit,
    makers: Mapping[str, Callable[[], Velocity]],
    plain: str = PLAIN,
) -> list[Row]:
    """All walk the same edit; they take turns step by step, another one first each time."""
    meter, rungs = Meter(networks.device), tuple(makers)
    rows = {rung: Row(rung, flop=case.flop_a_step(networks.size)) for rung in rungs}
    walks: dict[str, Iterator[tuple[Tensor, Tensor]]] = {}
    for rung, row in rows.items():
        makers[rung]()  # a first time costs what no later one does
        made, row.before_ms = meter(makers[rung], row)
        walks[rung] = denoise(made, given.noise, given.walk)
    ends: dict[str, Tensor] = {}
    for turn in range(WARM_UP + runs):
        first = turn % len(rungs)
        for rung in (*rungs[first:], *rungs[:first]):
            (ends[rung], _), took = meter(partial(next, walks[rung]), rows[rung])
            if turn >= WARM_UP:
                rows[rung].ms.append(took)
    for rung, row in rows.items():
        row.apart = apart(ends[rung], ends[plain])
    return list(rows.values())


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
            (end, _), took = meter(partial(next, walk), row)
            if turn >= WARM_UP:
                row.ms.append(took)
        ends.append(end)
        networks.leave_modulation()
    for row, end in zip(rows, ends, strict=True):
        row.apart = apart(end, ends[0])
    return rows


def whole_edits(networks: Networks, runs: int) -> list[Row]:
    """Two edits of one 1024² picture each through the editor: one after the other, then in turn step by step."""
    meter, steps = Meter(networks.device), WARM_UP + runs
    prepare, alone, both, decode = (
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
    both_made = walk(both, 1, 2)
    both.apart = max(
        apart(_pixels(one.image), _pixels(other.image)) for one, other in zip(both_made, apart_made, strict=True)
    )
    return [prepare, alone, both, decode]


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
    "1024², attention": partial(kernels, ONE),
    "1024², compiled": partial(compiled, ONE),
    "whole edits, 1024²": whole_edits,
    "1024², weights left out": partial(without_modulation, ONE),  # spoils the networks, so the last
}
