"""A database of any earlier version opens with all that is in it, wherever its migration was killed (R12b)."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from overpaint.domain import Status
from overpaint.store import rows, schema
from overpaint.store.sqlite import FILE_NAME, SqliteTaskStore
from tests.figures import IS_LONG, figures
from tests.store.samples import ManualClock, input_of, new_task, succeeded

pytestmark = pytest.mark.anyio

*EARLIER, NEWEST = sorted(dict(schema._migrations()))
IDS = {status: new_task().id for status in Status}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


Written = Callable[[int], Path]


@pytest.fixture
def written_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """written_by(2) -> a database of version 2 that holds a task in every state, as that version wrote it."""

    def write(version: int) -> Path:
        path = tmp_path / FILE_NAME
        real = dict(schema._migrations())
        with monkeypatch.context() as earlier:
            earlier.setattr(schema, "_migrations", lambda: iter([each for each in real.items() if each[0] <= version]))
            schema.prepare(path)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("PRAGMA foreign_keys = ON")
            for status, task_id in IDS.items():
                _insert(db, task_id, status)
            if version >= 5:
                accounts = [("",), ("me",)]
                db.executemany("REPLACE INTO account (owner, key_id, queued, running) VALUES (?, '', 1, 1)", accounts)
            name = input_of(IDS[Status.QUEUED]).name
            if version == 1:
                db.execute("INSERT INTO small_input (name, bytes) VALUES (?, x'706e67')", (name,))
            else:
                db.execute("INSERT INTO input (name, length, bytes) VALUES (?, 3, x'706e67')", (name,))
            db.execute("INSERT INTO api_key (id, owner, label, sha256, created_at) VALUES ('k', 'me', '', 'ab', 1)")
        return path

    return write


def _insert(db: sqlite3.Connection, task_id: str, status: Status) -> None:
    new = new_task(id=task_id, inputs=(input_of(task_id),))
    values = {
        "id": task_id,
        "owner": "me",
        "dialect": new.dialect,
        "checkpoint": new.checkpoint,
        "public_base": new.public_base,
        "request": rows.to_json(new.request),
        "inputs": rows.to_json(new.inputs),
        "status": status.value,
        "created_at": 1,
    }
    if status is not Status.QUEUED:
        values |= {"attempt": 1, "started_at": 2}
    if status is Status.PROCESSING:
        values |= {"worker_id": "w", "lease_until": 10**15}
    if status.is_final:
        values |= {"finished_at": 10**15, "expires_at": 10**15}
    if status is Status.SUCCEEDED:
        values |= {"outputs": rows.to_json(succeeded().outputs)}
    db.execute(f"INSERT INTO task ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})", values)
    if status is not Status.QUEUED:
        outcome = "running" if status is Status.PROCESSING else status.value
        db.execute("INSERT INTO attempt VALUES (?, 1, 'w', 2, ?, ?, NULL)", (task_id, 3, outcome))


async def assert_all_is_there_and_goes_on(path: Path) -> None:
    """Every task in its state; the waiting one and the one in work are then made."""
    store = SqliteTaskStore.open(path, clock=ManualClock())  # another boot: what was in work is queued again
    try:
        found = {status: await store.get("me", task_id) for status, task_id in IDS.items()}
        assert {status: task and task.status for status, task in found.items()} == {
            **{status: status for status in Status},
            Status.PROCESSING: Status.QUEUED,
        }
        assert found[Status.SUCCEEDED].outputs == succeeded().outputs
        assert await store.input(input_of(IDS[Status.QUEUED]).name) == b"png"
        assert [key.id for key in await store.keys()] == ["k"]
        for status, attempt in ((Status.QUEUED, 1), (Status.PROCESSING, 2)):
            claim = await store.claim("w")
            assert claim is not None
            assert (claim.task.id, claim.attempt) == (IDS[status], attempt)
            assert await store.finish(claim, succeeded())
    finally:
        await store.close()
    found_now = schema.examine(path)
    assert (found_now.problem, found_now.version) == ("", NEWEST)


@pytest.mark.parametrize("version", EARLIER)
async def test_a_database_of_an_earlier_version_opens_and_its_edits_are_made(written_by: Written, version: int) -> None:
    await assert_all_is_there_and_goes_on(written_by(version))
    figures(row="R12b upgrade", from_version=version, to_version=NEWEST, tasks=len(IDS), lost=0, attempts_burnt=0)


@pytest.mark.parametrize("version", EARLIER if IS_LONG else EARLIER[-1:])
async def test_a_migration_killed_at_any_statement_is_made_good(
    written_by: Written, version: int, tmp_path: Path
) -> None:
    path = written_by(version)
    before = path.read_bytes()
    for kill_at in count(1):
        for each in tmp_path.iterdir():
            each.unlink()
        path.write_bytes(before)
        is_killed = _migrate_in_a_child(path, kill_at)
        assert schema.examine(path).version in range(version, NEWEST + 1)
        await assert_all_is_there_and_goes_on(path)
        assert not list(tmp_path.glob("*.partial"))
        if not is_killed:
            break
    assert kill_at > 5
    figures(row="R12b killed", from_version=version, to_version=NEWEST, kills=kill_at - 1, lost=0, damaged=0)


def _migrate_in_a_child(path: Path, kill_at: int) -> bool:
    """Whether SIGKILL came: before the child's statement of that number, from 1."""
    child = os.fork()
    if child == 0:
        turns: Iterator[int] = count(1)
        real = schema.connect

        def connect(path: Path) -> sqlite3.Connection:
            connection = real(path)
            connection.set_trace_callback(
                lambda _: os.kill(os.getpid(), signal.SIGKILL) if next(turns) == kill_at else None
            )
            return connection

        schema.connect = connect  # type: ignore[assignment]
        try:
            schema.prepare(path)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("version", EARLIER)
def test_the_database_of_before_is_kept_beside_the_new_one(written_by: Written, version: int, tmp_path: Path) -> None:
    path = written_by(version)
    (tmp_path / f"{FILE_NAME}.v0").touch()  # of an upgrade before
    schema.prepare(path)
    (copy,) = tmp_path.glob(f"{FILE_NAME}.*[0-9]")
    assert copy.name == f"{FILE_NAME}.v{version}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA user_version").fetchall() == [(version,)]
        assert {row[0] for row in db.execute("SELECT id FROM task")} == set(IDS.values())
    made_at = copy.stat().st_mtime_ns
    schema.prepare(path)
    assert copy.stat().st_mtime_ns == made_at  # a start without an upgrade makes none
