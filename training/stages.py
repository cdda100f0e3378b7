"""What is seen in training, in which order and how fast: patterns of tokens, families of prompts, rates.

Knows names and numbers. Does not know networks, latents or sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from training import places, prompts
from training.edits import OFFERED
from training.edits.geometry import MOVES, SQUARE_ONLY


def meant(family: str) -> str:
    """Whose true edit is the target: of a strength not offered, its family's; of anything else not offered, none's."""
    base = family.split()[-1]
    return next((name for name in (family, base) if name in OFFERED), "keep")


@dataclass(frozen=True)
class Diet:
    """One kind of batch: which pool, which of its tokens, how many prompts."""

    width: int
    height: int
    pattern: places.Pattern
    batch: int
    share: float = 1.0  #: of the steps, relative to the stage's other diets
    crowd: int = 0  #: tokens that a picture counts for, where fewer are looked at; 0 = as many as it has
    quiet: float = 1.0  #: of the usual share of prompts that ask for nothing
    course: str = ""  #: of `training.scenes`: pictures are rendered as they are needed, not taken from a pool
    emphasis: float = 0.0  #: how much more a token counts that changes

    @property
    def families(self) -> Mapping[str, float]:
        """What can be learnt from these tokens, and how often each is asked for.

        Families not offered stand among the unknown: their prompts have the unchanged picture as target.
        """
        offered = {n: w for n, w in prompts.WEIGHTS.items() if self.width == self.height or n not in SQUARE_ONLY}
        nothing = {"keep", "unknown", "blank"}
        offered = {
            name: weight * (1.0 if meant(name) != "keep" else self.quiet * (1.0 if name in nothing else 0.15))
            for name, weight in offered.items()
        }
        if self.pattern == "whole":
            return offered
        own = {"scattered": (), "window": prompts.STYLES, "orbits": (*MOVES, *prompts.FRAMES)}[self.pattern]
        elsewhere = {*prompts.STYLES, *MOVES} & {*OFFERED} - {*own}
        common = 1.0 if self.pattern == "scattered" else 0.3
        return {n: w * (1.0 if n in own else common) for n, w in offered.items() if n not in elsewhere}


@dataclass(frozen=True)
class Stage:
    """What is seen and how fast it is learnt."""

    diets: tuple[Diet, ...]
    muon: float
    adam: float
    steps: int  #: that the rates are planned for
    warmup: int = 40
    decay: float = 0.4  #: last share of the stage over which the rates fall to a fiftieth
    words: float = 0.3  #: part of the rates for what reads the prompt, while pictures do not listen to it yet
    learns: Literal["reading", "obeying", "both"] = "both"  #: the encoder alone, the transformer alone (`marks.py`)

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of the rates, for the three parts of `part`. Full steps for the words at first would drown what tells one
        prompt from another in what is common to all."""
        return self.words, 1.0, min(1.0, self.words + 0.2)


#: who reads looks at no latents, so one shape does
SENTENCES = (Diet(256, 256, "whole", 64, quiet=1.8),)
SHAPES = ((256, 256, 0.4), (320, 224, 0.2), (224, 320, 0.2), (352, 192, 0.1), (192, 352, 0.1))


def diets(
    shapes: tuple[tuple[int, int, float], ...], crowd: int = 0, quiet: float = 1.0, **shares: float
) -> tuple[Diet, ...]:
    """Every shape with every pattern that has a share of the steps."""
    batches: dict[places.Pattern, int] = {"scattered": 64, "window": 36, "orbits": 28, "whole": 2}
    return tuple(
        Diet(width, height, pattern, batch, part * shares[pattern], crowd, quiet)
        for width, height, part in shapes
        for pattern, batch in batches.items()
        if shares.get(pattern)
    )


def rendered(course: str, batch: int = 256) -> Diet:
    """Whole pictures of 256². Each takes 0.18 GiB in bf16 (measured on a CPU): a GPU of 139 GiB has room to spare."""
    return Diet(256, 256, "whole", batch, course=course, emphasis=4.0)


STAGES = {
    "words": Stage(diets(SHAPES[:1], crowd=64, quiet=0.5, scattered=0.7, window=0.3), 0.005, 0.002, 900, decay=0.3),
    "rich": Stage(diets(SHAPES, scattered=0.55, window=0.4, whole=0.05), 0.004, 0.0016, 1000, warmup=10, decay=0.8),
    "tones": Stage(
        diets(SHAPES[:1], crowd=64, quiet=0.7, scattered=1.0), 0.004, 0.0016, 3500, warmup=30, decay=0.7, words=0.5
    ),
    "reading": Stage(SENTENCES, 0.0035, 0.0021, 5000, decay=0.9, words=1.0, learns="reading"),
    "obeying": Stage(
        diets(SHAPES, scattered=0.58, window=0.4, whole=0.02),
        0.004,
        0.0016,
        2600,
        warmup=10,
        decay=0.85,
        words=1.0,
        learns="obeying",
    ),
    # one edit more for a checkpoint that knows many: low rates, or those it knows would be learnt anew
    "more-reading": Stage(SENTENCES, 0.0015, 0.0009, 700, decay=0.8, words=1.0, learns="reading"),
    "more-obeying": Stage(
        diets(SHAPES[:1], scattered=0.6, window=0.35, whole=0.05),
        0.002,
        0.0008,
        700,
        decay=0.7,
        words=1.0,
        learns="obeying",
    ),
    "letters": Stage((rendered("letters"),), 0.004, 0.0016, 300, decay=0.3),
    "signs": Stage((rendered("signs"),), 0.004, 0.0016, 800, decay=0.3, words=0.6),
    "scenes": Stage((rendered("all"),), 0.004, 0.0016, 1200, words=0.6),
}
