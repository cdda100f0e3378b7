"""What somebody who polls all the time sees of each task, and that it only ever moves forward (R10).

Knows the answers of the result route. Does not know why a server does not answer; that is what the tests do to it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import httpx2

from tests.figures import figures

PAUSE_SECONDS = 0.02  #: between two polls: a recorder must leave time to what it watches
HEAD, OTHERS = 8, 4  #: tasks that are polled in turn
PHASES = {
    "PROCESSING": 0,
    "QUEUED": 1,
    "SUCCEED": 2,
    "FAILED": 2,
}  #: within one attempt; 1 = it ended, and another comes


class Watched(Protocol):
    """A server, and the ids it has given out so far."""

    http: httpx2.Client
    acknowledged: list[str]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one poll showed."""

    attempt: int
    status: str
    step: int
    percent: int
    reason: str
    pictures: int

    @property
    def is_consistent(self) -> bool:
        """A picture and 100 % come with success, and with nothing else."""
        is_done = self.status == "SUCCEED"
        return (self.percent == 100) == is_done and (self.pictures > 0) == is_done

    @property
    def place(self) -> tuple[int, int, int]:
        """Never falls: attempts follow each other; in each, steps, and then its end."""
        phase = PHASES[self.status]
        return self.attempt, phase, self.step if phase == 0 else 0


def sight_of(answer: dict[str, Any]) -> Sight:
    told, task = answer["extra"]["overpaint"], answer["task"]
    status = task["status"].removeprefix("TASK_STATUS_")
    return Sight(told["attempt"], status, told["step"], task["progress_percent"], task["reason"], len(answer["images"]))


def flaws(history: Sequence[Sight]) -> list[str]:
    """What is wrong with what was seen of one task, in the order it was seen."""
    found = []
    for before, after in pairwise(history):
        if PHASES[before.status] == 2 and after != before:
            found.append(f"changed after its end: {before} -> {after}")
        elif after.place < before.place:
            found.append(f"moved backwards: {before} -> {after}")
        elif after.place[:2] == before.place[:2] and after.percent < before.percent:
            found.append(f"progress fell: {before} -> {after}")
    return [*found, *(f"not consistent: {sight}" for sight in history if not sight.is_consistent)]


class Recorder(threading.Thread):
    """Polls what the server acknowledged since now, mostly the oldest that have not ended; keeps what changed."""

    def __init__(self, server: Watched) -> None:
        super().__init__(name="recorder", daemon=True)
        self.histories: dict[str, list[Sight]] = {}
        self.polls = self.unanswered = 0
        self.refused: list[str] = []
        self._server = server
        self._first = self._oldest = len(server.acknowledged)
        self._client = httpx2.Client(base_url=server.http.base_url, headers=server.http.headers, timeout=30)
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(PAUSE_SECONDS):
            for task_id in self._worth_a_look():
                self._poll(task_id)
                if self._done.wait(PAUSE_SECONDS):
                    break

    def look_at_all(self) -> None:
        """Polls everything once more, from the caller's thread; the recording has ended then."""
        self._halt()
        for task_id in self._server.acknowledged[self._first :]:
            self._poll(task_id)

    def _worth_a_look(self) -> list[str]:
        """Where the next change is, and some others: those behind must be found, and an end must stay."""
        known = self._server.acknowledged
        while self._oldest < len(known) and self._has_ended(known[self._oldest]):
            self._oldest += 1
        every = known[self._first :]
        return [*known[self._oldest : self._oldest + HEAD], *random.sample(every, min(OTHERS, len(every)))]

    def _has_ended(self, task_id: str) -> bool:
        history = self.histories.get(task_id)
        return history is not None and PHASES[history[-1].status] == 2

    def _poll(self, task_id: str) -> None:
        try:
            answer = self._client.get("/v3/async/task-result", params={"task_id": task_id})
        except httpx2.TransportError:  # it was killed, or is not there yet
            self.unanswered += 1
            return
        self.polls += 1
        if answer.status_code != 200:
            self.refused.append(f"{task_id}: {answer.status_code} {answer.text}")
            return
        history, sight = self.histories.setdefault(task_id, []), sight_of(answer.json())
        if not history or history[-1] != sight:
            history.append(sight)

    def end(self) -> None:
        self._halt()
        self._client.close()

    def _halt(self) -> None:
        self._done.set()
        self.join()


@contextmanager
def recorded(server: Watched, name: str) -> Iterator[Recorder]:
    """Records while the block runs; then fails if anything moved backwards, or an acknowledged task was not found."""
    recorder = Recorder(server)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.end()
    wrong = {task_id: found for task_id, history in recorder.histories.items() if (found := flaws(history))}
    assert wrong == {}
    assert recorder.refused == []
    figures(
        row="R10 histories",
        during=name,
        tasks=len(recorder.histories),
        polls=recorder.polls,
        changes_seen=sum(map(len, recorder.histories.values())),
        backwards=0,
        not_found=0,
    )
