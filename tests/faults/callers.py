"""Callers who submit all the time, pictures of every size, and write down what was acknowledged.

Knows the answers of the submit route. Does not know why a server does not answer, or what becomes of a task.
"""

from __future__ import annotations

import base64
import functools
import http.client
import io
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from tests.faults.histories import Watched

AWAY_SECONDS = 0.2  #: between two tries while nobody answers
#: side in pixels -> how often. Files for the row (to 16 KiB), for a pack, and for the folder (from 1 MiB on)
SIDES = {48: 70, 80: 15, 150: 9, 300: 4, 560: 1, 620: 1}


@functools.cache
def picture(side: int) -> str:
    """A PNG of noise, 3 bytes a pixel, in base64."""
    file = io.BytesIO()
    noise = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "PNG", compress_level=0)
    return base64.b64encode(file.getvalue()).decode()


def body(side: int, seed: int, steps: int = 2) -> str:
    """A submit. The seed tells whose it was."""
    told = {"prompt": "make it snow", "seed": seed, "extra": {"overpaint": {"steps": steps}}}
    return f'{{"image": "{picture(side)}", {json.dumps(told)[1:]}'


class Callers:
    """So many connections that submit as much as they are allowed to, each `pause_seconds` on average after its last.

    What is acknowledged goes into the server's list; all answers are counted by status, 0 for none.
    """

    def __init__(self, server: Watched, *, connections: int, pause_seconds: float) -> None:
        self.answers: Counter[int] = Counter()
        self._server = server
        self._pause = pause_seconds
        self._seeds = itertools.count()
        self._allowed = threading.Semaphore(0)
        self._is_done = False
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(connections)]

    def start(self) -> None:
        for side in SIDES:
            picture(side)
        for thread in self._threads:
            thread.start()

    def allow(self, submits: int) -> None:
        """That many more may be acknowledged."""
        if submits > 0:
            self._allowed.release(submits)

    def end(self) -> None:
        self._is_done = True
        self.allow(len(self._threads))
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        url = self._server.http.base_url
        connection = http.client.HTTPConnection(str(url.host), url.port, timeout=30)
        while self._allowed.acquire() and not self._is_done:
            connection.close()  # it opens itself again: the server closes what is idle
            while not self._is_done and (status := self._submit(connection)) != 200:
                self.answers[status] += 1
                time.sleep(AWAY_SECONDS)
            self.answers[200] += not self._is_done
            time.sleep(random.uniform(0, 2 * self._pause))
        connection.close()

    def _submit(self, connection: http.client.HTTPConnection) -> int:
        """The status; 0 when it was killed meanwhile, or is not there yet."""
        (side,) = random.choices(list(SIDES), list(SIDES.values()))
        headers = {"Content-Type": "application/json", "Authorization": self._server.http.headers["Authorization"]}
        try:
            connection.request("POST", "/v3/async/qwen-image-edit", body(side, next(self._seeds)), headers)
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0
        if answer.status == 200:
            self._server.acknowledged.append(str(json.loads(told)["task_id"]))
        return answer.status


@contextmanager
def calling(server: Watched, *, connections: int, pause_seconds: float) -> Iterator[Callers]:
    """They are there while the block runs."""
    callers = Callers(server, connections=connections, pause_seconds=pause_seconds)
    callers.start()
    try:
        yield callers
    finally:
        callers.end()
