"""The command line as people run it: another process, a clean environment, real files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PATIENCE_SECONDS = 300  #: for one command; nobody waits so long but on a starved machine, or for a failure
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without our settings, the hub's, and colour."""
    ours = ("OVERPAINT_", "HF_", "NO_COLOR", "FORCE_COLOR")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


@pytest.fixture
def overpaint(tmp_path: Path) -> Run:
    """overpaint("keys", "ls", env={…}, stdin=b"…") -> the finished process; it runs in a folder of its own."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes = b"", timeout: float = PATIENCE_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "overpaint.cli.main", *arguments],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env=clean_environment(**(env or {})),
            timeout=timeout,
        )
        text = (done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape"))
        return subprocess.CompletedProcess(done.args, done.returncode, *text)

    return run


def assert_complaint(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The one shape of every error: a line, a blank, a hint, no traceback, nothing on stdout."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("error: "))
    assert lines[start + 1 : start + 2] == [""], done.stderr
    assert lines[start + 2].startswith("hint: "), done.stderr
    assert len(lines) == start + 3, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
