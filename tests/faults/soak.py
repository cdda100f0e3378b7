"""`python -m tests.faults.soak --minutes 60`: hours of ordinary life, and what grows (R11).

Half of what the workers can make, pictures of all sizes, a worker killed each minute. Each process is weighed all the
while; afterwards a line through its weights must not rise faster than BOUNDS allows. Prints one table.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overpaint.store.packs import UNNAMED_SECONDS
from overpaint.store.sqlite import FILE_NAME
from tests.faults.callers import Callers, calling
from tests.faults.conftest import Server, able, until
from tests.model import checkpoints

WEIGH_SECONDS, KILL_SECONDS = 5.0, 60.0
SHARE = 0.5  #: of what the workers can make
TRIAL = 60  #: edits that tell how much that is
SETTLED = 1 / 3  #: of its time a process takes to reach its size
#: Of settled life for a line to mean anything; shorter ones are shown and not judged. A pack of pictures that were sent
#: is kept for an hour whatever it holds, so packs only grow until then.
LEAST_SECONDS = defaultdict(lambda: 600.0, packs=2 * UNNAMED_SECONDS)
#: More an hour; sizes in MiB
BOUNDS = {"memory": 24.0, "files": 6.0, "threads": 3.0, "database": 24.0, "blobs": 24.0, "packs": 96.0}
COLUMNS = ("process", "minutes", "weight", "at first", "at last", "an hour more", "bound")


@dataclass(frozen=True)
class Weight:
    """A process at one moment."""

    at: float  #: seconds since the beginning
    memory: float  #: MiB that are its own: private pages
    files: int
    threads: int


def weigh(pid: int, at: float) -> Weight:
    """Raises OSError or KeyError when it has ended."""
    folder = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    memory = int(status["RssAnon"].split()[0]) / 1024
    return Weight(at, memory, len(list((folder / "fd").iterdir())), int(status["Threads"]))


def processes(pid: int) -> dict[int, str]:
    """The server's processes and what each is."""
    found = {pid: "supervisor"}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):  # it has just ended
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            found[int(child)] = "api" if b"overpaint.http" in command else "worker"
    return found


