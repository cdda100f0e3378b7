"""Judges a checkpoint on held-out photographs through the served path, and draws the contact sheet.

Knows `load_editor` and `Editor.edit` only: nothing here touches the network in another way. Prints Markdown.

    python -m training.score overpaint/checkpoints/mini [--quick] [--sheet sheet.png]
"""

from __future__ import annotations

import argparse
import textwrap
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from overpaint.model import Edited, Editor, load_editor
from training import crops, edits, photographs
from training.heldout import EVERYDAY, FRESH, HELDOUT, HELDOUT_UNKNOWN

LANGUAGES = ("en", "zh")
KINDS = {"everyday": EVERYDAY, "held out": HELDOUT, "fresh": FRESH}


@dataclass(frozen=True)
class Judged:
    """One edit, judged: mean square errors on values in [0, 1], and the nearest of all true edits."""

    error: float  #: made picture against the true edit
    roundtrip: float  #: autoencoder's round trip of the true edit
    unchanged: float  #: input against the true edit
    nearest: str


class Judge:
    """Holds the held-out photographs at the working size, their true edits and the autoencoder's round trips."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        found = photographs.load("heldout", kind="photo")
        self.images = {name: crops.to_area(image, editor.checkpoint.native_pixels) for name, image in found.items()}
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
        return Judged(
            distances[family], self.roundtrip(name, family), unchanged, min(distances, key=distances.__getitem__)
        )


def mse(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().mean())


def decibels(error: float) -> float:
    return -10 * torch.tensor(error).clamp_min(1e-10).log10().item()


def turns(judge: Judge, sentences: Sequence[str], pictures: int) -> list[tuple[str, str, int]]:
    """(sentence, picture, seed): each sentence on `pictures` photographs, which take turns so that all are used."""
    names = list(judge.images)
    return [
        (sentence, names[(i * pictures + j) % len(names)], 100 * i + j)
        for i, sentence in enumerate(sentences)
        for j in range(pictures)
    ]


def tonal_table(judge: Judge, prompts: int, pictures: int) -> Iterator[str]:
    """A row per family, language and kind of phrasing; errors pooled over pictures and prompts."""
    yield "| family | language | phrasings | error | round trip | unchanged | ratio | asked for |"
    yield "|---|---|---|---|---|---|---|---|"
    for family in edits.FAMILIES:
        for language in LANGUAGES:
            for kind, table in KINDS.items():
                sentences = table[family][language][:prompts]
                rows = [judge.judge(name, family, text, seed) for text, name, seed in turns(judge, sentences, pictures)]
                error, trip, same = (mean(getattr(r, f) for r in rows) for f in ("error", "roundtrip", "unchanged"))
                asked = mean(float(r.nearest == family) for r in rows)
                yield (
                    f"| {family} | {language} | {kind} ({len(sentences)} × {pictures}) | {error:.5f} | {trip:.5f} "
                    f"| {same:.5f} | **{(error - trip) / same:.3f}** | {100 * asked:.0f} % |"
                )


def unchanged_table(judge: Judge, prompts: int, pictures: int) -> Iterator[str]:
    """PSNR to the input for prompts that should change nothing."""
    yield "| prompts | edits | mean dB | lowest dB | lowest mean of one prompt |"
    yield "|---|---|---|---|---|"
    groups = {f"keep, {lang}, {kind}": table["keep"][lang] for lang in LANGUAGES for kind, table in KINDS.items()}
    for name, sentences in (groups | HELDOUT_UNKNOWN).items():
        found: dict[str, list[float]] = defaultdict(list)
        for prompt, picture, seed in turns(judge, sentences[:prompts], pictures):
            found[prompt].append(decibels(mse(judge.make(picture, prompt, seed), judge.pixels[picture])))
        values = [value for rows in found.values() for value in rows]
        worst = min(found, key=lambda prompt: mean(found[prompt]))
        told = f"{mean(found[worst]):.1f} `{worst}`"
        yield f"| {name} | {len(values)} | **{mean(values):.1f}** | {min(values):.1f} | {told} |"
    ceiling = [decibels(judge.roundtrip(name, "keep")) for name in judge.images]
    yield f"| autoencoder alone | {len(ceiling)} | {mean(ceiling):.1f} | {min(ceiling):.1f} | |"


def sheet(judge: Judge, path: Path, names: list[str]) -> None:
    """Rows families, columns before | asked | made | true."""
    side, rows = 200, []
    for index, family in enumerate([*edits.FAMILIES, "keep"]):
        name = names[index % len(names)]
        prompt = HELDOUT[family]["en"][0]  # Pillow's own font has no Chinese
        made, truth = judge.make(name, prompt, seed=index), judge.truth(name, family)
        rows.append((prompt, judge.images[name], crops.to_image(made), crops.to_image(truth)))
    canvas = Image.new("RGB", (4 * (side + 8), len(rows) * (side + 8)), "white")
    draw = ImageDraw.Draw(canvas)
    for row, (prompt, *pictures) in enumerate(rows):
        for column, picture in zip((0, 2, 3), pictures, strict=True):
            picture.thumbnail((side, side))
            canvas.paste(picture, (column * (side + 8), row * (side + 8)))
        asked = "\n".join(textwrap.wrap(prompt, 28))
        draw.multiline_text((side + 12, row * (side + 8) + 60), asked, fill="black")
    canvas.save(path)


def mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores a checkpoint on held-out photographs.")
    parser.add_argument("checkpoint", nargs="?", default="overpaint/checkpoints/mini")
    parser.add_argument(
        "--quick", action="store_true", help="2 sentences a cell, 1 photograph each; else all sentences, 3 each"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--no-table", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started = time.monotonic()
    judge = Judge(load_editor(args.checkpoint))
    prompts, pictures = (2, 1) if args.quick else (99, 3)
    if not args.no_table:
        print(f"Held-out photographs: {', '.join(judge.images)}\n", flush=True)
        for line in chain(tonal_table(judge, prompts, pictures), [""], unchanged_table(judge, prompts, pictures)):
            print(line, flush=True)
    if args.sheet:
        sheet(judge, args.sheet, list(judge.images))
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
