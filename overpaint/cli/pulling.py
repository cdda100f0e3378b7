"""Finding a checkpoint for a verb that needs one, with whatever must be fetched shown as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from overpaint.cli.talk import is_watched, stderr


def pulled(name: str, *, offline: bool) -> Path:
    """The folder of a checkpoint; pulls it unless it is here or we are offline. Raises ConfigurationError."""
    quiet_unless_watched()
    from overpaint import hub

    with reading_bar() as show:
        return hub.locate(name, offline=offline, progress=show)


def quiet_unless_watched() -> None:
    """The hub's library draws its own bars; into a file they would be noise. Must come before its import."""
    if not is_watched():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


@contextmanager
def reading_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for files being hashed: gives what to call with (file, bytes done, bytes in all)."""
    text, left = TextColumn("{task.description}"), TimeRemainingColumn()
    columns = (text, BarColumn(), DownloadColumn(), TransferSpeedColumn(), left)
    with Progress(*columns, console=stderr(), disable=not is_watched(), transient=True) as bar:
        line = bar.add_task("", total=None, visible=False)

        def show(name: str, done: int, total: int) -> None:
            bar.update(line, description=f"checking {name}", completed=done, total=total, visible=True)

        yield show
