"""A server to talk to: the real application over a real store, in process or as a process of its own."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from PIL import Image

from overpaint import catalog
from overpaint.domain import Claim, Failed, OutputPicture, Succeeded, Timings, Usage, WorkerInfo
from overpaint.http.app import App, create_app
from overpaint.http.openapi import document
from overpaint.images import raster
from overpaint.service.access import create_key
from overpaint.settings import Settings, load
from overpaint.store.blobs import FolderBlobs, result_name
from overpaint.store.sqlite import SqliteTaskStore

BASE = "http://127.0.0.1:8000"
SECRET = "a-key-of-the-operators-own-choice"
SUBMIT, RESULT = "/v3/async/qwen-image-edit", "/v3/async/task-result"
FILES = "/files/{task_id}/{picture}"
UNDESCRIBED = {"content-type", "content-length"}  #: headers that every HTTP answer has


def checkpoint_folder(root: Path, **own: Any) -> Path:
    """A checkpoint's JSON without its weights: all that the asking side reads."""
    folder = root / "checkpoint"
    (folder / "transformer").mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text('{"_class_name": "QwenImageEditPlusPipeline"}')
    (folder / "transformer" / "config.json").write_text("{}")
    (folder / "overpaint.json").write_text(json.dumps({"id": "tiny", "default_steps": 8} | own))
    return folder


def photo(kind: str = "PNG", size: tuple[int, int] = (48, 32), colour: str = "tomato") -> bytes:
    """A small picture file."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


class World:
    """The application in this process, its store, its blobs, and a key of each of two owners."""

    def __init__(self, root: Path, flags: dict[str, Any], own: dict[str, Any]) -> None:
        self.settings: Settings = load(data=root / "data", **flags)
        self.settings.data.mkdir(parents=True, exist_ok=True)
        self.checkpoint = catalog.read(checkpoint_folder(root, **own))
        self.store = SqliteTaskStore.of(self.settings)
        self.blobs = FolderBlobs(self.settings.data / "blobs")
        self.app: App = create_app(self.settings, self.store, self.blobs, self.checkpoint)
        self.key = self.other_key = ""
        self._described: dict[str, Any] = json.loads(document(self.app.operations))["paths"]
        self._clients: list[httpx2.AsyncClient] = []

    async def open(self) -> World:
        _, self.key = await create_key(self.store, owner="alice")
        _, self.other_key = await create_key(self.store, owner="bob")
        return self

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        await self.store.close()

    def client(self, key: str | None = None, *, base: str = BASE) -> httpx2.AsyncClient:
        """Speaks to the application; with alice's key unless told otherwise, "" for none."""
        secret = self.key if key is None else key
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url=base,
            headers={"authorization": f"Bearer {secret}"} if secret else {},
            event_hooks={"response": [self._check_is_described]},
        )
        self._clients.append(client)
        return client

    async def _check_is_described(self, answer: httpx2.Response) -> None:
        """Whatever a test asks for: the status and the headers of the answer stand in /openapi.json."""
        path = answer.request.url.path
        methods = self._described.get(FILES if path.startswith("/files/") else path, {})
        described = methods.get("get" if answer.request.method == "HEAD" else answer.request.method.lower())
        if described is not None:
            assert str(answer.status_code) in described["responses"], f"{answer.status_code} is not described"
            told = described["responses"][str(answer.status_code)]["headers"]
            assert {*answer.headers} <= UNDESCRIBED | {name.lower() for name in told}

    async def submit(self, **body: Any) -> str:
        """The id of a new task of alice's."""
        answer = await self.client().post(SUBMIT, json={"prompt": "make it snow", "image": base64_of(photo())} | body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["task_id"])

    async def read(self, task_id: str, key: str | None = None) -> httpx2.Response:
        return await self.client(key).get(RESULT, params={"task_id": task_id})

    async def claim(self) -> Claim:
        claim = await self.store.claim("00000000-0000-4000-8000-000000000001")
        assert claim is not None
        return claim

    async def succeed(self, claim: Claim, *, colour: str = "black") -> bytes:
        """Ends a claimed task as a worker would, with a picture of one colour; returns the picture's bytes."""
        return await succeed(self.store, self.blobs, claim, colour)

    async def fail(self, claim: Claim, code: str) -> None:
        assert await self.store.finish(claim, Failed(code=code))

    async def put_worker(
        self,
        state: str = "idle",
        percent: int = 100,
        step_seconds: float | None = None,
        *,
        number: int = 1,
        max_pixels: int | None = None,
    ) -> None:
        await self.store.put_worker(
            WorkerInfo(
                id=f"00000000-0000-4000-8000-{number:012}",
                pid=1,
                device="cpu",
                checkpoint=self.checkpoint.id,
                state=state,
                loading_percent=percent,
                seconds_per_step=step_seconds,
                max_pixels=max_pixels,
            )
        )


