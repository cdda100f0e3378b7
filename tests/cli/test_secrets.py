"""What leaves a server beside its answers holds no key, prompt, link or folder: logs, errors, metrics, doctor's report.

A whole server is driven through good and bad keys, refused, finishing and failing edits, a worker that dies, and links
that were tampered with. Then everything it said to anybody but the rightful caller is searched.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx2
import pytest

from tests.cli.conftest import PATIENCE_SECONDS, Run
from tests.faults.conftest import until
from tests.http.world import RESULT, SUBMIT, base64_of, photo
from tests.serving import ROOT, Serving, serving

OWN_KEY = "chosen/by+the=operator!"
WRONG_KEY = "op_" + "Zz9" * 2 + "aa_" + "Qq7x" * 8
PROMPT = "lilac zebras by moonlight"
USERINFO, HIDDEN = "user:letmein", "token=swordfish42"
FOLDER = re.compile(r"(?<![\w:/.…])/(?:work|home|root|tmp|var|usr|opt|etc|proc|srv|private|Users)/")


@dataclass
class Heard:
    """What a caller was told, and the secrets that only he may know."""

    errors: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=lambda: {OWN_KEY, WRONG_KEY, PROMPT, "zebras", "letmein", "swordfish42"})
    ids: list[str] = field(default_factory=list)


class Driver:
    """One caller, of good and of bad will, who is told of an end at `told_at`."""

    def __init__(self, server: Serving, key: str, told_at: Gone) -> None:
        self.server, self.key, self.told_at, self.heard = server, key, told_at, Heard()
        self.heard.secrets |= {key, key[-32:], base64_of(photo())[:80]}
        self.client = httpx2.Client(
            base_url=server.url, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE_SECONDS
        )

    def refused(self, method: str, path: str, **what: Any) -> None:
        answer = self.client.request(method, path, **what)
        assert answer.status_code >= 400, (path, answer.text)
        told = {name: value for name, value in answer.headers.items() if name != "x-request-id"}  # his own word
        self.heard.errors.append(f"{answer.text} {told}")

    def submit(self, **order: Any) -> str:
        body = {"prompt": PROMPT, "image": base64_of(photo())} | order
        answer = self.client.post(SUBMIT, json=body)
        assert answer.status_code == 200, answer.text
        self.heard.ids.append(answer.json()["task_id"])
        return self.heard.ids[-1]

    def until(self, task_id: str, *words: str) -> dict[str, Any]:
        """The task, once it stands so."""
        while True:
            body: dict[str, Any] = self.client.get(RESULT, params={"task_id": task_id}).json()
            if body["task"]["status"].removeprefix("TASK_STATUS_") in words:
                return body
            assert body["task"]["status"] in ("TASK_STATUS_QUEUED", "TASK_STATUS_PROCESSING"), body

    def finishes(self) -> None:
        body = self.until(self.submit(), "SUCCEED")
        url = body["images"][0]["image_url"]
        self.heard.secrets |= set(re.findall(r"sig=([\w%-]+)", url))
        assert httpx2.get(url).status_code == 200
        path = url.removeprefix(self.server.url)
        for tampered in (path[:-1] + ("A" if path[-1] != "A" else "B"), path.replace("exp=", "exp=1"), path + "/../x"):
            self.refused("GET", tampered)

    def is_told(self) -> None:
        url = f"http://127.0.0.1:{self.told_at.server_port}/?{HIDDEN}"
        self.submit(extra={"webhook": {"url": url, "test_mode": {"enabled": True}}})
        headers = self.told_at.heard.get(timeout=PATIENCE_SECONDS)
        self.heard.secrets.add(headers["webhook-signature"].removeprefix("v1,"))
        self.refused("POST", SUBMIT, json={"prompt": PROMPT, "extra": {"webhook": {"url": f"ftp://x/?{HIDDEN}"}}})

    def sends_nonsense(self) -> None:
        bad = {"authorization": f"Bearer {WRONG_KEY}"}
        self.refused("POST", SUBMIT, headers=bad, json={"prompt": PROMPT})
        self.refused("GET", RESULT, headers=bad | {"x-request-id": WRONG_KEY}, params={"task_id": PROMPT})
        self.client.get(RESULT, params={"task_id": f"../../{PROMPT}"})  # its error tells the caller his own word
        self.refused("GET", f"/v3/{PROMPT}?{HIDDEN}")
        self.refused("GET", f"/files/{PROMPT}?sig={HIDDEN}")
        self.refused("POST", SUBMIT, content=f'{{"prompt": "{PROMPT}", "image": '.encode())
        self.refused("POST", SUBMIT, json={"prompt": PROMPT * 200, "image": base64_of(photo())})
        self.refused("POST", SUBMIT, json={"prompt": PROMPT, "image": base64_of(photo()[:40])})
        self.refused("POST", SUBMIT, json={"prompt": PROMPT, "image": base64_of(photo()), "seed": PROMPT})
        for url in (
            f"http://{USERINFO}@127.0.0.1:1/x?{HIDDEN}",
            f"http://127.0.0.1/{PROMPT}?{HIDDEN}",
            "file:///etc/x",
        ):
            self.refused("POST", SUBMIT, json={"prompt": PROMPT, "image": url})

    def fails(self) -> None:
        """In the model, in the store, in a way nobody foresaw, and by a worker's death."""
        self.until(self.submit(prompt=f"{PROMPT} " * 150), "FAILED")
        until(lambda: self.heard.ids[-1] in self.server.log.read_text("utf-8"))  # the dead write no lines
        os.kill(self.worker_pid(), signal.SIGKILL)  # while the next one loads, the queue stands still
        spoiled = {
            self.submit(): 'UPDATE task SET inputs = replace(inputs, \'"sha256":"\', \'"sha256":"0\') WHERE id = ?',
            self.submit(): "UPDATE task SET request = replace(request, '\"auto\"', '\"/tmp/x\"') WHERE id = ?",
        }
        with closing(sqlite3.connect(self.server.data / "overpaint.sqlite3", timeout=60)) as database:
            for task_id, statement in spoiled.items():
                assert database.execute(statement, (task_id,)).rowcount == 1
            database.commit()
        for task_id in spoiled:
            self.until(task_id, "FAILED")

    def worker_pid(self) -> int:
        with closing(sqlite3.connect(self.server.data / "overpaint.sqlite3", timeout=60)) as database:
            return int(database.execute("SELECT pid FROM worker").fetchone()[0])


