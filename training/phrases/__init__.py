"""The words of the prompt grammar: what every family is called in each language, and what nobody offers an edit for.

Data only, apart from `Words`. `<language>.py` holds what all families share (openings, frames, endings, degrees),
`<language>_tones.py` and `<language>_styles.py` the families' own words. `{name}` is a slot that `training.prompts` fills.
`sentences/<language>/<family>.txt` holds whole prompts as people type them, one a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Words:
    """What one family is called in one language. A family without some kind of word simply has none."""

    phrases: tuple[str, ...] = ()  #: whole commands, said as they stand
    verbs: tuple[str, ...] = ()  #: commands that take a degree: "brighten {o}", "slightly brighten {o}"
    adjectives: tuple[str, ...] = ()  #: "make it …"
    nouns: tuple[str, ...] = ()  #: "… filter"
    raised: tuple[str, ...] = ()  #: amounts: more of them is this edit
    lowered: tuple[str, ...] = ()  #: amounts: less of them is this edit
    wrong: tuple[str, ...] = ()  #: "too …": what is wrong with a picture when this edit is the cure


def words(**lists: str) -> Words:
    """`Words` from lists written with bars; a word written twice is drawn twice as often."""
    return Words(**{kind: tuple(text.split("|")) for kind, text in lists.items()})


def written(language: str) -> dict[str, tuple[str, ...]]:
    """family → the sentences of its file."""
    files = sorted((Path(__file__).parent / "sentences" / language).glob("*.txt"))
    return {file.stem: tuple(filter(None, file.read_text().splitlines())) for file in files}
