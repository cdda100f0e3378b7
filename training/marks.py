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
from training.edits import OFFERED, STRENGTHS

NAMES = (*OFFERED, "keep")
#: words with a direction, in the order in which they got it. A new family comes after these and moves none of them, so
#: that training goes on from a checkpoint that was taught without it.
WORDS = (
    *("bw", "invert", "sepia", "brighter", "darker", "warmer", "cooler"),
    *("contrast", "flat", "vivid", "muted", "night", "sunset", "fog"),
    *("slightly", "much", "sketch", "mosaic", "blur", "keep", "sharpen", "poster", "oil"),
)
NEAR = 20.0  #: squared distance that makes a mark e times less likely; two marks are 75 to 250 apart
SPREAD = 0.4  #: standard deviation of real states about their marks, as it was measured
STRANGE = 0.7  #: of the steps show a mark behind another prompt's words
UNDECIDED = 0.8  #: of the states lean to another mark, up to
LEANING = 0.45  #: of the way
REAL = 0.5  #: of the states that are understood stay as the encoder gives them


def start() -> Tensor:
    """(families, WIDTH), of mean square 1. A run keeps what it began with.

    Families lie at right angles; a strength lies half way between its family and a direction that "slightly", or
    "much", has for all of them: it is told apart by that word alone, and what takes it for its family is little wrong.
    """
    chance = torch.Generator().manual_seed(1)
    words = list(dict.fromkeys((*WORDS, *(word for name in NAMES for word in _words(name)))))
    directions = torch.nn.init.orthogonal_(torch.empty(len(words), text.WIDTH), generator=chance)
    marks = torch.stack([directions[[words.index(word) for word in _words(name)]].sum(0) for name in NAMES])
    return functional.normalize(marks) * text.WIDTH**0.5


def _words(name: str) -> list[str]:
    return name.split() if name in STRENGTHS else [name]


def _places(names: list[str], device: torch.device) -> Tensor:
    return torch.tensor([NAMES.index(name) for name in names], device=device)


def _apart(last: Tensor, marks: Tensor) -> Tensor:
    """Squared distances (B, families) of last states (B, WIDTH)."""
    return (last[:, None] - marks).square().sum(-1)


def missed(states: Tensor, names: list[str], marks: Tensor) -> Tensor:
    """states (B, tokens, WIDTH) -> how far the last ones are from their families' marks, and nearer to others'."""
    last, wanted = states[:, -1].float(), _places(names, states.device)
    return functional.cross_entropy(-_apart(last, marks) / NEAR, wanted) + (last - marks[wanted]).square().mean() / 2


def marked(states: Tensor, names: list[str], marks: Tensor) -> Tensor:
    """The states as if every prompt had been understood, some of them barely: marks in the last places.

    What leans is to be decided by the transformer: shown clear marks alone, it makes half of an edit, or none, of what
    the encoder is not sure of. Some that the encoder does understand stay as it says them: where real states lie about
    their marks in a way of their own, a mark and chance do not show it.
    """
    wanted, said = _places(names, states.device), states[:, -1].detach().float()
    last, other = marks[wanted], marks[torch.randint(len(marks), (len(names),))]
    leaning = LEANING * torch.rand(len(names), 1) * (torch.rand(len(names), 1) < UNDECIDED)
    last = torch.lerp(last, other, leaning.to(last.device))
    last = last + SPREAD * torch.randn_like(last)
    stays = (_apart(said, marks).argmin(-1) == wanted) & (torch.rand(len(names)) < REAL).to(wanted.device)
    last = torch.where(stays[:, None], said, last).to(states.dtype)
    words = states.detach()[:, :-1]
    if torch.rand(()) < STRANGE:
        words = words[torch.randperm(len(words), device=words.device)]
    return torch.cat([words, last[:, None]], dim=1)
