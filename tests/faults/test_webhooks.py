"""Receivers of every temper, and a server that dies beside them: each end is told at least once, under one id (R8)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import quantiles

import httpx2
import pytest

from overpaint.service.links import root_secret
from overpaint.service.webhooks import Secrets
from overpaint.store.outbox import HOLD_MS
from overpaint.store.sqlite import FILE_NAME, SqliteTaskStore
from tests.faults.conftest import PICTURE, Server, until
from tests.figures import IS_LONG, figures
from tests.http.world import SUBMIT, ServerProcess, StandInWorker
from tests.receivers import Post, Receiver

TEMPERS = ["ok", "500", "hang", "reset", "redirect", "flood", "410", "busy", "flaky", "cut", "404"]
ON_LOOPBACK = {"outbound_allow": "127.0.0.1/32", "webhook_allow_http": "true"}


@contextmanager
def receiving(count: int = 1, trap: str = "") -> Iterator[list[Receiver]]:
    """Receivers in a thread of their own."""
    receivers = [Receiver(trap) for _ in range(count)]
    loop, is_open, is_done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        for each in receivers:
            await each.__aenter__()
        is_open.set()
        await is_done.wait()
        for each in receivers:
            await each.__aexit__()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert is_open.wait(30)
    try:
        yield receivers
    finally:
        loop.call_soon_threadsafe(is_done.set)
        thread.join()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[], ServerProcess]]:
    """serve() -> the API as a process on one data folder; call it again when it is dead."""
    servers: list[ServerProcess] = []

    def start() -> ServerProcess:
        servers.append(ServerProcess(tmp_path, **ON_LOOPBACK))
        return servers[-1]

    yield start
    for each in servers:
        each.close()


def submit(server: ServerProcess, url: str) -> str:
    """The id of the message that will be sent to `url`."""
    order = {"prompt": "make it snow", "image": PICTURE, "extra": {"webhook": {"url": url}}}
    with server.client() as client:
        answer = client.post(SUBMIT, json=order)
    assert answer.status_code == 200, answer.text
    return f"msg_{answer.json()['task_id']}"


def kill(server: ServerProcess) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()


def secret(data: Path) -> str:
    async def ask() -> str:
        store = SqliteTaskStore.open(data / FILE_NAME)
        try:
            return (await Secrets(store, root_secret(data)).active("first"))[0]
        finally:
            await store.close()

    return asyncio.run(ask())


def states(data: Path) -> Counter[str]:
    with closing(sqlite3.connect(data / FILE_NAME)) as db:
        return Counter(state for (state,) in db.execute("SELECT state FROM outbox"))


def let_the_hold_pass(data: Path, *, waits: bool = False) -> None:
    """What was in a dead process's hands is due: after a wait, or because its dates are changed."""
    if waits:
        time.sleep(HOLD_MS / 1000)
        return
    with closing(sqlite3.connect(data / FILE_NAME)) as db, db:
        db.execute("UPDATE outbox SET due_at = due_at - ? WHERE due_at IS NOT NULL", (HOLD_MS,))


def memory_bytes(pid: int) -> int:
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return resident * os.sysconf("SC_PAGE_SIZE")


def ends(data: Path) -> dict[str, float]:
    """Message id -> when its task ended, in unix seconds."""
    with closing(sqlite3.connect(data / FILE_NAME)) as db:
        return {f"msg_{task_id}": at / 1000 for task_id, at in db.execute("SELECT id, finished_at FROM task")}


def test_every_end_is_told_whatever_the_others_do(serve: Callable[[], ServerProcess], tmp_path: Path) -> None:
    rounds = 40 if IS_LONG else 4
    server = serve()
    with receiving() as (trap,), receiving(len(TEMPERS), trap.url("ok")) as receivers, StandInWorker(server.data):
        alone = [submit(server, receivers[0].url("ok")) for _ in range(rounds * 4)]
        until(lambda: len(receivers[0].posts) >= len(alone))
        before, quiet = memory_bytes(server.process.pid), len(receivers[0].posts)
        sent: dict[str, list[str]] = {temper: [] for temper in TEMPERS}
        for _ in range(rounds):
            for temper, receiver in zip(TEMPERS, receivers, strict=True):
                sent[temper] += [submit(server, receiver.url(temper)) for _ in range(4 if temper == "ok" else 1)]
        # The receiver that hangs is not waited for: at four times ten seconds a time, its last message takes minutes
        patient = [temper for temper in TEMPERS if temper not in ("hang", "410")]
        until(lambda: all(_heard(sent[temper], receivers, temper) for temper in patient))
        until(lambda: len(set(receivers[TEMPERS.index("hang")].ids("hang"))) >= min(8, rounds))
        until(lambda: states(server.data)["delivered"] >= len(alone) + sum(len(sent[each]) for each in ("ok", "flood")))
        grown = memory_bytes(server.process.pid) - before
        posts = [post for receiver in receivers for post in receiver.posts]
        good = receivers[0].posts
    key = secret(server.data)
    assert all(post.is_signed_with(key) for post in posts)
    assert {post.id for post in posts} <= {*alone, *(each for ids in sent.values() for each in ids)}
    assert {post.id for post in good} == {*alone, *sent["ok"]}
    assert trap.posts == []
    gone = receivers[TEMPERS.index("410")]
    assert set(gone.ids("410")) <= set(sent["410"]) and 1 <= len(gone.posts) <= 4  # it said so, and is left alone
    assert receivers[TEMPERS.index("hang")].most_hanging <= 4
    assert grown < 64 * 2**20
    figures(
        row="R8 receivers",
        told=len(alone) + sum(map(len, sent.values())),
        posts=len(posts),
        healthy_told_twice=len(good)
        - len({post.id for post in good}),  # a starved machine may take too long to note it
        healthy_ms_alone=_p50_p99(good[:quiet], ends(server.data)),
        healthy_ms_among_the_others=_p50_p99(good[quiet:], ends(server.data)),
        memory_grown_mib=round(grown / 2**20),
        flooded_mib=round(receivers[TEMPERS.index("flood")].flooded / 2**20),
    )


