"""A contact sheet of scenes: what is asked, before, after, where they may differ.

python -m training.scenes --sheet sheet.png --course all --seed 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from training import crops, photographs
from training.scenes import fonts
from training.scenes.feed import Drawer
from training.scenes.plans import COURSES
from training.scenes.scene import render, touched

CAPTION = 22  #: pixels


def sheet(drawer: Drawer, count: int, photos: list[Image.Image], columns: int) -> Image.Image:
    """`count` edits of each family of the course, `columns` of them side by side."""
    drawn = [drawer.draw() for _ in range(3000)]
    families = dict.fromkeys(plan.family for plan, _ in drawn)
    chosen = [row for name in families for row in [d for d in drawn if d[0].family == name][:count]]
    width, height = drawer.size
    page = Image.new("RGB", (columns * (3 * width + 12), -(-len(chosen) // columns) * (height + CAPTION)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.truetype(fonts.FOLDER / "wqy-microhei.ttc", 15)
    for index, (plan, prompt) in enumerate(chosen):
        left, top = index % columns * (3 * width + 12), index // columns * (height + CAPTION)
        mask = torch.from_numpy(touched(plan.before, plan.after)).expand(3, -1, -1)
        row = [render(plan.before, photos) / 255, render(plan.after, photos) / 255, mask.float()]
        page.paste(crops.to_image(torch.cat(row, -1)), (left, top + CAPTION))
        pen.text((left + 4, top + 2), f"{plan.family}: {prompt}", "black", font)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws scenes before and after their edits.")
    parser.add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--course", choices=list(COURSES), default="all")
    parser.add_argument("--count", type=int, default=2, help="edits of each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=(256, 256), metavar=("WIDTH", "HEIGHT"))
    args = parser.parse_args()
    photos = list(photographs.load("train", kind="photo").values())
    sheet(Drawer(args.course, *args.size, args.seed), args.count, photos, args.columns).save(args.sheet)


if __name__ == "__main__":
    main()
