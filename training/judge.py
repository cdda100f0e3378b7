"""Makes edits through `Editor.edit`, as the service does, and compares them with the true ones.

Knows true edits and who competes with whom. Does not know sentences, tables or pictures of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from overpaint.model import Edited, Editor
from training import crops, edits

PLAIN = [name for name in edits.OFFERED if name not in edits.STRENGTHS]
#: too alike to compete: what is nearest says nothing
ALIKE = ({"blur", "oil"}, {"contrast", "vivid"})


def bar(family: str) -> float:
    """The greatest `ratio` that the card promises. A style looks at more than a tone, and is harder to hit."""
    return 0.25 if family in edits.style.EDITS else 0.15


def competitors(family: str) -> list[str]:
    """The edits that the made picture might be nearest to: each at its default strength, the unchanged picture, and
    of the asked family all strengths if a strength was asked for."""
    base = family.split()[-1]
    strengths = [name for name in edits.STRENGTHS if name.split()[-1] == base] if family in edits.STRENGTHS else []
    alike = {name for pair in ALIKE if family in pair for name in pair} - {family}
    return [name for name in (*PLAIN, "keep", *strengths) if name not in alike]


@dataclass(frozen=True)
class Judged:
    """One edit, judged: mean square errors on values in [0, 1], and the nearest of the competing true edits."""

    error: float  #: made picture against the true edit
    roundtrip: float  #: autoencoder's round trip of the true edit
    unchanged: float  #: input against the true edit
    nearest: str


class Judge:
    """Holds photographs at the working size and remembers their true edits and round trips."""

    def __init__(self, editor: Editor, found: Mapping[str, Image.Image]) -> None:
        self.editor = editor
        self.images = {name: crops.to_area(image, editor.checkpoint.native_pixels) for name, image in found.items()}
        self.pixels = {name: crops.to_pixels(image) for name, image in self.images.items()}
        self.truths: dict[tuple[str, str], Tensor] = {}
        self.roundtrips: dict[tuple[str, str], float] = {}

    def make(self, name: str, prompt: str, seed: int) -> Tensor:
        *_, last = self.editor.edit([self.images[name]], prompt, seed=seed)
        assert isinstance(last, Edited)
        return crops.to_pixels(last.image)

    def truth(self, name: str, family: str) -> Tensor:
        if (name, family) not in self.truths:
            self.truths[name, family] = (edits.EDITS[family](self.pixels[name]) * 255).round() / 255
        return self.truths[name, family]

    def roundtrip(self, name: str, family: str) -> float:
        """The autoencoder's own error on the true edit."""
        if (name, family) not in self.roundtrips:
            truth = self.truth(name, family)
            self.roundtrips[name, family] = mse(there_and_back(self.editor, truth), truth)
        return self.roundtrips[name, family]

    def judge(self, name: str, family: str, prompt: str, seed: int) -> Judged:
        made = self.make(name, prompt, seed)
        distances = {other: mse(made, self.truth(name, other)) for other in competitors(family)}
        unchanged = mse(self.pixels[name], self.truth(name, family))
        nearest = min(distances, key=distances.__getitem__)
        return Judged(distances[family], self.roundtrip(name, family), unchanged, nearest)


@torch.no_grad()
def there_and_back(editor: Editor, pixels: Tensor) -> Tensor:
    """A picture through the autoencoder alone, on the grid the editor works on."""
    height, width = pixels.shape[1:]
    padding = (0, -width % crops.GRID, 0, -height % crops.GRID)
    padded = torch.nn.functional.pad(pixels[None], padding, mode="replicate") * 2 - 1
    autoencoder = editor.parts.autoencoder
    like = next(autoencoder.parameters())
    back = autoencoder.decode(autoencoder.encode(padded.to(like))).float().cpu() / 2 + 0.5
    return back[0, :, :height, :width]


def ratio(rows: Sequence[Judged]) -> float:
    """Of pooled errors: what the editor adds to the autoencoder's own, over that of the unchanged picture."""
    return (pooled(rows, "error") - pooled(rows, "roundtrip")) / pooled(rows, "unchanged")


def pooled(rows: Sequence[Judged], field: str) -> float:
    return mean(getattr(row, field) for row in rows)


def mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def mse(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().mean())


def decibels(error: float) -> float:
    return -10 * torch.tensor(error).clamp_min(1e-10).log10().item()