class Gone(ThreadingHTTPServer):
    """A receiver of webhooks that answers 410, so that the log speaks of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Gone)
        self.heard: Queue[Any] = Queue()


class _Gone(BaseHTTPRequestHandler):
    server: Gone

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(410)
        self.end_headers()
        self.server.heard.put(self.headers)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def told_at() -> Iterator[Gone]:
    with Gone() as receiver:
        Thread(target=receiver.serve_forever, daemon=True).start()
        yield receiver
        receiver.shutdown()


@pytest.fixture(params=["json", "text"])
def server(request: pytest.FixtureRequest, tmp_path: Path, told_at: Gone) -> Iterator[Serving]:
    chosen = {
        "OVERPAINT_LOG_FORMAT": str(request.param),
        "OVERPAINT_LEASE_SECONDS": "2",
        "OVERPAINT_OUTBOUND_ALLOW": f"127.0.0.1:{told_at.server_port}",
        "OVERPAINT_WEBHOOK_ALLOW_HTTP": "true",
    }
    own_key = {"OVERPAINT_API_KEY": OWN_KEY} if request.param == "text" else {}
    with serving(tmp_path / "data", **chosen, **own_key) as it:
        yield it


def test_nobody_but_the_caller_reads_keys_prompts_links_or_folders(
    server: Serving, overpaint: Run, told_at: Gone
) -> None:
    driver = Driver(server, OWN_KEY if "OVERPAINT_API_KEY" in server.request else server.key, told_at)
    driver.sends_nonsense()
    driver.is_told()
    driver.finishes()
    driver.fails()
    metrics = httpx2.get(f"{server.url}/metrics").text
    health = httpx2.get(f"{server.url}/readyz").text
    report = overpaint("doctor", "--json", "--data", str(server.data), "--port", server.url.rpartition(":")[2]).stdout
    told = overpaint("webhooks", "ls", "--json", "--data", str(server.data)).stdout
    driver.heard.secrets.add(overpaint("webhooks", "secret", "--data", str(server.data)).stdout.strip())
    assert server.stop() == 0
    log = server.log.read_text("utf-8")

    for task_id in driver.heard.ids:
        assert task_id in log
    for word in (
        "prompt_too_long",
        "input_lost",
        "internal_error",
        "Traceback",
        "ValueError",
        "process died",
        "webhook ended",
    ):
        assert word in log
    for code in ("prompt_too_long", "input_lost", "internal_error"):
        assert re.search(rf'edits_finished_total{{code="{code}",model="mini",status="failed"}} 1.0', metrics)
    assert 'overpaint_worker_restarts_total{cause="killed"} 1.0' in metrics

    said = {
        "log": log,
        "metrics": metrics,
        "health": health,
        "doctor": report,
        "errors": "\n".join(driver.heard.errors),
        "messages": told,
    }
    folders = {str(server.data), str(server.data.parent), str(ROOT), f"{Path.home()}/"}
    for place, text in said.items():
        for secret in driver.heard.secrets | folders:
            assert secret not in text, f"{secret!r} is in the {place}"
            assert base64.b64encode(secret.encode()).decode() not in text
        found = FOLDER.search(text)
        assert found is None, f"a folder in the {place}: {text[found.start() - 80 : found.end() + 80]}"
    for place in ("metrics", "health", "doctor"):
        assert not any(task_id in said[place] for task_id in driver.heard.ids)
