"""The modulation table: looking a level up gives what reading it gives, wherever the weights are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from overpaint import catalog
from overpaint.model import Edited, Editor, load_editor
from overpaint.model.checkpoint import load
from overpaint.model.levels import LevelTable
from overpaint.model.transformer import Level
from overpaint.plan import KEPT_LEVELS, measure, plans
from tests.model import checkpoints

CPU = torch.device("cpu")


def editors(folder: Path, dtype: torch.dtype) -> list[Editor]:
    checkpoint = catalog.read(folder)
    resident, table, *_ = plans(measure(folder), bytes_a_value=dtype.itemsize, pixels=0)
    return [Editor(checkpoint, load(checkpoint, CPU, dtype, plan=plan), CPU, dtype) for plan in (resident, table)]


def assert_same_levels(resident: Editor, streamed: Editor) -> None:
    levels = [editor.parts.levels.schedule([1.0, 0.61, 0.02]) for editor in (resident, streamed)]
    for sigma in levels[0]:
        for ours, theirs in zip(levels[0][sigma].blocks, levels[1][sigma].blocks, strict=True):
            assert torch.equal(ours[0], theirs[0])
            assert torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("generation", ["2509", "2511"])  # zero_cond_t off, on
def test_weights_left_in_their_files_give_the_same_picture(
    generation: str,
    dtype: torch.dtype,
    random_checkpoint: Callable[..., Path],
    picture: Callable[..., Image.Image],
) -> None:
    resident, streamed = editors(random_checkpoint(generation), dtype)
    assert_same_levels(resident, streamed)
    pictures = []
    for editor in (resident, streamed):
        *_, last = editor.edit([picture(64, 64)], "red", seed=3, steps=3, true_cfg_scale=2.0)
        assert isinstance(last, Edited)
        pictures.append(last.image.tobytes())
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_where_a_tensor_lies_in_its_file_changes_nothing(
    dtype: torch.dtype, own_checkpoint: Callable[..., Path]
) -> None:
    """The header's length moves all tensors, and kernels are chosen by alignment."""
    folder = own_checkpoint("2511")
    path = checkpoints.weights(folder, "transformer")
    tensors = {key: tensor.clone() for key, tensor in load_file(path).items()}  # the file is written anew
    for length in range(0, 64, 8):
        save_file(tensors, path, metadata={"format": "pt", "note": "." * length})
        assert_same_levels(*editors(folder, dtype))


def test_modulation_weights_are_not_in_memory(random_checkpoint: Callable[..., Path]) -> None:
    _, streamed = editors(random_checkpoint("2511"), torch.float32)
    absent = {name for name, p in streamed.parts.transformer.named_parameters() if p.is_meta}
    assert absent == {name for name, _ in streamed.parts.transformer.named_parameters() if "_mod." in name}


def test_a_second_edit_reads_no_level_again(
    random_checkpoint: Callable[..., Path], picture: Callable[..., Image.Image]
) -> None:
    editor = load_editor(random_checkpoint("2511"), device="cpu")
    asked: list[int] = []
    read = editor.parts.levels.read

    def counted(sigmas: Sequence[torch.Tensor]) -> list[Level]:
        asked.append(len(sigmas))
        return read(sigmas)

    editor.parts.levels.read = counted
    for seed in (1, 2):
        list(editor.edit([picture(64, 64)], "red", seed=seed, steps=3))
    list(editor.edit([picture(64, 64)], "red", seed=3, steps=4))
    assert asked[0] == 3
    assert sum(asked[1:]) <= 4


def test_the_table_is_bounded_and_a_walk_always_whole() -> None:
    asked: list[int] = []
    alive: list[int] = []

    def read(sigmas: Sequence[torch.Tensor]) -> list[Level]:
        asked.append(len(sigmas))
        alive.append(len(table.known) + len(sigmas))
        return [Level(sigma, []) for sigma in sigmas]

    table = LevelTable(read, 1000, CPU, torch.float32)
    for turn in range(5):
        walk = [turn + index / 1000 for index in range(100)]
        assert list(table.schedule(walk)) == walk
    assert len(table.known) == KEPT_LEVELS
    half_known = [4 + index / 1000 for index in range(50, 150)]
    assert set(table.schedule(half_known)) == set(half_known)
    assert asked[-1] == 50
    assert len(table.known) == KEPT_LEVELS
    assert max(alive) <= KEPT_LEVELS
    long = [-index / 1000 for index in range(KEPT_LEVELS + 50)]
    for _ in range(2):
        assert set(table.schedule(long)) == set(long)
        assert len(table.known) == KEPT_LEVELS
