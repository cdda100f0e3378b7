"""What stands above and below every table: machine, versions, commit, command, and what was not measured."""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A folder in the checkout (or in BENCH_DIR), so that a sync reaches a disk: /tmp may be memory."""
    with TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR", ROOT)) as path:
        yield Path(path)


def head(title: str, packages: Sequence[str]) -> None:
    """Prints what somebody needs to make the table again."""
    module = Path(sys.argv[0]).stem
    print(f"# {title}\n")
    print(f"command   python -m benchmarks.{shlex.join([module, *sys.argv[1:]])}")
    print(f"commit    {commit()}")
    print(f"machine   {_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    print(f"disk      4 kB appended and synced: {_sync_ms()}")
    versions = ", ".join(f"{name} {version_of(name)}" for name in packages)
    print(f"versions  Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}\n", flush=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a Markdown table."""
    widths = [max(len(row[index]) for row in (columns, *rows)) for index in range(len(columns))]
    for row in (columns, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


def foot(*lines: str) -> None:
    """Prints what was not measured."""
    print("\n" + "\n".join(f"- {line}" for line in lines), flush=True)


def version_of(package: str) -> str:
    """Its version, or that it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def spread(values: Sequence[float]) -> str:
    """Least and greatest around the median, as a percentage of it."""
    middle = statistics.median(values)
    return f"{(min(values) / middle - 1) * 100:+.0f} … {(max(values) / middle - 1) * 100:+.0f} %"


def commit() -> str:
    """The checkout's, and whether the product was changed since."""
    git = ["git", "-C", str(ROOT)]
    short = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "overpaint"], capture_output=True, text=True).stdout
    return (short or "unknown") + (" with changes" if changed else "")


def _sync_ms() -> str:
    """p50 and greatest of up to 200 syncs within two seconds: disks of virtual machines differ a thousandfold."""
    found: list[float] = []
    with data_folder() as folder, (folder / "sync").open("wb", buffering=0) as file:
        end = time.perf_counter() + 2
        while len(found) < 200 and time.perf_counter() < end:
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return f"p50 {percentile(found, 50):.1f} ms, max {max(found):.1f} ms, {len(found)} in a row"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
