"""Judges a checkpoint on held-out photographs through the served path, and draws the contact sheet.

Knows `load_editor` and `Editor.edit` only: nothing here touches the network in another way. Prints Markdown.

    python -m training.score overpaint/checkpoints/mini [--quick] [--sheet sheet.png]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from overpaint.model import Edited, Editor, load_editor
from training import crops, edits, photographs
from training.heldout import EVERYDAY, HELDOUT, HELDOUT_UNKNOWN

LANGUAGES = ("en", "zh")
KINDS = {"everyday": EVERYDAY, "held out": HELDOUT}


@dataclass(frozen=True)
class Judged:
    """One edit, judged: mean square errors on values in [0, 1], and the nearest of all true edits."""

    error: float  #: made picture against the true edit
    roundtrip: float  #: autoencoder's round trip of the true edit
    unchanged: float  #: input against the true edit
    nearest: str


class Judge:
    """Holds the held-out photographs at the working size, their true edits and the autoencoder's round trips."""

    def __init__(self, editor: Editor, names: Iterable[str] | None = None) -> None:
        self.editor = editor
        area = editor.checkpoint.native_pixels
        found = photographs.load("heldout", kind="photo")
        wanted = list(names or found)
        self.images = {name: crops.to_area(found[name], area) for name in wanted}
        self.pixels = {name: crops.to_pixels(image) for name, image in self.images.items()}
        self.roundtrips: dict[tuple[str, str], float] = {}

    def make(self, name: str, prompt: str, seed: int) -> Tensor:
        *_, last = self.editor.edit([self.images[name]], prompt, seed=seed)
        assert isinstance(last, Edited)
        return crops.to_pixels(last.image)

    def truth(self, name: str, family: str) -> Tensor:
        return (edits.EDITS[family](self.pixels[name]) * 255).round() / 255

    @torch.no_grad()
    def roundtrip(self, name: str, family: str) -> float:
        """The autoencoder's own error on the true edit, on the grid the editor works on."""
        if (name, family) not in self.roundtrips:
            truth = self.truth(name, family)
            height, width = truth.shape[1:]
            padding = (0, -width % crops.GRID, 0, -height % crops.GRID)
            padded = torch.nn.functional.pad(truth[None], padding, mode="replicate") * 2 - 1
            autoencoder = self.editor.parts.autoencoder
            like = next(autoencoder.parameters())
            back = autoencoder.decode(autoencoder.encode(padded.to(like))).float().cpu() / 2 + 0.5
            self.roundtrips[name, family] = mse(back[0, :, :height, :width], truth)
        return self.roundtrips[name, family]

    def judge(self, name: str, family: str, prompt: str, seed: int) -> Judged:
        made = self.make(name, prompt, seed)
        distances = {other: mse(made, self.truth(name, other)) for other in edits.EDITS}
        unchanged = mse(self.pixels[name], self.truth(name, family))
        return Judged(distances[family], self.roundtrip(name, family), unchanged, min(distances, key=distances.__getitem__))


def mse(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().mean())


def decibels(error: float) -> float:
    return -10 * torch.tensor(error).clamp_min(1e-10).log10().item()


def tonal_table(judge: Judge, prompts: int) -> list[str]:
    """A row per family, language and kind of phrasing; errors pooled over pictures and prompts."""
    head = "family | language | phrasings | error | round trip | unchanged | ratio | asked for"
    lines = [f"| {head} |", "|---|---|---|---|---|---|---|---|"]
    for family in edits.FAMILIES:
        for language in LANGUAGES:
            for kind, table in KINDS.items():
                sentences = table[family][language][:prompts]
                names = list(judge.images)
                rows = [
                    judge.judge(name, family, prompt, seed=100 * i + j)
                    for i, prompt in enumerate(sentences)
                    for j, name in enumerate(names)
                ]
                error, trip, same = (mean(getattr(r, f) for r in rows) for f in ("error", "roundtrip", "unchanged"))
                asked = mean(float(r.nearest == family) for r in rows)
                lines.append(
                    f"| {family} | {language} | {kind} ({len(sentences)}) | {error:.5f} | {trip:.5f} | {same:.5f} "
                    f"| **{(error - trip) / same:.3f}** | {100 * asked:.0f} % |"
                )
                print(lines[-1], flush=True)
    return lines


