"""Durable submits and polls a second, beside two peers: `python -m benchmarks.api`.

All sides run on this machine in the same run and take turns, round by round; the load comes from a process of its own
on the same cores. Every submit is another request with a valid picture, and the durable sides have task and picture on
the disk before they answer.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

import msgspec
from PIL import Image

from benchmarks import report, servers
from benchmarks.load import Plan, Result
from benchmarks.servers import NotInstalled, Side, Starter

CONNECTIONS = 16
PEERS: dict[str, Starter] = {"celery": servers.celery, "litserve": servers.litserve}
PACKAGES = ("uvicorn", "uvloop", "httptools", "msgspec", "fastapi", "celery", "redis", "litserve")


@dataclass
class Runs:
    """The measured rounds of one case on one side."""

    rates: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    processor_us: list[float] = field(default_factory=list)
    refusals: int = 0

    def add(self, result: Result, processor_seconds: float) -> None:
        self.processor_us.append(processor_seconds / max(1, result.answers) * 1e6)
        self.rates.append(result.answers / result.seconds)
        self.latencies_ms += result.latencies_ms
        self.refusals += result.refusals

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def picture(size: int, side: int, quality: int) -> bytes:
    """A JPEG of about `size` bytes: noise of the right strength on a gradient."""
    noise = Image.effect_noise((side, side), 40)
    image = Image.merge("RGB", [noise, Image.linear_gradient("L").resize((side, side)), noise.rotate(90)])
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    assert 0.9 < len(file.getvalue()) / size < 1.1, len(file.getvalue())
    return file.getvalue()


def measure(side: Side, *, seconds: float, picture: bytes = b"", task_ids: list[str] | None = None) -> Result:
    """One round, loaded from another process."""
    path = side.read_path if task_ids else side.submit_path
    assert path is not None
    plan = Plan(
        port=side.port,
        connections=CONNECTIONS,
        seconds=seconds,
        path=path,
        headers=side.headers,
        picture=picture,
        task_ids=task_ids or [],
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=msgspec.json.encode(plan), stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(done.stdout, type=Result)


def start_all(stack: contextlib.ExitStack, checkpoint: str) -> tuple[list[Side], list[str]]:
    """All sides, ours first, and a line for each that is missing."""
    sides = [stack.enter_context(servers.overpaint(stack.enter_context(report.data_folder()), checkpoint=checkpoint))]
    missing = []
    for name, start in PEERS.items():
        try:
            sides.append(stack.enter_context(start(stack.enter_context(report.data_folder()))))
        except NotInstalled as error:
            missing.append(f"{name}: not measured, {error}")
    return sides, missing


def run_rounds(sides: list[Side], *, rounds: int, seconds: float, rest: float) -> dict[str, dict[str, Runs]]:
    """case -> side -> runs. The first round warms up and is discarded."""
    small, photograph = picture(1_000, 28, 75), picture(300_000, 640, 95)
    submits = {
        f"submit, {len(small):,} B picture": small,
        f"submit, {len(photograph) / 1000:,.0f} kB photograph": photograph,
    }
    runs: dict[str, dict[str, Runs]] = {case: {side.name: Runs() for side in sides} for case in [*submits, "poll"]}
    known: dict[str, list[str]] = {}
    for round_number in range(rounds + 1):
        for case, data in [*submits.items(), ("poll", b"")]:
            for side in sides:
                if case == "poll" and not side.read_path:
                    continue
                time.sleep(rest)
                busy = side.processor_seconds()
                result = measure(side, seconds=seconds, picture=data, task_ids=None if data else known[side.name])
                if case != "poll":
                    known.setdefault(side.name, []).extend(result.task_ids[: 10_000 - len(known.get(side.name, []))])
                if round_number:
                    runs[case][side.name].add(result, side.processor_seconds() - busy)
        print(f"round {round_number} of {rounds} done", file=sys.stderr, flush=True)
    return runs


def print_table(runs: dict[str, dict[str, Runs]], sides: list[Side], missing: list[str]) -> None:
    ours = sides[0]
    rows = []
    for case, by_side in runs.items():
        for side in sides:
            name, its = f"{side.name}; {side.promise}", by_side[side.name]
            if not its.rates:
                rows.append([case, name, "–", "it keeps no task to read", "–", "–", "–"])
                continue
            ratio = "" if side is ours else f"{by_side[ours.name].rate / its.rate:.1f} ×"
            latencies = " / ".join(f"{report.percentile(its.latencies_ms, p):.1f}" for p in (50, 99))
            cost = f"{statistics.median(its.processor_us):,.0f}"
            spread = f"{len(its.rates)}, {report.spread(its.rates)}" + (
                f", {its.refusals} refused" if its.refusals else ""
            )
            rows.append([case, name, ratio, f"{its.rate:,.0f}", latencies, cost, spread])
    rows += [["", line, "–", "–", "–", "–", "–"] for line in missing]
    case = f"case, {CONNECTIONS} connections"
    report.table([case, "service", "ours is", "a second", "p50 / p99 ms", "server CPU µs each", "rounds, spread"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds, after one to warm up")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--rest", type=float, default=1.0, help="seconds between two, for disks that tire")
    parser.add_argument("--checkpoint", default="mini", help="what Overpaint serves; no picture is made")
    options = parser.parse_args()
    report.head("Durable submits and polls a second", PACKAGES)
    with contextlib.ExitStack() as stack:
        sides, missing = start_all(stack, options.checkpoint)
        runs = run_rounds(sides, rounds=options.rounds, seconds=options.seconds, rest=options.rest)
        print_table(runs, sides, missing)
    report.foot(
        "one server process a side; load generator and servers share the cores; no worker runs on any side",
        "medians of rounds that took turns; a closed loop, so the latencies are those of full load",
        "polls read random ids of up to 10,000 queued tasks; Overpaint also checks a key, the peers do not",
        "not measured: several machines, TLS, power cuts (a sync is taken at the disk's word)",
    )


if __name__ == "__main__":
    main()
