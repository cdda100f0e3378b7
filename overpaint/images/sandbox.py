"""Decoding what strangers send, each picture in a process of its own that has nothing and can take little.

A helper, started for the first picture, has the decoders loaded and forks a child for each file: a few milliseconds,
where a fresh interpreter takes eighty. The child can open neither file nor connection, gets the memory and processor
time that the largest permitted picture needs, and leaves nothing behind for the next one to find. If it dies, that one
picture is refused, the helper ends, and the next picture starts another.

Knows processes, limits and pipes. Does not know pixels (`raster`) or tasks.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from importlib import import_module
from subprocess import PIPE, Popen

import structlog
from PIL import Image

from overpaint.errors import InvalidImage, InvalidRequest
from overpaint.images import header, raster

CPU_SECONDS = 10  #: 40 megapixels take at most 2
BASE_BYTES, BYTES_PER_PIXEL = 128 * 2**20, 24  #: of address space; an animated WebP needs most, 19 a pixel
_LENGTH_BYTES = 8
_DAMAGED, _WHOLE = b"\0", b"\1"

log = structlog.get_logger()


class Sandbox:
    """Opens pictures of at most `max_pixels`. Blocks; for one thread at a time. `close()` ends the helper."""

    def __init__(self, *, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._helper: Popen[bytes] | None = None

    def open_upright(self, data: bytes) -> Image.Image:
        """As `raster.open_upright`, and raises the same; also InvalidImage where the decoder breaks a limit or dies."""
        head = header.read(data, max_pixels=self._max_pixels)
        size = (head.width, head.height)
        try:
            pixels = self._ask(data, 3 * head.width * head.height)
        except (BrokenPipeError, EOFError):
            self.close()
            pixels = None
        if pixels is None:
            raise InvalidImage(field="image", problem="the file is damaged.")
        return Image.frombytes("RGB", size, pixels)

    def close(self) -> None:
        """Waits for the helper's end. A picture after this one starts another."""
        helper, self._helper = self._helper, None
        if helper is None:
            return
        assert helper.stdin is not None and helper.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            helper.stdin.close()
        helper.stdout.close()
        if helper.wait():
            log.warning("picture decoder died", exit_code=helper.returncode)

    def _ask(self, data: bytes, size: int) -> bytes | None:
        """`size` bytes of pixels, or None for a damaged file. Raises BrokenPipeError, EOFError when the helper dies."""
        helper = self._helper = self._helper or self._started()
        assert helper.stdin is not None and helper.stdout is not None
        helper.stdin.write(len(data).to_bytes(_LENGTH_BYTES))
        helper.stdin.write(data)
        helper.stdin.flush()
        verdict = helper.stdout.read(1)
        if verdict == _DAMAGED:
            return None
        pixels = helper.stdout.read(size)
        if verdict != _WHOLE or len(pixels) != size:
            raise EOFError
        return pixels

    def _started(self) -> Popen[bytes]:
        # Our settings hold a key; the process that reads strangers' files need not hold it too.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OVERPAINT_")}
        command = [sys.executable, "-m", __name__, str(self._max_pixels)]
        return Popen(command, stdin=PIPE, stdout=PIPE, env=environment)  # noqa: S603  # every word is ours


def main(max_pixels: int) -> None:
    """The helper: until its stdin ends, or a child dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's to hear; its end is ours
    Image.preinit()  # now, for the children cannot: an import opens a file
    for name in ("Mpo", "Tiff", "WebP"):  # TIFF is how EXIF and MPO are written
        import_module(f"PIL.{name}ImagePlugin")
    while length := sys.stdin.buffer.read(_LENGTH_BYTES):
        data = sys.stdin.buffer.read(int.from_bytes(length))
        child = os.fork()
        if child == 0:
            _decode(data, max_pixels)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            sys.exit(code if code > 0 else 128 - code)


def _decode(data: bytes, max_pixels: int) -> None:
    """The child's life. An error nobody foresaw ends it with a traceback and exit code 1."""
    try:
        _limit(resource.RLIMIT_AS, BASE_BYTES + BYTES_PER_PIXEL * max_pixels)
        _limit(resource.RLIMIT_CPU, CPU_SECONDS)
        _limit(resource.RLIMIT_NOFILE, 0)
        _limit(resource.RLIMIT_CORE, 0)
        try:
            verdict, pixels = _WHOLE, raster.open_upright(data, max_pixels=max_pixels).tobytes()
        except (InvalidRequest, MemoryError):
            verdict, pixels = _DAMAGED, b""
        sys.stdout.buffer.write(verdict)
        sys.stdout.buffer.write(pixels)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever asked is gone: there is nobody to tell
        os._exit(1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _limit(kind: int, value: int) -> None:
    """Sets both limits, or as low as the process already is."""
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    main(int(sys.argv[1]))
