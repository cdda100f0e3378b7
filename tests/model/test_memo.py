"""What was made of a picture: made once, kept while there is room, never confused with another's."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from overpaint.model.memo import Memo


def plain(red: int, size: tuple[int, int] = (4, 4)) -> Image.Image:
    return Image.new("RGB", size, (red, 0, 0))


class Counting:
    """A memo of tensors, of 40 bytes unless said, that says what was made anew."""

    def __init__(self, limit: int) -> None:
        self.memo: Memo[Tensor] = Memo(self._tensors, limit)
        self.made: list[str] = []

    def ask(self, name: str, *pictures: Image.Image, values: int = 10) -> None:
        def make() -> Tensor:
            self.made.append(name)
            return torch.zeros(values)

        self.memo.of(pictures, make)
        self._tensors(torch.zeros(0))

    def _tensors(self, tensor: Tensor) -> list[Tensor]:
        """Asked in the midst of keeping; never is more kept than may be."""
        assert sum(kept.nbytes for kept in self.memo.known.values()) <= self.memo.limit
        return [tensor]


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


def test_what_is_larger_than_all_room_is_given_and_not_kept_and_sends_nothing_away() -> None:
    asked = Counting(limit=80)
    asked.ask("small", plain(1))
    asked.ask("large", plain(2), values=21)
    asked.ask("large again", plain(2), values=21)
    asked.ask("small again", plain(1))
    assert asked.made == ["small", "large", "large again"]
    assert asked.memo.bytes == 40


def test_room_is_made_for_as_many_as_it_takes() -> None:
    asked = Counting(limit=80)
    asked.ask("1", plain(1))
    asked.ask("2", plain(2))
    asked.ask("both's room", plain(3), values=20)
    asked.ask("known", plain(3), values=20)
    assert asked.made == ["1", "2", "both's room"]
    assert asked.memo.bytes == 80
