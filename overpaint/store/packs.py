"""Packs: pictures that arrived together lie one behind the other in one file, for one write and one sync.

A place is durable before it is given out; its bytes stay as they are until they are erased. One process appends, from
one thread; all may read. Knows files. Does not know whose a picture is, or which places rows hold.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from uuid_utils import uuid7

from overpaint.store.disk import refusal, sync_folder, write_at

PACK_BYTES = 64 * 2**20  # then the next is begun, for a pack is deleted as a whole
PACK_SECONDS = 600.0  # so its pictures are of one age, and expire at about the same time
UNNAMED_SECONDS = 3600.0  # no younger pack is deleted: the row that names it may be about to be written
_PAGE = 4096


class Place(NamedTuple):
    """Where a picture lies."""

    pack: str
    at: int  #: bytes from the pack's start
    length: int


class Packs:
    """The packs of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = -1
        self._name = ""
        self._end = self._start = 0  # of the next append, and of the last
        self._full_at = 0.0

    def append(self, pictures: Sequence[bytes]) -> list[Place]:
        """Durable when it returns. Raises StorageFull, StoreUnavailable: then none of them is there."""
        try:
            if self._file < 0 or self._end >= PACK_BYTES or time.monotonic() >= self._full_at:
                self._begin()
            self._start = self._end
            places = [self._write(picture) for picture in pictures]
            os.fsync(self._file)
        except OSError as error:
            self.close()  # after a failed sync nobody knows what is in it
            raise refusal(error) from error
        self._turn_page()
        return places

    def take_back(self) -> None:
        """For when no row names any place of the last append: the next one overwrites them."""
        self._end = self._start

    def _begin(self) -> None:
        self.close()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._folder.parent)
        self._name, self._end, self._full_at = str(uuid7()), 0, time.monotonic() + PACK_SECONDS
        self._file = os.open(self._folder / self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        sync_folder(self._folder)

    def _write(self, picture: bytes) -> Place:
        place = Place(self._name, self._end, len(picture))
        write_at(self._file, picture, place.at)
        self._end += place.length
        return place

    def _turn_page(self) -> None:
        """Gives the pages just written back: a picture waits long, and to fill used pages costs half of new ones."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file, self._start, 0, os.POSIX_FADV_DONTNEED)
        self._end += -self._end % _PAGE  # or the next append would have to read the last page first

    def read(self, place: Place) -> bytes:
        """The bytes. Raises FileNotFoundError when the pack is gone."""
        with (self._folder / place.pack).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), place.length, place.at)

    def erase(self, places: Sequence[Place], *, named: Collection[str]) -> None:
        """Overwrites pictures that no row holds any more, and deletes old packs that are not among the `named`.

        Raises StoreUnavailable when the disk refuses.
        """
        try:
            for pack in self._folder.glob("????????-????-7???-*"):
                is_left = pack.name not in named and pack.name != self._name
                if is_left and _age_seconds(pack.name) >= UNNAMED_SECONDS:
                    pack.unlink()
            for place in places:
                self._overwrite(place)
        except OSError as error:
            raise refusal(error) from error

    def _overwrite(self, place: Place) -> None:
        pack = self._folder / place.pack
        if pack.exists():
            with pack.open("r+b", buffering=0) as file:
                write_at(file.fileno(), bytes(place.length), place.at)

    def close(self) -> None:
        """Ends the open pack; the next picture begins another."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._name = -1, ""


def _age_seconds(pack: str) -> float:
    """Since it was begun, as its UUIDv7 says in 48 bits of milliseconds; its file's time changes at each erasure."""
    return time.time() - int(pack[:8] + pack[9:13], 16) / 1000
