"""A checkpoint taken as the start of a run, and exported from it, is the same checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import overpaint
from overpaint import hub
from training import codec
from training.adopt import adopt
from training.export import export

MINI = Path(overpaint.__file__).parent / "checkpoints" / "mini"


def test_what_was_adopted_is_exported_unchanged_and_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = torch.rand(4, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    monkeypatch.setattr(codec, "samples", lambda seed: iter([pictures]))  # the photographs are not in the repository
    run, made = tmp_path / "run", tmp_path / "made"
    run.mkdir()
    adopt(MINI, run)
    export(made, run)
    assert hub.has_manifest(made)
    assert [finding for finding in hub.verify(made) if finding.problem] == []
    not_made = ("README.md", hub.MANIFEST)  # by hand; names the version that exported
    names = [path.relative_to(MINI) for path in MINI.rglob("*") if path.is_file() and path.name not in not_made]
    for name in names:
        if name.suffix == ".safetensors":
            before, after = load_file(MINI / name), load_file(made / name)
            assert before.keys() == after.keys()
            assert all(torch.equal(before[key], after[key]) for key in before)
        else:
            assert (MINI / name).read_bytes() == (made / name).read_bytes()
    with pytest.raises(FileExistsError, match=r"editor\.pt"):
        adopt(MINI, run)
