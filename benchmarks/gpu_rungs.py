"""The ladder from diffusers to Overpaint: each rung switches one exact speed-up on, all give the same velocity. Beside
it stand FP8 products, which give nearly that.

What is off is put together here from the network's public pieces (the scene entered anew, the level read anew, the last
block run whole); the network itself has no switches. Knows tensors and modules. Does not know clocks or files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.gpu_models import Networks, Size
from overpaint.model.rotary import Shape
from overpaint.model.schedule import Velocity, guided, sigmas
from overpaint.model.transformer import Level, Scene, Transformer, TransformerConfig

GUIDANCE = 4.0
#: Entries are kept with the angles: a scene holds both.
ANGLES, ENTRIES, LEVELS, NOISE_ROWS = "angles", "entries", "levels", "noise rows"

DIFFUSERS, PLAIN, OVERPAINT = "diffusers", "ours, all of it off", "+ last block on noise rows: Overpaint"
FP8_PRODUCTS = "+ FP8 products, approximate"
#: From rung to rung; diffusers has none of ours.
LADDER: dict[str, Collection[str]] = {
    DIFFUSERS: (),
    PLAIN: (),
    "+ angles once an edit": (ANGLES,),
    "+ text and references entered once": (ANGLES, ENTRIES),
    "+ levels from the table": (ANGLES, ENTRIES, LEVELS),
    OVERPAINT: (ANGLES, ENTRIES, LEVELS, NOISE_ROWS),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """Edits of one kind. Sides in pixels of square pictures."""

    name: str
    side: int = 1024
    references: Sequence[int] = (1024,)
    batch: int = 1
    rungs: Sequence[str] = (DIFFUSERS, PLAIN, OVERPAINT)

    def shapes(self, size: Size) -> list[Shape]:
        """Of the noise, then of each reference, in tokens of 16 x 16 pixels."""
        sides = [side // size.shrinks // 16 for side in (self.side, *self.references)]
        return [(1, side, side) for side in sides]

    def words(self, size: Size) -> tuple[int, int]:
        """Text tokens of the prompt and of the negative one: some 220 a picture, as the Plus generations see it."""
        seen = 40 + 220 * len(self.references)
        return (seen + 40) // size.shrinks, seen // size.shrinks

    def flop_a_step(self, size: Size) -> float:
        """Both passes of guidance."""
        pictures = sum(height * width for _, height, width in self.shapes(size))
        return self.batch * sum(flop(size.config, pictures + words) for words in self.words(size))


def flop(config: TransformerConfig, tokens: int) -> float:
    """Of a pass over one row: products with the blocks' matrices, and attention. The rest is left out: below 1 %."""
    linear = 24 * config.width**2 * tokens  # 12 width² weights a token in either stream, a product and a sum each
    attention = 4 * config.width * tokens**2
    return float(config.num_layers * (linear + attention))


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What the network is given: random tokens of a case's shapes."""

    noise: Tensor  #: (B, N, in_channels)
    references: Tensor  #: (B, Nr, in_channels)
    prompt: Tensor  #: (B, Nt, joint_attention_dim)
    negative: Tensor
    shapes: Sequence[Shape]
    walk: list[float]


def edit(case: Case, networks: Networks, steps: int) -> Edit:
    size, config = networks.size, networks.size.config
    noise, *references = (height * width for _, height, width in case.shapes(size))
    generator = torch.Generator("cpu").manual_seed(1)

    def tokens(count: int, channels: int) -> Tensor:
        made = torch.randn((case.batch, count, channels), generator=generator)
        return made.to(networks.device, networks.dtype)

    prompt, negative = case.words(size)
    return Edit(
        noise=tokens(noise, config.in_channels),
        references=tokens(sum(references), config.in_channels),
        prompt=tokens(prompt, config.joint_attention_dim),
        negative=tokens(negative, config.joint_attention_dim),
        shapes=case.shapes(size),
        walk=sigmas(networks.schedule, steps, noise),
    )


