"""What only the SQLite store must hold: its file, migrations, shared commits, several processes, sudden ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from overpaint.domain import Released, Status
from overpaint.errors import ConfigurationError, QueueFull, StorageFull, StoreUnavailable
from overpaint.store import rows, schema, writer
from overpaint.store.connections import BAD_SECONDS, GOOD_SECONDS
from overpaint.store.inputs import ROW_BYTES
from overpaint.store.packs import Packs
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.store.statements import SQL, parse
from overpaint.store.writer import Writer
from tests.store.samples import ManualClock, new_task, succeeded

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("child.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "overpaint.sqlite3"


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


# The file


def test_every_commit_waits_for_the_disk(path):
    schema.prepare(path)
    with closing(schema.connect(path)) as connection:
        pragmas = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_the_files_are_private(path):
    schema.prepare(path)
    with closing(schema.connect(path)) as connection:
        connection.execute("INSERT INTO meta VALUES ('a', 'b')")
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}


def test_opening_twice_changes_nothing(path):
    schema.prepare(path)
    before = query(path, "SELECT sql FROM sqlite_schema")
    schema.prepare(path)
    assert query(path, "SELECT sql FROM sqlite_schema") == before


def test_first_starts_of_several_processes_may_meet(path):
    children = [subprocess.Popen([sys.executable, CHILD, "prepare", path]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0] * 4
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_migration_is_whole_or_not_there(path, monkeypatch):
    real = dict(schema._migrations())
    last = max(real)
    broken = {**real, last + 1: ["CREATE TABLE extra (a INTEGER) STRICT", "INSERT INTO nowhere VALUES (1)"]}
    schema.prepare(path)
    monkeypatch.setattr(schema, "_migrations", lambda: iter(broken.items()))
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        schema.prepare(path)
    assert query(path, "PRAGMA user_version") == [(last,)]
    broken[last + 1] = ["CREATE TABLE extra (a INTEGER) STRICT"]
    schema.prepare(path)
    assert query(path, "PRAGMA user_version") == [(last + 1,)]


async def test_small_pictures_of_the_first_version_are_kept(path, monkeypatch):
    real = dict(schema._migrations())
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "_migrations", lambda: iter([(1, real[1])]))
        schema.prepare(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO small_input VALUES ('inputs/a', x'504e47')")
    store = SqliteTaskStore.open(path)
    assert await store.input("inputs/a") == b"PNG"
    await store.close()


def test_a_file_of_a_newer_version_is_refused_untouched(path):
    schema.prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="newer version"):
        SqliteTaskStore.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", [0, 4096 * 2])
def test_a_damaged_file_is_refused_and_kept(path, where):
    schema.prepare(path)
    content = bytearray(path.read_bytes())
    content[where : where + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="damaged"):
        SqliteTaskStore.open(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_the_operators_mistake(tmp_path):
    with pytest.raises(ConfigurationError):
        SqliteTaskStore.open(tmp_path / "none" / "overpaint.sqlite3")


def test_the_row_type_has_the_tables_columns(path):
    schema.prepare(path)
    assert [name for (name,) in query(path, "SELECT name FROM pragma_table_info('task')")] == list(rows.TaskRow._fields)


@pytest.mark.parametrize("name", ["next_in_turn", "claim", "standing", "stats", "submit", "accounts_of", "enter"])
def test_the_queue_and_its_accounts_are_read_by_their_indexes(path, name):
    schema.prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", Anything())]
    read = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert not any(step.startswith("SCAN") and " INDEX " not in step for step in read if step.split()[1] not in DERIVED)


DERIVED = {"CONSTANT", "line", "own", "other"}  #: named in a statement, of a few rows each


class Anything(dict[str, int]):
    def __missing__(self, name: str) -> int:
        return 1


def test_statements_have_a_name_and_a_sentence():
    assert parse("-- name: a_b\n-- Does it.\nSELECT 1;\n\n") == {"a_b": "SELECT 1"}
    for wrong in (
        "-- name: a\nSELECT 1;",
        "-- name: A\n-- Does it.\nSELECT 1;",
        "-- name: a\n-- Does it.\n\n-- name: b\n-- Does it.\nSELECT 1;",
        "-- name: a\n-- Does it.\nSELECT 1;\n-- name: a\n-- Does it.\nSELECT 1;",
    ):
        with pytest.raises(ValueError, match="each"):
            parse(wrong)


# Time


async def test_leases_of_an_earlier_boot_are_void_and_uncounted(path):
    before = SqliteTaskStore.open(path, clock=ManualClock("one boot"))
    task = (await before.submit(new_task())).task
    await before.claim("w")
    await before.close()
    same = SqliteTaskStore.open(path, clock=ManualClock("one boot"))
    assert (await same.get("me", task.id)).status is Status.PROCESSING
    await same.close()
    after = SqliteTaskStore.open(path, clock=ManualClock("another boot"))
    assert (await after.get("me", task.id)).status is Status.QUEUED
    assert [attempt.outcome for attempt in await after.attempts(task.id)] == ["lost"]
    assert query(path, "SELECT failures FROM task") == [(0,)]
    await after.close()


# Shared commits


@contextmanager
def held_writer(path: Path) -> Iterator[tuple[Writer, threading.Event]]:
    """A writer that is kept busy until the event, so that what comes meanwhile becomes one batch."""
    schema.prepare(path)
    it = Writer(path, Packs(path.with_name("packs")))
    go = threading.Event()
    try:
        yield it, go
    finally:
        go.set()
        it.close()


async def test_a_bad_operation_harms_none_of_its_batch(path):
    def put(name: str):
        return lambda db: db.execute("INSERT INTO meta VALUES (?, '')", (name,)).rowcount

    def put_and_fail(db: sqlite3.Connection) -> None:
        put("half")(db)
        raise LookupError("refused")

    with held_writer(path) as (it, go):
        tasks = [asyncio.create_task(it.run(lambda db: go.wait()))]
        await asyncio.sleep(0)
        operations = [put("a"), put_and_fail, put("a"), put("b"), lambda db: db.execute("nonsense")]
        tasks += [asyncio.create_task(it.run(operation)) for operation in operations]
        await asyncio.sleep(0)
        go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[1] == results[4] == 1
    assert isinstance(results[2], LookupError)
    assert isinstance(results[3], sqlite3.IntegrityError)
    assert isinstance(results[5], sqlite3.OperationalError)
    assert query(path, "SELECT name FROM meta ORDER BY name") == [("a",), ("b",)]


async def test_what_waits_together_is_committed_together(path, monkeypatch):
    sizes: list[int] = []
    real = writer._commit_together

    def commit(connection: sqlite3.Connection, batch: list[writer._Entry]) -> None:
        sizes.append(len(batch))
        real(connection, batch)

    monkeypatch.setattr(writer, "_commit_together", commit)
    with held_writer(path) as (it, go):
        first = asyncio.create_task(it.run(lambda db: go.wait()))
        await asyncio.sleep(0)
        rest = [asyncio.create_task(it.run(lambda db: None)) for _ in range(300)]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, *rest)
    assert sum(sizes) == 301
    assert len(sizes) <= 2 + 300 / writer.MAX_BATCH


async def test_no_answer_comes_before_the_commit(path, monkeypatch):
    seen: list[int] = []
    real = writer._answer

    def answer(batch: list[writer._Entry]) -> None:
        seen.append(len(query(path, "SELECT * FROM meta")))
        real(batch)

    monkeypatch.setattr(writer, "_answer", answer)
    with held_writer(path) as (it, _):
        await it.run(lambda db: db.execute("INSERT INTO meta VALUES ('a', '')").rowcount)
    assert seen == [1]


async def test_a_caller_that_stopped_waiting_harms_nobody(path):
    with held_writer(path) as (it, go):
        blocked = asyncio.create_task(it.run(lambda db: go.wait()))
        left = asyncio.create_task(it.run(lambda db: 1))
        await asyncio.sleep(0)
        left.cancel()
        go.set()
        await blocked
        assert await it.run(lambda db: 2) == 2


async def test_a_closed_store_says_so(path):
    store = SqliteTaskStore.open(path)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.submit(new_task())


# A disk that is full, a file that is locked


async def test_a_full_disk_refuses_writes_keeps_reads_and_recovers(path):
    store = SqliteTaskStore.open(path)
    task = (await store.submit(new_task())).task
    pages = query(path, "PRAGMA page_count")[0][0]
    await store._writer.run(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchall())
    big = new_task()
    with pytest.raises(StorageFull):
        await store.submit(big, {big.inputs[0].name: bytes(ROW_BYTES)})
    assert await store.get("me", task.id) == task
    assert await store.get("me", big.id) is None
    await store._writer.run(lambda db: db.execute("PRAGMA max_page_count = 100000").fetchall())
    await store.submit(big, {big.inputs[0].name: bytes(ROW_BYTES)})
    await store.close()
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


async def test_a_pack_that_cannot_be_synced_refuses_its_submits_alone(path, monkeypatch):
    store = SqliteTaskStore.open(path)
    large, small = new_task(), new_task()

    def fail(pictures: object) -> None:
        raise StorageFull()

    monkeypatch.setattr(store._packs, "append", fail)
    with pytest.raises(StorageFull):
        await store.submit(large, {large.inputs[0].name: bytes(ROW_BYTES + 1)})
    await store.submit(small, {small.inputs[0].name: b"png"})
    assert await store.get("me", large.id) is None
    assert await store.input(small.inputs[0].name) == b"png"
    await store.close()


async def test_a_picture_is_on_the_disk_before_its_row_is_begun(path, monkeypatch):
    store = SqliteTaskStore.open(path)
    new, steps = new_task(), []
    real_append = store._packs.append
    monkeypatch.setattr(store._packs, "append", lambda pictures: (real_append(pictures), steps.append("packed"))[0])
    await store._writer.run(lambda db: db.set_trace_callback(lambda sql: steps.append(sql.split()[0])))
    steps.clear()
    await store.submit(new, {new.inputs[0].name: bytes(ROW_BYTES + 1)})
    assert steps[:2] == ["packed", "BEGIN"]
    await store.close()


async def test_a_pack_that_is_gone_is_a_lost_picture(path):
    store = SqliteTaskStore.open(path)
    new = new_task()
    await store.submit(new, {new.inputs[0].name: bytes(ROW_BYTES + 1)})
    for pack in path.with_name("packs").iterdir():
        pack.unlink()
    with pytest.raises(FileNotFoundError):
        await store.input(new.inputs[0].name)
    await store.close()


async def test_pictures_refused_by_a_full_queue_take_no_room(path):
    store = SqliteTaskStore.open(path, queue_max=1)
    tasks, large = [new_task() for _ in range(3)], bytes(100_000)
    await store.submit(tasks[0], {tasks[0].inputs[0].name: large})
    for task in tasks[1:]:
        with pytest.raises(QueueFull):
            await store.submit(task, {task.inputs[0].name: large})
    (pack,) = path.with_name("packs").iterdir()
    assert pack.stat().st_size < 2.1 * len(large)
    assert await store.input(tasks[0].inputs[0].name) == large
    await store.close()


async def test_a_locked_file_refuses_writes_and_keeps_reads(path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    store = SqliteTaskStore.open(path)
    task = (await store.submit(new_task())).task
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await store.submit(new_task())
        assert await store.get("me", task.id) == task
    await store.close()


async def test_a_check_writes_only_when_nothing_was_written_lately(path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    now = 100.0
    monkeypatch.setattr("overpaint.store.writer.monotonic", lambda: now)
    monkeypatch.setattr("overpaint.store.connections.monotonic", lambda: now)
    store, commits = SqliteTaskStore.open(path), []
    store.report_commits(lambda operations, seconds: commits.append(operations))
    await asyncio.gather(*(store.check() for _ in range(10)))
    assert len(commits) == 1, "what was never tried is tried, once for all who ask"
    await store.submit(new_task())
    now += GOOD_SECONDS
    await store.check()
    assert len(commits) == 2, "the submit answers for it"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await store.check()
        now += 0.01
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.check()
        assert len(commits) == 3, "the trouble is told, not tried again"
    now += BAD_SECONDS + 0.01
    await store.check()
    assert len(commits) == 4
    await store.close()


async def test_the_log_is_folded_into_the_file_by_the_process_that_sweeps(path):
    store, other = SqliteTaskStore.open(path), SqliteTaskStore.open(path)
    log = path.with_name(path.name + "-wal")
    await store.sweep()
    largest = 0
    for _ in range(12):
        new = new_task()
        await store.submit(new, {new.inputs[0].name: bytes(1_000_000)})
        largest = max(largest, log.stat().st_size)
    assert largest < writer.CHECKPOINT_BYTES + 2_000_000
    while log.stat().st_size:  # and wholly, once nothing is written any more
        await asyncio.sleep(0.05)
    await other.close()
    await store.close()


# Several processes, and their sudden end


async def test_processes_on_one_file_never_claim_a_task_twice(path):
    store = SqliteTaskStore.open(path)
    ids = [(await store.submit(new_task())).task.id for _ in range(60)]
    children = [
        subprocess.Popen([sys.executable, CHILD, "claim", path, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    claimed = [line for child in children for line in child.communicate(timeout=60)[0].split()]
    assert sorted(claimed) == sorted(ids)
    assert [len(await store.attempts(task_id)) for task_id in ids] == [1] * 60
    await store.close()


@pytest.mark.parametrize(("acknowledged", "size"), [(1, 36), (40, 36), (300, 36), (40, 100_000)])
def test_a_writer_killed_in_the_middle_loses_nothing_it_acknowledged(path, acknowledged, size):
    child = subprocess.Popen([sys.executable, CHILD, "submit", path, str(size)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(acknowledged)]
    os.kill(child.pid, signal.SIGKILL)
    lines += child.stdout.readlines()
    child.wait()
    acked = [line.strip() for line in lines if line.endswith("\n")]
    assert len(acked) >= acknowledged
    asyncio.run(everything_is_there(path, acked, size))
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


async def everything_is_there(path: Path, ids: list[str], size: int) -> None:
    store = SqliteTaskStore.open(path)
    for task_id in ids:
        task = await store.outputs_of(task_id)
        assert task is not None
        assert await store.input(task.inputs[0].name) == task_id.encode().ljust(size)
    claim = await store.claim("w")
    assert claim is not None
    assert await store.finish(claim, succeeded())
    await store.close()


async def test_a_worker_killed_between_claim_and_finish_leaves_its_task_to_the_next(path):
    store = SqliteTaskStore.open(path)
    task = (await store.submit(new_task())).task
    child = subprocess.Popen([sys.executable, CHILD, "hold", path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == task.id
    child.kill()
    child.wait()
    assert await store.void_leases() == 1
    heir = await store.claim("w")
    assert (heir.task.id, heir.attempt) == (task.id, 2)
    assert await store.finish(heir, Released())
    await store.close()
