"""`overpaint keys` on a data folder: what a key may do, until when, and what came of it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, assert_complaint

KEY = re.compile(r"op_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}")


@pytest.fixture
def keys(overpaint: Run, tmp_path: Path) -> Run:
    """keys("ls") -> the finished process."""

    def run(*arguments: str) -> Any:
        return overpaint("keys", *arguments, "--data", str(tmp_path / "data"))

    return run


def made(keys: Run, *arguments: str) -> dict[str, Any]:
    done = keys(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def test_a_keys_life(keys: Run) -> None:
    done = keys("create", "--scope", "read", "--scope", "metrics", "--expires", "90d", "--label", "scraper")
    secret = done.stdout.strip()
    assert done.returncode == 0
    assert KEY.fullmatch(secret)
    (key,) = json.loads(keys("ls", "--json").stdout)
    assert key["id"] == secret.split("_")[1] == key["owner"]
    assert (key["scopes"], key["label"], key["used_at"], key["revoked_at"]) == (
        ["metrics", "read"],
        "scraper",
        None,
        None,
    )
    assert seconds_between(key["created_at"], key["expires_at"]) == 90 * 86_400

    heir = made(keys, "rotate", key["id"], "--overlap", "30m")
    assert KEY.fullmatch(heir["key"])
    assert [heir[name] for name in ("owner", "scopes", "label")] == [key[name] for name in ("owner", "scopes", "label")]
    assert heir["replaces"]["id"] == key["id"]
    assert seconds_between(heir["created_at"], heir["replaces"]["expires_at"]) == 30 * 60
    assert seconds_between(heir["created_at"], heir["expires_at"]) == 90 * 86_400

    gone = made(keys, "revoke", key["id"])
    assert gone["revoked_at"]
    listed = keys("ls").stdout
    head, *lines = listed.splitlines()
    assert head.split() == ["ID", "OWNER", "SCOPES", "CREATED", "EXPIRES", "LAST", "USED", "REVOKED", "LABEL"]
    assert [line.split()[0] for line in lines] == [key["id"], heir["id"]]
    for text in (listed, keys("ls", "--json").stdout):
        assert not KEY.search(text)
        assert "sha256" not in text
    assert_complaint(keys("rotate", key["id"]), 2, "revoked", "keys create")


def test_without_a_word_a_key_submits_and_reads_for_ever_and_overlaps_a_day(keys: Run) -> None:
    key = made(keys, "create", "--owner", "studio")
    assert (key["owner"], key["scopes"], key["expires_at"]) == ("studio", ["read", "submit"], None)
    done = keys("rotate", key["id"])
    assert KEY.fullmatch(done.stdout.strip())
    old, new = json.loads(keys("ls", "--json").stdout)
    assert (new["owner"], new["expires_at"]) == ("studio", None)
    assert seconds_between(new["created_at"], old["expires_at"]) == 86_400
    assert old["expires_at"] in done.stderr


def test_off_loopback_a_server_that_no_key_opens_does_not_start(overpaint: Run, keys: Run, tmp_path: Path) -> None:
    keys("revoke", made(keys, "create")["id"])
    done = overpaint("serve", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path / "data"))
    assert_complaint(done, 2, "0.0.0.0", "revoked", "keys create")
    assert "Loading" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "--scope", "write"], 2, ["submit", "metrics"]),
        (["create", "--expires", "90"], 2, ["expires"]),
        (["create", "--expires", "0s"], 2, ["--expires", "1 s"]),
        (["create", "--expires", "900y"], 2, ["--expires", "100 years"]),
        (["rotate", "nosuchid"], 4, ["nosuchid", "keys ls"]),
        (["rotate", "nosuchid", "--overlap=-1h"], 2, ["--overlap"]),
        (["revoke", "nosuchid"], 4, ["nosuchid", "keys ls"]),
    ],
)
def test_a_mistake_is_told_with_a_next_step(keys: Run, arguments: list[str], code: int, words: list[str]) -> None:
    done = keys(*arguments)
    assert_complaint(done, code, *words)
    assert done.stdout == ""
