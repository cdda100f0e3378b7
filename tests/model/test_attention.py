"""The attention kernel: measured once, kept for every process, and used by the passes alone.

The choice among a GPU's kernels is made with times of the tests' own; what runs is two kernels that a CPU has, too.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.attention import SDPBackend

from overpaint.model import Edited, Editor, Step, attention, load_editor
from overpaint.model.attention import FUSED, RUNS, WARM_UP, Attention, Kind, choose, fastest, measured

CPU = torch.device("cpu")
MATH, FLASH, CUDNN = SDPBackend.MATH, SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION
KIND = Kind("A card", torch.bfloat16, 128)
TIMES = {FLASH: 0.003, CUDNN: 0.002}


# --- measuring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_what_cannot_run_here_is_not_measured(dtype: torch.dtype) -> None:
    times = measured((*FUSED, MATH), (1, 40, 2, 16), CPU, dtype)
    assert list(times) == [FLASH, MATH]
    assert all(seconds > 0 for seconds in times.values())


def test_times_are_medians_of_the_later_runs_in_turn() -> None:
    first, second = [900.0] * WARM_UP + [5.0] * RUNS, [900.0] * WARM_UP + [7.0] * RUNS
    second[-1] = 300.0  # somebody else had the device

    def moments() -> Iterator[float]:
        now = 0.0
        for took in (seconds for turn in zip(first, second, strict=True) for seconds in turn):
            yield now
            now += took
            yield now

    ticks = moments()
    times = measured((FLASH, MATH), (1, 8, 2, 16), CPU, torch.float32, clock=lambda: next(ticks))
    assert times == {FLASH: 5.0, MATH: 7.0}
    assert next(ticks, None) is None


def test_the_callers_random_numbers_are_not_moved() -> None:
    before = torch.get_rng_state()
    measured((FLASH,), (1, 8, 2, 16), CPU, torch.float32)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("flash", "cudnn", "best"), [(1.0, 2.0, FLASH), (2.0, 1.0, CUDNN), (1.04, 1.0, FLASH)])
def test_a_near_tie_is_not_left_to_chance(flash: float, cudnn: float, best: SDPBackend) -> None:
    assert fastest({FLASH: flash, CUDNN: cudnn}) is best


# --- keeping ----------------------------------------------------------------------------------------------------------


def never() -> Any:
    pytest.fail("it was measured already")


def test_it_is_measured_once_and_the_others_follow(tmp_path: Path) -> None:
    made = choose(KIND, lambda: TIMES, tmp_path / "new")
    assert made.backends == (CUDNN, FLASH, SDPBackend.EFFICIENT_ATTENTION, MATH)
    assert choose(KIND, never, tmp_path / "new") == made
    (entry,) = json.loads((tmp_path / "new" / attention.FILE).read_text("utf-8")).values()
    assert entry == {"backend": "CUDNN_ATTENTION", "ms": {"FLASH_ATTENTION": 3.0, "CUDNN_ATTENTION": 2.0}}
    assert [path.name for path in (tmp_path / "new").iterdir()] == [attention.FILE]


@pytest.mark.parametrize(
    "other",
    [Kind("Another", torch.bfloat16, 128), Kind("A card", torch.float32, 128), Kind("A card", torch.bfloat16, 64)],
)
def test_a_choice_holds_for_its_kind_alone(other: Kind, tmp_path: Path) -> None:
    first = choose(KIND, lambda: TIMES, tmp_path)
    assert choose(other, lambda: {FLASH: 1.0, CUDNN: 2.0}, tmp_path) != first
    assert choose(KIND, never, tmp_path) == first


def test_another_torch_measures_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(KIND, lambda: TIMES, tmp_path)
    monkeypatch.setattr(torch, "__version__", "99")
    assert choose(KIND, lambda: {FLASH: 1.0}, tmp_path).backends[0] is FLASH


def test_of_two_that_measure_at_a_time_the_first_choice_holds_for_both(tmp_path: Path) -> None:
    def overtaken() -> dict[SDPBackend, float]:
        choose(KIND, lambda: {FLASH: 1.0, CUDNN: 2.0}, tmp_path)
        return TIMES

    assert choose(KIND, overtaken, tmp_path).backends[0] is FLASH
    assert choose(KIND, never, tmp_path).backends[0] is FLASH


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"KEY": 3}', '{"KEY": {"backend": "MATH"}}', '{"KEY": {"backend": ["FLASH_ATTENTION"]}}']
)
def test_a_damaged_file_is_measured_again_and_said_once(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / attention.FILE).write_text(text.replace("KEY", KIND.key), "utf-8")
    with caplog.at_level(logging.WARNING):
        made = choose(KIND, lambda: TIMES, tmp_path)
        assert choose(KIND, never, tmp_path) == made
    assert [record.getMessage() for record in caplog.records] == [
        "the file of attention choices is damaged, what is missing is measured again"
    ]


def test_a_folder_that_cannot_be_written_costs_a_line_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        assert choose(KIND, lambda: TIMES, tmp_path / "file").backends[0] is CUDNN
    (said,) = [record.getMessage() for record in caplog.records]
    assert "is not kept" in said
    assert str(tmp_path) not in said
    assert choose(KIND, lambda: TIMES, None).backends[0] is CUDNN


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may enter every folder: for a while this process is somebody who may not."""
    was_root = os.geteuid() == 0
    if was_root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if was_root:
            os.setresuid(0, 0, 0)


