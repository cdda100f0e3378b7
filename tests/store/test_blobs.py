"""Blobs in a folder: names that cannot leave it, writes that survive, results that are never written twice."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest
import uuid_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from overpaint.errors import StorageFull, StoreUnavailable
from overpaint.store import blobs
from overpaint.store.blobs import FolderBlobs, ResultName, input_name, parse_result_name, result_name
from overpaint.store.orphans import sweep_orphans
from tests.store.samples import SHA256, new_task

TASK = "0198f3a2-7c1e-7d3a-b2c4-5e6f708192a3"  # of 29 August 2025


@pytest.fixture
def folder(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def test_names_are_made_from_the_day_and_the_task():
    assert input_name(TASK, 0, SHA256, "png") == f"inputs/2025/08/29/{TASK}/0-{SHA256}.png"
    assert result_name(TASK, 2, 0, "jpeg") == f"results/2025/08/29/{TASK}/2-0.jpeg"


@settings(deadline=None)
@given(attempt=st.integers(1, 99), index=st.integers(0, 20), format=st.sampled_from(["jpeg", "png", "webp"]))
def test_a_result_name_gives_its_parts_back(attempt, index, format):
    task_id = str(uuid_utils.uuid7())
    parts = ResultName(task_id=task_id, attempt=attempt, index=index, format=format)
    assert parse_result_name(result_name(task_id, attempt, index, format)) == parts


STRANGE = [
    "",
    "results",
    "../secret",
    "/etc/passwd",
    f"results/2025/08/29/{TASK}/../2-0.jpeg",
    f"results/2025/08/29/{TASK}/2-0.jpeg\n",
    f"results/2025/08/29/{TASK}/2-0.jpeg\0",
    f"results/2025/08/29/{TASK}/02-0.jpeg",
    f"results/2025/08/29/{TASK}/2-0.svg",
    f"results/2025/08/29/{TASK}/٢-0.jpeg",
    f"results/2025/08/29/{TASK.upper()}/2-0.jpeg",
    f"results/2025/08/30/{TASK}/2-0.jpeg",
    f"results//2025/08/29/{TASK}/2-0.jpeg",
    "results/2025/08/29/ffffffff-ffff-ffff-ffff-ffffffffffff/2-0.jpeg",
]


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_name_is_no_result(name):
    assert parse_result_name(name) is None


@pytest.mark.parametrize("name", STRANGE[:7])
def test_no_name_leads_out_of_the_folder(folder, name):
    for use in (folder.path, folder.get, folder.delete, lambda each: folder.put(each, b"")):
        with pytest.raises(ValueError, match="not a blob name"):
            use(name)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> FolderBlobs:
    return FolderBlobs(tmp_path_factory.mktemp("shared") / "blobs")


@settings(deadline=None)
@given(name=st.text() | st.from_regex(r"(inputs|results)/[-./0-9a-z]{0,80}", fullmatch=True))
def test_any_text_is_a_blob_name_or_refused(shared, name):
    try:
        path = shared.path(name)
    except ValueError:
        return
    assert path.parents[5].name == "blobs"
    assert ".." not in path.parts


@pytest.mark.parametrize("part", ["../../x", "a/b", "", "x" * 64])
def test_a_name_is_not_made_from_strange_parts(part):
    with pytest.raises(ValueError, match="blob name"):
        input_name(TASK, 0, part, "png")
    with pytest.raises(ValueError, match=r"blob name|invalid literal"):
        result_name(part, 1, 0, "png")


def test_what_is_put_is_got_back_and_private(folder, tmp_path):
    name = input_name(TASK, 0, SHA256, "png")
    folder.put(name, b"picture")
    assert folder.get(name) == b"picture"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "blobs").rglob("*")}
    assert modes == {0o600, 0o700}
    assert [path.name for path in (tmp_path / "blobs").rglob("*.*")] == [Path(name).name]


def test_an_input_may_be_put_again_a_result_may_not(folder):
    again, once = input_name(TASK, 0, SHA256, "png"), result_name(TASK, 1, 0, "png")
    folder.put(again, b"a")
    folder.put(again, b"a")
    folder.put(once, b"a")
    with pytest.raises(FileExistsError):
        folder.put(once, b"b")
    assert folder.get(once) == b"a"


def test_everything_is_synced_before_it_counts(folder, monkeypatch, tmp_path):
    """Folders, then the file, then its name: else a power cut could leave a row without its picture."""
    steps: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        steps.append(Path(f"/proc/self/fd/{descriptor}").resolve().relative_to(tmp_path).as_posix())
        real_sync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return real_rename(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    folder.put(input_name(TASK, 0, SHA256, "png"), b"picture")
    at = steps.index("rename")
    assert steps[at - 1].endswith(".partial")
    day = "blobs/inputs/2025/08/29"
    assert steps[at + 1 :] == [f"{day}/{TASK}", day]
    assert steps[: at - 1] == ["blobs", "blobs/inputs", "blobs/inputs/2025", "blobs/inputs/2025/08"]


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, StoreUnavailable)]
)
def test_a_failed_write_leaves_nothing_and_says_why(folder, monkeypatch, tmp_path, number, error):
    name = input_name(TASK, 0, SHA256, "png")

    def fail(descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error):
        folder.put(name, b"picture")
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    with pytest.raises(FileNotFoundError):
        folder.get(name)


def test_delete_takes_the_tasks_empty_folder_along(folder):
    names = [result_name(TASK, attempt, 0, "png") for attempt in (1, 2)]
    for name in names:
        folder.put(name, b"a")
    folder.delete(names[0])
    assert folder.get(names[1]) == b"a"
    folder.delete(names[1])
    folder.delete(names[1])
    assert not folder.path(names[0]).parent.exists()
    folder.put(names[0], b"b")


@pytest.mark.anyio
async def test_old_pictures_that_no_row_names_are_erased(folder, store):
    new = new_task()
    named, of_no_task = new.inputs[0].name, input_name(TASK, 0, SHA256, "png")
    lost, young = (result_name(new.id, attempt, 0, "png") for attempt in (1, 2))
    for name in (named, of_no_task, lost, young):
        folder.put(name, b"a")
    partial = folder.path(lost).with_name("1-0.png.1.2.partial")
    partial.write_bytes(b"half")
    await store.submit(new)
    three_days_ago = time.time() - 3 * 86_400
    for path in (*map(folder.path, (named, of_no_task, lost)), partial):
        os.utime(path, (three_days_ago, three_days_ago))
    assert await sweep_orphans(store, folder) == 2
    assert [name for name in (named, of_no_task, lost, young) if folder.path(name).exists()] == [named, young]
    assert not partial.exists()


def test_the_limit_of_small_inputs_fits_a_row():
    assert 0 < blobs.SMALL_INPUT_BYTES < 2**24
