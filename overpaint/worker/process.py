"""A worker process's main: opens what a worker needs, runs it, and says by the exit code how it ended.

Knows signals and exit codes. Does not know what the worker does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import structlog

from overpaint import catalog
from overpaint.domain import WorkerInfo
from overpaint.errors import FAILURES, ConfigurationError
from overpaint.settings import Settings
from overpaint.store.blobs import FolderBlobs
from overpaint.store.sqlite import SqliteTaskStore
from overpaint.telemetry import configure_logging
from overpaint.worker import making
from overpaint.worker.loop import Worker, WorkerBroken
from overpaint.worker.supervisor import EXIT_BROKEN, EXIT_CONFIGURATION

log = structlog.get_logger()


def run(settings: Settings, checkpoint_folder: Path, device: str, *, number: int = 0) -> NoReturn:
    """Works until SIGTERM drains it; a second SIGTERM gives back at once. `number`: which worker it is, from 0.

    Exit codes: 0 drained · 2 the configuration cannot work · 70 the device needs a new process · 1 anything else.
    """
    configure_logging(settings)
    try:
        code = asyncio.run(_work(settings, checkpoint_folder, device, number))
    except ConfigurationError as error:
        log.error("worker cannot start", problem=str(error), hint=error.hint)
        code = EXIT_CONFIGURATION
    except WorkerBroken:
        log.error("worker broken", reason="the device hangs, lost its context or keeps its memory", device=device)
        code = EXIT_BROKEN
    except Exception as error:
        _tell_death(making.failure_code(error))
        code = 1
    with suppress(OSError):  # a log on a full disk
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # the making thread may be in a step, or hang: whoever ends here no longer waits for it


def _tell_death(failure: str) -> None:
    """Called while the error is handled. A traceback only for what nobody foresaw."""
    if failure == "internal_error":
        log.exception("worker died")
    else:
        log.error("worker died", code=failure, reason=FAILURES[failure].sentence)


async def _work(settings: Settings, folder: Path, device: str, number: int) -> int:
    checkpoint = catalog.read(folder)
    store = SqliteTaskStore.of(settings)
    load = partial(
        making.load,
        folder,
        device,
        settings.dtype,
        settings.weights,
        number,
        settings.workers,
        compiled=settings.compile,
    )
    info = WorkerInfo(id=str(uuid4()), pid=os.getpid(), device=device, checkpoint=checkpoint.id, state="starting")
    worker = Worker(settings, store, FolderBlobs(settings.data / "blobs"), load, info)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.drain)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to hear
    try:
        await worker.run()
    finally:
        await store.close()
    return 0
