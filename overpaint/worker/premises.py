"""What a server must have to itself before it starts: its data folder and its port.

Knows file locks and sockets. Does not know who will use them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overpaint.errors import ConfigurationError
from overpaint.store.sqlite import FILE_NAME

DYING_SECONDS = 3.0  #: that a server which was killed may take to let go of its port
BACKLOG = 2048  #: connections the kernel holds while the API process starts, or is replaced


def prepare(folder: Path) -> None:
    """Makes the data folder, and sees that it and the database in it can be written. Raises ConfigurationError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from None
    for path in (folder, folder / FILE_NAME):
        if path.exists() and not os.access(path, os.W_OK):
            raise ConfigurationError(
                f"{path} cannot be written: it is read-only, or somebody else's.",
                hint="Mount it writable, give this user the right to write it, or choose another folder with --data.",
            )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the data folder and holds `server.lock` in it, for one server a folder.

    The kernel lets go when the process ends, however it ends. Raises ConfigurationError naming the other server's pid.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from None
    try:
        _take(handle, folder)
        yield
    finally:
        os.close(handle)


def _unusable(folder: Path, error: OSError) -> ConfigurationError:
    problem = f"The data folder {folder} cannot be used: {error.strerror}."
    return ConfigurationError(problem, hint="Choose another with --data.")


def _take(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise ConfigurationError(
            f"Another server (pid {holder}) already uses the data folder {folder}.",
            hint="Stop it first, or choose another folder with --data.",
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one (`getsockname()` tells). Raises ConfigurationError.

    It is made before any process starts, so that an occupied port is one clear message, and it outlives the API
    process, so that callers wait in the kernel's queue while that one is replaced.
    """
    give_up_at = time.monotonic() + DYING_SECONDS
    while True:
        try:
            return _bound(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= give_up_at:
                raise _cannot_listen(host, port, error) from None
            time.sleep(0.1)


def _bound(host: str, port: int) -> socket.socket:
    """At the first address that the host has."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server(address, family=family, backlog=BACKLOG)


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigurationError:
    problem, hint = error.strerror or type(error).__name__, "Choose another address with --host and --port."
    if error.errno == errno.EADDRINUSE:
        problem = "another program has this port"
        hint = "Stop it, or choose another with --port (0 takes a free one)."
    return ConfigurationError(f"Cannot listen on {host}:{port}: {problem}.", hint=hint)
