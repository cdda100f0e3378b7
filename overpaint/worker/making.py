"""What the making thread does: load the checkpoint, and turn picture files and a prompt into a picture file.

Knows the editor, picture files and sizes. Does not know the store, the clock, leases, or why it is told to stop.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from overpaint.domain import EditRequest, InputPicture, Status, Timings
from overpaint.errors import ConfigurationError, EditFailed, InvalidRequest, is_out_of_memory
from overpaint.images import raster
from overpaint.images.sandbox import Sandbox
from overpaint.plan import Weights
from overpaint.startup import lasting_imports
from overpaint.worker.shrinking import EditorLost, ShrinkingEditor

if TYPE_CHECKING:  # torch comes with it, and only `load` shall wait for that
    from overpaint.model import Edited, Step

LONGEST_SIDE = 16_383  #: pixels; WebP has no larger

OnStep = Callable[[int, int], None]  #: (steps done, steps in all)


def load(
    folder: Path,
    device: str,
    dtype: str,
    weights: Weights,
    number: int,
    workers: int,
    progress: Callable[[float], None],
    *,
    compiled: bool = False,
) -> ShrinkingEditor:
    """The editor, ready. Raises ConfigurationError when the folder or device is not usable.

    device    "auto", "cpu", "cuda" or "cuda:N"
    number    0 … workers - 1: unless `device` names one, each worker takes the next GPU
    workers   on a CPU they divide its cores, because each would otherwise start a thread a core. The number of threads
              is part of what makes pictures repeatable, so a single worker leaves it alone.
    progress  hears 0 … 1, and again when the editor makes itself smaller
    compiled  whether the blocks are; those of a smaller editor never are: somebody waits for its first edit
    """
    # Threads that wait sleep instead of spinning: beside one other busy program, mini's 17 s become 4 s on two cores
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with lasting_imports():
        import torch

        from overpaint.model import holding, load_editor

    torch.set_num_threads(max(1, torch.get_num_threads() // workers))
    if device in ("auto", "cuda") and torch.cuda.is_available():
        device = f"cuda:{number % torch.cuda.device_count()}"
    return ShrinkingEditor(
        lambda plan: load_editor(
            folder,
            device=device,
            dtype=dtype,
            weights=weights,
            progress=progress,
            plan=plan,
            compiled=compiled and plan is None,
        ),
        holding,
    )


def warm_up(editor: ShrinkingEditor, on_step: OnStep) -> None:
    """One short edit of a grey picture at the native size: allocates, tunes, and shows what a step takes.

    Raises ConfigurationError when what is made is no picture: another process would do no better. Too little memory
    may be another's for a moment only, and stays EditFailed.
    """
    side = math.isqrt(editor.checkpoint.native_pixels)
    try:
        for item in editor.edit([Image.new("RGB", (side, side), "grey")], " ", seed=0, steps=2):
            if not hasattr(item, "image"):
                on_step(item.index, item.total)
            del item
    except EditFailed as error:
        if error.code != "output_invalid":
            raise
        raise ConfigurationError(
            f"The checkpoint makes no picture: {error}",
            hint="`overpaint checkpoints verify` tells whether its files are whole.",
        ) from None


def edit(
    editor: ShrinkingEditor,
    request: EditRequest,
    files: Sequence[bytes],
    *,
    sandbox: Sandbox,
    on_step: OnStep,
    is_stopped: Callable[[], bool],
) -> Edited | None:
    """Makes the picture; None when `is_stopped` said so at a step. Raises EditFailed, and whatever went wrong.

    sandbox  where the files are decoded
    """
    if request.test_ending is Status.FAILED:
        raise EditFailed("test_mode")
    pictures = [_opened(file, sandbox) for file in files]
    if request.test_ending is Status.SUCCEEDED:
        return _unedited(pictures[0], request.seed)
    items = editor.edit(
        pictures,
        request.prompt,
        negative_prompt=request.negative_prompt,
        seed=request.seed,
        steps=request.steps,
        true_cfg_scale=request.true_cfg_scale,
        **_sizing(request.size),
    )
    with closing(cast("Generator[Step | Edited]", items)):
        for item in items:
            if is_stopped():
                return None
            if hasattr(item, "image"):
                return cast("Edited", item)
            on_step(item.index, item.total)
            del item  # it holds the editor, which may want to be another
    raise RuntimeError("the editor ended without a picture")


def render(
    image: Image.Image, request: EditRequest, original: InputPicture, max_output_pixels: int
) -> tuple[bytes, int, int]:
    """The file that is given out, and its width and height in pixels. `original`: the picture that was edited."""
    if request.size == "input":
        image = _resized(image, (original.width, original.height), max_output_pixels)
    return raster.encode(image, request.output_format, request.output_quality), image.width, image.height


def failure_code(error: Exception) -> str:
    """The key of errors.FAILURES that says what happened."""
    if isinstance(error, EditFailed):
        return error.code
    return "out_of_memory" if is_out_of_memory(error) else "internal_error"


def is_device_lost(error: Exception) -> bool:
    """Whether the device's context is broken, or the editor gone: every later edit of this process would fail too."""
    # torch's error is known by name, so that this room need not import it
    is_torchs = any(kind.__name__ == "AcceleratorError" for kind in type(error).__mro__)
    return isinstance(error, EditorLost) or is_torchs or str(error).startswith("CUDA error")


def _opened(file: bytes, sandbox: Sandbox) -> Image.Image:
    try:
        return sandbox.open_upright(file)
    except InvalidRequest:  # its header was good when it came in; its rest is not
        raise EditFailed("input_lost") from None


def _unedited(picture: Image.Image, seed: int) -> Edited:
    """What is given out when only the way there is tested."""
    from overpaint.model import Edited

    return Edited(picture, seed, picture.width, picture.height, Timings(), working_pixels=0)


def _sizing(size: str) -> dict[str, Any]:
    """The wire contract's `size` in the editor's words."""
    if size in ("auto", "input"):
        return {"fit": "exact"}
    if size == "native":
        return {"fit": "reference"}
    width, height = size.split("x")
    return {"fit": "exact", "width": int(width), "height": int(height)}


def _resized(image: Image.Image, size: tuple[int, int], max_pixels: int) -> Image.Image:
    """Laid back into `size`, or into the largest of its shape that may be given out."""
    width, height = size
    scale = min(1.0, math.sqrt(max_pixels / (width * height)), LONGEST_SIDE / max(size))
    target = max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
    return image if image.size == target else image.resize(target, Image.Resampling.LANCZOS)
