"""What was made of a picture, kept while there is room: the same picture comes again with other words and seeds.

Exact: what is given back is what was made. Knows how much it may keep. Does not know what is made, or of what.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from PIL import Image
from torch import Tensor

T = TypeVar("T")


class Memo(Generic[T]):
    """Values by pictures; those longest unused go first.

    tensors  what of a value takes memory
    limit    bytes of all values together; a larger value is not kept
    """

    def __init__(self, tensors: Callable[[T], Iterable[Tensor]], limit: int) -> None:
        self.tensors, self.limit, self.bytes = tensors, limit, 0
        self.known: OrderedDict[bytes, T] = OrderedDict()

    def of(self, pictures: Sequence[Image.Image], make: Callable[[], T]) -> T:
        """What `make` gives for these pictures, in this order; made once while it is kept."""
        key = b"".join(map(_digest, pictures))
        if key in self.known:
            self.known.move_to_end(key)
            return self.known[key]
        value = make()
        self._keep(key, value)
        return value

    def _keep(self, key: bytes, value: T) -> None:
        size = self._size(value)
        if size > self.limit:
            return
        while self.bytes + size > self.limit:
            self.bytes -= self._size(self.known.popitem(last=False)[1])
        self.known[key] = value
        self.bytes += size

    def _size(self, value: T) -> int:
        return sum(tensor.nbytes for tensor in self.tensors(value))


def _digest(picture: Image.Image) -> bytes:
    return hashlib.sha256(b"%s %d %d " % (picture.mode.encode(), *picture.size) + picture.tobytes()).digest()
