"""The 20B sizes on a GPU, beside diffusers and rung by rung: `python -m benchmarks.gpu`.

Random weights made on the device (nothing is downloaded), the same tensors on both sides, all sides in turn step by
step, guidance on. Each case that was measured is a line in build/gpu/; run the command again and it goes on with the
next, so that ten minutes at a time are enough. In the end a table and a picture lie beside the lines.
`--size tiny` is the same code on any CPU, as deep and very narrow: it shows that it runs, and nothing about speed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks import gpu_report, report
from benchmarks.gpu_measure import MEASUREMENTS, Row
from benchmarks.gpu_models import FULL, TINY, Networks, Size
from overpaint.errors import EditFailed

SIZES = {size.name: size for size in (FULL, TINY)}
PEAK = 790.0  # TFLOP/s, dense bfloat16, what products of this kind reach on an H100
PACKAGES = ("torch", "transformers", "diffusers")
OUT = report.ROOT / "build" / "gpu"


@dataclass(frozen=True)
class Log:
    """The cases measured so far at one size, a JSON line each; those of other devices are left alone."""

    path: Path
    device: str

    def rows(self) -> dict[str, list[Row]]:
        """Case by case, in the order of MEASUREMENTS."""
        found = {line["case"]: [Row(**row) for row in line["rows"]] for line in self._lines()}
        return {case: found[case] for case in MEASUREMENTS if case in found}

    def commits(self) -> list[str]:
        return sorted({line["commit"] for line in self._lines()})

    def add(self, case: str, rows: Sequence[Row]) -> None:
        """rows: none where the device had too little memory for the case."""
        line = {
            "case": case,
            "device": self.device,
            "commit": report.commit(),
            "torch": torch.__version__,
            "rows": [asdict(row) for row in rows],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _lines(self) -> list[dict[str, object]]:
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        return [line for line in map(json.loads, lines) if line["device"] == self.device]


def measure(size: Size, device: torch.device, cases: Sequence[str], log: Log, seconds: float, runs: int) -> None:
    """One case after the other while there is time: another is begun when twice the longest so far still fits."""
    began, longest = time.monotonic(), 0.0
    networks = Networks(size, device)
    for case in cases:
        before = time.monotonic()
        if longest and before - began + 2 * longest > seconds:
            return
        talk(f"{case} …")
        log.add(case, _measured(case, networks, runs))
        longest = max(longest, time.monotonic() - before)


def _measured(case: str, networks: Networks, runs: int) -> list[Row]:
    try:
        return MEASUREMENTS[case](networks, runs)
    except torch.OutOfMemoryError:
        return []
    except EditFailed as error:
        if error.code != "out_of_memory":
            raise
        return []
    finally:
        gc.collect()
        if networks.device.type == "cuda":
            torch.cuda.empty_cache()


def write(log: Log, size: Size, peak: float | None) -> None:
    """Prints the document, and leaves it with its picture beside the lines."""
    rows = log.rows()
    small = [case for case, found in rows.items() if not found]
    whole: Mapping[str, list[Row]] = {case: found for case, found in rows.items() if found}
    missing = [case for case in MEASUREMENTS if case not in rows]
    document = io.StringIO()
    with contextlib.redirect_stdout(document):
        report.head(f"Qwen-Image-Edit-2511, {size.name} size, random weights, on {log.device}", PACKAGES)
        gpu_report.table(whole, peak)
        report.foot(
            f"Measured at {', '.join(log.commits())}; the floor is {peak:g} TFLOP/s."
            if peak
            else f"Measured at {', '.join(log.commits())}; no floor is known of this device.",
            "ms: the median of a step, both passes of guidance; once an edit: what a rung does before its first step.",
            "TFLOP/s by the formula in benchmarks/gpu_rungs.py, the same for every rung, whatever the rung leaves out.",
            "Ours, all of it off, makes its angles on the CPU every pass; diffusers keeps its own by shape.",
            "Peak memory holds all weights, the text encoder's too, and what the other rungs of the case keep.",
            f"Too large for this device: {'; '.join(small) or 'none'}.",
            f"Not measured yet: {'; '.join(missing) or 'none of the cases'}.",
            "FP8 products are approximate; in their case each rung's distance is that of its first velocity.",
            "Not measured: trained weights, loading, several GPUs.",
        )
    print(document.getvalue(), end="")
    log.path.with_suffix(".md").write_text(document.getvalue(), "utf-8")
    title = f"{log.device}, {size.name} size, guidance on, {' '.join(log.commits())}"
    gpu_report.picture(whole, title, peak, log.path.with_suffix(".png"))


def talk(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    here = "cuda" if torch.cuda.is_available() else "cpu"
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", choices=SIZES, default=FULL.name)
    options.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="cases whose name holds one of these")
    options.add_argument("--seconds", type=float, default=540, help="begin no case that may end later")
    options.add_argument("--runs", type=int, default=5, help="steps of each rung that count")
    options.add_argument("--peak", type=float, help=f"TFLOP/s of the device, for its floor; {PEAK:g} on CUDA")
    options.add_argument("--device", default=here)
    options.add_argument("--out", type=Path, default=OUT, help="folder of the lines, the table and the picture")
    given = options.parse_args(arguments)
    size, device = SIZES[given.size], torch.device(given.device)
    if size is FULL and device.type == "cpu":
        raise SystemExit("The full size needs a GPU with some 65 GB.\n\nhint: --size tiny runs anywhere.")
    wanted = [case for case in MEASUREMENTS if any(name in case for name in given.only)]
    if not wanted:
        raise SystemExit(f"No case is called {' or '.join(given.only)}.\n\nhint: {'; '.join(MEASUREMENTS)}")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    log = Log(given.out / f"{size.name}.jsonl", name)
    if missing := [case for case in wanted if case not in log.rows()]:
        measure(size, device, missing, log, given.seconds, given.runs)
    write(log, size, given.peak or (PEAK if device.type == "cuda" else None))
    if left := len([case for case in missing if case not in log.rows()]):
        talk(f"\n{left} cases are left: run the same command again.")


if __name__ == "__main__":
    main()
