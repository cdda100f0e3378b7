"""`overpaint webhooks` on a data folder: what was told, telling it again, and the secrets."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from overpaint.domain import Delivery, DeliveryLimits, MessageState, Webhook
from overpaint.service.access import create_key
from overpaint.service.webhooks import signatures
from overpaint.store.sqlite import FILE_NAME, SqliteTaskStore
from tests.cli.conftest import Run, assert_complaint
from tests.store.samples import new_task, succeeded

SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
URL = "https://hooks.example/end"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a message delivered, one failed, and one that has not been tried."""

    async def fill() -> None:
        store = SqliteTaskStore.open(tmp_path / FILE_NAME)
        await create_key(store, owner="first")
        await create_key(store, owner="studio")
        for owner in ("first", "first", "studio"):
            await store.submit(new_task(owner, webhook=Webhook(f"{URL}?token=swordfish", "hooks.example:443")))
            claim = await store.claim("w")
            assert claim is not None
            await store.finish(claim, succeeded())
        for status, state in ((200, MessageState.DELIVERED), (None, MessageState.FAILED)):
            (message,) = await store.take_messages((), DeliveryLimits(1, 1, 1))
            error = None if status else "unreachable"
            await store.settle_message(message, Delivery(1_790_000_000_000, status, error, 12), state)
        await store.close()

    asyncio.run(fill())
    return tmp_path


@pytest.fixture
def webhooks(overpaint: Run, folder: Path) -> Run:
    """webhooks("ls") -> the finished process."""

    def run(*arguments: str) -> Any:
        return overpaint("webhooks", *arguments, "--data", str(folder))

    return run


def test_the_list_tells_what_came_of_each_message_and_no_secret(webhooks: Run) -> None:
    told = json.loads(webhooks("ls", "--json").stdout)
    assert [(each["owner"], each["status"]) for each in told] == [
        ("studio", "pending"),
        ("first", "failed"),
        ("first", "delivered"),
    ]
    assert {each["url"] for each in told} == {URL}
    assert all(each["id"] == f"msg_{each['task_id']}" for each in told)
    assert told[1]["tries"] == [
        {"at": "2026-09-21T14:13:20+00:00", "http_status": None, "duration_ms": 12, "error": "unreachable"}
    ]
    assert told[1]["next_try_at"] is None and told[0]["next_try_at"]
    table = webhooks("ls").stdout
    head, *lines = table.splitlines()
    assert head.split() == ["ID", "OWNER", "STATE", "TRIES", "LAST", "NEXT", "TRY", "URL"]
    assert lines[1].split() == [told[1]["id"], "first", "failed", "1", "unreachable", "-", URL]
    assert lines[2].split() == [told[2]["id"], "first", "delivered", "1", "200", "-", URL]
    assert "swordfish" not in table and not SECRET.search(table)


def test_the_list_can_be_narrowed(webhooks: Run) -> None:
    (failed,) = json.loads(webhooks("ls", "--state", "failed", "--json").stdout)
    (same,) = json.loads(webhooks("ls", "--task", failed["task_id"], "--json").stdout)
    assert same == failed
    assert len(json.loads(webhooks("ls", "--limit", "2", "--json").stdout)) == 2
    assert_complaint(webhooks("ls", "--limit", "0"), 2, "--limit")


def test_a_message_can_be_sent_again(webhooks: Run) -> None:
    (failed,) = json.loads(webhooks("ls", "--state", "failed", "--json").stdout)
    assert webhooks("redeliver", failed["id"]).returncode == 0
    (again,) = json.loads(webhooks("ls", "--task", failed["task_id"], "--json").stdout)
    assert (again["status"], again["tries"]) == ("pending", failed["tries"])
    assert_complaint(webhooks("redeliver", "msg_nothing"), 4, "msg_nothing", "webhooks ls")


def test_a_secret_verifies_and_rotates_with_an_overlap(webhooks: Run, folder: Path) -> None:
    first = webhooks("secret").stdout.strip()
    assert SECRET.fullmatch(first)
    assert json.loads(webhooks("secret", "--json").stdout) == {"owner": "first", "secret": first}
    assert webhooks("secret", "--owner", "studio").stdout.strip() != first
    rotated = webhooks("secret", "--rotate")
    second = rotated.stdout.strip()
    assert SECRET.fullmatch(second) and second != first
    assert "24 hours" in rotated.stderr and not SECRET.search(rotated.stderr)
    assert webhooks("secret").stdout.strip() == second
    assert Verifier(second) and signatures([first], "m", 1, b"") != signatures([second], "m", 1, b"")
    for file in folder.glob(f"{FILE_NAME}*"):
        assert second.encode() not in file.read_bytes()
    assert_complaint(webhooks("secret", "--owner", "nobody"), 4, "nobody", "keys ls")
