"""Takes a checkpoint as the start of a run: tokenizer, autoencoder and editor, as if they had been trained here.

Knows the files of a run and the shape of `mini`. Does not train.

    python -m training.adopt overpaint/checkpoints/mini      # → runs/tokenizer, runs/vae.pt, runs/editor.pt
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch

from overpaint.model import load_editor
from training import encoder as text
from training.autoencoder import RUNS
from training.codec import Codec
from training.editor import Editor, begun


def adopt(folder: Path, runs: Path = RUNS) -> None:
    """Raises FileExistsError where a run has begun: it is yours to move away."""
    if (runs / "editor.pt").exists():
        raise FileExistsError(f"{runs / 'editor.pt'} exists; move or delete it to start from a checkpoint")
    parts = load_editor(str(folder), device="cpu", dtype="float32").parts
    shutil.copytree(folder / "tokenizer", runs / "tokenizer", dirs_exist_ok=True)
    Codec.of(parts.autoencoder).save(runs / "vae.pt")
    _, settings = text.load_tokenizer(runs / "tokenizer")
    editor = Editor(settings)
    editor.transformer.load_state_dict(parts.transformer.state_dict())
    editor.encoder.load_state_dict(parts.conditioner.encoder.state_dict())
    torch.save(begun(editor), runs / "editor.pt")


def main() -> None:
    adopt(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("overpaint/checkpoints/mini"))


if __name__ == "__main__":
    main()