def test_a_home_that_may_not_be_entered_costs_a_line_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As with HOME=/root for a service that runs as another user."""
    home = tmp_path / "home"
    home.mkdir(mode=0)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(home))
    with as_nobody(), caplog.at_level(logging.WARNING):
        assert attention.known("A card") == {}
        assert choose(KIND, lambda: TIMES, attention.cache_folder()).backends[0] is CUDNN
    (said,) = [record.getMessage() for record in caplog.records]
    assert "is not kept" in said


def test_where_no_kernel_runs_torch_chooses_by_itself(tmp_path: Path) -> None:
    assert choose(KIND, dict, tmp_path) == Attention()
    assert list(tmp_path.iterdir()) == []


def test_the_file_lies_in_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for named, folder in (
        ("", tmp_path / "home/.cache"),
        ("not/absolute", tmp_path / "home/.cache"),
        (str(tmp_path), tmp_path),
    ):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        assert attention.cache_folder() == folder / "overpaint"


def test_a_gpu_is_asked_for_its_name_and_measured_at_the_checkpoints_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"A card {device.index}")
    monkeypatch.setattr(attention, "measured", lambda *given: (asked.append(given), TIMES)[1])
    made = attention.chosen(24, 128, 8192, torch.device("cuda:1"), torch.bfloat16)
    assert made.backends[0] is CUDNN
    assert asked == [(FUSED, (1, 8492, 24, 128), torch.device("cuda:1"), torch.bfloat16)]
    assert attention.known("A card 1") == {"bfloat16, head_dim 128": "CUDNN_ATTENTION"}
    assert attention.known("A card") == {}


def test_on_a_cpu_nothing_is_measured_or_written(
    random_checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(attention, "measured", never)
    assert load_editor(random_checkpoint("2511", tiny=True), device="cpu").around == Attention()
    assert list(tmp_path.iterdir()) == []


# --- using ------------------------------------------------------------------------------------------------------------


def under(editor: Editor, *backends: SDPBackend) -> Editor:
    return Editor(editor.checkpoint, editor.parts, editor.device, editor.dtype, Attention(backends))


def has_flash() -> bool:
    return torch.backends.cuda.flash_sdp_enabled()


def edited(editor: Editor, image: Image.Image) -> Image.Image:
    *_, last = editor.edit([image], "red", seed=1, steps=4)
    assert isinstance(last, Edited)
    return last.image


def test_a_whole_edit_is_the_same_with_either_kernel(
    random_checkpoint: Callable[..., Path], editor: Callable[..., Editor], picture: Callable[..., Image.Image]
) -> None:
    ours, image = editor(random_checkpoint("2511", tiny=True)), picture(80, 60)
    flash, math = (edited(under(ours, backend), image) for backend in (FLASH, MATH))
    assert flash.tobytes() == edited(ours, image).tobytes(), "on a CPU torch takes this one by itself"
    assert np.abs(np.asarray(flash, int) - np.asarray(math, int)).max() <= 1


@torch.no_grad()
def test_a_pass_is_nearly_the_same_with_either_kernel(
    random_checkpoint: Callable[..., Path], editor: Callable[..., Editor]
) -> None:
    parts, draw = editor(random_checkpoint("2511")).parts, torch.Generator().manual_seed(4)
    config = parts.transformer.config
    latents, references, text = (
        torch.randn((1, count, width), generator=draw)
        for count, width in ((16, config.in_channels), (6, config.in_channels), (9, config.joint_attention_dim))
    )
    scene = parts.transformer.scene(references, text, [(1, 4, 4), (1, 2, 3)])
    level, made = parts.levels.schedule([0.7])[0.7], []
    for backend in (FLASH, MATH):
        with Attention((backend,))():
            made.append(parts.transformer(latents, level, scene))
    assert not torch.equal(*made), "two kernels, or equality would prove little"
    torch.testing.assert_close(*made, rtol=1e-5, atol=1e-5)


def test_the_passes_alone_run_under_it(
    random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    ours = load_editor(random_checkpoint("2511", tiny=True), device="cpu")
    parts, seen = ours.parts, set[tuple[str, bool]]()
    watched = {
        "passes": parts.transformer.transformer_blocks[0].attn,
        "entering": parts.transformer.txt_in,
        "encoder": parts.conditioner.encoder,
    }
    for name, module in watched.items():
        for part in module.modules():
            part.register_forward_hook(lambda *_, name=name: seen.add((name, has_flash())))  # type: ignore[misc]
    for made in under(ours, MATH).edit([picture(64, 64)], "red", seed=1, steps=2):
        assert has_flash(), "between two steps others have the process"
        if isinstance(made, Step):
            made.preview()
    assert seen == {("passes", False), ("entering", True), ("encoder", True)}


def test_a_pass_that_fails_leaves_torch_as_it_was(
    random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    ours = load_editor(random_checkpoint("2511", tiny=True), device="cpu")
    with pytest.raises(RuntimeError, match="No viable backend"):
        list(under(ours, CUDNN).edit([picture(64, 64)], "red", seed=1, steps=2))
    assert has_flash()


def test_what_does_not_run_here_is_passed_over(
    random_checkpoint: Callable[..., Path], editor: Callable[..., Editor], picture: Callable[..., Image.Image]
) -> None:
    """As on a GPU with a shape that the chosen kernel does not take."""
    ours, image = editor(random_checkpoint("2511", tiny=True)), picture(64, 64)
    made = edited(under(ours, *attention._first(CUDNN).backends), image)
    assert made.tobytes() == edited(ours, image).tobytes()
