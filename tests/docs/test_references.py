"""The documentation against the repository: generated pages, links, names."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from overpaint import settings

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*.md"),
        *ROOT.glob("overpaint/checkpoints/*/README.md"),
    ]
)
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)(?:#([^)\s]+))?\)")


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"run `.venv/bin/python docs/generate.py`: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        path = (page.parent / target).resolve()
        assert path.exists(), f"{target} does not exist"
        if anchor:
            heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {settings.PREFIX + name for name, _, _ in settings.table()} | settings.CLIENT_NAMES
    assert set(re.findall(r"\bOVERPAINT_[A-Z_]+\b", page.read_text("utf-8"))) <= known


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_every_path_of_ours_that_is_named_exists(page: Path) -> None:
    """`overpaint/…`, `training/…` and so on, in code marks."""
    named = re.findall(r"`((?:overpaint|training|benchmarks|docs|examples|tests)/[\w./-]*)`", page.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_every_test_that_is_named_exists(page: Path) -> None:
    for path, test in re.findall(r"`(tests/[\w./-]+\.py)::(\w+)`", page.read_text("utf-8")):
        assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), f"{path}::{test}"


def test_every_item_of_the_ten_names_a_test() -> None:
    page = (ROOT / "docs/security.md").read_text("utf-8")
    items = dict(re.findall(r"^\| (\d+) [^|]+\|[^|]+\|(.+)\|$", page, re.MULTILINE))
    assert sorted(map(int, items)) == list(range(1, 11))
    assert [number for number, tests in items.items() if "`tests/" not in tests] == []


def test_every_page_is_reached_from_the_index() -> None:
    """From docs/README.md by links, decisions by their folder."""
    seen: set[Path] = set()
    todo = [ROOT / "docs/README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        todo += [(page.parent / target).resolve() for target, _ in LINK.findall(page.read_text("utf-8"))]
    lost = {page for page in ROOT.glob("docs/**/*.md") if "decisions" not in page.parts} - seen
    assert not lost


def test_decisions_have_their_four_parts() -> None:
    for page in ROOT.glob("docs/decisions/*.md"):
        heads = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert heads == ["Context", "Choice", "Price", "When to look again"], page.name


def test_make_has_at_most_twelve_verbs_and_each_says_what_it_does() -> None:
    verbs = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(verbs) <= 12
    assert [line.split()[1] for line in done.stdout.splitlines()] == verbs


def test_every_pin_is_exact_and_every_dependency_is_pinned() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"]
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, lines)}
    assert all(str(pin.specifier).startswith("==") for pin in pins.values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    for wanted in (Requirement(line) for group in groups for line in group):
        pin = pins[canonicalize_name(wanted.name)]
        (version,) = (spec.version for spec in pin.specifier)
        assert version in wanted.specifier, f"{pin} is not what pyproject.toml asks for: {wanted}"
