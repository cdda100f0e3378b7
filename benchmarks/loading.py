"""How fast a shard is read that is not in memory: `python -m benchmarks.loading`.

One file of random bfloat16 matrices, read as a checkpoint's shards are: mapped, each tensor copied to a place of its
own. One reader and several take turns; before each turn the system is asked to forget the file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from benchmarks import report
from overpaint.model.reading import READERS, ahead

MATRIX = (4096, 6144)  #: 50 MB


def forget(path: Path) -> None:
    """Root may have the whole machine forget; for others it is a request, which the system may not grant."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3")


def seconds(path: Path, readers: int) -> float:
    forget(path)
    begun = time.perf_counter()
    with safe_open(path, framework="pt") as file:
        kept = list(ahead(lambda key: file.get_tensor(key).clone(), list(file.keys()), readers))
    ended = time.perf_counter()
    del kept  # all of it took new memory, as when a checkpoint is loaded
    return ended - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    report.head("Reading a shard", ["torch", "safetensors"])
    count = max(1, round(args.gigabytes * 1e9 / (2 * MATRIX[0] * MATRIX[1])))
    with report.data_folder() as folder:
        path = folder / "shard.safetensors"
        save_file({f"matrix{number}": torch.randn(MATRIX).bfloat16() for number in range(count)}, path)
        os.sync()
        counts = sorted({1, 2, READERS, 2 * READERS})
        taken = [{readers: seconds(path, readers) for readers in counts} for _ in range(args.runs)]
        size = path.stat().st_size / 1e9
    middle = {readers: statistics.median(turn[readers] for turn in taken) for readers in counts}
    rows = [[str(r), f"{middle[1] / s:.1f} ×", f"{size / s:.2f}", f"{s:.1f}"] for r, s in middle.items()]
    report.table(["readers", "to one", "GB/s", "s"], rows)
    report.foot(f"{size:.1f} GB, the middle of {args.runs} turns each; the way on to a GPU was not measured")


if __name__ == "__main__":
    main()
