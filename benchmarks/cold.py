"""What a process that has done nothing yet adds to its first edit, beside diffusers: `python -m benchmarks.cold`.

Each turn is a new process: it imports, loads the embedded checkpoint, and edits one picture twice, the second time
shifted by a pixel so that nothing is remembered. What the first edit takes beyond the second is the cold start.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise

from benchmarks import report

PARTS = ("import", "load", "first edit", "second edit")
SIDES = ("Overpaint", "diffusers")


def one_process(side: str, threads: int) -> list[float]:
    """Seconds of each of PARTS; to be called in a new process."""
    moments = [time.perf_counter()]

    def done() -> None:
        moments.append(time.perf_counter())

    _overpaint(done, threads) if side == "Overpaint" else _diffusers(done, threads)
    return [end - begin for begin, end in pairwise(moments)]


def _overpaint(done: Callable[[], None], threads: int) -> None:
    from overpaint.startup import lasting_imports

    with lasting_imports():  # as `overpaint edit` and a worker do
        import torch
        from PIL import Image, ImageChops

        from overpaint.model import load_editor

    torch.set_num_threads(threads)
    picture = Image.open(report.ROOT / "examples" / "astronaut.jpg").convert("RGB")
    done()
    editor = load_editor("mini", device="cpu")
    done()
    for pixels in (0, 1):
        list(editor.edit([ImageChops.offset(picture, pixels)], "make it black and white", seed=7))
        done()


def _diffusers(done: Callable[[], None], threads: int) -> None:
    import numpy as np
    import torch
    from PIL import Image

    from overpaint import catalog
    from tests.model.stock import Stock

    torch.set_num_threads(threads)
    picture = Image.open(report.ROOT / "examples" / "astronaut.jpg").convert("RGB")
    done()
    mini = catalog.read(catalog.EMBEDDED / "mini")
    stock = Stock(mini.folder, native_pixels=mini.native_pixels, condition_pixels=mini.condition_pixels)
    done()
    for pixels in (0, 1):
        shifted = Image.fromarray(np.roll(np.asarray(picture), pixels, axis=1))
        stock.edit([shifted], "make it black and white", seed=7, steps=2, true_cfg_scale=1.0, width=256, height=256)
        done()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one_process(args.one, args.threads)))
        return
    report.head("The first edit of a process", ["torch", "transformers", "diffusers"])
    taken: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    for turn in range(args.runs):
        for side in SIDES if turn % 2 else reversed(SIDES):
            command = [sys.executable, "-m", "benchmarks.cold", "--threads", str(args.threads), "--one", side]
            done = subprocess.run(command, cwd=report.ROOT, capture_output=True, text=True, check=True)
            taken[side].append(json.loads(done.stdout.splitlines()[-1]))
    middle = {side: [statistics.median(column) for column in zip(*rows, strict=True)] for side, rows in taken.items()}
    for values in middle.values():
        values.append(sum(values[:3]) - values[3])
    rows = [
        [part, f"{theirs / mine:.2f} ×", f"{mine:.2f} s", f"{theirs:.2f} s"]
        for part, mine, theirs in zip((*PARTS, "cold start"), *(middle[side] for side in SIDES), strict=True)
    ]
    report.table(["part", "Overpaint is", *SIDES], rows)
    report.foot(
        f"{args.threads} threads, float32, the middle of {args.runs} processes each",
        "cold start: all but what a second edit takes",
        "The files were read before, so a disk's part is not in it. A server makes a trial edit before it takes tasks.",
    )


if __name__ == "__main__":
    main()
