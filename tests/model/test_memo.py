"""What was made of a picture: made once, kept while there is room, never confused with another's."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from overpaint.model.memo import Memo


def plain(red: int, size: tuple[int, int] = (4, 4)) -> Image.Image:
    return Image.new("RGB", size, (red, 0, 0))


class Counting:
    """A memo of tensors of 40 bytes that says what was made anew."""

    def __init__(self, limit: int) -> None:
        self.memo: Memo[Tensor] = Memo(lambda tensor: [tensor], limit)
        self.made: list[str] = []

    def ask(self, name: str, *pictures: Image.Image) -> None:
        def make() -> Tensor:
            self.made.append(name)
            return torch.zeros(10)

        self.memo.of(pictures, make)


def test_the_same_picture_is_known_again() -> None:
    asked = Counting(limit=1000)
    asked.ask("first", plain(1))
    asked.ask("again", plain(1))
    assert asked.made == ["first"]


def test_pictures_that_differ_in_a_pixel_a_side_or_their_order_are_others() -> None:
    asked = Counting(limit=1000)
    asked.ask("one", plain(1))
    asked.ask("other", plain(2))
    asked.ask("both", plain(1), plain(2))
    asked.ask("turned round", plain(2), plain(1))
    asked.ask("wide", plain(1, (8, 2)))
    asked.ask("high", plain(1, (2, 8)))
    assert asked.made == ["one", "other", "both", "turned round", "wide", "high"]


def test_what_was_not_asked_for_longest_goes_first() -> None:
    asked = Counting(limit=80)  # two
    for red in (1, 2, 1, 3, 1, 2):
        asked.ask(str(red), plain(red))
    assert asked.made == ["1", "2", "3", "2"]
    assert asked.memo.bytes == 80


def test_what_is_larger_than_all_room_is_given_and_not_kept() -> None:
    asked = Counting(limit=30)
    asked.ask("first", plain(1))
    asked.ask("again", plain(1))
    assert asked.made == ["first", "again"] and asked.memo.bytes == 0
