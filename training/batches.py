"""What a step learns from: latents before and after, prompts of one length; from pools, or from scenes just rendered.

Knows how prompts are brought together and whose edit they ask for. Does not know the objective.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from overpaint.model.tokenizer import PromptTokenizer
from training import crops, places, prompts
from training import pool as pools
from training.codec import Codec
from training.places import Shape
from training.scenes import feed
from training.stages import Diet, Stage, meant

LONGEST = 52  #: prompt tokens; longer draws are thrown away
SHARED = 4  #: prompts that share a crop, its noise and its level: what differs between them is the prompt alone


@dataclass
class Batch:
    """What a step learns from: latents (B, tokens, 4z) before and after, on the tokens `inside` pictures of `shape`."""

    prompts: list[list[int]]  #: token ids, equally many each
    names: list[str]  #: whose true edit is the target
    reference: Tensor
    target: Tensor
    known: Tensor  #: (B, tokens) 1 where the answer can be known
    patches: Tensor
    grid: tuple[int, int]
    shape: Shape
    inside: Tensor
    sharing: int  #: prompts in a row that share noise and level


class Batches:
    """Batches of a stage's diets in which all prompts are equally long; every draw is used in the end."""

    def __init__(
        self, stage: Stage, tokenizer: PromptTokenizer, codec: Codec, seed: int, device: str, workers: int
    ) -> None:
        self.diets, self.tokenizer, self.codec, self.device = stage.diets, tokenizer, codec, device
        self.reads = stage.learns == "reading"
        self.rng = random.Random(seed)
        self.grammar = prompts.Grammar(seed + 1)
        pooled = [diet for diet in stage.diets if not diet.course]
        self.pools = {(diet.width, diet.height): pools.load(diet.width, diet.height) for diet in pooled}
        self.waiting: dict[Diet, dict[int, list[tuple[list[int], str]]]] = {d: defaultdict(list) for d in pooled}
        self.feeds = {
            diet: feed.batches(
                feed.Feed((diet.course, diet.width, diet.height), diet.batch, tokenizer, LONGEST, seed), workers
            )
            for diet in stage.diets
            if diet.course
        }

    def next(self, rng: torch.Generator) -> tuple[Diet, Batch]:
        (diet,) = self.rng.choices(self.diets, [diet.share for diet in self.diets])
        return diet, self._rendered(diet, rng) if diet.course else self._pooled(diet, rng)

    def _pooled(self, diet: Diet, rng: torch.Generator) -> Batch:
        pool, drawn = self.pools[diet.width, diet.height], self._drawn(diet)
        count = math.ceil(len(drawn) / SHARED)
        chosen = torch.randint(len(pool.patches), (count,), generator=rng).repeat(SHARED)[: len(drawn)]
        # who learns to read looks at no latents: few of them are fetched
        inside = places.choose("scattered" if self.reads else diet.pattern, pool.shape, rng)
        names = [meant(family) for _, family in drawn]
        rows = zip(names, chosen.tolist(), strict=True)
        return Batch(
            [ids for ids, _ in drawn],
            names,
            pool.latents["keep"][chosen][:, inside].float().to(self.device),
            torch.stack([pool.latents[name][row, inside] for name, row in rows]).float().to(self.device),
            torch.stack([places.seen(name, pool.shape, inside) for name in names]).float().to(self.device),
            pool.patches[chosen].float().to(self.device),
            pool.grid,
            pool.shape,
            inside,
            SHARED,
        )

    def _rendered(self, diet: Diet, rng: torch.Generator) -> Batch:
        made = next(self.feeds[diet])
        reference, target = self._latents(made.before), self._latents(made.after)
        shape = (1, diet.height // crops.TOKEN, diet.width // crops.TOKEN)
        return Batch(
            made.prompts,
            made.families,
            reference,
            target,
            torch.ones(target.shape[:2], device=self.device),
            torch.from_numpy(made.patches).to(self.device).float(),
            made.grid,
            shape,
            places.choose(diet.pattern, shape, rng),
            1,
        )

    @torch.no_grad()
    def _latents(self, pictures: np.ndarray) -> Tensor:
        """Of (B, 3, H, W) uint8, 32 at a time."""
        parts = torch.from_numpy(pictures).split(32)
        encode = self.codec.autoencoder.encode
        return torch.cat([pools.pack(encode(part.to(self.device).float() / 127.5 - 1)).float() for part in parts])

    def _drawn(self, diet: Diet) -> list[tuple[list[int], str]]:
        """Draws prompts until those of some length fill a batch."""
        waiting = self.waiting[diet]
        while True:
            family, prompt = self.grammar.draw(diet.families)
            ids = self.tokenizer.prompt_ids(prompt)
            if len(ids) <= LONGEST:
                waiting[len(ids)].append((ids, family))
                if len(waiting[len(ids)]) == diet.batch:
                    return waiting.pop(len(ids))
