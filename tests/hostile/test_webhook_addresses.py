"""No webhook leads inside: not at submit, not at any try. Counted are the connections our transport asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from overpaint.domain import MessageRecord, Webhook
from overpaint.outbound.transport import Transport
from overpaint.service.webhooks import MAX_URL_CHARACTERS
from tests.figures import figures
from tests.hostile.addresses import NAMES, OTHER_SCHEMES, PUBLIC, PUBLIC_NAME, REFUSED
from tests.hostile.test_addresses import Network
from tests.http.shapes import assert_error
from tests.http.world import SUBMIT, World, base64_of, photo
from tests.store.samples import new_task, succeeded

pytestmark = pytest.mark.anyio

MakeWorld = Callable[..., Awaitable[World]]
SPELLINGS = [*REFUSED, *OTHER_SCHEMES]


def connect(world: World, network: Network) -> None:
    """Puts the recorder where this world resolves and dials for webhooks."""
    transport = Transport(resolver=network.resolve, backend=network)
    world.app.deliverer._transport = world.app.deliverer._endpoints._transport = transport


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    return await make_world(webhook_allow_http=True)  # or half of the spellings would be refused for their scheme


async def tried(world: World) -> tuple[MessageRecord, ...]:
    """Lets the deliverer make one try at all that is due."""
    running = asyncio.create_task(world.app.deliverer.run())
    found: tuple[MessageRecord, ...] = ()
    async with asyncio.timeout(120):
        while not found or not all(each.deliveries for each in found):
            await asyncio.sleep(0.1)
            found = await world.store.messages(limit=1000)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return found


async def end(world: World, url: str) -> None:
    """A task that has ended and whose webhook nobody checked."""
    await world.store.submit(new_task("alice", webhook=Webhook(url, url)))
    claim = await world.claim()
    assert await world.store.finish(claim, succeeded())


async def test_no_spelling_is_taken_at_submit(world: World) -> None:
    network = Network()
    connect(world, network)
    client, answers = world.client(), set()
    order = {"prompt": "make it snow", "image": base64_of(photo())}
    for url in SPELLINGS:
        answer = await client.post(SUBMIT, json={**order, "extra": {"webhook": {"url": url}}})
        assert_error(answer, 400, "INVALID_REQUEST_BODY")
        if len(url) <= MAX_URL_CHARACTERS:  # a longer one is told so
            answers.add(answer.content)
    assert (len(answers), network.dialled) == (1, [])
    assert (await world.store.stats()).queued == 0
    taken = await client.post(SUBMIT, json={**order, "extra": {"webhook": {"url": f"https://{PUBLIC_NAME}/"}}})
    assert taken.status_code == 200
    assert network.dialled == []  # nothing is sent before the end


async def test_no_spelling_is_dialled_at_a_try_even_if_it_were_taken(world: World) -> None:
    network = Network()
    connect(world, network)
    await asyncio.gather(*(end(world, url) for url in SPELLINGS))
    found = await tried(world)
    figures(row="addresses, webhooks", tried=len(found), dialled=len(network.dialled))
    assert len(found) == len(SPELLINGS) >= 60
    assert {each.error for record in found for each in record.deliveries} == {"address_not_allowed"}
    assert network.dialled == []


async def test_a_name_is_resolved_and_checked_anew_at_each_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network([b"HTTP/1.1 204 X\r\n\r\n"])
    connect(world, network)
    monkeypatch.setitem(NAMES, "rebind.example", [PUBLIC])
    task_id = await world.submit(extra={"webhook": {"url": "http://rebind.example/"}})
    await world.succeed(await world.claim())
    monkeypatch.setitem(NAMES, "rebind.example", ["127.0.0.1"])
    (record,) = await tried(world)
    assert (record.deliveries[0].error, network.dialled) == ("address_not_allowed", [])
    monkeypatch.setitem(NAMES, "rebind.example", [PUBLIC])
    assert await world.store.redeliver(task_id)
    running = asyncio.create_task(world.app.deliverer.run())
    async with asyncio.timeout(60):
        while len((await world.store.messages())[0].deliveries) < 2:
            await asyncio.sleep(0.01)
    running.cancel()
    assert network.dialled == [PUBLIC]


async def test_no_redirect_is_followed(world: World) -> None:
    network = Network()
    connect(world, network)
    for url in SPELLINGS[:60]:
        location = url.encode("latin-1", "replace").replace(b"\r\n", b"").replace(b"\0", b"")
        network.answers.append(b"HTTP/1.1 302 X\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n")
        await end(world, f"http://{PUBLIC_NAME}/")
    found = await tried(world)
    assert set(network.dialled) == {PUBLIC}
    assert len(network.dialled) >= 60  # on a slow machine some are tried a second time meanwhile
    assert {each.status for record in found for each in record.deliveries} <= {302, None}


async def test_a_listener_on_loopback_hears_nothing_until_the_operator_names_it(make_world: MakeWorld) -> None:
    """Nothing replaced here: the system's resolver and real sockets."""
    heard = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        body = {"prompt": "x", "image": base64_of(photo()), "extra": {"webhook": {"url": url}}}
        closed = await make_world(webhook_allow_http=True)
        assert_error(await closed.client().post(SUBMIT, json=body), 400, "INVALID_REQUEST_BODY")
        await end(closed, url)
        await tried(closed)
        assert heard == 0
        opened = await make_world(webhook_allow_http=True, outbound_allow="127.0.0.1/32")
        assert (await opened.client().post(SUBMIT, json=body)).status_code == 200
        await opened.succeed(await opened.claim())
        await tried(opened)
        assert heard == 1
