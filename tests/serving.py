"""A real server for tests: `overpaint serve` with `mini` in a folder of its own, as a newcomer would start it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from tests.cli.conftest import PATIENCE_SECONDS, clean_environment

ROOT = Path(__file__).parents[1]
KEY = re.compile(r"op_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}")


@dataclass
class Serving:
    """A running `overpaint serve` that is ready."""

    process: subprocess.Popen[str]
    data: Path
    log: Path  #: its stderr
    said: str  #: its stdout up to and with the request to try
    lines: Queue[str | None] = field(repr=False)

    @property
    def url(self) -> str:
        """Where it listens."""
        return re.findall(r"http://[\d.]+:\d+", self.said)[0]

    @property
    def key(self) -> str:
        """The key it showed; only a first start shows one."""
        return KEY.findall(self.said)[0]

    @property
    def request(self) -> str:
        """The shell lines it proposes to paste."""
        return self.said.partition("another terminal:\n\n")[2]

    def stop(self) -> int:
        """Ctrl-C, then its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def serving(data: Path, *flags: str, **env: str) -> Iterator[Serving]:
    """serving(folder, "--workers", "2", OVERPAINT_API_KEY="…"): runs until the block ends, if not stopped before."""
    log = data.parent / f"{data.name}.log"
    command = [sys.executable, "-m", "overpaint.cli.main", "serve", "--port", "0", "--data", str(data), *flags]
    environment = clean_environment(OMP_NUM_THREADS="1", **env)
    with log.open("a") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=ROOT, env=environment, start_new_session=True
        )
    lines: Queue[str | None] = Queue()
    Thread(target=_read, args=(process, lines), daemon=True).start()
    try:
        yield Serving(process, data, log, _greeting(lines, log), lines)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _read(process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _greeting(lines: Queue[str | None], log: Path) -> str:
    said = ""
    while "done; echo" not in said:
        try:
            line = lines.get(timeout=PATIENCE_SECONDS)
        except Empty:
            line = None
        assert line is not None, f"not ready; it said {said!r} and logged\n{log.read_text()}"
        said += line
    return said
