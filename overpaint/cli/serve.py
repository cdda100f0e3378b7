"""`overpaint serve`: the whole service on one machine, from nothing to a curl that works when pasted.

Composes checkpoint, first key, port and processes. Does not know how any of them works.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from overpaint.cli.pulling import pulled
from overpaint.cli.talk import answer, say

if TYPE_CHECKING:
    from overpaint.catalog import Checkpoint
    from overpaint.settings import Settings
    from overpaint.store.tasks import TaskStore

PACKAGE = Path(__file__).resolve().parent.parent
#: In a checkout, and in an installed wheel.
SAMPLES = (PACKAGE.parent / "examples" / "cat.jpg", PACKAGE / "cli" / "cat.jpg")


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    checkpoint: str | None = None,
    device: str | None = None,
    workers: int | None = None,
) -> int:
    """Serve edits over HTTP until Ctrl-C.

    Prints the address, on the first start the key, and a request to try. An edit that was accepted is finished even if
    the server is killed and started again. Every flag is also a setting: OVERPAINT_PORT=8000 and so on.

    Args:
        host: Address to listen on; default 127.0.0.1, this machine only.
        port: Port; default 8000, 0 takes a free one.
        data: Folder of the database, the pictures and the root secret; default ./data.
        checkpoint: mini (the default), a folder, or a hub id, which is pulled if it is not here.
        device: auto (the default), cpu, cuda or cuda:N.
        workers: Worker processes; default 1.
    """
    from overpaint import catalog, settings, telemetry
    from overpaint.worker import premises, supervisor

    known = settings.load(host=host, port=port, data=data, checkpoint=checkpoint, device=device, workers=workers)
    telemetry.configure_logging(known)
    premises.prepare(known.data)
    folder = pulled(known.checkpoint, offline=known.offline)
    kind = catalog.read(folder)
    listener = premises.listen(known.host, known.port)
    found = known.model_copy(update={"checkpoint": str(folder), "port": listener.getsockname()[1]})
    welcome = Welcome(found, kind)
    asyncio.run(welcome.prepare_key())
    say(f"Loading {kind.id} …")
    try:
        return supervisor.run(
            found,
            listener=listener,
            api_argv=[sys.executable, "-m", "overpaint.http", "--listener", str(listener.fileno())],
            worker_argvs=[_worker_argv(found, folder, number) for number in range(found.workers)],
            on_ready=welcome.speak,
        )
    finally:
        welcome.show_key()


def _worker_argv(settings: Settings, folder: Path, number: int) -> list[str]:
    choice = ["--checkpoint", str(folder), "--device", settings.device, "--number", str(number)]
    return [sys.executable, "-m", "overpaint.worker", *choice]


class Welcome:
    """What a person sees when the server is ready."""

    def __init__(self, settings: Settings, checkpoint: Checkpoint) -> None:
        self._settings = settings
        self._checkpoint = checkpoint
        self._new_key: str | None = None

    async def prepare_key(self) -> None:
        """Before anything listens, so that API_KEY holds from the first request on."""
        from overpaint.service.access import ensure_first_key
        from overpaint.store.sqlite import SqliteTaskStore

        store = SqliteTaskStore.of(self._settings)
        try:
            self._new_key = await ensure_first_key(store, self._settings)
        finally:
            await store.close()

    async def speak(self, store: TaskStore) -> None:
        """The address, the first key if it is new, and what to paste."""
        url = address(self._settings)
        key = self._new_key or "$OVERPAINT_API_KEY"
        answer(f"Overpaint serves {self._checkpoint.id} at {url}\n")
        self.show_key()
        answer(f"Try it in another terminal:\n\n{request_to_try(url, key, sample())}")

    def show_key(self) -> None:
        """Once; also called when the server ends before it was ever ready, or nobody would ever see the key."""
        if self._new_key is not None:
            answer(f"Your key, shown this once: {self._new_key}\n")
            self._new_key = None


def address(settings: Settings) -> str:
    """Where people find the server; a wildcard address is shown as this machine's own."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 (compared, not bound)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def sample() -> str:
    """A photograph to try, as one would type it here."""
    path = next((path for path in SAMPLES if path.is_file()), Path("photo.jpg"))
    near = os.path.relpath(path)
    return shlex.quote(str(path) if near.startswith("..") else near)


def request_to_try(url: str, key: str, photograph: str) -> str:
    """Shell lines that submit `photograph` and read the task until its end.

    The picture goes by stdin: it may be larger than a command line.
    """
    headers = f'-H "Authorization: Bearer {key}"'
    return f"""\
task=$(curl -s {url}/v3/async/qwen-image-edit {headers} \\
  -H "Content-Type: application/json" -d @- <<END
{{"prompt": "make it black and white", "image": "$(base64 < {photograph} | tr -d '\\n')"}}
END
)
echo "$task"
while end=$(curl -s "{url}/v3/async/task-result?task_id=$(echo "$task" | cut -d '"' -f 4)" {headers}) &&
  echo "$end" | grep -qE 'QUEUED|PROCESSING'; do sleep 1; done; echo "$end"
"""
