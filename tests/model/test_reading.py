"""Reading ahead: in order, not too far, and with the errors where they belong."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Event

import pytest

from overpaint.model.reading import ahead


def test_what_is_slow_comes_in_its_turn() -> None:
    is_last_got = Event()

    def get(item: int) -> int:
        if item == 0:
            assert is_last_got.wait(10)
        if item == 3:
            is_last_got.set()
        return item * item

    assert list(ahead(get, range(4), readers=4)) == [0, 1, 4, 9]


def test_no_more_is_held_than_there_are_readers() -> None:
    begun: dict[int, Future[None]] = {item: Future() for item in range(9)}
    got = ahead(lambda item: begun[item].set_result(None), range(9), readers=3)
    next(got)
    for item in range(3):
        begun[item].result(timeout=10)
    assert not any(begun[item].done() for item in range(3, 9))


def test_an_error_is_raised_in_its_items_turn() -> None:
    got = ahead(lambda item: 6 // item, [3, 0, 2])
    assert next(got) == 2
    with pytest.raises(ZeroDivisionError):
        next(got)
