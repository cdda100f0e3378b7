"""Processes kept alive and ended in order. The children are a few lines each and keep a journal."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from overpaint import settings as settings_room
from overpaint.domain import Status, WorkerInfo
from overpaint.settings import Settings
from overpaint.store.blobs import FolderBlobs
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.store.tasks import TaskStore
from overpaint.telemetry import Tally
from overpaint.worker import premises, supervisor
from overpaint.worker.supervisor import Child, Supervisor
from tests.worker.doubles import submitted

pytestmark = pytest.mark.anyio


class Stage:
    """A folder with a journal, and children that write to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.journal.touch()

    def child(self, name: str, life: str) -> Child:
        """`life` is Python: `say(word)` writes to the journal, `on_term(act)` handles SIGTERM."""
        body = f"""
            import os, signal, sys, threading, time
            journal = os.open({str(self.journal)!r}, os.O_WRONLY | os.O_APPEND)
            say = lambda word: os.write(journal, f"{name} {{word}}\\n".encode())
            on_term = lambda act: signal.signal(signal.SIGTERM, lambda *_: act())
        """
        return Child(name, (sys.executable, "-I", "-c", textwrap.dedent(body) + textwrap.dedent(life)))

    def lines(self) -> list[str]:
        return self.journal.read_text().splitlines()

    async def until(self, condition: Callable[[list[str]], bool]) -> list[str]:
        while not condition(self.lines()):
            await asyncio.sleep(0.01)
        return self.lines()


PATIENT = """
    on_term(lambda: (say("term"), sys.exit(0)))
    say("up")
    while True: time.sleep(60)
"""

DRAINING_API = """
    terms = []
    on_term(lambda: (terms.append(1), say(f"term {len(terms)}"), len(terms) == 2 and sys.exit(0)))
    say("up")
    while True: time.sleep(60)
"""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[TaskStore]:
    store = SqliteTaskStore.open(tmp_path / "overpaint.sqlite3", lease_seconds=3600)
    yield store
    await store.close()


@pytest.fixture
def supervise(tmp_path: Path, store: TaskStore) -> Callable[..., tuple[Supervisor, asyncio.Task[int]]]:
    """supervise(api, worker, …) -> the supervisor and its run."""

    def start(api: Child, *workers: Child, **changes: Any) -> tuple[Supervisor, asyncio.Task[int]]:
        ready = changes.pop("on_ready", lambda store: asyncio.sleep(0))
        made = Supervisor(Settings(data=tmp_path, **changes), store, api, workers, ready)
        return made, asyncio.create_task(made.run())

    return start


