"""Every example, and the README's request, run against a real server."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from overpaint.client import Client
from tests.cli.conftest import PATIENCE_SECONDS, clean_environment
from tests.serving import ROOT, Serving, serving

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".sh"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("serving") / "data") as running:
        yield running


def environment(server: Serving) -> dict[str, str]:
    paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    keys = {"OVERPAINT_URL": server.url, "OVERPAINT_API_KEY": server.key}
    return clean_environment(OMP_NUM_THREADS="1", PATH=paths, **keys)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_makes_a_picture(server: Serving, tmp_path: Path, name: str) -> None:
    output = tmp_path / ("edited.jpg" if name in ("edit.py", "curl.sh") else "edited.png")
    runner = "sh" if name.endswith(".sh") else sys.executable
    command = [runner, f"examples/{name}", "examples/cat.jpg", "make it black and white", str(output)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(server), capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 0, done.stderr
    with Image.open(output) as picture, Image.open(ROOT / "examples/cat.jpg") as original:
        picture.load()
        assert picture.format == ("JPEG" if output.suffix == ".jpg" else "PNG")
        assert picture.width / picture.height == pytest.approx(original.width / original.height, rel=0.01)


def test_every_example_says_how_to_run_it_and_stands_in_the_list() -> None:
    listed = (ROOT / "examples/README.md").read_text("utf-8")
    for name in EXAMPLES:
        assert f"examples/{name} examples/" in (ROOT / "examples" / name).read_text("utf-8")
        assert f"`{name}`" in listed


def test_the_sample_photographs_are_small_and_have_their_licence() -> None:
    listed = (ROOT / "examples/README.md").read_text("utf-8")
    for photograph in (ROOT / "examples").glob("*.jpg"):
        assert photograph.stat().st_size <= 150_000
        assert re.search(rf"`{photograph.name}`.*(CC0|public domain)", listed)


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_readmes_request_works_when_pasted(server: Serving) -> None:
    (block,) = blocks("README.md", "sh")
    export, _, request = block.partition("\n\n")
    assert export.startswith("export OVERPAINT_API_KEY=")
    assert "http://127.0.0.1:8000/" in request
    request = request.replace("http://127.0.0.1:8000", server.url)
    done = subprocess.run(["bash", "-c", request], cwd=ROOT, env=environment(server), capture_output=True, text=True)
    assert re.fullmatch(r'\{"task_id":"[0-9a-f-]{36}"\}', done.stdout), done
    with Client(server.url, server.key) as client:
        picture = client.task(done.stdout.split('"')[3]).wait(PATIENCE_SECONDS)
    assert Image.open(io.BytesIO(picture.bytes)).format == "JPEG"


def test_the_readmes_python_works(server: Serving, tmp_path: Path) -> None:
    (block,) = blocks("README.md", "python")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    command = [sys.executable, "-c", block]
    subprocess.run(command, cwd=tmp_path, env=environment(server), check=True, timeout=PATIENCE_SECONDS)
    assert Image.open(tmp_path / "edited.jpg").format == "JPEG"


@pytest.mark.parametrize("page", ["docs/quickstart.md", "README.md"])
def test_the_shell_commands_that_the_pages_show_work(server: Serving, tmp_path: Path, page: str) -> None:
    """Lines after `$` that run an example or the command line; making, serving and exporting are the fixture's part."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    lines = [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]
    tried = [line for line in lines if line.startswith(("python ", "sh ", "overpaint edit"))]
    for line in tried:
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment(server), capture_output=True, text=True
        )
        assert done.returncode == 0, (line, done.stderr)
    assert tried or page == "README.md"
