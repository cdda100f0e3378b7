"""Webhooks over the Novita dialect: asked for at submit, sent at the end, signed, repeated, and given up."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from overpaint.domain import MessageRecord, MessageState, Status
from overpaint.service import deliverer
from overpaint.service.links import root_secret
from overpaint.service.webhooks import Secrets
from overpaint.store.outbox import HOLD_MS
from tests.http.shapes import assert_error
from tests.http.world import SUBMIT, World, base64_of, photo
from tests.receivers import Receiver

pytestmark = pytest.mark.anyio

MakeWorld = Callable[..., Awaitable[World]]
HOUR = 3600.0
ON_LOOPBACK = {"outbound_allow": "127.0.0.1/32", "webhook_allow_http": True}


class Clock:
    """The machine's own, moved forward or stopped when told."""

    boot_id = "this boot"

    def __init__(self) -> None:
        self.ahead = 0.0  #: seconds
        self._stands_at: float | None = None

    def stop(self) -> None:
        """It moves only when it is told to."""
        self._stands_at = time.time()

    def boot_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return round(self.now() * 1000)

    def now(self) -> float:
        return (time.time() if self._stands_at is None else self._stands_at) + self.ahead


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """Webhooks may go to loopback here, and nowhere else that is private."""
    made = await make_world(**ON_LOOPBACK)
    made.clock = clock = Clock()  # type: ignore[attr-defined]
    made.store._clock = clock
    made.app.deliverer._now = made.app.deliverer._secrets._now = clock.now
    return made


