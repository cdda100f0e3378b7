"""The durable peer: FastAPI before Celery on a Redis that syncs every write before it answers.

Endpoints run in FastAPI's thread pool, for Celery's client blocks. A small picture rides in the task's message (one
round trip), a larger one is set as bytes first; either way Redis has it on the disk before the caller hears of it.
"""

from __future__ import annotations

import os

import pybase64
import redis
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel

URL = os.environ["PEER_REDIS_URL"]
IN_MESSAGE_BYTES = 64 * 1024

queue = Celery(broker=URL, backend=URL)
queue.conf.update(task_ignore_result=False, broker_pool_limit=40, redis_max_connections=80)
pictures = redis.Redis.from_url(URL)
app = FastAPI()


class Extra(BaseModel):
    """The wrapped options of the dialect."""

    overpaint: dict[str, int | float | str] = {}


class Body(BaseModel):
    """The same body that Overpaint gets."""

    prompt: str
    image: str
    seed: int = -1
    extra: Extra = Extra()


@queue.task(name="edit")
def edit(prompt: str, image: str, seed: int) -> None:
    """Never run here: no worker is started."""


@app.post("/submit")
def submit(body: Body) -> dict[str, str]:
    data = pybase64.b64decode(body.image, validate=True)
    if len(data) <= IN_MESSAGE_BYTES:
        return {"task_id": edit.delay(body.prompt, body.image, body.seed).id}
    key = f"picture:{os.urandom(16).hex()}"
    pictures.set(key, data)
    return {"task_id": edit.delay(body.prompt, key, body.seed).id}


@app.get("/task")
def task(task_id: str) -> dict[str, object]:
    return {"task_id": task_id, "status": queue.AsyncResult(task_id).state}
