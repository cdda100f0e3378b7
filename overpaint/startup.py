"""Imports that take seconds, made shorter. Knows the garbage collector; never hears of what is imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting_imports() -> Iterator[None]:
    """What is imported inside stays as long as the process.

    Torch and transformers make some 400,000 objects. The collector would look through them again and again while they
    come, and once more, for a fifth of a second, in the middle of some edit; here it waits, and passes them over ever
    after. Nothing that is to be given back may be made inside.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
