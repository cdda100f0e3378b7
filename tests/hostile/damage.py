"""Bytes to give to a parser: made up by hypothesis, or good ones with pieces cut out, doubled and overwritten.

Knows bytes. Does not know what any of them mean.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

MAX_PLACES = 4
#: Hypothesis draws one number an input: to draw each cut would take it a hundred times longer than the parsers take.
seeds = st.integers(0, 2**63)


def damaged(goods: Sequence[bytes], pieces: Sequence[bytes], *, noise: int = 40) -> st.SearchStrategy[bytes]:
    """One of `goods` with up to MAX_PLACES places changed, now and then to one of `pieces`; or `noise` random bytes."""
    return st.one_of(seeds.map(lambda seed: damage(goods, pieces, seed)), st.binary(max_size=noise))


def damage(goods: Sequence[bytes], pieces: Sequence[bytes], seed: int) -> bytes:
    """The same for the same seed."""
    chance = random.Random(seed)
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
