"""Ten times what the workers can make: who is let in is served well, the rest is told when to come back (R13)."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import pytest

from tests.faults.callers import body
from tests.faults.conftest import Server, until
from tests.faults.test_drain import assert_each_made_once
from tests.figures import IS_LONG, figures

TIMES, SECONDS = 10, 60 if IS_LONG else 6
STEPS = 20
QUEUE = 100 if IS_LONG else 30
CONNECTIONS, POLLERS, OBEDIENT = 48, 4, 4
POLL_PAUSE_SECONDS = 0.05
IDLE_SECONDS = 1.0  #: after which a connection is not used again: the server closes what is idle
ACCEPTED_P99, POLLS_P99 = 0.25, 0.1  #: seconds
MORE_BYTES = 64 * 2**20  #: that the API process may take under all this, beside what it has when idle


@dataclass
class Heard:
    """Answers to submits, by several threads."""

    accepted: list[str] = field(default_factory=list)
    accepted_seconds: list[float] = field(default_factory=list)
    refused: list[tuple[int, int]] = field(default_factory=list)  #: status, Retry-After
    poll_seconds: list[float] = field(default_factory=list)
    returns: list[int] = field(default_factory=list)  #: how often who obeys had to come again until he was let in
    sent_away_again: int = 0  #: of those who obeyed when the crowd had gone


class Connection:
    """One caller."""

    def __init__(self, server: Server) -> None:
        self._headers = {"Authorization": server.http.headers["Authorization"], "Content-Type": "application/json"}
        self._http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._used_at = 0.0

    def submit(self, seed: int) -> tuple[int, str, int]:
        """Status, task, Retry-After."""
        answer, said = self._ask("POST", "/v3/async/qwen-image-edit", body(48, seed, STEPS))
        return answer.status, json.loads(said).get("task_id", ""), int(answer.headers.get("Retry-After", 0))

    def poll(self, task_id: str) -> int:
        answer, _ = self._ask("GET", f"/v3/async/task-result?task_id={task_id}")
        return answer.status

    def _ask(self, method: str, path: str, content: str | None = None) -> tuple[http.client.HTTPResponse, bytes]:
        if time.monotonic() > self._used_at + IDLE_SECONDS:
            self._http.close()  # it opens itself again
        self._http.request(method, path, content, self._headers)
        answer = self._http.getresponse()
        said = answer.read()
        self._used_at = time.monotonic()
        return answer, said


@pytest.fixture
def small_queue(tmp_path: Path, quick: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", quick, queue_max=str(QUEUE), log_level="warning")
    yield server.start().ready()
    server.close()


def test_too_many_callers_are_told_when_to_come_back_and_harm_nobody(small_queue: Server) -> None:
    rate = TIMES * capacity(small_queue)
    crowds = max(rate * SECONDS, 4 * QUEUE)
    before = api_memory(small_queue)
    heard, depths, is_over = Heard(), list[int](), threading.Event()
    began = time.monotonic() + 0.5
    numbers = itertools.count()

    def crowd() -> None:
        """Comes when it is time, whatever became of those before; never comes back."""
        caller = Connection(small_queue)
        while (number := next(numbers)) < crowds:
            due = began + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            status, task_id, pause = caller.submit(number)
            if status == 200:
                heard.accepted_seconds.append(time.monotonic() - due)
                heard.accepted.append(task_id)
            else:
                heard.refused.append((status, pause))

    def poll() -> None:
        caller = Connection(small_queue)
        for turn in itertools.count():
            if is_over.wait(POLL_PAUSE_SECONDS):
                return
            if heard.accepted:
                asked = time.monotonic()
                assert caller.poll(heard.accepted[-1 - turn % min(50, len(heard.accepted))]) == 200
                heard.poll_seconds.append(time.monotonic() - asked)

    def obey() -> None:
        """Comes with the crowd, and back when it was told to."""
        caller, returns, is_alone = Connection(small_queue), 0, False
        while True:
            status, task_id, pause = caller.submit(2**30)
            if status == 200:
                heard.accepted.append(task_id)
                heard.returns.append(returns)
                returns = 0
            else:
                heard.sent_away_again += is_alone
                returns += 1
            if is_over.is_set() and (status == 200 or is_alone):
                return
            is_alone = is_over.is_set()
            time.sleep(pause)

    def watch() -> None:
        while not is_over.wait(0.2):
            depths.append(sum(value for name, value in gauges(small_queue).items() if 'status="queued"' in name))

    beside = [poll] * POLLERS + [obey] * OBEDIENT + [watch]
    with ThreadPoolExecutor(CONNECTIONS + len(beside)) as threads:
        running = [threads.submit(each) for each in [crowd] * CONNECTIONS]
        others = [threads.submit(each) for each in beside]
        try:
            for each in running:
                each.result()
            after = api_memory(small_queue)
        finally:
            is_over.set()
        for each in others:
            each.result()
    assert heard.sent_away_again == 0
    assert {status for status, _ in heard.refused} <= {429, 503}
    assert all(1 <= pause <= 120 for _, pause in heard.refused)
    assert len(heard.refused) > len(heard.accepted)
    assert max(depths) <= QUEUE
    assert after - before <= MORE_BYTES
    until(lambda: all(small_queue.status(each) == "SUCCEED" for each in heard.accepted))
    assert_each_made_once(small_queue, heard.accepted)
    accepted, polls = p99(heard.accepted_seconds), p99(heard.poll_seconds)
    figures(
        row="R13 overload",
        submits_a_second=round(rate),
        seconds=round(crowds / rate),
        accepted=len(heard.accepted),
        refused=len(heard.refused),
        accepted_p99_ms=round(1000 * accepted),
        polls=len(heard.poll_seconds),
        polls_p99_ms=round(1000 * polls),
        retry_after_seconds=f"{min(pause for _, pause in heard.refused)} to {max(pause for _, pause in heard.refused)}",
        returns_of_who_obeys_at_most=max(heard.returns),
        api_memory_mib_more=round((after - before) / 2**20),
    )
    if IS_LONG:
        assert accepted <= ACCEPTED_P99 and polls <= POLLS_P99


def capacity(server: Server) -> float:
    """Edits a second, of the kind that will be sent."""
    caller = Connection(server)
    began = time.monotonic()
    task_ids = [caller.submit(seed)[1] for seed in range(20)]
    until(lambda: server.status(task_ids[-1]) == "SUCCEED")
    return len(task_ids) / (time.monotonic() - began)


def api_memory(server: Server) -> int:
    """Bytes that the API process holds at the most since it began."""
    assert server.process is not None
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    (api,) = [pid for pid in children if b"overpaint.http" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    words = dict(line.split(":", 1) for line in Path(f"/proc/{api}/status").read_text().splitlines())
    return int(words["VmHWM"].split()[0]) * 1024


def gauges(server: Server) -> dict[str, int]:
    lines = server.http.get("/metrics").text.splitlines()
    return {name: int(float(value)) for name, value in (line.rsplit(" ", 1) for line in lines if "_edits{" in line)}


def p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98]
