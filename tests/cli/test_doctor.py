"""What `overpaint doctor` finds, one fault at a time, and that it says what to do."""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend

from overpaint.cli import doctor as room
from overpaint.cli.talk import CheckFailed
from overpaint.model import attention
from overpaint.store import schema
from tests.http.world import checkpoint_folder

Found = dict[str, dict[str, str]]
Doctor = Callable[..., Found]


@pytest.fixture
def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """doctor(checkpoint=…) -> each check by its name; looks at `data` in the test's folder."""

    def run(*, checkpoint: str | None = None) -> Found:
        with suppress(CheckFailed):
            room.doctor(data=tmp_path / "data", checkpoint=checkpoint, port=0, json=True)
        said = capsys.readouterr().out
        assert str(tmp_path) not in said
        found: Found = {check["name"]: check for check in json.loads(said)["checks"]}
        for check in found.values():
            assert check["verdict"] == "ok" or check["hint"], "it must say what to do"
        return found

    return run


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database that a server made and left."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "overpaint.sqlite3"
    schema.prepare(path)
    return path


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_fit_machine_has_nothing_to_do_and_nothing_left_behind(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor()
    assert {name for name, check in found.items() if check["verdict"] == "failed"} == set()
    assert found["database"]["detail"] == "will be made"
    assert "ms for a small write" in found["disk"]["detail"]
    assert list(tmp_path.iterdir()) == []


def test_a_whole_database_is_told_with_its_form(doctor: Doctor, database: Path) -> None:
    before = database.read_bytes()
    check = doctor()["database"]
    assert check["verdict"] == "ok"
    assert f"whole, form {schema.newest_version()}" in check["detail"]
    assert database.read_bytes() == before


def test_a_damaged_database_is_found_though_its_head_is_good(doctor: Doctor, database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(4096)  # the second page
        file.write(b"\xff" * 64)
    assert doctor()["database"]["verdict"] == "failed"
    database.write_bytes(b"not a database" * 1000)
    assert doctor()["database"]["verdict"] == "failed"


def test_the_form_of_the_database_is_compared_with_ours(doctor: Doctor, database: Path) -> None:
    newest = schema.newest_version()
    execute(database, f"PRAGMA user_version = {newest - 1}")
    check = doctor()["database"]
    assert (check["verdict"], f"the next start makes it {newest}" in check["detail"]) == ("ok", True)
    execute(database, f"PRAGMA user_version = {newest + 1}")
    check = doctor()["database"]
    assert (check["verdict"], check["hint"]) == ("failed", "Upgrade Overpaint.")


def test_a_clock_that_was_put_back_is_found(doctor: Doctor, database: Path) -> None:
    columns = "id, owner, dialect, checkpoint, public_base, request, inputs, created_at"
    execute(database, f"INSERT INTO task ({columns}) VALUES ('i', 'o', 'd', 'c', 'b', '{{}}', '[]', 4102444800000)")
    check = doctor()["database"]
    assert check["verdict"] == "warning"
    assert "clock" in check["hint"]


def test_a_checkpoint_that_is_not_whole_is_found(doctor: Doctor, tmp_path: Path) -> None:
    folder = checkpoint_folder(tmp_path)
    assert doctor(checkpoint=str(folder))["checkpoint"]["verdict"] == "ok"
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    shutil.copy(room.__file__, weights)
    check = doctor(checkpoint=str(folder))["checkpoint"]
    assert check["verdict"] == "failed"
    assert "diffusion_pytorch_model.safetensors is damaged" in check["detail"]


def test_too_few_open_files_are_found(doctor: Doctor) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        check = doctor()["limits"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (check["verdict"], check["hint"]) == ("warning", f"ulimit -n {room.LEAST_FILES}")


def test_a_slow_disk_is_found(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SLOW_SYNC_SECONDS", 0.0)
    assert doctor()["disk"]["verdict"] == "warning"


def test_a_disk_that_refuses_is_a_failure(doctor: Doctor) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    try:
        found = doctor()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (found["disk"]["verdict"], found["limits"]["verdict"]) == ("failed", "warning")
    assert found["limits"]["hint"] == "ulimit -f unlimited"


def test_a_gpu_is_told_with_its_choice_of_attention_once_there_is_one(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (70 * 10**9, 80 * 10**9))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A card")
    assert doctor()["device"]["detail"] == "A card, 70 of 80 GB free"
    kind = attention.Kind("A card", torch.bfloat16, 128)
    attention.choose(kind, lambda: {SDPBackend.CUDNN_ATTENTION: 0.002}, attention.cache_folder())
    said = "A card, 70 of 80 GB free; attention by CUDNN_ATTENTION (bfloat16, head_dim 128)"
    assert doctor()["device"]["detail"] == said
