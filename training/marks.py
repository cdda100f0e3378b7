"""A mark for each family: where the last state of its prompts shall lie, and what the transformer learns to obey.

Sentences are many and families few. So the encoder learns alone that a sentence means its family, which is cheap, and
the transformer learns alone to make the edit whose mark it sees, whatever words stand before it. Through pictures alone
a sentence takes some ten times as long to be understood.

Knows states and families. Does not know sentences or pictures. Marks are of no use but in training: what is served is
the encoder's own last state.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from training import encoder as text
from training.edits import OFFERED

NAMES = (*OFFERED, "keep")
NEAR = 20.0  #: squared distance that makes a mark e times less likely; two marks are some 250 apart
SPREAD = 0.4  #: standard deviation of real states about their marks, as it was measured
STRANGE = 0.7  #: of the steps show a mark behind another prompt's words
UNDECIDED = 0.6  #: of the states lean to another mark, up to
LEANING = 0.4  #: of the way


def start() -> Tensor:
    """(families, WIDTH), at right angles, of mean square 1. A run keeps what it began with."""
    chance = torch.Generator().manual_seed(1)
    return torch.nn.init.orthogonal_(torch.empty(len(NAMES), text.WIDTH), generator=chance) * text.WIDTH**0.5


def _places(names: list[str], device: torch.device) -> Tensor:
    return torch.tensor([NAMES.index(name) for name in names], device=device)


def missed(states: Tensor, names: list[str], marks: Tensor) -> Tensor:
    """states (B, tokens, WIDTH) -> how far the last ones are from their families' marks, and nearer to others'."""
    last, wanted = states[:, -1].float(), _places(names, states.device)
    apart = (last[:, None] - marks).square().sum(-1)
    return functional.cross_entropy(-apart / NEAR, wanted) + (last - marks[wanted]).square().mean() / 2


def marked(states: Tensor, names: list[str], marks: Tensor) -> Tensor:
    """The states as if every prompt had been understood, some of them barely: marks in the last places.

    What leans is to be decided by the transformer: shown clear marks alone, it makes half of an edit, or none, of what
    the encoder is not sure of.
    """
    last, other = marks[_places(names, states.device)], marks[torch.randint(len(marks), (len(names),))]
    leaning = LEANING * torch.rand(len(names), 1) * (torch.rand(len(names), 1) < UNDECIDED)
    last = torch.lerp(last, other, leaning.to(last.device))
    last = (last + SPREAD * torch.randn_like(last)).to(states.dtype)
    words = states.detach()[:, :-1]
    if torch.rand(()) < STRANGE:
        words = words[torch.randperm(len(words), device=words.device)]
    return torch.cat([words, last[:, None]], dim=1)
