"""Scores a checkpoint on held-out photographs and sentences, and draws the contact sheet. Prints Markdown.

Knows sentences and tables; `training.judge` makes and compares the pictures.

    python -m training.score overpaint/checkpoints/mini [--quick | --roundabout] [--sheet sheet.jpg]
"""

from __future__ import annotations

import argparse
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track

from overpaint.model import load_editor
from training import crops, edits, photographs
from training.heldout import EVERYDAY, FRESH, FRESH2, HELDOUT, HELDOUT_UNKNOWN, ROUNDABOUT
from training.judge import Judge, decibels, mean, mse, pooled, ratio

LANGUAGES = ("en", "zh")
EXAMPLES = Path(__file__).parents[1] / "examples"
Table = Mapping[str, Mapping[str, Sequence[str]]]
#: sentences that training met, and those it never did
KINDS: dict[str, tuple[Table, ...]] = {"everyday": (EVERYDAY,), "unseen": (HELDOUT, FRESH, FRESH2)}


def sentences(kind: str, family: str, language: str, most: int) -> list[str]:
    """Up to `most` of each list that has sentences for the family."""
    lists = [table[family][language][:most] for table in KINDS[kind] if family in table]
    return list(chain.from_iterable(lists))


def turns(judge: Judge, texts: Sequence[str], first: int) -> Iterator[tuple[str, str, int]]:
    """(sentence, picture, seed): the photographs take turns, so that all are used."""
    names = list(judge.images)
    for index, text in enumerate(texts):
        yield text, names[(first + index) % len(names)], 100 * first + index


def families_table(judge: Judge, most: int) -> Iterator[str]:
    """A row per family and language; errors pooled over sentences and photographs."""
    yield "| family | language | edits | unchanged | round trip | error | ratio, everyday | ratio, unseen | asked for |"
    yield "|---|---|---|---|---|---|---|---|---|"
    cells = [(family, language) for family in edits.OFFERED for language in LANGUAGES]
    for row, (family, language) in enumerate(track(cells, "families", console=Console(stderr=True))):
        found = {
            kind: [judge.judge(name, family, text, seed) for text, name, seed in turns(judge, texts, row)]
            for kind in KINDS
            if (texts := sentences(kind, family, language, most))
        }
        both = [judged for rows in found.values() for judged in rows]
        asked = " / ".join(f"{100 * mean(float(r.nearest == family) for r in rows):.0f} %" for rows in found.values())
        errors = " | ".join(f"{pooled(both, field):.5f}" for field in ("unchanged", "roundtrip", "error"))
        ratios = " | ".join(f"**{ratio(rows):.3f}**" for rows in found.values())
        yield f"| {family} | {language} | {len(both)} | {errors} | {ratios} | {asked} |"


def unchanged_table(judge: Judge, most: int) -> Iterator[str]:
    """PSNR to the input for prompts that should change nothing."""
    yield "| prompts | edits | mean dB | lowest dB | lowest |"
    yield "|---|---|---|---|---|"
    groups = {f"keep, {lang}, {kind}": sentences(kind, "keep", lang, most) for lang in LANGUAGES for kind in KINDS}
    groups |= {name: list(texts[:most]) for name, texts in HELDOUT_UNKNOWN.items()}
    for row, (group, texts) in enumerate(track(groups.items(), "unchanged", console=Console(stderr=True))):
        made = [(judge.make(name, text, seed), name, text) for text, name, seed in turns(judge, texts, row)]
        values = [(decibels(mse(picture, judge.pixels[name])), text) for picture, name, text in made]
        worst = min(values)
        yield f"| {group} | {len(values)} | **{mean(v for v, _ in values):.1f}** | {worst[0]:.1f} | `{worst[1]}` |"
    ceiling = [decibels(judge.roundtrip(name, "keep")) for name in judge.images]
    yield f"| autoencoder alone | {len(ceiling)} | {mean(ceiling):.1f} | {min(ceiling):.1f} | |"


def roundabout_table(judge: Judge) -> Iterator[str]:
    """How many of the long-winded sentences are understood: the made picture is nearest to what was asked for."""
    yield "| family | en | zh |"
    yield "|---|---|---|"
    totals = {language: [0, 0] for language in LANGUAGES}
    for row, (family, lines) in enumerate(track(ROUNDABOUT.items(), "roundabout", console=Console(stderr=True))):
        asked, cells = "keep" if family == "unknown" else family, []
        for language in LANGUAGES:
            judged = [judge.judge(name, asked, text, seed) for text, name, seed in turns(judge, lines[language], row)]
            understood = sum(each.nearest == asked for each in judged)
            totals[language][0] += understood
            totals[language][1] += len(judged)
            cells.append(f"{understood} of {len(judged)}")
        yield f"| {family} | {' | '.join(cells)} |"
    yield "| all | " + " | ".join(f"**{100 * good / all:.0f} %** of {all}" for good, all in totals.values()) + " |"


def sheet(judge: Judge, path: Path) -> None:
    """Rows families, columns before | asked | made | true; twice side by side, for it is long."""
    side, names, rows = 160, list(judge.images), []
    for index, family in enumerate([*(n for n in edits.OFFERED if n not in edits.STRENGTHS), "keep"]):
        name = names[(3 * index) % len(names)]
        prompt = HELDOUT[family]["en"][0]  # Pillow's own font has no Chinese
        made = judge.make(name, prompt, seed=index)
        rows.append((prompt, judge.images[name], crops.to_image(made), crops.to_image(judge.truth(name, family))))
    half = (len(rows) + 1) // 2
    canvas = Image.new("RGB", (8 * (side + 8), half * (side + 8)), "white")
    draw = ImageDraw.Draw(canvas)
    for row, (prompt, *pictures) in enumerate(rows):
        left, top = (row // half) * 4 * (side + 8), (row % half) * (side + 8)
        for column, picture in zip((0, 2, 3), pictures, strict=True):
            small = picture.copy()
            small.thumbnail((side, side))
            canvas.paste(small, (left + column * (side + 8), top))
        asked = "\n".join(textwrap.wrap(prompt, 22))
        draw.multiline_text((left + side + 12, top + side // 3), asked, fill="black")
    canvas.save(path, quality=80)


def examples() -> dict[str, Image.Image]:
    """The held-out photographs that lie in the repository."""
    return {path.stem: Image.open(path).convert("RGB") for path in sorted(EXAMPLES.glob("*.jpg"))}


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores a checkpoint on held-out photographs.")
    parser.add_argument("checkpoint", nargs="?", default="overpaint/checkpoints/mini")
    parser.add_argument("--quick", action="store_true", help="first sentence of each list, pictures of examples/")
    parser.add_argument("--roundabout", action="store_true", help="another table: long-winded sentences")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--no-table", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started = time.monotonic()
    found = examples() if args.quick else photographs.load("heldout", kind="photo")
    judge = Judge(load_editor(args.checkpoint), found)
    most = 1 if args.quick else 99
    if not args.no_table:
        print(f"Held-out photographs: {', '.join(judge.images)}\n", flush=True)
        tables = [families_table(judge, most), [""], unchanged_table(judge, most)]
        for line in roundabout_table(judge) if args.roundabout else chain.from_iterable(tables):
            print(line, flush=True)
    if args.sheet:
        sheet(judge, args.sheet)
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