def folder_bytes(folder: Path) -> int:
    """Of all files in it that do not go away meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(parent, name).stat().st_size
    return total


def slope(at: Sequence[float], values: Sequence[float]) -> float:
    """Of the line through them, an hour."""
    return float(np.polyfit(at, values, 1)[0]) * 3600


@dataclass
class Line:
    """What one weight of one process did."""

    of: str
    name: str
    at: list[float]  #: seconds
    values: list[float]

    @property
    def settled(self) -> tuple[list[float], list[float]]:
        first = self.at[0] + SETTLED * (self.at[-1] - self.at[0])
        kept = [(at, value) for at, value in zip(self.at, self.values, strict=True) if at >= first]
        return [at for at, _ in kept], [value for _, value in kept]

    @property
    def is_judged(self) -> bool:
        at, _ = self.settled
        return at[-1] - at[0] >= LEAST_SECONDS[self.name]

    @property
    def rise(self) -> float:
        return slope(*self.settled)

    @property
    def is_within(self) -> bool:
        return not self.is_judged or self.rise <= BOUNDS[self.name]

    def cells(self) -> tuple[str, ...]:
        _, values = self.settled
        rise = f"{self.rise:+.1f}" if self.is_judged else "not judged"
        minutes = (self.at[-1] - self.at[0]) / 60
        return (
            self.of, f"{minutes:.0f}", self.name, f"{values[0]:.1f}", f"{values[-1]:.1f}", rise,
            f"{BOUNDS[self.name]:.0f}" + ("" if self.is_within else " EXCEEDED"),
        )  # fmt: skip


class Soak:
    """A server under load for a while, and what it weighed."""

    def __init__(self, server: Server, seconds: float) -> None:
        self.server = server
        self.seconds = seconds
        self.kills = 0
        self.answers: dict[int, int] = {}
        self._weights: dict[tuple[str, int], list[Weight]] = defaultdict(list)
        self._disk: dict[str, list[float]] = {"at": [], "database": [], "blobs": [], "packs": []}

    def run(self) -> None:
        """Returns when the time is over; the server lives on."""
        self.server.start().ready()
        with calling(self.server, connections=4, pause_seconds=0.02) as callers:
            pace = SHARE * self._capacity(callers)
            began, sent, weighed, killed = time.monotonic(), 0, -WEIGH_SECONDS, 0.0
            while (at := time.monotonic() - began) < self.seconds:
                callers.allow(int(pace * at) - sent)
                sent = int(pace * at)
                if at >= weighed + WEIGH_SECONDS:
                    weighed = at
                    self._weigh(at)
                if at >= killed + KILL_SECONDS:
                    killed = at
                    self._kill_the_younger_worker()
                time.sleep(0.1)
        self.answers = dict(callers.answers)

    def lines(self) -> list[Line]:
        """Of every process that lives yet, and of the disk."""
        alive = {(name, pid): each for (name, pid), each in self._weights.items() if Path(f"/proc/{pid}").exists()}
        return [
            *(
                Line(f"{name} {pid}", what, [each.at for each in weights], [getattr(each, what) for each in weights])
                for (name, pid), weights in alive.items()
                for what in ("memory", "files", "threads")
            ),
            *(Line("disk", what, self._disk["at"], self._disk[what]) for what in ("database", "blobs", "packs")),
        ]

    def ends(self) -> Counter[str]:
        """How many edits ended how."""
        found: Counter[str] = Counter()
        for line in self.server.http.get("/metrics").text.splitlines():
            if line.startswith("overpaint_edits_finished_total{"):
                found[line.partition('status="')[2].partition('"')[0]] += int(float(line.rpartition(" ")[2]))
        return found

    def _capacity(self, callers: Callers) -> float:
        began = time.monotonic()
        callers.allow(TRIAL)
        until(lambda: self.ends()["succeeded"] >= TRIAL)
        return TRIAL / (time.monotonic() - began)

    def _weigh(self, at: float) -> None:
        assert self.server.process is not None
        for pid, name in processes(self.server.process.pid).items():
            with suppress(OSError, KeyError):
                self._weights[name, pid].append(weigh(pid, at))
        data = self.server.data
        sizes = (data / FILE_NAME).stat().st_size, folder_bytes(data / "blobs"), folder_bytes(data / "packs")
        for what, size in zip(("database", "blobs", "packs"), sizes, strict=True):
            self._disk[what].append(size / 2**20)
        self._disk["at"].append(at)

    def _kill_the_younger_worker(self) -> None:
        """If both are ready: the other shows what a long life does, and one that dies while it loads is parked."""
        assert self.server.process is not None
        workers = [pid for pid, name in processes(self.server.process.pid).items() if name == "worker"]
        if able(self.server) > 1:
            os.kill(max(workers), signal.SIGKILL)
            self.kills += 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    seconds = 60 * parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        checkpoint = checkpoints.build(Path(folder) / "checkpoint", "edit", tiny=True)
        # Pictures and records end early enough that disk and database reach the size they keep
        ttl = f"{min(300.0, seconds / 12):.0f}"
        server = Server(
            Path(folder) / "data", checkpoint, workers="2", lease_seconds="5", log_level="warning",
            result_ttl_seconds=ttl, record_ttl_seconds=ttl,
        )  # fmt: skip
        soak = Soak(server, seconds)
        try:
            soak.run()
            lines, ends = soak.lines(), soak.ends()
        finally:
            server.close()
        return report(soak, lines, ends)


def report(soak: Soak, lines: list[Line], ends: Counter[str]) -> int:
    """Prints the table; 1 when something rose too fast, or an edit failed."""
    print("\n".join(["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]))
    for line in lines:
        print("| " + " | ".join(line.cells()) + " |")
    print(
        f"\n{soak.seconds / 60:.0f} minutes, {len(soak.server.acknowledged):,} edits acknowledged,"
        f" {soak.kills} workers killed; answers to submits {soak.answers}; edits ended {dict(ends)}"
    )
    return int(not all(line.is_within for line in lines) or ends["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
