"""The rules of webhooks: signatures an independent library takes, secrets that rotate, the schedule."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from overpaint.errors import ImageUrlNotAllowed, InvalidParameter
from overpaint.outbound.transport import Transport
from overpaint.service.webhooks import (
    RETRY_SECONDS,
    Endpoints,
    Secrets,
    message_id,
    retry_after_seconds,
    seconds_to_next_try,
    signatures,
    task_id,
)
from overpaint.store.sqlite import SqliteTaskStore
from tests.store.samples import ManualClock

pytestmark = pytest.mark.anyio

ROOT = b"r" * 32
BODY = '{"prompt": "变成黑白照片"}'.encode()


class Network:
    """Answers to every name alike; nobody may connect."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        if not self.addresses:
            raise OSError("no such name")
        return list(self.addresses)

    def endpoints(self, *, allow_http: bool = False, **more: Any) -> Endpoints:
        return Endpoints(Transport(resolver=self.resolve, **more), allow_http=allow_http)


@pytest.fixture
def store(tmp_path: Path) -> SqliteTaskStore:
    return SqliteTaskStore.open(tmp_path / "overpaint.sqlite3", clock=ManualClock())


async def test_a_signature_is_good_for_one_message_one_moment_and_one_secret(store: SqliteTaskStore) -> None:
    secrets = Secrets(store, ROOT)
    (mine,), (yours,) = await secrets.active("me"), await secrets.active("you")
    now = int(time.time())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": signatures([mine], "msg_1", now, BODY),
    }
    assert Webhook(mine).verify(BODY, headers)
    for other in (
        headers | {"webhook-id": "msg_2"},
        headers | {"webhook-timestamp": str(now + 1)},
        headers | {"webhook-signature": signatures([yours], "msg_1", now, BODY)},
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(mine).verify(BODY, other)
    with pytest.raises(WebhookVerificationError):
        Webhook(mine).verify(BODY + b" ", headers)
    both = headers | {"webhook-signature": signatures([yours, mine], "msg_1", now, BODY)}
    assert Webhook(mine).verify(BODY, both) and Webhook(yours).verify(BODY, both)
    await store.close()


async def test_secrets_differ_by_owner_number_and_folder_and_outlive_the_process(store: SqliteTaskStore) -> None:
    secrets = Secrets(store, ROOT)
    first = await secrets.active("me")
    assert first == await Secrets(store, ROOT).active("me")
    assert first[0].startswith("whsec_") and len(base64.b64decode(first[0][6:], validate=True)) == 32
    seen = {first[0], (await secrets.active("you"))[0], (await Secrets(store, b"s" * 32).active("me"))[0]}
    seen |= {await secrets.rotate("me"), await secrets.rotate("me")}
    assert len(seen) == 5
    await store.close()


async def test_the_secret_before_signs_for_a_day(store: SqliteTaskStore) -> None:
    at = store._clock.wall_ms() / 1000
    first = (await Secrets(store, ROOT).active("me"))[0]
    second = await Secrets(store, ROOT, now=lambda: at).rotate("me")
    assert await Secrets(store, ROOT, now=lambda: at + 86_399).active("me") == [second, first]
    assert await Secrets(store, ROOT, now=lambda: at + 86_400).active("me") == [second]
    third = await Secrets(store, ROOT, now=lambda: at).rotate("me")
    assert await Secrets(store, ROOT, now=lambda: at).active("me") == [third, second]
    await store.close()


def test_ten_tries_in_three_days() -> None:
    assert len(RETRY_SECONDS) == 9
    assert sum(RETRY_SECONDS) == pytest.approx(75.6 * 3600, rel=0.001)
    for failed, planned in enumerate(RETRY_SECONDS, start=1):
        waits = [seconds_to_next_try(failed) for _ in range(50)]
        assert all(wait and 0.8 * planned <= wait <= 1.2 * planned for wait in waits)
        assert len(set(waits)) > 1
    assert seconds_to_next_try(10) is None


def test_a_receiver_may_ask_for_more_time_but_not_for_more_than_an_hour() -> None:
    assert seconds_to_next_try(1, 600) == 600
    assert seconds_to_next_try(1, 86_400) == 3600
    assert (seconds_to_next_try(1, 1) or 0) >= 4
    assert (seconds_to_next_try(5, 600) or 0) >= 0.8 * RETRY_SECONDS[4]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("9" * 400, 999_999_999),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1e3", 0),
        ("²", 0),
        ("Wed, 21 Oct 99999999999 07:28:30 GMT", 0),
    ],
)
def test_retry_after_comes_in_two_forms_and_in_nonsense(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, 1_445_412_480.0) == seconds


def test_the_id_of_a_message_is_that_of_its_task() -> None:
    assert message_id("0199") == "msg_0199"
    assert task_id("msg_0199") == task_id("0199") == "0199"


async def test_a_public_https_url_is_remembered_with_where_it_leads() -> None:
    network = Network("93.184.216.34")
    webhook = await network.endpoints().check("HTTPS://Hooks.Example/a?b=c")
    assert (webhook.url, webhook.host) == ("HTTPS://Hooks.Example/a?b=c", "hooks.example:443")
    assert network.asked == [("hooks.example", 443)]
    assert (await network.endpoints(allow_http=True).check("http://hooks.example/")).host == "hooks.example:80"


@pytest.mark.parametrize("url", ["http://a.example/", "HTTP://a.example/", "https://" + "a" * 2048])
async def test_what_is_wrong_with_a_url_itself_is_said(url: str) -> None:
    network = Network("93.184.216.34")
    with pytest.raises(InvalidParameter, match=r"webhook\.url"):
        await network.endpoints().check(url)
    assert network.asked == []


@pytest.mark.parametrize("addresses", [(), ("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("::ffff:169.254.169.254",)])
async def test_what_leads_inside_is_refused_in_one_sentence(addresses: tuple[str, ...]) -> None:
    with pytest.raises(ImageUrlNotAllowed) as refused:
        await Network(*addresses).endpoints().check("https://a.example/")
    assert str(refused.value) == "webhook.url: this address is not allowed."
