"""Reading ahead: a file that is mapped comes page by page, and a disk gives most when several pages are asked for.

Knows threads. Does not know files or tensors.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

READERS = 4  #: `python -m benchmarks.loading` compares

Item = TypeVar("Item")
Got = TypeVar("Got")


def ahead(get: Callable[[Item], Got], items: Iterable[Item], readers: int = READERS) -> Iterator[Got]:
    """What `get` gives for each item, in order; at most `readers` are got before they are asked for.

    Raises what `get` raises, in its item's turn.
    """
    waiting = iter(items)
    with ThreadPoolExecutor(readers) as threads:
        coming = deque(threads.submit(get, item) for item in islice(waiting, readers))
        while coming:
            yield coming.popleft().result()
            coming.extend(threads.submit(get, item) for item in islice(waiting, 1))
