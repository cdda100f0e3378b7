"""An editor that makes itself smaller: out of memory, it is loaded anew with less on the device, and tries once more.

Knows that memory must come back first. Does not know what a plan is, what a device has, nor tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from PIL import Image

from overpaint.errors import EditFailed
from overpaint.plan import Plan

if TYPE_CHECKING:  # torch comes with it
    import torch

    from overpaint.model import Edited, Editor, Step

log = structlog.get_logger()


class Memory(Protocol):
    """What is asked of `overpaint.model.holding`."""

    def smaller(self, editor: Editor) -> Plan | None: ...

    def most_pixels(self, editor: Editor) -> int | None: ...

    def is_given_back(self, device: torch.device) -> bool: ...


class EditorLost(EditFailed):
    """The editor was let go and there is no other: only a new process helps."""

    def __init__(self) -> None:
        super().__init__("worker_lost")


class ShrinkingEditor:
    """Has an editor's face. What was made smaller stays so.

    load  the editor of a plan; None: of the one that fits
    """

    def __init__(self, load: Callable[[Plan | None], Editor], memory: Memory) -> None:
        self._load, self._memory, self._editor = load, memory, load(None)
        self.checkpoint, self.device = self._editor.checkpoint, self._editor.device
        self.max_pixels = memory.most_pixels(self._editor)  #: of a picture asked for; None: nobody knows of a limit

    def edit(self, images: Sequence[Image.Image], prompt: str, **more: Any) -> Iterator[Step | Edited]:
        """As `Editor.edit`; out of memory, the steps may begin again. Raises EditorLost beside.

        Whoever asks for the next item must have let go of the last: a step's preview holds the editor.
        """
        try:
            yield from self._editor.edit(images, prompt, **more)
            return
        except EditFailed as error:
            plan = self._memory.smaller(self._editor) if error.code == "out_of_memory" else None
            if plan is None:
                raise
        self._shrink(plan)  # not before: the error holds all that the edit had on the device
        yield from self._editor.edit(images, prompt, **more)

    def _shrink(self, plan: Plan) -> None:
        log.warning("out of memory, loading less", way=plan.way, streamed_blocks=plan.streamed_blocks)
        del self._editor
        if not self._memory.is_given_back(self.device):
            raise EditorLost()
        try:
            self._editor = self._load(plan)
        except Exception as error:
            raise EditorLost() from error
