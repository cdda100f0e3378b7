"""Big bytes by name, in a folder: durable before `put` returns, and never changed afterwards.

A name is made from typed parts (task, attempt, hash, format) by the functions below, never from a client's text, and a
task owns its blobs alone. Knows files. Does not know tasks' status, or which names a row still holds.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from overpaint.errors import StoreUnavailable
from overpaint.store.disk import refusal, sync_folder, write_at

#: Up to this size an input picture goes with its task into the store, a larger one is a file here.
#: Measured by `python -m benchmarks.inputs`; docs/decisions/0006-small-inputs.md has the table.
SMALL_INPUT_BYTES = 2**20

_TASK_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FORMAT = r"jpeg|png|webp"
_PARTIAL = ".partial"
_DAY = r"\d{4}/\d{2}/\d{2}"
_INPUT = re.compile(rf"inputs/{_DAY}/({_TASK_ID})/(\d+)-([0-9a-f]{{64}})\.({_FORMAT})", re.ASCII)
_RESULT = re.compile(rf"results/{_DAY}/({_TASK_ID})/(\d+)-(\d+)\.({_FORMAT})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ResultName:
    """The parts of a result's name."""

    task_id: str
    attempt: int
    index: int
    format: str


def input_name(task_id: str, index: int, sha256: str, format: str) -> str:
    """Name of the `index`-th input picture (from 0) of a task. `task_id` is a UUIDv7, whose time gives the day."""
    return _checked(f"inputs/{_day(task_id)}/{task_id}/{index}-{sha256}.{format}")


def result_name(task_id: str, attempt: int, index: int, format: str) -> str:
    """Name of the `index`-th picture made by an attempt."""
    return _checked(f"results/{_day(task_id)}/{task_id}/{attempt}-{index}.{format}")


def parse_result_name(name: str) -> ResultName | None:
    """The parts; None if it is not exactly a name that `result_name` would give."""
    match = _RESULT.fullmatch(name)
    if match is None:
        return None
    task_id, attempt, index, format = match[1], int(match[2]), int(match[3]), match[4]
    with contextlib.suppress(ValueError):
        if result_name(task_id, attempt, index, format) == name:  # the right day, and no leading zeros
            return ResultName(task_id, attempt, index, format)
    return None


def task_of(name: str) -> str:
    """The id of the task that owns a blob. Raises ValueError for anything but a blob name."""
    return _checked(name).split("/")[4]


def _day(task_id: str) -> str:
    """The folder of the day that a UUIDv7 begins with: 48 bits of unix milliseconds."""
    return _day_folder(int(task_id[:8] + task_id[9:13], 16) // 86_400_000)


@lru_cache(maxsize=16)
def _day_folder(day: int) -> str:
    return f"{datetime.fromtimestamp(day * 86_400, UTC):%Y/%m/%d}"


def _checked(name: str) -> str:
    if not (_INPUT.fullmatch(name) or _RESULT.fullmatch(name)):
        raise ValueError("not a blob name")
    return name


class FolderBlobs:
    """Blobs as files of one folder. The methods block; an event loop calls them in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._durable_days: set[Path] = set()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(root.parent)

    def path(self, name: str) -> Path:
        """Where the blob lies. Raises ValueError for anything but a name made here, so no path leaves the folder."""
        return self._root / _checked(name)

    def get(self, name: str) -> bytes:
        """The bytes. Raises FileNotFoundError."""
        return self.path(name).read_bytes()

    def put(self, name: str, data: bytes) -> None:
        """Durable when it returns.

        Raises FileExistsError for a result that is there already (that attempt was lost, and another has its name),
        StorageFull when the disk is, StoreUnavailable when it fails.
        """
        path = self.path(name)
        try:
            self._put(path, data, is_create_only=name.startswith("results/"))
        except FileExistsError:
            raise
        except OSError as error:
            raise refusal(error) from error

    def _put(self, path: Path, data: bytes, *, is_create_only: bool) -> None:
        self._make_day_durable(path.parent.parent)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}{_PARTIAL}")
        try:
            _write(partial, data)
            if is_create_only:
                path.hardlink_to(partial)  # unlike a rename, it fails where the name is taken
                partial.unlink()
            else:
                partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        sync_folder(path.parent.parent)  # last, for on a journaling file system it then finds nothing left to do

    def _make_day_durable(self, day: Path) -> None:
        with self._lock:  # nobody may rely on a day's folder before it is on the disk
            if day not in self._durable_days:
                for folder in (*reversed(day.parents[:3]), day):
                    folder.mkdir(mode=0o700, exist_ok=True)
                    sync_folder(folder.parent)
                self._durable_days.add(day)

    def delete(self, name: str) -> None:
        """Gone when it returns, and its task's folder with it if it was the last; a missing one is fine.

        Raises StoreUnavailable when the disk refuses.
        """
        path = self.path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable() from error
        with contextlib.suppress(OSError):  # other pictures are still in it, or it is gone
            path.parent.rmdir()

    def names_older_than(self, seconds: float) -> list[str]:
        """Blobs written longer ago. Half-written files of that age are deleted on the way: their writer is dead."""
        limit = time.time() - seconds
        old = [path for path in self._root.rglob("*.*") if path.is_file() and _is_older(path, limit)]
        for path in old:
            if path.suffix == _PARTIAL:
                path.unlink(missing_ok=True)
        return [path.relative_to(self._root).as_posix() for path in old if path.suffix != _PARTIAL]


def _is_older(path: Path, limit: float) -> bool:
    try:
        return path.stat().st_mtime < limit
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    with open(path, "xb", buffering=0, opener=_open_private) as file:
        write_at(file.fileno(), data, 0)
        os.fsync(file.fileno())


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
