"""The true edits: what each family of prompts means, as exact pixel arithmetic.

Used to make training targets and to judge results; nothing of it is reachable from the served path. Does not know
prompts, latents or networks. Lengths in pixels are at the working size.
"""

from __future__ import annotations

from collections.abc import Callable

from training.edits import geometry, style, tone
from training.edits.tone import Pixels

STRENGTHS = {
    f"{word} {name}": tone.by_strength(tone.EDITS[name], part)
    for word, part in (("slightly", 0.5), ("much", 1.6))
    for name in tone.COMPARABLE
}
EDITS: dict[str, Callable[[Pixels], Pixels]] = (
    tone.EDITS | STRENGTHS | style.EDITS | geometry.EDITS | {"keep": lambda pixels: pixels}
)
#: what the shipped checkpoint is trained for
OFFERED = (*tone.EDITS, *STRENGTHS, "sketch", "mosaic", "blur", "sharpen", "oil")
