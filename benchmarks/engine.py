"""One edit through our engine and through diffusers: `python -m benchmarks.engine`.

Same weights, pictures, prompt, seed, threads and process; both sides warm, taking turns edit by edit. Each turn is of
a picture that neither has seen: ours remembers what it made of the last ones. The diffusers side is its own pipeline,
repaired as in the parity tests, so that both make the same picture: the last column of the second table says how
nearly.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image, ImageChops

from benchmarks import report
from overpaint import catalog
from overpaint.model import Edited, Editor, load_editor
from overpaint.model.frame import fit_reference
from tests.model import checkpoints
from tests.model.stock import Stock

MINI = catalog.EMBEDDED / "mini"
PHOTOGRAPH = report.ROOT / "examples" / "astronaut.jpg"
PROMPT, SEED = "make it black and white", 7
PACKAGES = ("torch", "transformers", "diffusers", "pillow", "numpy")
PHASES = ("prepare", "one step", "decode", "whole edit")

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}

Clock = Callable[[], object]
Pictures = Sequence[Image.Image]
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@dataclass
class Side:
    """One engine, and the milliseconds of each of its edits, phase by phase."""

    network: torch.nn.Module  #: its first call ends the preparation
    edit: Callable[[Pictures, Clock], Pixels]  #: makes the picture; tells the clock after each step
    now: Callable[[], float]  #: seconds: of the wall, or of this process's processors
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: {phase: [] for phase in PHASES})

    def run(self, pictures: Pictures, *, counts: bool) -> Pixels:
        clock: list[float] = []
        begun: list[float] = []
        hook = self.network.register_forward_pre_hook(lambda *_: begun.append(self.now()))
        started = self.now()
        picture = self.edit(pictures, lambda: clock.append(self.now()))
        ended = self.now()
        hook.remove()
        if counts:
            step = (clock[-1] - begun[0]) / len(clock)
            times = (begun[0] - started, step, ended - clock[-1], ended - started)
            for phase, seconds in zip(PHASES, times, strict=True):
                self.milliseconds[phase].append(1000 * seconds)
        return picture


@dataclass(frozen=True)
class Case:
    name: str
    clock: str  #: a key of CLOCKS
    pictures: Pictures
    steps: int
    true_cfg_scale: float


def ours(editor: Editor, case: Case) -> Side:
    def edit(pictures: Pictures, clock: Clock) -> Pixels:
        events = editor.edit(
            pictures,
            PROMPT,
            seed=SEED,
            steps=case.steps,
            true_cfg_scale=case.true_cfg_scale,
            fit="reference",
        )
        for event in events:
            if isinstance(event, Edited):
                return np.asarray(event.image)
            clock()
        raise AssertionError("an edit ends with a picture")

    return Side(editor.parts.transformer, edit, CLOCKS[case.clock])


def theirs(stock: Stock, case: Case) -> Side:
    frame = fit_reference(case.pictures[0].size, stock.native_pixels)

    def edit(pictures: Pictures, clock: Clock) -> Pixels:
        return stock.edit(
            pictures,
            PROMPT,
            seed=SEED,
            steps=case.steps,
            true_cfg_scale=case.true_cfg_scale,
            width=frame.width,
            height=frame.height,
            after_step=clock,
        ).picture

    return Side(stock.transformer, edit, CLOCKS[case.clock])


def measure(
    editor: Editor, stock: Stock, case: Case, runs: int, shifts: Iterator[int]
) -> tuple[list[list[str]], list[str]]:
    """The rows of one case: a row a phase, and how far the two pictures lie apart.

    shifts  pixels, never the same again: they make new pictures of the case's
    """
    mine, other = ours(editor, case), theirs(stock, case)
    pictures = shifted(case.pictures, next(shifts))
    a, b = (side.run(pictures, counts=False).astype(int) for side in (mine, other))
    difference = np.abs(a - b)
    for turn in range(runs):
        pictures = shifted(case.pictures, next(shifts))
        for side in (mine, other) if turn % 2 else (other, mine):
            side.run(pictures, counts=True)
    rows = [row(case, phase, mine.milliseconds[phase], other.milliseconds[phase], runs) for phase in PHASES]
    height, width, _ = difference.shape
    return rows, [case.name, f"{width} × {height}", str(difference.max()), f"{(difference > 0).mean():.3%}"]


def row(case: Case, phase: str, mine: Sequence[float], other: Sequence[float], runs: int) -> list[str]:
    a, b = statistics.median(mine), statistics.median(other)
    return [
        f"{case.name}, {phase}",
        f"{b / a:.2f} ×",
        f"{a:,.1f} ms",
        f"{b:,.1f} ms",
        f"{runs} interleaved, {report.spread(mine)}",
    ]


def shifted(pictures: Pictures, pixels: int) -> Pictures:
    return [ImageChops.offset(picture, pixels) for picture in pictures]


def photographs(checkpoint: catalog.Checkpoint) -> list[Image.Image]:
    """The sample photograph and, for a checkpoint of several pictures, its mirror image."""
    first = Image.open(PHOTOGRAPH).convert("RGB")
    return [first, first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)][: checkpoint.max_images]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--checkpoint", type=Path, help="folder; the embedded mini unless said")
    options.add_argument("--runs", type=int, default=5, help="measured edits of each case on each side")
    options.add_argument("--threads", type=int, help="torch's own number unless said")
    options.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: on a machine that is busy otherwise")
    given = options.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    with TemporaryDirectory() as temporary:
        folder = given.checkpoint or (MINI if MINI.exists() else checkpoints.build(Path(temporary) / "random"))
        checkpoint = catalog.read(folder)
        editor = load_editor(folder, device="cpu", dtype="float32")
        stock = Stock(folder, native_pixels=checkpoint.native_pixels, condition_pixels=checkpoint.condition_pixels)
    report.head(f"{checkpoint.id} through Overpaint and through diffusers", PACKAGES)
    print(f"torch     {torch.get_num_threads()} threads, CPU, float32, eager on both sides; {given.clock} time\n")
    pictures, steps = photographs(checkpoint), checkpoint.default_steps
    guidance = max(2.0, checkpoint.default_true_cfg_scale)
    cases = [
        Case(f"{steps} steps, no guidance", given.clock, pictures[:1], steps, 1.0),
        Case(f"{steps} steps, guidance", given.clock, pictures[:1], steps, guidance),
    ]
    if len(pictures) > 1:
        cases.append(Case(f"{steps} steps, guidance, 2 pictures", given.clock, pictures, steps, guidance))
    shifts = count()
    measured = [measure(editor, stock, case, given.runs, shifts) for case in cases]
    report.table(
        ["case", "ratio", "Overpaint", f"diffusers {report.version_of('diffusers')}, repaired", "runs, spread of ours"],
        [row for rows, _ in measured for row in rows],
    )
    print()
    report.table(
        ["case", "picture", "largest difference (of 255)", "values that differ"], [made for _, made in measured]
    )
    report.foot(
        "Not measured: a GPU, bfloat16, the 20B weights, loading, and peak memory.",
        "diffusers is repaired as in tests/model/stock.py; without that it makes another picture.",
    )


if __name__ == "__main__":
    main()
