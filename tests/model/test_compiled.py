"""Compiled blocks: one version for all blocks and sizes, whatever holds their weights; and the plain picture, nearly.

With torch's backends for trials, which trace and guard as inductor does and then run the plain kernels: inductor takes
a minute for one such block. It runs in `python -m benchmarks.gpu --size tiny`.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch._dynamo.utils import counters

from overpaint import catalog, plan
from overpaint.errors import ConfigurationError
from overpaint.model import Edited, Editor
from overpaint.model.attention import Attention
from overpaint.model.checkpoint import load
from overpaint.model.compiled import Backend, CompiledBlocks
from overpaint.plan import Weights

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _nothing_compiled() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def versions() -> int:
    return counters["stats"]["unique_graphs"]


def an_editor(folder: Path, held: plan.Plan | None = None, weights: Weights = "exact") -> Editor:
    checkpoint = catalog.read(folder)
    return Editor(checkpoint, load(checkpoint, CPU, torch.float32, plan=held, weights=weights), CPU, torch.float32)


def compiled(editor: Editor, backend: Backend = "eager") -> CompiledBlocks:
    editor.around = blocks = CompiledBlocks(editor.parts.transformer, Attention(), backend)
    return blocks


def edited(editor: Editor, pictures: list[Image.Image], prompt: str, **more: Any) -> Any:
    last: Any = None
    for item in editor.edit(pictures, prompt, **{"seed": 1, "steps": 2, **more}):
        last = item  # the last alone: a step holds the editor
    assert isinstance(last, Edited)
    return np.asarray(last.image, dtype=int)


def streamed(folder: Path) -> plan.Plan:
    """With two of three blocks in host memory."""
    ways = plan.every(plan.measure(folder), bytes_a_value=4, pixels=0)
    return next(way for way in ways if way.streamed_blocks == 2)


@pytest.mark.parametrize(
    ("backend", "is_streamed", "weights"),
    [("aot_eager", False, "exact"), ("eager", True, "exact"), ("eager", False, "int8")],
)
def test_one_version_serves_every_block_and_every_size(
    backend: str,
    is_streamed: bool,
    weights: Weights,
    random_checkpoint: Callable[..., Path],
    picture: Callable[..., Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = random_checkpoint("2511", tiny=True, blocks=3)
    held = streamed(folder) if is_streamed else None
    plain, ours = (an_editor(folder, held, weights) for _ in range(2))
    blocks = compiled(ours, backend)
    asked: list[tuple[list[Image.Image], str, dict[str, Any]]] = [
        ([Image.new("RGB", (64, 64), "grey")], " ", {}),  # the trial edit: as many tokens of noise as of the picture
        ([picture(90, 50)], "make it red", {}),
        ([picture(64, 64), picture(30, 90)], "make it blue and so on", {"width": 200, "height": 120}),
        ([picture(33, 64)], "x", {"true_cfg_scale": 1.0}),
    ]
    for pictures, prompt, more in asked:
        made = edited(ours, pictures, prompt, **more)
        assert np.abs(made - edited(plain, pictures, prompt, **more)).max() <= 1
        assert versions() == 1
        monkeypatch.setattr(blocks, "_made", lambda: torch.compiler.set_stance("fail_on_recompile"))


@torch.no_grad()
def test_what_would_need_another_version_runs_as_it_is_written(
    random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    folder = random_checkpoint("2511", tiny=True, blocks=3)
    plain, ours = (an_editor(folder) for _ in range(2))
    blocks = compiled(ours)
    edited(ours, [picture(64, 64)], "red")
    before = versions()
    transformer, draw = plain.parts.transformer, torch.Generator().manual_seed(2)
    latents, references, text = (torch.randn((2, 16, width), generator=draw) for width in (64, 64, 32))
    scene = transformer.scene(references, text, [(1, 4, 4)] * 2)  # two rows: an edit has one
    level = transformer.level(torch.tensor([0.5, 0.5]))
    with blocks():
        made = ours.parts.transformer(latents, level, scene)
    assert torch.equal(made, transformer(latents, level, scene))
    assert before == versions() == 1
    assert torch._dynamo.eval_frame._stance.stance == "default", "others in this process may compile"


def test_a_network_that_was_compiled_is_let_go(
    random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    """As a worker does that makes itself smaller."""
    ours = an_editor(random_checkpoint("2511", tiny=True, blocks=3))
    compiled(ours)
    edited(ours, [picture(64, 64)], "red")
    held = [weakref.ref(parameter) for parameter in ours.parts.transformer.parameters()]
    del ours
    gc.collect()
    assert [each() for each in held] == [None] * len(held)


def test_a_machine_that_cannot_compile_says_so(
    random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    def broken(*_: object) -> Any:
        raise OSError("c++: not found")

    ours = an_editor(random_checkpoint("2511", tiny=True, blocks=3))
    compiled(ours, broken)
    with pytest.raises(ConfigurationError, match=r"cannot be compiled here: c\+\+: not found") as caught:
        edited(ours, [picture(64, 64)], "red")
    assert "OVERPAINT_COMPILE" in caught.value.hint


def test_compiled_blocks_attend_as_was_chosen(
    random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    ours = an_editor(random_checkpoint("2511", tiny=True, blocks=3))
    graphs: list[str] = []

    def noted(graph: torch.fx.GraphModule, _: object) -> Any:
        graphs.append(str(torch.backends.cuda.flash_sdp_enabled()))
        return graph

    ours.around = CompiledBlocks(ours.parts.transformer, Attention((torch.nn.attention.SDPBackend.MATH,)), noted)
    edited(ours, [picture(64, 64)], "red")
    assert graphs == ["False"]