async def test_a_child_that_dies_is_replaced_and_counted(
    stage: Stage, supervise: Any, store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACKOFF_SECONDS", 0.01)
    worker = stage.child("worker", PATIENT)
    made, run = supervise(stage.child("api", DRAINING_API), worker)
    await stage.until(lambda lines: "worker up" in lines and "api up" in lines)
    worker.process.kill()
    await stage.until(lambda lines: lines.count("worker up") == 2)
    made._asked_to_stop()
    assert await run == 0
    assert stage.lines().count("api up") == 1
    assert await store.tallies() == (Tally("worker_restarts_total", ("killed",)),)


async def test_a_child_that_cannot_live_is_parked_and_the_others_go_on(
    stage: Stage, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_BACKOFF_SECONDS", 0.02)
    with structlog.testing.capture_logs() as logged:
        made, run = supervise(
            stage.child("api", DRAINING_API),
            stage.child("doomed", "say('up'); sys.exit(1)"),
            stage.child("misconfigured", f"say('up'); sys.exit({supervisor.EXIT_CONFIGURATION})"),
            stage.child("worker", PATIENT),
        )
        while sum(line["event"] == "process parked" for line in logged) < 2:
            await asyncio.sleep(0.01)
        await stage.until(lambda lines: "worker up" in lines)
        made._asked_to_stop()
        assert await run == 0
    lines = stage.lines()
    assert (lines.count("doomed up"), lines.count("misconfigured up")) == (5, 1)
    assert lines.count("worker term") == 1


async def test_edits_that_kill_their_worker_do_not_park_it(
    stage: Stage, supervise: Any, store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_BACKOFF_SECONDS", 0.02)
    worker = stage.child("worker", PATIENT)
    with structlog.testing.capture_logs() as logged:
        made, run = supervise(stage.child("api", DRAINING_API), worker)
        for life in range(1, 8):  # more than are enough to be parked
            await stage.until(lambda lines: lines.count("worker up") == life)  # noqa: B023
            await store.put_worker(
                WorkerInfo(id=f"w{life}", pid=worker.process.pid, device="cpu", checkpoint="mini", state="busy")
            )
            worker.process.kill()
        await stage.until(lambda lines: lines.count("worker up") == 8)
        made._asked_to_stop()
        assert await run == 0
    assert [line["event"] for line in logged].count("process parked") == 0


async def test_without_its_api_process_a_server_ends_and_says_so(stage: Stage, supervise: Any) -> None:
    _, run = supervise(stage.child("api", f"sys.exit({supervisor.EXIT_CONFIGURATION})"), stage.child("worker", PATIENT))
    assert await run == 1


async def test_the_api_drains_first_and_ends_last(stage: Stage, supervise: Any) -> None:
    finishing = stage.folder / "finish"
    worker = stage.child(
        "worker",
        f"""
        on_term(lambda: say("term"))
        say("up")
        while not os.path.exists({str(finishing)!r}): time.sleep(0.01)
        say("finished")
        """,
    )
    made, run = supervise(stage.child("api", DRAINING_API), worker)
    await stage.until(lambda lines: {"worker up", "api up"} <= set(lines))
    made._asked_to_stop()
    lines = await stage.until(lambda lines: {"worker term", "api term 1"} <= set(lines))
    assert "api term 2" not in lines and not run.done()  # polls are answered as long as edits finish
    finishing.touch()
    assert await run == 0
    assert stage.lines()[-2:] == ["worker finished", "api term 2"]


async def test_a_second_signal_hurries_the_workers_and_then_kills(
    stage: Stage, supervise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.2)
    stubborn = """
    terms = []
    on_term(lambda: (terms.append(1), say(f"term {len(terms)}")))
    say("up")
    while True: time.sleep(60)
    """
    made, run = supervise(stage.child("api", DRAINING_API), stage.child("worker", stubborn), drain_seconds=3600)
    await stage.until(lambda lines: {"worker up", "api up"} <= set(lines))
    made._asked_to_stop()
    await stage.until(lambda lines: "worker term 1" in lines)
    made._asked_to_stop()
    assert await run == 1
    assert "worker term 2" in stage.lines()


async def test_ready_is_said_once_when_a_worker_has_loaded(stage: Stage, supervise: Any, store: TaskStore) -> None:
    said: list[TaskStore] = []

    async def on_ready(open_store: TaskStore) -> None:
        said.append(open_store)

    made, run = supervise(stage.child("api", DRAINING_API), stage.child("worker", PATIENT), on_ready=on_ready)
    line = {"id": "w", "pid": 1, "device": "cpu", "checkpoint": "mini"}
    await store.put_worker(WorkerInfo(**line, state="starting"))
    await stage.until(lambda lines: {"worker up", "api up"} <= set(lines))
    assert said == []
    await store.put_worker(WorkerInfo(**line, state="idle"))
    while not said:
        await asyncio.sleep(0.01)
    made._asked_to_stop()
    await run
    assert said == [store]


async def test_a_dead_workers_line_goes_at_once(stage: Stage, supervise: Any, store: TaskStore) -> None:
    worker = stage.child("worker", PATIENT)
    made, run = supervise(stage.child("api", DRAINING_API), worker)
    await stage.until(lambda lines: {"worker up", "api up"} <= set(lines))
    line = {"device": "cpu", "checkpoint": "mini", "state": "idle"}
    await store.put_worker(WorkerInfo(id="dies", pid=worker.process.pid, **line))
    await store.put_worker(WorkerInfo(id="lives", pid=1, **line))
    worker.process.kill()
    while len(await store.workers()) == 2:
        await asyncio.sleep(0.01)
    assert [each.id for each in await store.workers()] == ["lives"]
    made._asked_to_stop()
    await run


@pytest.fixture
def server(stage: Stage) -> Callable[..., subprocess.Popen[bytes]]:
    """A whole server process with journal-keeping children."""

    def start() -> subprocess.Popen[bytes]:
        api, worker = (
            stage.child("api", DRAINING_API),
            stage.child("worker", "say(os.getpid())\n" + textwrap.dedent(PATIENT)),
        )
        code = f"""
        import sys
        from pathlib import Path
        from overpaint.errors import ConfigurationError
        from overpaint.settings import Settings
        from overpaint.worker import premises, supervisor

        async def on_ready(store): pass

        try:
            sys.exit(supervisor.run(
                Settings(data=Path({str(stage.folder)!r})), listener=premises.listen("127.0.0.1", 0),
                api_argv={api.argv!r}, worker_argvs=[{worker.argv!r}], on_ready=on_ready))
        except ConfigurationError as error:
            sys.exit(str(error))
        """
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stderr=subprocess.PIPE,
            preexec_fn=supervisor.die_with_parent(os.getpid()),
        )

    return start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_server_cleanly(stage: Stage, server: Any, number: signal.Signals) -> None:
    process = server()
    await stage.until(lambda lines: {"worker up", "api up"} <= set(lines))
    process.send_signal(number)
    _, talk = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0, talk


async def test_a_new_server_takes_back_what_a_dead_one_had_in_work(
    stage: Stage, server: Any, store: SqliteTaskStore
) -> None:
    blobs = FolderBlobs(stage.folder / "blobs")
    task_id = await submitted(store, blobs)
    assert await store.claim("of the dead server") is not None
    process = server()
    while (task := await store.outputs_of(task_id)) is None or task.status is not Status.QUEUED:
        await asyncio.sleep(0.01)
    assert [each.outcome for each in await store.attempts(task_id)] == ["lost"]
    process.kill()
    process.communicate()


async def test_a_killed_server_leaves_no_orphan(stage: Stage, server: Any) -> None:
    process = server()
    lines = await stage.until(lambda lines: {"worker up", "api up"} <= set(lines))
    (pid,) = [int(line.split()[1]) for line in lines if line.startswith("worker ") and line.split()[1].isdigit()]
    assert is_alive(pid)
    process.kill()
    process.communicate()
    while is_alive(pid):  # for as long as the test may run; then it fails
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


async def test_two_servers_cannot_share_a_folder(stage: Stage, server: Any) -> None:
    first = server()
    await stage.until(lambda lines: "worker up" in lines)
    second = server()
    _, talk = await asyncio.to_thread(second.communicate)
    assert second.returncode == 1
    assert f"Another server (pid {first.pid})" in talk.decode()
    first.kill()
    first.communicate()
    with premises.locked(stage.folder):  # the kernel let go of it
        pass


def test_the_children_read_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = Settings(
        data=tmp_path,
        api_key="correct-horse-battery",  # type: ignore[arg-type]
        outbound_allow=("10.0.0.0/8", "host:81"),
        offline=True,
        lease_seconds=0.5,
        queue_max=0,
    )
    for name, value in supervisor.environment(asked).items():
        monkeypatch.setenv(name, value)
    assert settings_room.load() == asked
