"""Scores a checkpoint on scenes it never saw, and draws the contact sheet. Prints Markdown.

Photographs, sentences and the strings of signs are held out (`heldout/scenes.py`); the words of `translate` are not,
since there are no others. Edits are made through `Editor.edit`, as the service does; the same command judges the same
edits. Columns are those of `training.score`, and

    asked for     how many made pictures are nearest to the asked edit among those of `training.scenes.rivals`
    outside       mean square error where before and after are the same to the bit, over that of the autoencoder's own
                  round trip there; from 1.2 on, marked (!), the editor did not leave alone what it should; weather
                  has no outside
    strings read  how many signs say exactly what was asked (`untext`: nothing), by the reader of
                  `training.scenes.reader`; a second table says how many it reads in true pictures

Knows which edits are judged, and tables. Does not know how scenes are drawn, or whether a checkpoint learnt any of it.

    python -m training.scenes.score CHECKPOINT [--count 12] [--fresh] [--sheet sheet.jpg]
"""

from __future__ import annotations

import argparse
import random
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.progress import track
from torch import Tensor

from overpaint.model import Edited, Editor, load_editor
from training import crops, photographs
from training.heldout import scenes as held
from training.judge import Judged, mean, mse, pooled, ratio, there_and_back
from training.prompts import LANGUAGES
from training.scenes import fonts, reader
from training.scenes.asking import Asking
from training.scenes.plans import COURSES, TEXTS, Plan, Planner
from training.scenes.reader import Reader
from training.scenes.rivals import rivals
from training.scenes.scene import Scene, Text, render, touched

Table = Mapping[str, Mapping[str, Sequence[str]]]
SIDE = 256  #: pixels: scenes are judged at the size they are learnt at
OUTSIDE = 1.2  #: the greatest `outside` that is none
SCRIPTS = {"latin": "Latin", "han": "Chinese", "none": "none"}


class Unseen(Planner):
    """Plans whose strings no training asks for."""

    def _string(self, *, without: str = "") -> str:
        writing = self.rng.choice(("latin", "han"))
        return self.rng.choice([s for s in sorted(held.STRINGS) if fonts.script(s) == writing and s != without])


@dataclass(frozen=True)
class Case:
    """One edit to be judged."""

    plan: Plan
    prompt: str
    seed: int


def cases(family: str, language: str, count: int, table: Table = held.HELDOUT) -> list[Case]:
    """The same ones every time; the sentences take turns."""
    rng = random.Random(f"{family} {language}")
    planner, asking = Unseen(replace(COURSES["all"], absent=0.0), SIDE, SIDE, rng), Asking(rng)
    drawn = []
    for index in range(count):
        plan, sentences = planner.plan(family), table[family][language]
        prompt = asking.filled(sentences[index % len(sentences)], plan.asked, language)
        drawn.append(Case(plan, prompt, index))
    return drawn


@dataclass(frozen=True)
class Sign:
    """What a sign should say, and what is read on it in the made picture, the true one, and its round trip."""

    says: str
    made: str
    true: str
    roundtrip: str

    @property
    def script(self) -> str:
        return fonts.script(self.says) if self.says else "none"


@dataclass(frozen=True)
class JudgedScene(Judged):
    """As of a photograph; outside of the edit, errors of the made picture and of the round trip; a sign, if read."""

    outside: tuple[float, float] | None
    sign: Sign | None


@dataclass(frozen=True)
class Judge:
    """How pictures are made and looked at. Pictures are (3, H, W) in [0, 1]."""

    make: Callable[[Case, Tensor], Tensor]  #: the edited picture, of the case and the picture before
    back: Callable[[Tensor], Tensor]  #: a picture through the autoencoder alone
    photos: Sequence[Image.Image]
    read: Reader | None = None

    def picture(self, scene: Scene) -> Tensor:
        return render(scene, self.photos) / 255

    def judge(self, case: Case) -> JudgedScene:
        plan, competing = case.plan, {name: self.picture(scene) for name, scene in rivals(case.plan).items()}
        before, truth = competing["unchanged"], competing["asked"]
        made, back = self.make(case, before), self.back(truth)
        distances = {name: mse(made, other) for name, other in competing.items()}
        same = torch.from_numpy(~touched(plan.before, plan.after))
        outside = (mse(made[:, same], truth[:, same]), mse(back[:, same], truth[:, same])) if same.any() else None
        return JudgedScene(
            error=distances["asked"],
            roundtrip=mse(back, truth),
            unchanged=mse(before, truth),
            nearest=min(distances, key=distances.__getitem__),
            outside=outside,
            sign=self.sign(plan, made, truth, back),
        )

    def sign(self, plan: Plan, *pictures: Tensor) -> Sign | None:
        if self.read is None or plan.family not in TEXTS:
            return None
        says = next((part.text for part in plan.after.parts if isinstance(part, Text)), "")
        lines = (reader.line(crops.to_image(picture), plan.before) for picture in pictures)
        return Sign(says, *map(self.read, lines))


