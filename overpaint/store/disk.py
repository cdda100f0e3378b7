"""Writing files so that they stay: whole, synced, and their names with them.

Knows descriptors and folders. Does not know what is written.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from overpaint.errors import StorageFull, StoreUnavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}


def write_at(file: int, data: bytes, at: int) -> None:
    """All of `data`, from the offset `at` of an open file on. Raises OSError."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, at)
        rest, at = rest[written:], at + written


def sync_folder(folder: Path) -> None:
    """The names in the folder are on the disk when it returns. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refusal(error: OSError) -> StorageFull | StoreUnavailable:
    """What a caller can do about a disk that refused."""
    return StorageFull() if error.errno in _FULL else StoreUnavailable()
