"""The sentences that `mini` is judged by: both languages everywhere, and none counted twice or under two families."""

from __future__ import annotations

from collections import Counter

import pytest

from training.heldout import EVERYDAY, FRESH, FRESH2, HELDOUT, HELDOUT_UNKNOWN, ROUNDABOUT, merged

TABLES = {"everyday": EVERYDAY, "held out": HELDOUT, "fresh": FRESH, "fresh 2": FRESH2, "roundabout": ROUNDABOUT}


def bare(sentence: str) -> str:
    """The letters and digits alone, in lower case."""
    return "".join(filter(str.isalnum, sentence.casefold()))


def is_chinese(sentence: str) -> bool:
    return any("一" <= character <= "鿿" for character in sentence)


@pytest.mark.parametrize("table", TABLES)
def test_every_family_is_asked_for_in_both_languages(table: str) -> None:
    assert TABLES[table].keys() - {"unknown"} <= EVERYDAY.keys()
    for family, lines in TABLES[table].items():
        assert list(lines) == ["en", "zh"] and all(lines.values()), family
        assert not any(map(is_chinese, lines["en"])) and all(map(is_chinese, lines["zh"])), family


def test_every_family_has_everyday_held_out_and_fresh_sentences() -> None:
    assert EVERYDAY.keys() == HELDOUT.keys() == FRESH.keys()


def test_no_sentence_stands_twice() -> None:
    asking = [
        line for table in TABLES.values() for lines in table.values() for texts in lines.values() for line in texts
    ]
    asking += [line for lines in HELDOUT_UNKNOWN.values() for line in lines]
    counts = Counter(filter(None, map(bare, asking)))
    assert not [sentence for sentence, count in counts.items() if count > 1]


def test_a_family_in_two_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="two groups"):
        merged({"bw": {}}, {"bw": {}})