def unchanged_table(judge: Judge, prompts: int) -> list[str]:
    """PSNR to the input for prompts that should change nothing."""
    lines = ["| prompts | pictures × prompts | mean dB | lowest dB | lowest of a prompt's mean |", "|---|---|---|---|---|"]
    groups = {f"keep, {lang}, {kind}": table["keep"][lang] for lang in LANGUAGES for kind, table in KINDS.items()}
    for name, sentences in (groups | HELDOUT_UNKNOWN).items():
        found: dict[str, list[float]] = defaultdict(list)
        for i, prompt in enumerate(sentences[:prompts]):
            for j, picture in enumerate(judge.images):
                found[prompt].append(decibels(mse(judge.make(picture, prompt, 100 * i + j), judge.pixels[picture])))
        values = [value for rows in found.values() for value in rows]
        worst = min(found, key=lambda prompt: mean(found[prompt]))
        lines.append(
            f"| {name} | {len(values)} | **{mean(values):.1f}** | {min(values):.1f} | {mean(found[worst]):.1f} ({worst!r}) |"
        )
        print(lines[-1], flush=True)
    ceiling = [decibels(judge.roundtrip(name, "keep")) for name in judge.images]
    lines.append(f"| autoencoder alone | {len(ceiling)} | {mean(ceiling):.1f} | {min(ceiling):.1f} | |")
    return lines


def sheet(judge: Judge, path: Path, names: list[str]) -> None:
    """Rows families, columns before | asked | made | true."""
    side, rows = 200, []
    for index, family in enumerate([*edits.FAMILIES, "keep"]):
        name = names[index % len(names)]
        prompt = HELDOUT[family]["en" if index % 2 == 0 else "zh"][0]
        made, truth = judge.make(name, prompt, seed=index), judge.truth(name, family)
        rows.append((prompt, judge.images[name], crops.to_image(made), crops.to_image(truth)))
    canvas = Image.new("RGB", (4 * (side + 8), len(rows) * (side + 8)), "white")
    draw = ImageDraw.Draw(canvas)
    for row, (prompt, *pictures) in enumerate(rows):
        for column, picture in zip((0, 2, 3), pictures, strict=True):
            picture.thumbnail((side, side))
            canvas.paste(picture, (column * (side + 8), row * (side + 8)))
        font_text = prompt if prompt.isascii() else prompt.encode("unicode_escape").decode()
        wrapped = [font_text[at : at + 28] for at in range(0, len(font_text), 28)]
        draw.multiline_text((side + 12, row * (side + 8) + 60), "\n".join(wrapped), fill="black")
    canvas.save(path)


def mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores a checkpoint on held-out photographs.")
    parser.add_argument("checkpoint", nargs="?", default="overpaint/checkpoints/mini")
    parser.add_argument("--quick", action="store_true", help="4 photographs, 2 sentences a cell")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--no-table", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started = time.monotonic()
    quick = ("chelsea", "astronaut", "eveningglow", "garden")
    # eight in the full table: 8 photographs × 7 families × 2 languages × 10 sentences in under ten minutes
    full = ("chelsea", "astronaut", "coffee", "rocket", "seeding", "picosdeeuropa", "dune", "fallenleaf")
    judge = Judge(load_editor(args.checkpoint), quick if args.quick else full)
    prompts = 2 if args.quick else 99
    if not args.no_table:
        print(f"Held-out photographs: {', '.join(judge.images)}\n", flush=True)
        tonal_table(judge, prompts)
        unchanged_table(judge, prompts)
    if args.sheet:
        sheet(judge, args.sheet, list(judge.images))
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
