"""Imports that stay: the garbage collector passes them over, and is never left switched off."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from overpaint.startup import lasting_imports


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_the_collector_waits_and_then_passes_over_what_came() -> None:
    before = gc.get_freeze_count()
    with lasting_imports():
        assert not gc.isenabled()
        came = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(came)


def test_an_import_that_fails_leaves_the_collector_at_work() -> None:
    before = gc.get_freeze_count()
    with pytest.raises(ImportError), lasting_imports():
        raise ImportError
    assert gc.isenabled()
    assert gc.get_freeze_count() == before
