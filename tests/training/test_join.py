"""Two runs joined: each network comes from the run that taught it, and only where both mean the same by their marks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

import overpaint
from training import encoder as text
from training import marks
from training.editor import Editor
from training.export import load_trained
from training.join import join

MINI = Path(overpaint.__file__).parent / "checkpoints" / "mini"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with a run's tokenizer, and none of its weights."""
    shutil.copytree(MINI / "tokenizer", tmp_path / "tokenizer")
    return tmp_path


def taught(path: Path, seed: int, own: Tensor) -> dict[str, Tensor]:
    """Writes a run of random weights whose averages differ from its last ones; gives the averages by name."""
    torch.manual_seed(seed)
    _, settings = text.load_tokenizer(path.parent / "tokenizer")
    editor = Editor(settings)
    averages = [parameter.detach() + 1 for parameter in editor.parameters()]
    average = {"steps": 1, "values": averages}
    state = {"editor": editor.state_dict(), "average": average, "marks": own, "total_steps": seed, "spent": 1.0}
    torch.save(state, path)
    return dict(zip(dict(editor.named_parameters()), averages, strict=True))


def test_each_network_comes_from_its_own_run(run: Path) -> None:
    reading = taught(run / "reading.pt", 1, marks.start())
    obeying = taught(run / "obeying.pt", 2, marks.start())
    join(run / "reading.pt", run / "obeying.pt", run)
    editor, _ = load_trained(run)
    for name, parameter in editor.named_parameters():
        assert parameter.equal((reading if name.startswith("encoder") else obeying)[name]), name
    assert torch.load(run / "editor.pt")["total_steps"] == 3
    with pytest.raises(FileExistsError, match=r"editor\.pt"):
        join(run / "reading.pt", run / "obeying.pt", run)


def test_runs_that_mean_other_things_by_their_marks_are_not_joined(run: Path) -> None:
    taught(run / "reading.pt", 1, marks.start())
    taught(run / "obeying.pt", 2, -marks.start())
    with pytest.raises(ValueError, match="other marks"):
        join(run / "reading.pt", run / "obeying.pt", run)