@asynccontextmanager
async def delivering(world: World) -> AsyncIterator[None]:
    """The part of the server that delivers runs inside the block."""
    running = asyncio.create_task(world.app.deliverer.run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def submit(world: World, url: str, **more: Any) -> str:
    return await world.submit(extra={"webhook": {"url": url, **more}})


async def end(world: World, url: str) -> str:
    """The id of a task that has just ended, word of which goes to `url`."""
    task_id = await submit(world, url)
    await world.succeed(await world.claim())
    return task_id


async def record(world: World, task_id: str) -> MessageRecord:
    (found,) = await world.store.messages(task_id=task_id)
    return found


async def until(world: World, task_id: str, state: MessageState, *, tries: int = 1) -> MessageRecord:
    async with asyncio.timeout(60):
        while True:
            found = await record(world, task_id)
            if found.state is state and len(found.deliveries) >= tries:
                return found
            await asyncio.sleep(0.005)


async def secret_of(world: World, owner: str = "alice") -> str:
    return (await Secrets(world.store, root_secret(world.settings.data)).active(owner))[0]


@pytest.mark.parametrize("ending", ["succeeded", "failed", "canceled"])
async def test_the_message_is_the_task_read_and_the_url(world: World, receiver: Receiver, ending: str) -> None:
    url = receiver.url("ok/hook?token=a%20b")
    task_id = await submit(world, url)
    if ending == "canceled":
        await world.store.cancel("alice", task_id)
    elif ending == "failed":
        await world.fail(await world.claim(), "out_of_memory")
    else:
        await world.succeed(await world.claim())
    async with delivering(world):
        found = await until(world, task_id, MessageState.DELIVERED)
    (post,) = receiver.posts
    assert post.path == "/ok/hook?token=a%20b"
    assert post.id == f"msg_{task_id}"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["user-agent"].startswith("Overpaint-Webhook/")
    told = Webhook(await secret_of(world)).verify(post.body, post.headers)
    read = (await world.read(task_id)).json()
    assert told["event_type"] == "ASYNC_TASK_RESULT"
    assert told["payload"]["extra"].pop("webhook") == {"url": url}
    for image in (*told["payload"]["images"], *read["images"]):
        link = image.pop("image_url")
        assert (await world.client("").get(link)).status_code == 200
    assert told["payload"] == read
    assert [(each.status, each.error) for each in found.deliveries] == [(200, None)]


async def test_one_message_a_task_and_none_unasked(world: World, receiver: Receiver) -> None:
    await world.submit()
    task_id = await submit(world, receiver.url("ok"))
    for _ in range(2):
        await world.succeed(await world.claim())
    async with delivering(world):
        await until(world, task_id, MessageState.DELIVERED)
        last = await end(world, receiver.url("ok"))
        await until(world, last, MessageState.DELIVERED)
    assert receiver.ids("ok") == [f"msg_{task_id}", f"msg_{last}"]


async def test_a_callers_trace_goes_on(world: World, receiver: Receiver) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"
    body = {"prompt": "x", "image": base64_of(photo()), "extra": {"webhook": {"url": receiver.url("ok")}}}
    answer = await world.client().post(SUBMIT, json=body, headers={"traceparent": parent})
    await world.succeed(await world.claim())
    async with delivering(world):
        await until(world, answer.json()["task_id"], MessageState.DELIVERED)
    assert receiver.posts[0].headers["traceparent"] == parent


async def test_both_secrets_sign_for_a_day_after_a_rotation(world: World, receiver: Receiver) -> None:
    secrets = Secrets(world.store, root_secret(world.settings.data))
    old = await secret_of(world)
    new = await secrets.rotate("alice")
    assert new != old
    async with delivering(world):
        await until(world, await end(world, receiver.url("ok")), MessageState.DELIVERED)
        world.clock.ahead += 25 * HOUR  # type: ignore[attr-defined]
        await until(world, await end(world, receiver.url("ok")), MessageState.DELIVERED)
    during, after = receiver.posts
    assert during.is_signed_with(old) and during.is_signed_with(new)
    assert after.is_signed_with(new) and not after.is_signed_with(old)
    assert not during.is_signed_with(await secret_of(world, "bob"))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("500", (500, None)),
        ("404", (404, None)),
        ("302", (302, None)),
        ("busy", (429, None)),
        ("reset", (None, "unreachable")),
        ("cut", (None, "unreachable")),
        ("hang", (None, "timeout")),
    ],
)
async def test_what_is_no_2xx_is_tried_again_later_under_the_same_id(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, path: str, told: tuple[int | None, str | None]
) -> None:
    if path == "hang":
        monkeypatch.setattr(deliverer, "TRY_SECONDS", 0.1)
    task_id = await end(world, receiver.url(path))
    world.clock.stop()  # type: ignore[attr-defined]  # what is planned must not hang on how long the try took
    async with delivering(world):
        first = await until(world, task_id, MessageState.PENDING)
        assert first.due_at is not None
        planned = (first.due_at - first.deliveries[0].at) / 1000
        assert planned == 600 if path == "busy" else 4 <= planned <= 6
        world.clock.ahead += 700  # type: ignore[attr-defined]
        again = await until(world, task_id, MessageState.PENDING, tries=2)
    assert [(each.status, each.error) for each in again.deliveries] == [told, told]
    assert receiver.ids(path) == [f"msg_{task_id}"] * 2


async def test_after_the_tenth_try_it_is_given_up_until_somebody_asks(world: World, receiver: Receiver) -> None:
    task_id = await end(world, receiver.url("503"))
    async with delivering(world):
        for tries in range(1, 10):
            await until(world, task_id, MessageState.PENDING, tries=tries)
            world.clock.ahead += 30 * HOUR  # type: ignore[attr-defined]
        found = await until(world, task_id, MessageState.FAILED, tries=10)
        assert found.due_at is None
        assert await world.store.redeliver(task_id)
        await until(world, task_id, MessageState.PENDING, tries=11)
    assert receiver.ids("503") == [f"msg_{task_id}"] * 11


async def test_410_closes_the_url_until_a_redelivery_is_asked_for(world: World, receiver: Receiver) -> None:
    async with delivering(world):
        first = await end(world, receiver.url("410"))
        await until(world, first, MessageState.GONE)
        second = await end(world, receiver.url("410"))
        assert (await record(world, second)).state is MessageState.GONE
        other = await end(world, receiver.url("ok"))
        await until(world, other, MessageState.DELIVERED)
        assert receiver.ids("410") == [f"msg_{first}"]
        assert await world.store.redeliver(second)
        await until(world, second, MessageState.GONE)
    assert receiver.ids("410") == [f"msg_{first}", f"msg_{second}"]


