"""An editor that does what the test says, and blobs that fail when told. Doubles of tests alone."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uuid_utils
from PIL import Image

from overpaint.catalog import Checkpoint
from overpaint.domain import EditRequest, InputPicture, NewTask, Origin, Timings
from overpaint.store.blobs import FolderBlobs, input_name
from overpaint.store.tasks import TaskStore


@dataclass(frozen=True)
class Step:
    index: int
    total: int


@dataclass(frozen=True)
class Edited:
    image: Image.Image
    seed: int
    width: int
    height: int
    timings: Timings
    working_pixels: int


class ScriptedEditor:
    """The editor's face. `at_step(n)` is called in the making thread before step n: it may block, or raise.

    After the last step it is called once more, with total + 1: while the picture is decoded.
    """

    checkpoint = Checkpoint(
        id="mini",
        folder=Path(),
        labels_pictures=False,
        default_steps=4,
        default_true_cfg_scale=4.0,
        native_pixels=64 * 64,
        condition_pixels=None,
        max_images=1,
    )

    device = "cpu"
    max_pixels = None

    def __init__(
        self, at_step: Callable[[int], object] = lambda step: None, *, size: tuple[int, int] = (64, 48)
    ) -> None:
        self.calls: list[dict[str, Any]] = []  #: arguments of each edit, the warm-up left out
        self.pictures: list[Image.Image] = []
        self.steps_made = 0
        self.closed_early = 0
        self._at_step = at_step
        self._size = size
        self._gates: list[threading.Event] = []

    def gate(self) -> threading.Event:
        """An event to wait for in `at_step`; the test's end opens it."""
        self._gates.append(threading.Event())
        return self._gates[-1]

    def let_go(self) -> None:
        for gate in self._gates:
            gate.set()

    def edit(self, images: Sequence[Image.Image], prompt: str, *, seed: int, steps: int, **more: Any) -> Iterator[Any]:
        if prompt == " ":  # the warm-up
            yield from (Step(1, 2), Step(2, 2), self._edited(seed))
            return
        self.calls.append({"prompt": prompt, "seed": seed, "steps": steps, **more})
        self.pictures.extend(images)
        try:
            for step in range(1, steps + 1):
                self._at_step(step)
                self.steps_made += 1
                yield Step(step, steps)
            self._at_step(steps + 1)
            yield self._edited(seed)
        except GeneratorExit:
            self.closed_early += self.steps_made < steps
            raise

    def _edited(self, seed: int) -> Edited:
        image = Image.linear_gradient("L").resize(self._size).convert("RGB")
        timings = Timings(prepare_ms=1, denoise_ms=40, decode_ms=2)
        return Edited(image, seed, *self._size, timings, 4096)


def picture(size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(file, "PNG")
    return file.getvalue()


async def submitted(
    store: TaskStore,
    blobs: FolderBlobs,
    *,
    data: bytes | None = None,
    stored: bytes | None = None,
    is_stored: bool = True,
    is_small: bool = False,
    origin: Origin | None = None,
    owner: str = "me",
    **request: Any,
) -> str:
    """Submits an edit of `data`; `stored` are the bytes that really lie there; a small one rides with the submit."""
    data = picture() if data is None else data
    task_id, sha256 = str(uuid_utils.uuid7()), hashlib.sha256(data).hexdigest()
    name = input_name(task_id, 0, sha256, "png")
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    if is_stored and not is_small:
        blobs.put(name, data if stored is None else stored)
    values = {"prompt": "make it snow", "seed": 7, "steps": 4, "true_cfg_scale": 4.0, **request}
    new = NewTask(
        id=task_id,
        owner=owner,
        dialect="novita",
        checkpoint="mini",
        request=EditRequest(**values),
        inputs=(InputPicture(name=name, sha256=sha256, format="png", width=width, height=height, bytes=len(data)),),
        public_base="http://127.0.0.1:8000",
        origin=origin or Origin(),
    )
    await store.submit(new, {name: data} if is_small else None)
    return task_id
