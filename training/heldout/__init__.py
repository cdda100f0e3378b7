"""The sentences `mini` is judged by: everyday ones the grammar may produce, and held-out ones it never does.

Data only, one file per group of families; here the groups become one table per kind. Held-out sentences are either new
combinations of words that training has seen, or whole phrasings that the grammar has no rule for. `training.prompts`
throws away any draw that equals one.
"""

from __future__ import annotations

from pathlib import Path

from training.heldout import basic, frames, geometry, strengths, style, tone
from training.heldout.basic import FRESH2
from training.heldout.unknown import HELDOUT_UNKNOWN

__all__ = ["EVERYDAY", "FRESH", "FRESH2", "HELDOUT", "HELDOUT_UNKNOWN", "ROUNDABOUT"]

Table = dict[str, dict[str, tuple[str, ...]]]


def merged(*groups: Table) -> Table:
    """One table of all groups. Raises ValueError where two groups have the same family."""
    table = {family: lines for group in groups for family, lines in group.items()}
    if len(table) != sum(map(len, groups)):
        raise ValueError("a family stands in two groups of held-out sentences")
    return table


GROUPS = (basic, tone, style, geometry, frames, strengths)

#: family → language → sentences a user would type first; training may have met them
EVERYDAY = merged(*(group.EVERYDAY for group in GROUPS))

#: family → language → sentences that training never met
HELDOUT = merged(*(group.HELDOUT for group in GROUPS))

#: as HELDOUT, but looked at only after all training: nothing was changed because of how these scored
FRESH = merged(*(group.FRESH for group in GROUPS))

#: family → language → long-winded ones by writers of whom training met no sentence; "unknown" asks for nothing offered
ROUNDABOUT: Table = {
    family.stem: {
        language: tuple((family.parents[1] / language / family.name).read_text().splitlines())
        for language in ("en", "zh")
    }
    for family in sorted((Path(__file__).parent / "roundabout" / "en").glob("*.txt"))
}
