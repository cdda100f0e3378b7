"""What `pip install overpaint` brings."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize(
    "pattern",
    [
        "overpaint/**/*.py",
        "overpaint/py.typed",
        "overpaint/store/sql/*.sql",
        "overpaint/store/migrations/*.sql",
        "overpaint/checkpoints/mini/**/*.json",
        "overpaint/checkpoints/mini/**/*.safetensors",
    ],
)
def test_everything_the_package_reads_is_in_the_wheel(names: set[str], pattern: str) -> None:
    here = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
    assert here, f"nothing matches {pattern}"
    assert here <= names


def test_the_sample_photograph_comes_along(names: set[str]) -> None:
    assert "overpaint/cli/cat.jpg" in names


def test_nothing_else_comes_along(names: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in names} == {"overpaint"}
    assert not [name for name in names if name.endswith((".pyc", ".pt", ".zip"))]


def test_the_wheel_stays_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 30 * 2**20


def test_a_plain_install_asks_for_three_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        (metadata,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        lines = file.read(metadata).decode().splitlines()
    required = [line for line in lines if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert sorted(line.split()[1].split(">")[0] for line in required) == ["cyclopts", "httpx2", "rich"]
