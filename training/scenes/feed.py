"""Endless batches of freshly rendered scenes with their prompts, made by as many processes as there are cores for.

Knows how plans become arrays: prompts' ids, pictures before and after, the encoder's patches. In a batch all prompts
are equally long. Does not know latents or networks. Arrays travel between processes as bytes: no shared memory needed.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from overpaint.model.tokenizer import PromptTokenizer
from training import crops, photographs, prompts
from training.edits.geometry import SQUARE_ONLY
from training.encoder import condition_patches
from training.scenes.asking import Asking
from training.scenes.plans import COURSES, Asked, Plan, Planner
from training.scenes.scene import Backdrop, Scene, render
from training.stages import meant

FALLEN = re.compile(r"snow|rain|[雪雨]")  #: weather is offered here: not to be among the prompts that ask for nothing


@dataclass
class Rendered:
    """`before`, `after` (B, 3, H, W) uint8, `patches` (B, n, 1176) float16 of the pictures before."""

    prompts: list[list[int]]
    families: list[str]
    before: np.ndarray
    after: np.ndarray
    patches: np.ndarray
    grid: tuple[int, int]


class Drawer:
    """Draws (plan, prompt) pairs of a course; the same seed draws the same."""

    def __init__(self, course: str, width: int, height: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.course, self.size = COURSES[course], (width, height)
        self.planner = Planner(self.course, width, height, self.rng)
        self.asking, self.grammar = Asking(self.rng), prompts.Grammar(seed + 1)
        unfit = () if width == height else SQUARE_ONLY
        self.others = {name: weight for name, weight in prompts.WEIGHTS.items() if name not in unfit}

    def draw(self) -> tuple[Plan, str]:
        families = self.course.families
        (family,) = self.rng.choices(list(families), list(families.values()))
        if family == "others":
            return self._other()
        plan = self.planner.plan(family)
        return plan, self.asking.prompt(plan.asked, self.rng.choice(prompts.LANGUAGES))

    def _other(self) -> tuple[Plan, str]:
        """An edit of a photograph, by the other grammar; what is not offered asks for the unchanged picture."""
        while True:
            family, prompt = self.grammar.draw(self.others)
            if family != "unknown" or not FALLEN.search(prompt.lower()):
                scene = Scene(*self.size, Backdrop(self.rng.getrandbits(32)))
                after = replace(scene, effect=meant(family))
                return Plan(scene, after, Asked(family), meant(family)), prompt


class Feed(IterableDataset[Rendered]):
    """Batches without end. Each process that iterates draws its own."""

    def __init__(
        self, drawing: tuple[str, int, int], batch: int, tokenizer: PromptTokenizer, longest: int, seed: int
    ) -> None:
        """`drawing` is course, width, height; prompts of more than `longest` tokens are thrown away."""
        self.drawing, self.batch, self.tokenizer, self.longest, self.seed = drawing, batch, tokenizer, longest, seed
        self.photos = list(photographs.load("train", kind="photo").values())

    def __iter__(self) -> Iterator[Rendered]:
        worker = get_worker_info()
        drawer = Drawer(*self.drawing, self.seed * 1000 + (worker.id if worker else 0))
        waiting: dict[int, list[tuple[list[int], Plan]]] = defaultdict(list)
        while True:
            plan, prompt = drawer.draw()
            ids = self.tokenizer.prompt_ids(prompt)
            if len(ids) <= self.longest:
                waiting[len(ids)].append((ids, plan))
                if len(waiting[len(ids)]) == self.batch:
                    yield rendered(waiting.pop(len(ids)), self.photos)


def rendered(drawn: list[tuple[list[int], Plan]], photos: list[Image.Image]) -> Rendered:
    before = [render(plan.before, photos) for _, plan in drawn]
    after = [render(plan.after, photos) for _, plan in drawn]
    patches, grids = zip(*(condition_patches(crops.to_image(picture / 255)) for picture in before), strict=True)
    ids, families = [ids for ids, _ in drawn], [plan.family for _, plan in drawn]
    pictures = torch.stack(before).numpy(), torch.stack(after).numpy()
    return Rendered(ids, families, *pictures, torch.stack(patches).half().numpy(), grids[0])


def batches(feed: Feed, workers: int) -> Iterator[Rendered]:
    """The feed, rendered ahead by `workers` processes; 0 renders in this one."""
    forked: dict[str, Any] = {"multiprocessing_context": "fork", "prefetch_factor": 2} if workers else {}
    return iter(DataLoader(feed, batch_size=None, collate_fn=as_it_is, num_workers=workers, **forked))


def as_it_is(batch: Any) -> Any:
    return batch
