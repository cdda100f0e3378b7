"""Help, errors and exit codes of the command itself."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import overpaint as package
from overpaint.cli import main, talk
from overpaint.client import Busy, EditUnsuccessful, GaveUpWaiting, Unreachable
from overpaint.errors import (
    ConfigurationError,
    EditFailed,
    EditNotFound,
    InvalidApiKey,
    InvalidParameter,
    OverpaintError,
    StoreUnavailable,
)
from tests.cli.conftest import PATIENCE_SECONDS, Run, assert_complaint, clean_environment

HEAVY = {"torch", "transformers", "pydantic", "uvicorn", "PIL", "huggingface_hub", "numpy", "structlog"}


def test_help_imports_nothing_of_the_server() -> None:
    """What is not imported cannot be slow, and need not be installed."""
    code = "import sys; from overpaint.cli.main import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_version(overpaint: Run) -> None:
    assert overpaint("--version").stdout == f"overpaint {package.__version__}\n"


@pytest.mark.parametrize("verb", ["serve", "edit", "checkpoints", "keys", "doctor"])
def test_every_verb_has_help_that_fits_a_screen_and_ends_with_an_example(overpaint: Run, verb: str) -> None:
    done = overpaint(verb, "--help")
    assert done.returncode == 0
    lines = done.stdout.rstrip().splitlines()
    assert len(lines) <= 45
    assert lines[-1].startswith(f"Example: overpaint {verb}"), lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sarve"], ["sarve"]),
        (["serve", "--prot", "1"], ["--prot", "--port"]),
        (["serve", "--port", "a"], ["port"]),
        (["serve", "--port", "70000"], ["PORT", "65535"]),
        (["serve", "--checkpoint", "no-such"], ["no-such"]),
        (["edit"], ["--output"]),
        (["edit", "-o", "a.png", "only-one-word"], ["say what to change"]),
        (["edit", "-o", "a.png", "cat.jpg", "darker", "--sed", "3"], ["--sed"]),
        (["edit", "-o", "a.gif", "cat.jpg", "darker"], [".png"]),
        (["edit", "-o", "a.png", "no-such.jpg", "darker"], ["no-such.jpg"]),
        (["keys", "create", "--json=perhaps"], ["json"]),
    ],
)
def test_wrong_usage_is_2(overpaint: Run, arguments: list[str], words: list[str]) -> None:
    done = overpaint(*arguments)
    assert_complaint(done, 2, *words)
    assert done.stdout == ""


def test_a_misspelt_environment_name_is_named_with_its_nearest(overpaint: Run) -> None:
    assert_complaint(overpaint("keys", "ls", env={"OVERPAINT_DATTA": "x"}), 2, "OVERPAINT_DATTA", "OVERPAINT_DATA")


def test_debug_adds_the_traceback(overpaint: Run) -> None:
    done = overpaint("edit", "-o", "a.png", "no-such.jpg", "darker", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EditFailed("out_of_memory"), 1),
        (EditUnsuccessful(task_id="t", reason="r"), 1),
        (talk.CheckFailed(problem="p"), 1),
        (ConfigurationError("p"), 2),
        (InvalidParameter(field="seed", problem="p"), 2),
        (talk.WrongUsage(problem="p"), 2),
        (InvalidApiKey(), 3),
        (EditNotFound(), 4),
        (Unreachable(url="u"), 5),
        (StoreUnavailable(), 5),
        (OverpaintError(), 5),
        (Busy(problem="p"), 6),
        (GaveUpWaiting(task_id="t", seconds=1), 124),
    ],
)
def test_each_error_has_its_exit_code(error: OverpaintError, code: int) -> None:
    assert talk.exit_code(error) == code
    assert code in talk.EXIT_CODES


def test_the_unforeseen_is_one_line_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("the roof is on fire")

    monkeypatch.setattr(main, "app", main.App(name="overpaint", default_command=fail))
    with pytest.raises(SystemExit) as end:
        main.main([])
    said = capsys.readouterr()
    assert end.value.code == 1
    assert (
        said.err
        == "error: Something unforeseen failed: RuntimeError: the roof is on fire\n\nhint: --debug shows where.\n"
    )


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m overpaint.cli.main keys ls --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, env=clean_environment()
    )
    assert done.stdout.strip() == "0"
    assert done.stderr == ""


# Without the server's packages

BLOCKED = """
import sys
from importlib import metadata
installed = metadata.version
def version(name):
    if name in {hidden}:
        raise metadata.PackageNotFoundError(name)
    return installed(name)
metadata.version = version
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
from overpaint.cli.main import main
main(sys.argv[1:])
"""


def plain_distributions() -> set[str]:
    """What `pip install overpaint` brings."""
    plain, todo = set(), [Requirement("overpaint")]
    while todo:
        name = canonicalize_name(todo.pop().name)
        if name not in plain:
            plain.add(name)
            needed = [Requirement(line) for line in metadata.requires(name) or ()]
            todo += [need for need in needed if need.marker is None or need.marker.evaluate({"extra": ""})]
    return plain


def server_modules() -> set[str]:
    """Names that `import` knows of every distribution beyond those."""
    plain, brought = plain_distributions(), metadata.packages_distributions().items()
    return {module for module, owners in brought if not plain & {canonicalize_name(owner) for owner in owners}}


def run_as_client(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    wanted = {canonicalize_name(Requirement(line).name) for line in metadata.requires("overpaint") or ()}
    hidden = wanted - plain_distributions()
    code = BLOCKED.format(names=server_modules(), hidden=hidden)
    command = [sys.executable, "-c", code, *arguments]
    clean = clean_environment()
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=clean, timeout=PATIENCE_SECONDS)


def test_the_block_blocks_what_it_should() -> None:
    names = server_modules()
    assert {"torch", "pydantic", "PIL", "huggingface_hub", "uvicorn"} <= names
    assert not {"rich", "httpx2", "anyio", "overpaint", "json"} & names


@pytest.mark.parametrize("arguments", [["--help"], ["edit", "--help"], ["--version"]])
def test_a_client_install_has_its_help(tmp_path: Path, arguments: list[str]) -> None:
    assert run_as_client(*arguments, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [["serve"], ["keys", "ls"], ["checkpoints", "pull", "a/b"], ["edit", "cat.jpg", "darker", "-o", "edited.png"]],
)
def test_a_client_install_says_what_to_install(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"")
    done = run_as_client(*arguments, cwd=tmp_path)
    assert_complaint(done, 2, "pip install 'overpaint[server]'")


def test_a_client_install_reaches_for_the_server(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"x")
    url = "http://127.0.0.1:1"  # nobody listens on port 1
    done = run_as_client("edit", "cat.jpg", "darker", "-o", "edited.png", "--url", url, cwd=tmp_path)
    assert_complaint(done, 5, url)


def test_a_client_install_has_a_doctor(tmp_path: Path) -> None:
    done = run_as_client("doctor", "--json", cwd=tmp_path)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert checks["packages"]["verdict"] == "failed"
    assert checks["packages"]["hint"] == "pip install 'overpaint[server]'"