async def test_a_flood_is_cut_off_and_its_2xx_counts(world: World, receiver: Receiver) -> None:
    task_id = await end(world, receiver.url("flood"))
    async with delivering(world):
        await until(world, task_id, MessageState.DELIVERED)
    assert receiver.flooded < 32 * 2**20  # what fits between the two sockets


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    path = tmp_path / "both.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run([*command, *names, "-keyout", path, "-out", tmp_path / "c.pem"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    path.write_bytes(path.read_bytes() + (tmp_path / "c.pem").read_bytes())
    return path


async def test_https_is_spoken_to_who_proves_his_name_and_to_nobody_else(world: World, certificate: Path) -> None:
    async with Receiver(certificate=certificate) as receiver, Receiver() as plain:
        async with delivering(world):
            for url in (receiver.url("ok"), plain.url("ok").replace("http:", "https:")):
                found = await until(world, await end(world, url), MessageState.PENDING)
                assert found.deliveries[0].error == "unreachable"
            assert (receiver.posts, plain.posts) == ([], [])
            world.app.deliverer._transport._ssl_context = ssl.create_default_context(cafile=str(certificate))
            await until(world, await end(world, receiver.url("ok")), MessageState.DELIVERED)
        assert len(receiver.posts) == 1


async def test_a_redirect_is_a_failure_and_is_not_followed(world: World) -> None:
    async with Receiver() as trap, Receiver(trap.url("ok")) as receiver:
        task_id = await end(world, receiver.url("redirect"))
        async with delivering(world):
            found = await until(world, task_id, MessageState.PENDING)
        assert (found.deliveries[0].status, trap.posts) == (302, [])


async def test_http_is_not_spoken_any_more_once_the_operator_forbids_it(world: World, receiver: Receiver) -> None:
    task_id = await end(world, receiver.url("ok"))
    world.app.deliverer._endpoints._allow_http = False
    async with delivering(world):
        found = await until(world, task_id, MessageState.PENDING)
    assert (found.deliveries[0].error, receiver.posts) == ("address_not_allowed", [])


async def test_receivers_that_hang_hold_up_nobody_else(world: World) -> None:
    async with Receiver() as slow, Receiver() as fast:
        hung = [await end(world, slow.url("hang")) for _ in range(12)]
        good = [await end(world, fast.url("ok")) for _ in range(12)]
        async with delivering(world):
            for task_id in good:
                await until(world, task_id, MessageState.DELIVERED)
            assert slow.hanging == slow.most_hanging == deliverer.LIMITS.per_host
            assert not any([(await record(world, task_id)).deliveries for task_id in hung])


async def test_one_owner_cannot_take_all_the_ways_out(world: World) -> None:
    async with Receiver() as fast:
        receivers = [await Receiver().__aenter__() for _ in range(6)]
        for slow in receivers:
            for _ in range(4):
                await end(world, slow.url("hang"))
        answer = await world.client(world.other_key).post(
            SUBMIT,
            json={"prompt": "x", "image": base64_of(photo()), "extra": {"webhook": {"url": fast.url("ok")}}},
        )
        await world.succeed(await world.claim())
        async with delivering(world):
            await until(world, answer.json()["task_id"], MessageState.DELIVERED)
            assert sum(slow.hanging for slow in receivers) == deliverer.LIMITS.per_owner
        for slow in receivers:
            await slow.__aexit__()


async def test_two_processes_share_the_messages(world: World, receiver: Receiver) -> None:
    task_ids = [await end(world, receiver.url("ok")) for _ in range(20)]
    async with delivering(world), delivering(world):
        for task_id in task_ids:
            await until(world, task_id, MessageState.DELIVERED)
    assert sorted(receiver.ids("ok")) == sorted(f"msg_{task_id}" for task_id in task_ids)


async def test_a_try_that_was_broken_off_is_made_again(world: World, receiver: Receiver) -> None:
    task_id = await end(world, receiver.url("hang"))
    async with delivering(world):
        await receiver.until(lambda: receiver.hanging == 1)
    assert (await record(world, task_id)).deliveries == ()
    async with delivering(world):
        world.clock.ahead += HOLD_MS / 1000  # type: ignore[attr-defined]
        await receiver.until(lambda: len(receiver.posts) == 2)
    assert receiver.ids("hang") == [f"msg_{task_id}"] * 2


