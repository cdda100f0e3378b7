"""Draws how the loss and the families' errors fell over a run.

Knows the lines that `training.editor` writes. Does not judge: these are training prompts and training crops.

    python -m training.curves training/runs/editor.jsonl training/curves.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from training import edits

GROUPS = {"tones": edits.tone.EDITS, "strengths": edits.STRENGTHS, "styles": edits.style.EDITS}


def draw(lines: list[dict[str, float]], path: Path) -> None:
    """One curve for the loss, one for each group's mean error over that of the unchanged picture."""
    mpl.use("Agg")
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    steps = [line["step"] for line in lines]
    axis.plot(steps, [line["loss"] for line in lines], color="black", label="loss")
    for name, group in GROUPS.items():
        points = [
            (line["step"], sum(found) / len(found))
            for line in lines
            if (found := [line[family] for family in group if family in line])
        ]
        if points:
            axis.plot(*zip(*points, strict=True), label=f"{name}: error / unchanged")
    axis.set(xlabel="steps", yscale="log", title="Training mini: latents of training crops, all noise levels")
    axis.grid(visible=True, which="both", alpha=0.3)
    axis.legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    source, picture = map(Path, sys.argv[1:3])
    draw([json.loads(line) for line in source.read_text().splitlines()], picture)


if __name__ == "__main__":
    main()
