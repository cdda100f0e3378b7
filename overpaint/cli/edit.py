"""`overpaint edit`: one picture and an instruction in, one picture out; in this process, or through a server.

Knows files, stdin and stdout, and how to show progress. Does not know how a picture is made or sent.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from overpaint.cli.pulling import pulled
from overpaint.cli.talk import WrongUsage, answer, answer_json, is_watched, say, stderr
from overpaint.client import Client, EditStatus, EditTask, GaveUpWaiting
from overpaint.domain import MAX_SEED
from overpaint.startup import lasting_imports

FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp"}
QUALITY = 95  # of JPEG and WebP; what the service takes by default


def edit(
    *words: Annotated[str, Parameter(name="IMAGE... PROMPT", allow_leading_hyphen=True)],
    output: Annotated[str, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)],
    seed: int | None = None,
    steps: int | None = None,
    url: Annotated[str | None, Parameter(env_var="OVERPAINT_URL")] = None,
    key: Annotated[str | None, Parameter(env_var="OVERPAINT_API_KEY", show_env_var=True)] = None,
    checkpoint: str | None = None,
    device: str | None = None,
    timeout: float = 3600.0,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Edit a picture by instruction.

    Without a URL the edit is made in this process; with one, by that server. Ctrl-C cancels; with a URL it stops
    waiting and prints the id, the edit goes on. Prints the path of the new picture.

    Args:
        words: One or more pictures (JPEG, PNG or WebP; - reads stdin), then what to change, in any language.
        output: Where the picture goes: .jpg, .png or .webp; - writes PNG to stdout.
        seed: 0 to 2147483647; the same seed makes the same picture. Left out, one is drawn.
        steps: Denoising steps, 2 to 100; left out, the checkpoint's own number.
        url: The server that shall make it.
        key: The API key for that server.
        checkpoint: Without a URL: mini, a folder, or a hub id.
        device: Without a URL: auto, cpu, cuda or cuda:N.
        timeout: With a URL: seconds to wait for the picture.
        json: Print what was made as JSON instead of the path.
    """
    *images, prompt = _checked(words)
    format = _format(output)
    asked = _Asked(tuple(_read(image) for image in images), prompt, format, seed, steps)
    started = time.perf_counter()
    made = _through(url, key, asked, timeout, output) if url else _here(asked, checkpoint, device)
    _write(output, made.data)
    if json:
        facts = {"output": output, "seed": made.seed, "format": asked.format, "bytes": len(made.data), "id": made.id}
        answer_json({**facts, "seconds": round(time.perf_counter() - started, 3)})
    elif output != "-":
        answer(output)


@dataclass(frozen=True, slots=True)
class _Asked:
    images: tuple[bytes, ...]
    prompt: str
    format: str
    seed: int | None
    steps: int | None


@dataclass(frozen=True, slots=True)
class _Made:
    data: bytes
    seed: int
    id: str | None = None  #: None where no server was asked


def _through(url: str, key: str | None, asked: _Asked, timeout: float, output: str) -> _Made:
    if len(asked.images) > 1:
        raise WrongUsage(problem="A server takes one picture an edit; several need an edit in this process.")
    with Client(url, key) as client:
        task = client.submit(
            asked.images[0],
            asked.prompt,
            seed=-1 if asked.seed is None else asked.seed,
            output_format=asked.format,
            steps=asked.steps,
        )
        try:
            with _bar() as bar:
                picture = task.wait(timeout, watch=_watcher(bar))
        except (KeyboardInterrupt, GaveUpWaiting):
            _tell_id(task, output)
            raise
    return _Made(picture.bytes, picture.seed, task.id)


def _here(asked: _Asked, checkpoint: str | None, device: str | None) -> _Made:
    from overpaint import settings
    from overpaint.images import raster

    known = settings.load(checkpoint=checkpoint, device=device)
    pictures = [raster.open_upright(image, max_pixels=known.max_image_pixels) for image in asked.images]
    folder = pulled(known.checkpoint, offline=known.offline)
    seed = random.randint(0, MAX_SEED) if asked.seed is None else asked.seed

    with lasting_imports():
        from overpaint.model import Step, load_editor  # torch: seconds

    with _bar() as bar:
        line = bar.add_task(f"loading {known.checkpoint}", total=1.0)
        editor = load_editor(
            folder,
            device=known.device,
            dtype=known.dtype,
            weights=known.weights,
            compiled=known.compile,
            progress=lambda done: bar.update(line, completed=done),
        )
        bar.update(line, description="editing", completed=0, total=None)
        try:
            steps = editor.edit(pictures, asked.prompt, seed=seed, steps=asked.steps)
        except ValueError as error:
            raise WrongUsage(problem=f"{error}.") from None
        for made in steps:
            if isinstance(made, Step):
                bar.update(line, completed=made.index, total=made.total)
            else:
                return _Made(raster.encode(made.image, asked.format, QUALITY), made.seed)
    raise AssertionError("an edit ends with a picture or an error")


def _checked(words: Sequence[str]) -> Sequence[str]:
    for word in words:
        if word.startswith("-") and word != "-":
            raise WrongUsage(problem=f"Unknown option: {word}.")
    if len(words) < 2:
        raise WrongUsage(problem='Name a picture and say what to change: overpaint edit IMAGE "PROMPT" -o OUT.')
    return words


def _format(output: str) -> str:
    suffix = ".png" if output == "-" else Path(output).suffix.lower()
    if suffix not in FORMATS:
        raise WrongUsage(problem=f"{output}: end its name in .jpg, .png or .webp; that chooses the format.")
    return FORMATS[suffix]


def _read(image: str) -> bytes:
    return sys.stdin.buffer.read() if image == "-" else Path(image).read_bytes()


def _write(output: str, data: bytes) -> None:
    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        Path(output).write_bytes(data)


def _tell_id(task: EditTask, output: str) -> None:
    """The id is data; but where stdout is the picture's, it may not stand there."""
    say("No longer waiting; the edit goes on. Its id:")
    (say if output == "-" else answer)(task.id)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=stderr(), disable=not is_watched(), transient=True)


def _watcher(bar: Progress) -> Callable[[EditStatus], None]:
    line = bar.add_task("sending", total=None)

    def show(now: EditStatus) -> None:
        place = f" ({now.queue_position} in line)" if now.queue_position else ""
        bar.update(line, description=now.status + place, completed=now.step, total=now.steps or None)

    return show