async def test_figures_count_what_became_of_each_try(world: World, receiver: Receiver) -> None:
    async with delivering(world):
        await until(world, await end(world, receiver.url("ok")), MessageState.DELIVERED)
        await until(world, await end(world, receiver.url("500")), MessageState.PENDING)
        await until(world, await end(world, receiver.url("410")), MessageState.GONE)
    text = (await world.client().get("/metrics")).text
    for outcome in ("delivered", "retried", "failed"):
        assert f'overpaint_webhook_deliveries_total{{outcome="{outcome}"}} 1.0' in text
    assert "overpaint_webhook_outbox 1.0" in text


@pytest.mark.parametrize(
    ("webhook", "field"),
    [
        ("https://a.example/", "extra.webhook"),
        ([], "extra.webhook"),
        ({}, "webhook.url"),
        ({"url": None}, "webhook.url"),
        ({"url": 7}, "webhook.url"),
        ({"url": ""}, "webhook.url"),
        ({"url": "http://a.example/"}, "webhook.url"),
        ({"url": "https://a.example/" + "x" * 2048}, "webhook.url"),
        ({"url": "ftp://a.example/"}, "webhook.url"),
        ({"url": "https://127.0.0.1/"}, "webhook.url"),
        ({"url": "https://user:pass@a.example/"}, "webhook.url"),
        ({"url": "https://93.184.216.34/", "test_mode": True}, "webhook.test_mode"),
        ({"url": "https://93.184.216.34/", "test_mode": {"enabled": "yes"}}, "webhook.test_mode.enabled"),
        (
            {"url": "https://93.184.216.34/", "test_mode": {"return_task_status": "TASK_STATUS_QUEUED"}},
            "webhook.test_mode.return_task_status",
        ),
        (
            {"url": "https://93.184.216.34/", "test_mode": {"return_task_status": ""}},
            "webhook.test_mode.return_task_status",
        ),
    ],
)
async def test_a_wrong_webhook_is_refused_by_name(make_world: MakeWorld, webhook: object, field: str) -> None:
    world = await make_world()
    body = {"prompt": "x", "image": base64_of(photo()), "extra": {"webhook": webhook}}
    answer = await world.client().post(SUBMIT, json=body)
    told = assert_error(answer, 400, "INVALID_REQUEST_BODY", names=f"{field}: ")
    assert told["metadata"]["field"] == field
    assert (await world.store.stats()).queued == 0


@pytest.mark.parametrize(
    ("test_mode", "ending"),
    [
        ({"enabled": True}, Status.SUCCEEDED),
        ({"enabled": True, "return_task_status": "TASK_STATUS_FAILED"}, Status.FAILED),
        ({"enabled": True, "returnTaskStatus": "TASK_STATUS_SUCCEED"}, Status.SUCCEEDED),
        ({"enabled": False, "return_task_status": "TASK_STATUS_FAILED"}, None),
        ({"return_task_status": "TASK_STATUS_FAILED"}, None),
        ({}, None),
        (None, None),
    ],
)
async def test_test_mode_says_how_the_task_shall_end(
    world: World, receiver: Receiver, test_mode: object, ending: Status | None
) -> None:
    task_id = await submit(world, receiver.url("ok"), test_mode=test_mode)
    task = await world.store.get("alice", task_id)
    assert task is not None
    assert task.request.test_ending is ending


async def test_the_failure_that_was_asked_for_says_so(world: World, receiver: Receiver) -> None:
    task_id = await submit(world, receiver.url("ok"), test_mode={"enabled": True})
    await world.fail(await world.claim(), "test_mode")
    told = (await world.read(task_id)).json()["task"]
    assert told["status"] == "TASK_STATUS_FAILED"
    assert told["reason"] == "test_mode: This failure was asked for with webhook test_mode."
    assert json.loads((await world.read(task_id)).text)["images"] == []
