"""What is asked of the editor, what is given out, and how failures are named."""

from __future__ import annotations

import errno
import io
from typing import Any, get_args

import pytest
from PIL import Image

from overpaint import catalog, plan
from overpaint.domain import EditRequest, InputPicture, Status
from overpaint.errors import ConfigurationError, EditFailed
from overpaint.images.sandbox import Sandbox
from overpaint.model.attention import Attention
from overpaint.model.compiled import CompiledBlocks
from overpaint.plan import Weights
from overpaint.worker import making
from tests.worker.doubles import ScriptedEditor, picture


def request(**changes: Any) -> EditRequest:
    return EditRequest(**{"prompt": "变成黑白照片", "seed": 3, "steps": 2, "true_cfg_scale": 4.0, **changes})


def made(editor: ScriptedEditor, asked: EditRequest, data: bytes | None = None, **more: Any) -> Any:
    heard: dict[str, Any] = {"on_step": lambda step, total: None, "is_stopped": lambda: False, **more}
    sandbox = Sandbox(max_pixels=40_000_000)
    try:
        return making.edit(editor, asked, [picture() if data is None else data], sandbox=sandbox, **heard)  # type: ignore[arg-type]
    finally:
        sandbox.close()


@pytest.mark.parametrize("weights", get_args(Weights))
def test_weights_are_loaded_as_asked_for(weights: Weights) -> None:
    editor = making.load(catalog.EMBEDDED / "mini", "cpu", "float32", weights, 0, 1, lambda share: None)
    kinds = {str(parameter.dtype) for parameter in editor._editor.parts.transformer.parameters()}
    short = {"exact": set(), "int8": {"torch.int8"}, "fp8": {"torch.float8_e4m3fn"}}
    assert kinds == {"torch.float32"} | short[weights]


def test_only_the_first_editor_is_compiled() -> None:
    """A smaller one makes its first edit for somebody who waits."""
    editor = making.load(catalog.EMBEDDED / "mini", "cpu", "float32", "exact", 0, 1, lambda share: None, compiled=True)
    assert isinstance(editor._editor.around, CompiledBlocks)
    _, table, *_ = plan.plans(plan.measure(catalog.EMBEDDED / "mini"), bytes_a_value=4, pixels=0)
    assert editor._load(table).around == Attention()


@pytest.mark.parametrize(
    ("size", "sizing"),
    [
        ("auto", {"fit": "exact"}),
        ("input", {"fit": "exact"}),
        ("native", {"fit": "reference"}),
        ("640x384", {"fit": "exact", "width": 640, "height": 384}),
    ],
)
def test_each_size_has_its_words_for_the_editor(size: str, sizing: dict[str, object]) -> None:
    editor = ScriptedEditor()
    made(editor, request(size=size, negative_prompt="blur"))
    assert editor.calls == [
        {
            "prompt": "变成黑白照片",
            "negative_prompt": "blur",
            "seed": 3,
            "steps": 2,
            "true_cfg_scale": 4.0,
            **sizing,
        }
    ]


@pytest.mark.parametrize(
    ("size", "original", "limit", "given"),
    [
        ("auto", (300, 200), 10**6, (64, 48)),
        ("input", (300, 200), 10**6, (300, 200)),
        ("input", (300, 200), 15_000, (150, 100)),
        ("input", (16_384, 1100), 10**9, (16_383, 1099)),  # WebP has no longer side
    ],
)
def test_size_input_lays_the_result_back_into_the_picture(
    size: str, original: tuple[int, int], limit: int, given: tuple[int, int]
) -> None:
    first = InputPicture(name="", sha256="", format="png", width=original[0], height=original[1], bytes=1)
    edited = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    data, width, height = making.render(edited, request(size=size, output_format="png"), first, limit)
    assert (width, height) == given
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("PNG", given)


def test_pictures_come_upright() -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be seen turned by a quarter
    Image.new("RGB", (64, 48)).save(file, "JPEG", exif=exif)
    editor = ScriptedEditor()
    made(editor, request(), file.getvalue())
    assert [image.size for image in editor.pictures] == [(48, 64)]


def test_every_step_is_told_and_then_the_picture_is_there() -> None:
    steps: list[tuple[int, int]] = []
    edited = made(ScriptedEditor(), request(steps=3), on_step=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert edited.image.size == (64, 48)


def test_stopping_closes_the_editor_at_the_next_step() -> None:
    editor, steps = ScriptedEditor(), list[int]()
    stopped = made(
        editor, request(steps=50), on_step=lambda step, total: steps.append(step), is_stopped=lambda: len(steps) == 2
    )
    assert stopped is None
    assert (editor.steps_made, editor.closed_early) == (3, 1)


@pytest.mark.parametrize(("code", "kind"), [("output_invalid", ConfigurationError), ("out_of_memory", EditFailed)])
def test_only_a_trial_that_gives_no_picture_condemns_the_checkpoint(code: str, kind: type[Exception]) -> None:
    class Broken(ScriptedEditor):
        def edit(self, *args: Any, **more: Any) -> Any:
            raise EditFailed(code)

    with pytest.raises(kind):
        making.warm_up(Broken(), lambda step, total: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_rehearsal_gives_the_picture_back_without_a_step(kind: str) -> None:
    editor, steps = ScriptedEditor(), list[int]()
    asked = request(test_ending=Status.SUCCEEDED, output_format=kind)
    edited = made(editor, asked, picture((40, 30)), on_step=lambda step, total: steps.append(step))
    assert (editor.calls, steps, edited.seed, edited.working_pixels) == ([], [], 3, 0)
    original = InputPicture(name="", sha256="", format="png", width=40, height=30, bytes=1)
    data, width, height = making.render(edited.image, asked, original, 10**6)
    with Image.open(io.BytesIO(data)) as image, Image.open(io.BytesIO(picture((40, 30)))) as sent:
        assert (image.format, image.size) == (kind.upper(), (width, height)) == (kind.upper(), sent.size)
        assert abs(image.convert("L").getpixel((20, 29)) - sent.convert("L").getpixel((20, 29))) < 8  # type: ignore[operator]


def test_a_rehearsed_failure_has_its_own_name() -> None:
    editor = ScriptedEditor()
    with pytest.raises(EditFailed) as failed:
        made(editor, request(test_ending=Status.FAILED))
    assert (failed.value.code, editor.calls) == ("test_mode", [])


def test_a_picture_damaged_behind_its_header_is_a_lost_input() -> None:
    data = bytearray(picture((400, 400)))
    data[60:] = bytes(len(data) - 60)
    with pytest.raises(EditFailed) as failed:
        made(ScriptedEditor(), request(), bytes(data))
    assert failed.value.code == "input_lost"


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


class AcceleratorError(RuntimeError):
    """As torch names it."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "out_of_memory"),
        (EditFailed("prompt_too_long"), "prompt_too_long"),
        (EditFailed("output_invalid"), "output_invalid"),
        (ValueError("surprise"), "internal_error"),
        (RuntimeError("could not create a primitive"), "out_of_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory"),
        (OSError(errno.EIO, "Input/output error"), "internal_error"),
    ],
)
def test_failures_have_the_contracts_names(error: Exception, code: str) -> None:
    assert making.failure_code(error) == code


def test_a_broken_device_context_is_told_from_a_bug() -> None:
    assert making.is_device_lost(AcceleratorError("an illegal memory access was encountered"))
    assert making.is_device_lost(RuntimeError("CUDA error: device-side assert triggered"))
    assert not making.is_device_lost(ValueError("CUDA is not the problem"))
    assert not making.is_device_lost(OutOfMemoryError("CUDA out of memory"))
