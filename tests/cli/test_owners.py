"""`overpaint owners` and `keys limit`: what each may do, and the line that every change leaves in the log."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, assert_complaint


@pytest.fixture
def verb(overpaint: Run, tmp_path: Path) -> Run:
    """verb("owners", "ls") -> the finished process."""

    def run(*arguments: str) -> Any:
        return overpaint(*arguments, "--data", str(tmp_path / "data"))

    return run


def limits(verb: Run) -> dict[tuple[str, str], dict[str, Any]]:
    told = json.loads(verb("owners", "ls", "--json").stdout)
    return {(each["owner"], each["key_id"]): each["limits"] for each in told}


NONE = {"per_minute": None, "queued": None, "running": None, "pixels_per_day": None, "weight": 1.0}


def test_limits_are_set_changed_handed_on_and_taken_back(verb: Run) -> None:
    key = json.loads(verb("keys", "create", "--owner", "studio", "--per-minute", "60", "--json").stdout)
    assert limits(verb) == {("studio", key["id"]): NONE | {"per_minute": 60}}
    verb("owners", "limit", "studio", "--weight", "3", "--queued", "500")
    verb("owners", "limit", "studio", "--running", "0")
    verb("keys", "limit", key["id"], "--queued", "5")
    heir = json.loads(verb("keys", "rotate", key["id"], "--json").stdout)
    own = NONE | {"per_minute": 60, "queued": 5}
    assert limits(verb) == {
        ("studio", ""): NONE | {"weight": 3.0, "queued": 500, "running": 0},
        ("studio", key["id"]): own,
        ("studio", heir["id"]): own,
    }
    head, first, *_ = verb("owners", "ls").stdout.splitlines()
    assert head.split() == ["OWNER", "KEY", "WEIGHT", "PER", "MINUTE", "QUEUED", "RUNNING", "PIXELS", "TODAY"]
    assert first.split("  ")[0] == "studio" and "0 of 500" in first and "0 of any" in first and "default" in first
    verb("owners", "limit", "studio", "--reset", "--queued", "7")
    assert limits(verb)["studio", ""] == NONE | {"queued": 7}


def test_every_change_of_a_key_leaves_a_line_without_its_secret(verb: Run, tmp_path: Path) -> None:
    made = verb("keys", "create", "--owner", "studio", "--running", "2", "--json")
    key = json.loads(made.stdout)
    said = [
        made,
        verb("keys", "limit", key["id"], "--queued", "5"),
        verb("keys", "rotate", key["id"], "--json"),
        verb("keys", "revoke", key["id"]),
        verb("owners", "limit", "studio", "--weight", "2"),
    ]
    assert [done.returncode for done in said] == [0] * 5
    lines = [json.loads(line) for done in said for line in done.stderr.splitlines() if line.startswith("{")]
    heir = json.loads(said[2].stdout)
    assert [(line["event"], line["action"], line.get("key_id")) for line in lines] == [
        ("key changed", "create", key["id"]),
        ("key changed", "limit", key["id"]),
        ("key changed", "rotate", key["id"]),
        ("key changed", "revoke", key["id"]),
        ("owner changed", "limit", None),
    ]
    assert {(line["owner"], line["actor"]) for line in lines} == {("studio", getpass.getuser())}
    assert (lines[0]["limit_running"], lines[1]["limit_queued"], lines[2]["heir_id"], lines[4]["limit_weight"]) == (
        2,
        5,
        heir["id"],
        2.0,
    )
    for secret in (key["key"], heir["key"]):
        assert not any(secret in done.stderr or secret.split("_")[2] in done.stderr for done in said)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["keys", "limit", "nosuchid", "--queued", "5"], 4, ["nosuchid", "keys ls"]),
        (["keys", "limit", "nosuchid", "--queued=-1"], 2, ["queued"]),
        (["owners", "limit", "studio", "--weight", "0"], 2, ["weight"]),
    ],
)
def test_a_mistake_is_told_with_a_next_step(verb: Run, arguments: list[str], code: int, words: list[str]) -> None:
    assert_complaint(verb(*arguments), code, *words)
