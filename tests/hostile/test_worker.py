"""What a picture that harms its decoder costs: its own task, with a reason. The worker makes the next one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from overpaint.domain import Status
from overpaint.images.sandbox import Sandbox
from tests.hostile.corpus import png
from tests.worker.conftest import House, house, make_settings
from tests.worker.doubles import ScriptedEditor, picture

__all__ = ["house", "make_settings"]
pytestmark = pytest.mark.anyio

#: a helper whose decoder has a bug: these bytes behind a picture crash it
HELPER = """
import os, sys
from overpaint.images import raster, sandbox

good = raster.open_upright

def buggy(data, *, max_pixels):
    if data.endswith(b"crash"):
        os.kill(os.getpid(), 11)
    if data.endswith(b"spin"):
        while True:
            pass
    if data.endswith(b"eat"):
        return [bytes(2**28) for _ in range(100)]
    return good(data, max_pixels=max_pixels)

raster.open_upright = buggy
sandbox.CPU_SECONDS = 1
sandbox.main(int(sys.argv[1]))
"""


async def test_a_picture_that_kills_its_decoder_fails_its_own_task(house: Callable[..., House], tmp_path: Path) -> None:
    script = tmp_path / "helper.py"
    script.write_text(HELPER)

    class Buggy(Sandbox):
        def _started(self) -> subprocess.Popen[bytes]:
            command = [sys.executable, str(script), str(40_000_000)]
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    at = house()
    worker, run = at.start(ScriptedEditor())
    worker._sandbox = Buggy(max_pixels=40_000_000)
    for tail in (b"crash", b"spin", b"eat"):
        bad = await at.until(await at.submit(data=picture() + tail))
        assert (bad.status, bad.error_code, bad.attempt) == (Status.FAILED, "input_lost", 1)
        good = await at.until(await at.submit())
        assert good.status is Status.SUCCEEDED
    assert not run.done()
    told = [line["exit_code"] for line in at.lines if line["event"] == "picture decoder died"]
    assert told == [128 + 11, 128 + 9]  # the greedy one ran out of memory and lived to say so
    worker._sandbox.close()


async def test_a_picture_damaged_behind_its_header_fails_its_task_with_a_reason(house: Callable[..., House]) -> None:
    at = house()
    worker, _ = at.start(ScriptedEditor())
    bad = await at.until(await at.submit(data=png(64, 48, packed=b"not packed")))
    assert (bad.status, bad.error_code) == (Status.FAILED, "input_lost")
    assert (await at.until(await at.submit())).status is Status.SUCCEEDED
    worker._sandbox.close()


def test_a_decoder_whose_worker_is_gone_ends_without_a_word() -> None:
    """A worker may be killed while its picture is decoded; a traceback of that would be no news to anybody."""
    command = [sys.executable, "-m", "overpaint.images.sandbox", "1000000"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as helper:
        assert helper.stdin is not None
        assert helper.stdout is not None
        assert helper.stderr is not None
        helper.stdout.close()
        picture = (Path(__file__).parents[2] / "examples" / "cat.jpg").read_bytes()
        helper.stdin.write(len(picture).to_bytes(8) + picture)
        helper.stdin.close()
        assert helper.stderr.read() == b""
        assert helper.wait() == 1