def velocity(networks: Networks, given: Edit, rung: str) -> Velocity:
    """The network as this rung runs it, with everything done that it does once an edit."""
    if rung == DIFFUSERS:
        return _guided(*(_theirs(networks, given, text) for text in (given.prompt, given.negative)))
    return composed(networks, given, LADDER[rung])


def in_fp8(networks: Networks, given: Edit, short: Transformer) -> Velocity:
    """The top rung with `short` in the network's place."""
    return composed(networks, given, LADDER[OVERPAINT], short)


def composed(networks: Networks, given: Edit, on: Collection[str], short: Transformer | None = None) -> Velocity:
    """Ours with these speed-ups and no other."""
    transformer = short or networks.transformer
    known = networks.table().schedule(given.walk[:-1]) if LEVELS in on else None
    level = _read_anew(networks) if known is None else known.__getitem__
    forward = transformer if NOISE_ROWS in on else _whole(transformer)

    def under(text: Tensor) -> Velocity:
        scene = _scene(transformer, given, text, on)
        return lambda latents, sigma: forward(latents, level(sigma), scene())

    return _guided(under(given.prompt), under(given.negative))


def _guided(positive: Velocity, negative: Velocity) -> Velocity:
    return lambda latents, sigma: guided(positive(latents, sigma), negative(latents, sigma), GUIDANCE)


def _scene(transformer: Transformer, given: Edit, text: Tensor, on: Collection[str]) -> Callable[[], Scene]:
    """What a pass takes as its scene: the same one each time, one of which half is new, or a new one."""

    def anew() -> Scene:
        return transformer.scene(given.references, text, given.shapes)

    if not {ANGLES, ENTRIES} & set(on):
        return anew
    once = anew()
    if ENTRIES in on:
        return lambda: once
    return lambda: replace(
        once,
        references=transformer.img_in(given.references),
        text=transformer.txt_in(transformer.txt_norm(text)),
    )


def _read_anew(networks: Networks) -> Callable[[float], Level]:
    """Of one level, whenever it is asked for: from an empty table, so that sigma is rounded as in a full one."""
    return lambda sigma: networks.table().schedule([sigma])[sigma]


def _whole(transformer: Transformer) -> Callable[[Tensor, Level, Scene], Tensor]:
    """The forward pass with its last block, norm and projection over all rows, as diffusers runs them."""

    def forward(latents: Tensor, level: Level, scene: Scene) -> Tensor:
        image, text = torch.cat([transformer.img_in(latents), scene.references], dim=1), scene.text
        for block, vectors in zip(transformer.transformer_blocks, level.blocks, strict=True):
            image, text = block(image, text, vectors, scene)
        made = transformer.proj_out(transformer.norm_out(image, level.condition))
        return made[:, : scene.noise_tokens]

    return forward


def _theirs(networks: Networks, given: Edit, text: Tensor) -> Velocity:
    """As its pipeline calls it: no mask, where nothing is padded; the noise's rows of what comes back."""
    shapes, rows = [list(given.shapes)] * len(given.noise), len(given.noise)
    times = _times(networks, given)

    def run(latents: Tensor, sigma: float) -> Tensor:
        made = networks.stock(
            hidden_states=torch.cat([latents, given.references], dim=1),
            encoder_hidden_states=text,
            encoder_hidden_states_mask=None,
            timestep=times[sigma].expand(rows),
            img_shapes=shapes,
            return_dict=False,
        )[0]
        return made[:, : latents.shape[1]]

    return run


def _times(networks: Networks, given: Edit) -> Mapping[float, Tensor]:
    """Levels as its pipeline passes them on: a timestep, rounded to the network's dtype, divided again."""
    scale = networks.schedule.num_train_timesteps
    return {
        sigma: torch.tensor([sigma * scale]).to(networks.device, networks.dtype) / scale for sigma in given.walk[:-1]
    }
