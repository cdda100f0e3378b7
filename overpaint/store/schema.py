"""The SQLite file itself: how it is opened, checked and brought to the present shape.

Knows pragmas, migrations and SQLite's error codes. Does not know tasks.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from overpaint.errors import ConfigurationError, OverpaintError, StorageFull, StoreUnavailable
from overpaint.store.disk import sync_folder

CACHE_KIB = 16 * 1024  # a batch of photographs stays in memory until its commit, and some 20,000 rows for the polls
BUSY_SECONDS = 5.0  # another process holds the write lock: that long we wait, then the caller is told to try later
QUICK_CHECK_BYTES = 256 * 2**20  # quick_check reads the whole file; a larger one is left to `overpaint doctor`

_PRAGMAS = f"""
PRAGMA cache_size = -{CACHE_KIB};
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA wal_autocheckpoint = 0;
PRAGMA mmap_size = 0;
PRAGMA temp_store = MEMORY;
"""


def connect(path: Path, *, is_reader: bool = False) -> sqlite3.Connection:
    """A connection with our pragmas; transactions are begun and ended by us alone."""
    # Not bound to a thread: SQLite's own mutexes guard it (threadsafety 3), and close() comes from another thread.
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.executescript(_PRAGMAS)
    if is_reader:
        connection.execute("PRAGMA query_only = ON")
    return connection


def prepare(path: Path) -> None:
    """Makes the file if need be, checks it, and runs the migrations it lacks. Safe from several processes at once.

    A file of an earlier version is first copied to `<name>.vN`, N its version; older copies go.
    Raises ConfigurationError for a damaged file and for one that a newer version has written, StoreUnavailable while
    another process locks it.
    """
    try:
        _create(path)
        connection = connect(path)
        try:
            _use_wal(connection)
            if path.stat().st_size <= QUICK_CHECK_BYTES:
                _check(connection)
            _migrate(connection, path)
        finally:
            connection.close()
    except OSError:
        raise ConfigurationError("The database cannot be opened.", hint="Check the folder given by DATA.") from None
    except sqlite3.Error as error:
        raise (_damaged() if _primary_code(error) in _DAMAGE else translated(error)) from error


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database file is found."""

    problem: str  #: empty when every page, index and rule of it holds
    version: int = 0  #: number of the newest migration that ran
    newest_task_at: int | None = None  #: wall-clock unix milliseconds


def examine(path: Path) -> Condition:
    """Reads the whole file, beside a running server too, and changes nothing."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            newest = connection.execute("SELECT created_at FROM task ORDER BY seq DESC LIMIT 1").fetchone()
            return Condition("" if said == "ok" else "damaged", _version(connection), newest and newest[0])
    except sqlite3.Error as error:
        return Condition("damaged" if _primary_code(error) in _DAMAGE else str(error))


def newest_version() -> int:
    """Number of the last migration of this installation."""
    return max(number for number, _ in _migrations())


def _create(path: Path) -> None:
    """An empty private file; SQLite gives its -wal and -shm the same mode."""
    # Only a file that is not there yet may be opened: closing a descriptor of one that is in use would drop the locks
    # that this process's other connections hold on it (POSIX)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _use_wal(connection: sqlite3.Connection) -> None:
    # The switch takes an exclusive lock without waiting for it, so two first starts may meet here.
    give_up_at = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)


def _check(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
        raise _damaged()


def _damaged() -> ConfigurationError:
    return ConfigurationError(
        "The database is damaged; nothing was changed.",
        hint="Keep the file, and put back your last backup of the data folder.",
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    migrations = dict(_migrations())
    version = _version(connection)
    if version > max(migrations):
        raise ConfigurationError(
            "The database was written by a newer version of Overpaint.", hint="Upgrade Overpaint, or use another DATA."
        )
    for number, statements in sorted(migrations.items()):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) < number:  # read under the lock: another process may have been faster
                if 0 < version == _version(connection):
                    _back_up(path, version)
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _back_up(path: Path, version: int) -> None:
    """Called under the write lock, so nobody else is here. The copy gets its name when it is whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    _create(partial)
    with contextlib.closing(connect(path)) as reader:
        reader.execute("VACUUM INTO ?", (str(partial),))
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    for older in path.parent.glob(f"{path.name}.v*"):
        older.unlink()
    partial.replace(path.with_name(f"{path.name}.v{version}"))
    sync_folder(path.parent)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrations() -> Iterator[tuple[int, list[str]]]:
    for file in (resources.files(__package__) / "migrations").iterdir():
        if match := re.fullmatch(r"(\d{4})_\w+\.sql", file.name):
            yield int(match[1]), list(_split(file.read_text(encoding="utf-8")))


def _split(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNAVAILABLE = _DAMAGE | {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def translated(error: sqlite3.Error) -> OverpaintError | sqlite3.Error:
    """What a caller can do about it; an error that is our own mistake stays as it is."""
    if _primary_code(error) == sqlite3.SQLITE_FULL:
        return StorageFull()
    if _primary_code(error) in _UNAVAILABLE:
        return StoreUnavailable()
    return error
