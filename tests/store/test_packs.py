"""Packs: durable before they answer, whole again after failures, and gone in time."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from overpaint.errors import StorageFull, StoreUnavailable
from overpaint.store import packs
from overpaint.store.packs import Packs, Place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def test_another_process_reads_what_was_appended(folder):
    pictures = [os.urandom(size) for size in (1, 4096, 70_000)]
    it = Packs(folder)
    places = it.append(pictures[:2]) + it.append(pictures[2:])
    assert [Packs(folder).read(place) for place in places] == pictures
    assert {stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.iterdir())} == {0o700, 0o600}


def test_everything_is_synced_before_it_counts(folder, monkeypatch):
    steps: list[str] = []
    real_sync, real_write = os.fsync, os.pwrite

    def name(descriptor: int) -> str:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        return "pack" if path.parent == folder else path.relative_to(folder.parent).as_posix()

    monkeypatch.setattr(os, "fsync", lambda file: (steps.append(f"sync {name(file)}"), real_sync(file))[1])
    monkeypatch.setattr(os, "pwrite", lambda *write: (steps.append(f"write {name(write[0])}"), real_write(*write))[1])
    it = Packs(folder)
    it.append([b"a", b"b"])
    assert steps == ["sync .", "sync packs", "write pack", "write pack", "sync pack"]
    steps.clear()
    it.append([b"c"])
    assert steps == ["write pack", "sync pack"]


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, StoreUnavailable)]
)
def test_after_a_failed_sync_nothing_more_goes_into_that_pack(folder, monkeypatch, number, error):
    it = Packs(folder)
    (kept,) = it.append([b"kept"])

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", fail)
        with pytest.raises(error):
            it.append([b"lost"])
    (later,) = it.append([b"later"])
    assert later.pack != kept.pack
    assert (it.read(kept), it.read(later)) == (b"kept", b"later")


def test_a_short_write_is_continued(folder, monkeypatch):
    real_write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: real_write(file, data[:1000], at))
    data = os.urandom(2500)
    it = Packs(folder)
    assert it.read(it.append([data])[0]) == data


def test_a_pack_ends_by_its_size_and_by_its_age(folder, monkeypatch):
    monkeypatch.setattr(packs, "PACK_BYTES", 10_000)
    it = Packs(folder)
    first, second, third = (it.append([bytes(8_000)])[0].pack for _ in range(3))
    assert first == second != third
    monkeypatch.setattr(packs, "PACK_SECONDS", 0)
    assert it.append([bytes(8_000)])[0].pack == third
    aged, next_one = (it.append([b"a"])[0].pack for _ in range(2))
    assert len({first, third, aged, next_one}) == 4


def test_what_is_taken_back_is_written_over(folder):
    it = Packs(folder)
    (kept,) = it.append([b"kept"])
    (refused,) = it.append([b"refused"])
    it.take_back()
    (later,) = it.append([b"later"])
    assert (later.pack, later.at) == (refused.pack, refused.at)
    assert (it.read(kept), it.read(later)) == (b"kept", b"later")


def test_what_is_erased_is_overwritten_and_its_neighbours_stay(folder):
    it = Packs(folder)
    before, erased, after = it.append([b"before", b"erased", b"after"])
    gone = Place("gone", 0, 9)
    it.erase([erased, gone], named={before.pack})
    assert [it.read(place) for place in (before, erased, after)] == [b"before", bytes(6), b"after"]
    with pytest.raises(FileNotFoundError):
        it.read(gone)


def test_only_old_packs_that_nobody_names_are_deleted(folder, monkeypatch):
    it = Packs(folder)
    packed = {}
    for name in ("left", "named", "open"):
        it.close()
        packed[name] = folder / it.append([b"picture"])[0].pack
    stray = folder / "notes.txt"
    stray.write_text("not ours")
    it.erase([], named={packed["named"].name})
    assert all(pack.exists() for pack in packed.values())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + packs.UNNAMED_SECONDS)
    it.erase([it.append([b"picture"])[0]], named={packed["named"].name})
    assert {name for name, pack in packed.items() if pack.exists()} == {"named", "open"}
    assert stray.exists()
