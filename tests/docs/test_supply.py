"""What is written down of the packages that the server stands on, and what is told of their advisories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import supply

BILL: dict[str, Any] = {
    "metadata": {"component": {"bom-ref": "root"}},
    "components": [{"bom-ref": f"{name}==1", "name": name} for name in ("Http", "socket", "tool")],
    "dependencies": [{"ref": "root", "dependsOn": ["Http==1", "tool==1"]}, {"ref": "Http==1"}, {"ref": "tool==1"}],
}
SKIPPED = {"name": "a", "skip_reason": "not found"}
CLEAN = {"name": "b", "version": "1", "vulns": []}
BAD = {"name": "c", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}


def test_tools_and_tests_are_no_part_of_what_is_served() -> None:
    bill = supply.served(BILL, {"http", "socket"})
    assert [component["name"] for component in bill["components"]] == ["Http", "socket"]
    assert bill["dependencies"] == [{"ref": "root", "dependsOn": ["Http==1"]}, {"ref": "Http==1", "dependsOn": []}]


def test_what_the_server_needs_is_followed_to_its_end() -> None:
    names = supply.needed("overpaint", "server")
    assert {"torch", "uvicorn", "h11", "numpy"} <= names  # the last two by way of others
    assert not {"overpaint", "pytest", "ruff", "schemathesis", "fastapi"} & names


def test_one_package_nobody_knows_is_no_reason_to_skip() -> None:
    assert supply.unknown({"dependencies": [SKIPPED, SKIPPED]}) == "not found"
    assert supply.unknown({"dependencies": [SKIPPED, CLEAN]}) == ""


@pytest.mark.parametrize(
    ("reports", "code", "said"),
    [
        ([{"dependencies": [CLEAN]}] * 2, 0, "none on any of 2 pins"),
        ([{"dependencies": [CLEAN]}, {"dependencies": [CLEAN, BAD, SKIPPED]}], 1, "c 2: X-1, mended in 3"),
        (["no route"], 0, "skipped, they are out of reach here: no route"),
        ([{"dependencies": [CLEAN]}, "the line dropped"], 0, "the line dropped"),
    ],
)
def test_an_advisory_fails_and_silence_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    reports: list[dict[str, Any] | str],
    code: int,
    said: str,
) -> None:
    answers = iter(reports)
    (tmp_path / "pins").write_text("# exact\nb==1\nc==2\n")
    monkeypatch.setattr(supply, "PINS", tmp_path / "pins")
    monkeypatch.setattr(supply, "write_bill", lambda: 3)
    monkeypatch.setattr(supply, "ask", lambda pins: next(answers))
    assert supply.main() == code
    assert said in capsys.readouterr().out
