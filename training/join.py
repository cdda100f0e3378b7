"""Joins two runs: the text encoder of one, the transformer of another; averaged weights of both.

Reading and obeying teach different networks by the same marks, so that they can run side by side. Knows the files of a
run. Does not train.

    python -m training.join training/runs/reading.pt training/runs/obeying.pt      # → training/runs/editor.pt
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from training import encoder as text
from training.autoencoder import RUNS
from training.editor import Editor, begun


def join(reading: Path, obeying: Path, runs: Path = RUNS) -> None:
    """Raises ValueError where the runs mean other things by their marks, FileExistsError where a run stands already."""
    if (runs / "editor.pt").exists():
        raise FileExistsError(f"{runs / 'editor.pt'} exists; move or delete it")
    read, obeyed = torch.load(reading), torch.load(obeying)
    if not torch.equal(read["marks"], obeyed["marks"]):
        raise ValueError("the two runs have other marks, so they cannot be joined")
    _, settings = text.load_tokenizer(runs / "tokenizer")
    editor = Editor(settings)
    for network, state in (("encoder", read), ("transformer", obeyed)):
        take(editor, state, network)
    spent = {name: read[name] + obeyed[name] for name in ("total_steps", "spent")}
    torch.save(begun(editor, **spent) | {"marks": read["marks"]}, runs / "editor.pt")


@torch.no_grad()
def take(editor: Editor, state: dict[str, Any], network: str) -> None:
    """One network's averaged weights of a run."""
    values = state["average"]["values"]
    for (name, parameter), value in zip(editor.named_parameters(), values, strict=True):
        if name.startswith(network):
            parameter.copy_(value)


def main() -> None:
    reading, obeying = map(Path, sys.argv[1:3])
    join(reading, obeying)


if __name__ == "__main__":
    main()
