"""The process that decodes for us: the same pixels as here, and whatever happens in there costs one picture."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog.testing
from PIL import Image

from overpaint.errors import ImageResolutionTooHigh, InvalidImage
from overpaint.images import raster
from overpaint.images.sandbox import Sandbox
from tests.unit.images.pictures import as_file, png, scene, with_orientation

GOOD = as_file(scene(), "PNG")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(max_pixels=1_000_000)
    yield made
    made.close()


def test_the_pixels_are_those_of_a_decoder_in_this_process(sandbox: Sandbox) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        for orientation in (1, 6):
            data = with_orientation(orientation, kind)
            assert sandbox.open_upright(data).tobytes() == raster.open_upright(data).tobytes()


def test_a_picture_too_large_is_refused_before_any_process_is_asked(sandbox: Sandbox) -> None:
    with pytest.raises(ImageResolutionTooHigh):
        sandbox.open_upright(png(1001, 1000, (b"IDAT", b"")))
    assert sandbox._helper is None


def test_a_damaged_picture_is_refused_and_the_helper_lives_on(sandbox: Sandbox) -> None:
    sandbox.open_upright(GOOD)
    helper = sandbox._helper
    with pytest.raises(InvalidImage):
        sandbox.open_upright(png(40, 24, (b"IDAT", b"not zlib")))
    assert sandbox.open_upright(GOOD).size == (40, 24)
    assert sandbox._helper is helper


def test_a_helper_that_was_killed_is_replaced(sandbox: Sandbox) -> None:
    sandbox.open_upright(GOOD)
    assert sandbox._helper is not None
    os.kill(sandbox._helper.pid, signal.SIGKILL)
    sandbox._helper.wait()
    with structlog.testing.capture_logs() as lines, pytest.raises(InvalidImage):
        sandbox.open_upright(GOOD)
    assert [(line["event"], line["exit_code"]) for line in lines] == [("picture decoder died", -signal.SIGKILL)]
    assert sandbox.open_upright(GOOD).size == (40, 24)


HELPER = """
import os, resource, socket, sys, time
from overpaint.images import raster, sandbox

def evil(data, *, max_pixels):
    {evil}

good, raster.open_upright = raster.open_upright, evil
sandbox.main(int(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("evil", "exit_code"),
    [
        ("os.kill(os.getpid(), 11)", 128 + signal.SIGSEGV),
        ("os._exit(3)", 3),
        ("raise KeyError", 1),
        ("while True: pass", 128 + signal.SIGKILL),
        ("bytes(10**10)", None),  # out of memory: the child says so and lives to tell
        ("open('/dev/null')", 1),
        ("socket.socket()", 1),
        ("os.close(0), os.open('/dev/null', 0)", 1),
    ],
)
def test_a_decoder_gone_wrong_costs_one_picture(tmp_path: Path, evil: str, exit_code: int | None) -> None:
    """A decoder of ours that does what a taken-over one would try: crash, spin, eat, and reach out."""
    script = tmp_path / "helper.py"
    script.write_text(HELPER.format(evil=evil).replace("sandbox.main", "sandbox.CPU_SECONDS = 1; sandbox.main"))

    class Evil(Sandbox):
        def _started(self) -> subprocess.Popen[bytes]:
            command = [sys.executable, str(script), "1000000"]
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    sandbox = Evil(max_pixels=1_000_000)
    with structlog.testing.capture_logs() as lines, pytest.raises(InvalidImage):
        sandbox.open_upright(GOOD)
    sandbox.close()
    assert [line["exit_code"] for line in lines] == ([] if exit_code is None else [exit_code])


def test_the_helper_holds_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("OVERPAINT_API_KEY", "a-secret-of-the-operators")
    sandbox.open_upright(GOOD)
    assert sandbox._helper is not None
    assert b"OVERPAINT_" not in Path(f"/proc/{sandbox._helper.pid}/environ").read_bytes()


def test_the_largest_picture_allowed_fits_into_the_memory() -> None:
    sandbox = Sandbox(max_pixels=4_000_000)
    frame = Image.linear_gradient("L").resize((2000, 2000)).convert("RGBA")
    data = as_file(frame, "WEBP", save_all=True, append_images=[frame.rotate(180)], method=0, quality=10)
    assert sandbox.open_upright(data).size == (2000, 2000)  # the greediest of all formats
    sandbox.close()


OWNER = """
import signal, sys
from overpaint.images.sandbox import Sandbox

sandbox = Sandbox(max_pixels=1_000_000)
sandbox.open_upright(sys.stdin.buffer.read())
print(sandbox._helper.pid, flush=True)
signal.pause()
"""


def test_no_helper_outlives_a_worker_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        owner.stdin.write(GOOD)
        owner.stdin.close()
        helper = os.pidfd_open(int(owner.stdout.readline()))
        owner.kill()
    assert select.select([helper], [], [], 60)[0]  # readable once the process has ended
    os.close(helper)
