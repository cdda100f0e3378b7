"""Gives a parser what nobody would send: good inputs with pieces cut out, doubled and overwritten, or mere noise.

Knows bytes and hypothesis. Does not know what any of them mean.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.figures import IS_LONG, figures

INPUTS = 100_000 if IS_LONG else 1000
BATCH = 20  #: inputs for each number that hypothesis draws: drawing takes it a millisecond, our parsers take some 20 us
MAX_PLACES = 4

Tried = Callable[[bytes, random.Random], str]  #: raises, or says in a word what became of the input


def fuzz(row: str, tried: Tried, goods: Sequence[bytes], pieces: Sequence[bytes]) -> None:
    """Gives INPUTS to `tried`, and hands in what became of them."""
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=INPUTS // BATCH,
        deadline=None,
        database=None,
        derandomize=not IS_LONG,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**60))
    def batch(seed: int) -> None:
        for number in range(BATCH):
            chance = random.Random(seed * BATCH + number)
            data = damaged(goods, pieces, chance)
            try:
                outcomes[tried(data, chance)] += 1
            except Exception as error:
                error.add_note(f"given {data[:1000]!r}")
                raise

    batch()
    figures(row=f"fuzz, {row}", inputs=outcomes.total(), uncaught=0, **outcomes)


def damaged(goods: Sequence[bytes], pieces: Sequence[bytes], chance: random.Random) -> bytes:
    """One of `goods` with up to MAX_PLACES places changed, often to one of `pieces`; now and then noise."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randint(0, 60))
    data = chance.choice(goods)
    for _ in range(chance.randint(0, MAX_PLACES)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 0, 1, 2, 5, 40)))
        way = chance.random()
        if way < 0.5:
            new = chance.choice(pieces)
        elif way < 0.7:
            new = chance.randbytes(chance.randint(0, 3))
        else:
            new = data[start:end] * chance.randint(0, 2)
        data = data[:start] + new + data[end:]
    return data