def served(editor: Editor, photos: Sequence[Image.Image], read: Reader | None) -> Judge:
    """Makes edits as the service does."""

    def make(case: Case, before: Tensor) -> Tensor:
        *_, last = editor.edit([crops.to_image(before)], case.prompt, seed=case.seed)
        assert isinstance(last, Edited)
        return crops.to_pixels(last.image)

    return Judge(make, lambda pixels: there_and_back(editor, pixels).clamp(0, 1), photos, read)


def outside(rows: Iterable[JudgedScene]) -> float | None:
    """Of pooled errors; None where the edits have no outside."""
    pairs = [row.outside for row in rows if row.outside is not None]
    return mean(made for made, _ in pairs) / mean(back for _, back in pairs) if pairs else None


def share(hits: Sequence[bool]) -> str:
    return f"{100 * mean(map(float, hits)):.0f} %" if hits else "–"


def row(family: str, language: str, judged: Sequence[JudgedScene]) -> str:
    errors = " | ".join(f"{pooled(judged, field):.5f}" for field in ("unchanged", "roundtrip", "error"))
    asked = share([each.nearest == "asked" for each in judged])
    spoilt = outside(judged)
    beside = "–" if spoilt is None else f"{spoilt:.2f}" + ("" if spoilt <= OUTSIDE else " (!)")
    strings = share([each.sign.made == each.sign.says for each in judged if each.sign])
    cells = (family, language, len(judged), errors, f"**{ratio(judged):.3f}**", asked, beside, strings)
    return f"| {' | '.join(map(str, cells))} |"


def table(judge: Judge, count: int, sentences: Table = held.HELDOUT) -> Iterator[str]:
    """A row for each family and language; then what the reader is worth."""
    yield "| family | language | edits | unchanged | round trip | error | ratio | asked for | outside | strings read |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    signs: list[Sign] = []
    cells = [(family, language) for family in held.HELDOUT for language in LANGUAGES]
    for family, language in track(cells, "families", console=Console(stderr=True)):
        judged = [judge.judge(case) for case in cases(family, language, count, sentences)]
        signs.extend(each.sign for each in judged if each.sign)
        yield row(family, language, judged)
    if signs:
        yield from ("", *ceiling(signs))


def ceiling(signs: Sequence[Sign]) -> Iterator[str]:
    """What is read of the same strings, by script, in true pictures, after their round trip, and in made ones."""
    yield "| strings | signs | read in true pictures | after the round trip | in made pictures |"
    yield "|---|---|---|---|---|"
    for script, name in SCRIPTS.items():
        mine = [sign for sign in signs if sign.script == script]
        rates = [share([getattr(sign, which) == sign.says for sign in mine]) for which in ("true", "roundtrip", "made")]
        if mine:
            yield f"| {name} | {len(mine)} | {' | '.join(rates)} |"


def sheet(judge: Judge, sentences: Table = held.HELDOUT, side: int = 160) -> Image.Image:
    """Rows families, columns before | asked | made | true; English on the left, Chinese on the right."""
    families, step = list(held.HELDOUT), side + 8
    page = Image.new("RGB", (4 * step * len(LANGUAGES), step * len(families)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.truetype(fonts.FOLDER / "wqy-microhei.ttc", 15)
    for index, (family, language) in enumerate((family, language) for family in families for language in LANGUAGES):
        (case,) = cases(family, language, 1, sentences)
        left, top = 4 * step * (index % len(LANGUAGES)), step * (index // len(LANGUAGES))
        before, true = judge.picture(case.plan.before), judge.picture(case.plan.after)
        for column, picture in zip((0, 2, 3), (before, judge.make(case, before), true), strict=True):
            page.paste(crops.to_image(picture).resize((side, side)), (left + column * step, top))
        asked = "\n".join(textwrap.wrap(case.prompt, 20 if language == "en" else 10))
        pen.multiline_text((left + step + 4, top + side // 3), asked, "black", font)
    return page


def eyes() -> Reader | None:
    """The reader, or a word on why there is none."""
    try:
        return reader.load()
    except ModuleNotFoundError as error:
        print(f"No strings are read: {error}", file=sys.stderr)
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Scores a checkpoint on scenes it never saw.")
    parser.add_argument("checkpoint")
    parser.add_argument("--count", type=int, default=12, help="edits of each family in each language")
    parser.add_argument("--fresh", action="store_true", help="the sentences that are looked at only after all training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started = time.monotonic()
    photos = photographs.load("heldout", kind="photo")
    judge = served(load_editor(args.checkpoint), list(photos.values()), eyes())
    sentences = held.FRESH if args.fresh else held.HELDOUT
    print(f"Scenes over held-out photographs: {', '.join(photos)}\n", flush=True)
    for line in table(judge, args.count, sentences):
        print(line, flush=True)
    if args.sheet:
        sheet(judge, sentences).save(args.sheet, quality=88)
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
