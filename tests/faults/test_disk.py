"""A disk that is full, read-only or broken: refusals in the dialect's words, no damage, and on by itself after (R5)."""

from __future__ import annotations

import asyncio
import errno
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from overpaint.domain import Attempt
from overpaint.errors import StorageFull, StoreUnavailable
from overpaint.store.sqlite import FILE_NAME, SqliteTaskStore
from tests.faults import histories
from tests.faults.conftest import Server, until
from tests.figures import IS_LONG, figures

SIZE = "16m"
TROUBLE_SECONDS = 8.0 if IS_LONG else 4.0  #: long enough for renewals to fail, and in the long form for leases to end
ROUNDS = 5 if IS_LONG else 1


class SmallDisk:
    """A tmpfs of its own in a namespace of its own, kept by a process that sleeps. No rights are needed for it."""

    def __init__(self, at: Path) -> None:
        at.mkdir()
        self.at = at  #: for processes inside
        command = f'mount -t tmpfs -o size={SIZE} none "$0" && echo mounted && exec sleep infinity'
        self._holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command, str(at)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None and self._holder.stderr is not None
        if self._holder.stdout.readline() != "mounted\n":
            raise PermissionError(self._holder.stderr.read().strip() or "no reason was given")
        pid = str(self._holder.pid)
        self.enter = ["nsenter", "--target", pid, "--user", "--mount", "--preserve-credentials"]
        self.seen = Path(f"/proc/{pid}/root{at}")  #: the same, from outside

    def fill(self) -> None:
        """To the last byte."""
        with (self.seen / "filler").open("wb", buffering=0) as file:
            size = 2**20
            while size:
                try:
                    file.write(b"\xa5" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC
                    size //= 2

    def make_room(self) -> None:
        (self.seen / "filler").unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Begins when the last writer is gone: the children of a killed server die a moment after it."""
        until(lambda: self._is_remounted("ro"))
        try:
            yield
        finally:
            assert self._is_remounted("rw")

    def _is_remounted(self, option: str) -> bool:
        command = [*self.enter, "mount", "-o", f"remount,{option}", str(self.at)]
        return subprocess.run(command, capture_output=True).returncode == 0

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        pytest.skip("needs unshare and nsenter to mount a small disk")
    try:
        small = SmallDisk(tmp_path_factory.mktemp("disk") / "small")
    except PermissionError as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    yield small
    small.close()


@pytest.fixture(scope="module")
def _on_disk(disk: SmallDisk, checkpoint: Path) -> Iterator[Server]:
    server = Server(disk.at / "data", checkpoint, lease_seconds="5", drain_seconds="1", max_attempts="3")
    server.live_in(disk.enter, data=disk.seen / "data")
    yield server
    server.close()


@pytest.fixture
def on_disk(_on_disk: Server, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that is ready, with its data and its log on the small disk; watched by a poller."""
    if _on_disk.is_dead():
        _on_disk.start()
    with histories.recorded(_on_disk.ready(), request.node.name):
        yield _on_disk


@contextmanager
def full(disk: SmallDisk, server: Server) -> Iterator[None]:
    disk.fill()
    try:
        yield
    finally:
        disk.make_room()


@contextmanager
def broken(disk: SmallDisk, server: Server) -> Iterator[None]:
    """Every write to any file fails: the kernel refuses to let one grow, and none has a byte to overwrite."""
    assert server.process is not None
    pids = _family(server.process.pid)
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            if Path(f"/proc/{pid}").exists():
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


Trouble = Callable[[SmallDisk, Server], AbstractContextManager[None]]
TROUBLES = [
    pytest.param(full, StorageFull.message, id="full"),
    pytest.param(broken, StoreUnavailable.message, id="broken"),
]


@pytest.mark.parametrize(("trouble", "sentence"), TROUBLES)
def test_trouble_refuses_submits_and_costs_no_edit(
    disk: SmallDisk, on_disk: Server, trouble: Trouble, sentence: str, tmp_path: Path
) -> None:
    said: list[str] = []
    first = len(on_disk.acknowledged)
    for turn in range(ROUNDS):
        task_ids = [on_disk.submitted(seed, steps=60) for seed in range(4)]
        until(lambda: any(on_disk.step(each) > 0 for each in task_ids))  # noqa: B023
        with trouble(disk, on_disk):
            end = time.monotonic() + TROUBLE_SECONDS
            while time.monotonic() < end:
                said.append(refusal(on_disk))
                on_disk.result(task_ids[0])  # polls go on
                time.sleep(0.1)
        until(lambda: on_disk.submit(seed=turn, steps=2).status_code == 200)  # noqa: B023
        until(lambda: all(on_disk.status(each) == "SUCCEED" for each in task_ids))  # noqa: B023
    assert sentence in said
    assert set(said) <= {sentence, StoreUnavailable.message}
    task_ids = on_disk.acknowledged[first:]
    assert not on_disk.is_dead()
    assert "Traceback" not in on_disk.log()
    assert integrity_after_a_kill(disk, on_disk, tmp_path) == "ok"
    rows = read(tmp_path, task_ids)
    assert len(rows) == len(task_ids)
    for attempts in rows:
        assert [each.outcome for each in attempts].count("succeeded") == 1
        assert {each.outcome for each in attempts} <= {"lost", "succeeded"}
    figures(
        row="R5 disk",
        trouble=trouble.__name__,
        rounds=ROUNDS,
        refused=len(said),
        acknowledged=len(task_ids),
        lost=0,
        doubled=0,
        failed=0,
        integrity="ok",
    )


def refusal(server: Server) -> str:
    """The sentence of a submit that was not accepted."""
    answer = server.submit(seed=0)
    assert answer.status_code == 503, answer.text
    assert (answer.json()["code"], answer.json()["reason"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    return str(answer.json()["message"])


def test_a_read_only_folder_stops_the_start_with_a_sentence(disk: SmallDisk, on_disk: Server, tmp_path: Path) -> None:
    task_id = on_disk.submitted(seed=5, steps=2)
    on_disk.kill_group()
    log_on_disk, on_disk._log = on_disk._log, tmp_path / "start.log"
    with disk.read_only():
        on_disk.start()
        assert on_disk.wait() == 2
        problem, _, hint = on_disk.log().splitlines()
        assert problem == f"error: {disk.at}/data cannot be written: it is read-only, or somebody else's."
        assert hint.startswith("hint: Mount it writable")
    on_disk._log = log_on_disk
    on_disk.start().ready()
    until(lambda: on_disk.status(task_id) == "SUCCEED")
    assert integrity_after_a_kill(disk, on_disk, tmp_path) == "ok"


def integrity_after_a_kill(disk: SmallDisk, server: Server, to: Path) -> str:
    """Of a copy that is left in the folder `to`: SQLite itself finds no way into another namespace."""
    server.kill_group()
    with disk.read_only():
        for file in server.data.glob(f"{FILE_NAME}*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, to)
    with closing(sqlite3.connect(to / FILE_NAME)) as db:
        return str(db.execute("PRAGMA integrity_check").fetchone()[0])


def read(folder: Path, task_ids: Sequence[str]) -> list[tuple[Attempt, ...]]:
    """The attempts at each of the tasks that are there."""

    async def ask() -> list[tuple[Attempt, ...]]:
        store = SqliteTaskStore.open(folder / FILE_NAME)
        try:
            return [await store.attempts(each) for each in task_ids if await store.outputs_of(each)]
        finally:
            await store.close()

    return asyncio.run(ask())