def _heard(ids: list[str], receivers: list[Receiver], temper: str) -> bool:
    return set(ids) <= set(receivers[TEMPERS.index(temper)].ids(temper))


def _p50_p99(posts: list[Post], ended: dict[str, float]) -> str:
    """Milliseconds from a task's end to the arrival of its message, both by the machine's clock."""
    cuts = quantiles([1000 * (post.arrived_at - ended[post.id]) for post in posts], n=100)
    return f"{cuts[49]:.0f}/{cuts[98]:.0f}"


def test_a_server_killed_between_post_and_bookkeeping_tells_it_again_under_the_same_id(
    serve: Callable[[], ServerProcess],
) -> None:
    with receiving() as (receiver,):
        server = serve()
        with StandInWorker(server.data):
            message_id = submit(server, receiver.url("hang"))
            until(lambda: receiver.posts)
            kill(server)
            assert states(server.data) == {"pending": 1}
            let_the_hold_pass(server.data, waits=IS_LONG)
            receiver.is_cured = True  # hanging no more
            server = serve()
            until(lambda: states(server.data)["delivered"])
    assert receiver.ids("hang") == [message_id] * 2
    assert all(post.is_signed_with(secret(server.data)) for post in receiver.posts)


def test_kills_at_random_moments_lose_no_message(serve: Callable[[], ServerProcess]) -> None:
    rounds = 25 if IS_LONG else 4
    chance, sent = random.Random(8), list[str]()
    with receiving() as (receiver,):
        for _ in range(rounds):
            server = serve()
            with StandInWorker(server.data):
                sent += [submit(server, receiver.url(chance.choice(("ok", "ok", "flaky")))) for _ in range(10)]
                moment = chance.randrange(len(sent))
                until(partial(_has_heard, receiver, moment))
                kill(server)
            let_the_hold_pass(server.data)
        server = serve()
        with StandInWorker(server.data):
            until(lambda: states(server.data) == {"delivered": len(sent)})
    heard = Counter(receiver.ids("ok"))
    flaky = Counter(receiver.ids("flaky"))
    figures(
        row="R8b kills",
        kills=rounds,
        ends=len(sent),
        lost=len(set(sent) - set(heard) - set(flaky)),
        told_twice=sum(times > 1 for times in heard.values()),
        strangers=len({*heard, *flaky} - set(sent)),
    )
    assert {*heard, *flaky} == set(sent)


def _has_heard(receiver: Receiver, messages: int) -> bool:
    return len({post.id for post in receiver.posts}) >= messages


def test_a_worker_killed_in_an_edit_leads_to_one_message(server: Server) -> None:
    with receiving() as (receiver,):
        (worker,) = server.workers()
        order = {
            "prompt": "make it snow",
            "image": PICTURE,
            "extra": {"overpaint": {"steps": 100}, "webhook": {"url": receiver.url("ok")}},
        }
        answer = server.http.post(SUBMIT, json=order)
        assert answer.status_code == 200, answer.text
        task_id = str(answer.json()["task_id"])
        server.acknowledged.append(task_id)
        until(lambda: server.step(task_id) > 0)
        os.kill(worker.pid, signal.SIGKILL)
        until(lambda: server.status(task_id) == "SUCCEED")
        last = server.submitted(seed=2, steps=2)
        until(lambda: server.status(last) == "SUCCEED" and receiver.posts)
        until(lambda: states(server.data)["pending"] == 0)
        link = httpx2.get(receiver.posts[0].json()["payload"]["images"][0]["image_url"])
    ((_, attempts),) = server.rows(task_id)
    assert len(attempts) == 2
    assert receiver.ids("ok") == [f"msg_{task_id}"]
    assert receiver.posts[0].json()["payload"]["extra"]["overpaint"]["attempt"] == 2
    assert link.status_code == 200