async def succeed(store: SqliteTaskStore, blobs: FolderBlobs, claim: Claim, colour: str = "black") -> bytes:
    """A worker's last two writes: the picture, then the row."""
    request = claim.task.request
    data = raster.encode(Image.new("RGB", (64, 48), colour), request.output_format, request.output_quality)
    name = result_name(claim.task.id, claim.attempt, 0, request.output_format)
    await asyncio.to_thread(blobs.put, name, data)
    output = OutputPicture(
        name=name,
        sha256=sha256(data).hexdigest(),
        format=request.output_format,
        width=64,
        height=48,
        bytes=len(data),
        seed=request.seed,
    )
    outcome = Succeeded(outputs=(output,), timings=Timings(total_ms=5), usage=Usage(steps=request.steps, pixels=3072))
    assert await store.finish(claim, outcome)
    return data


class StandInWorker:
    """A thread that finishes every task with a picture of one colour: a test's double for the other column."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()))

    def __enter__(self) -> StandInWorker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _work(self) -> None:
        store = SqliteTaskStore.open(self._data / "overpaint.sqlite3")
        blobs = FolderBlobs(self._data / "blobs")
        while not self._stop.is_set():
            claim = await store.claim("00000000-0000-4000-8000-000000000002")
            if claim is None:
                await store.changed(0.1)
            elif claim.task.request.prompt == "fail":
                await store.finish(claim, Failed(code="out_of_memory"))
            else:
                await succeed(store, blobs, claim)
        await store.close()


class ServerProcess:
    """`overpaint.http.app.run` as a process, on a free port of loopback."""

    SCRIPT = """
import asyncio, socket, sys
from overpaint.http.app import run
from overpaint.service.access import ensure_first_key
from overpaint.settings import load
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.telemetry import configure_logging

async def install_key():
    configure_logging(load(log_level="warning"))  # the log of these tests begins with the server
    store = SqliteTaskStore.open(load().data / "overpaint.sqlite3")
    await ensure_first_key(store, load())
    await store.close()

asyncio.run(install_key())
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
run(load(), listener)
print("loaded", *sorted({"torch", "transformers", "diffusers", "numpy", "PIL", "pydantic_core"} & set(sys.modules)))
"""

    def __init__(self, root: Path, **flags: object) -> None:
        settings = {
            "data": root / "data",
            "checkpoint": checkpoint_folder(root),
            "log_format": "json",
            "api_key": SECRET,
        } | flags
        (root / "data").mkdir(exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OVERPAINT_")}
        environment |= {f"OVERPAINT_{name.upper()}": str(value) for name, value in settings.items()}
        self._log = (root / "server.log").open("w+b")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.SCRIPT], stdout=subprocess.PIPE, stderr=self._log, env=environment, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.base = f"http://127.0.0.1:{self.port}"
        self.data = root / "data"
        self.wait_for("/healthz", 200)

    def wait_for(self, path: str, status: int) -> httpx2.Response:
        """Polls until `path` answers `status`; a server that never does fails the test after 30 s."""
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            try:
                answer = httpx2.get(self.base + path, trust_env=False)
                if answer.status_code == status:
                    return answer
            except httpx2.TransportError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"{path} never answered {status}: {self.log()}")

    def client(self) -> httpx2.Client:
        """With the server's key; the caller closes it."""
        return httpx2.Client(base_url=self.base, headers={"authorization": f"Bearer {SECRET}"}, trust_env=False)

    def log(self) -> str:
        return Path(str(self._log.name)).read_text()

    def end(self) -> str:
        """Waits for the process to exit by itself after a signal; returns what it printed last."""
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        self.process.wait(30)
        return rest

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
