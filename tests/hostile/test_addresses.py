"""No spelling leads inside. What is counted are the connections our transport asked for, before any could be made."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpcore2
import pytest

from overpaint.errors import ImageFetchFailed, ImageUrlNotAllowed
from overpaint.images.fetch import Fetcher
from overpaint.outbound.transport import Transport
from tests.figures import IS_LONG, figures
from tests.hostile.addresses import NAMES, OTHER_SCHEMES, PUBLIC, PUBLIC_NAME, REFUSED, TAKEN
from tests.http.shapes import assert_error
from tests.http.world import SUBMIT, World

pytestmark = pytest.mark.anyio

#: written down a second time, by the registries and not by our code: where nothing may ever be dialled
FORBIDDEN = [
    *map(ip_network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")),
    *map(ip_network, ("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15")),
    *map(ip_network, ("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")),
]


class Network(httpcore2.AsyncNetworkBackend):
    """Stands where names are resolved and connections dialled; answers from a list, remembers what it was asked."""

    def __init__(self, answers: list[bytes] | None = None) -> None:
        self.answers = answers or []
        self.resolved: list[str] = []
        self.dialled: list[str] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        if host not in NAMES:
            raise OSError("no such name")
        return NAMES[host]

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(host)
        if not self.answers:
            raise httpcore2.ConnectError("nobody there")
        return httpcore2.AsyncMockStream([self.answers.pop(0)])

    def fetcher(self, **changes: Any) -> Fetcher:
        transport = Transport(**{"resolver": self.resolve, "backend": self, **changes})
        return Fetcher(transport, max_bytes=2**20, timeout_seconds=10)


async def _is_refused(network: Network, url: str) -> bool:
    try:
        await network.fetcher().get(url)
    except ImageUrlNotAllowed:
        return True
    except ImageFetchFailed:
        return False
    return False


async def test_no_spelling_makes_the_transport_dial() -> None:
    network = Network()
    spellings = [*REFUSED, *OTHER_SCHEMES]
    assert len(spellings) >= 60
    leaks = [url for url in spellings if not await _is_refused(network, url) or network.dialled]
    figures(
        row="addresses, spellings",
        tried=len(spellings),
        refused=len(spellings) - len(leaks),
        dialled=len(network.dialled),
    )
    assert (leaks, network.dialled) == ([], [])
    for url in TAKEN:
        assert not await _is_refused(network, url), url
    assert len(network.dialled) == len(TAKEN)  # the recorder does record


async def test_no_redirect_leads_where_a_url_may_not() -> None:
    dialled: list[str] = []
    spellings = [*REFUSED, *OTHER_SCHEMES]
    for url in spellings:
        location = url.encode("latin-1", "replace").replace(b"\r\n", b"").replace(b"\0", b"")
        network = Network([b"HTTP/1.1 302 X\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n"] * 2)
        with pytest.raises((ImageUrlNotAllowed, ImageFetchFailed)):
            await network.fetcher().get(f"http://{PUBLIC_NAME}/")
        dialled += network.dialled
    inside = [address for address in dialled if address not in (PUBLIC, "93.184.216.35")]
    figures(row="addresses, redirects", tried=len(spellings), refused=len(spellings) - len(inside), dialled=len(inside))
    assert inside == []


async def test_a_name_that_changes_its_mind_is_not_asked_twice() -> None:
    network = Network([b"HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\nok"])
    answers = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        network.resolved.append(host)
        return answers.pop(0)

    assert await network.fetcher(resolver=rebinding).get("http://rebind.example/") == b"ok"
    assert (network.resolved, network.dialled) == (["rebind.example"], [PUBLIC])
    with pytest.raises(ImageUrlNotAllowed):  # and the next fetch asks and checks anew
        await network.fetcher(resolver=rebinding).get("http://rebind.example/")
    assert network.dialled == [PUBLIC]


async def test_a_redirect_to_the_same_name_is_resolved_and_checked_again() -> None:
    network = Network([b"HTTP/1.1 302 X\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n"])
    answers = [[PUBLIC], ["10.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    with pytest.raises(ImageUrlNotAllowed):
        await network.fetcher(resolver=rebinding).get("http://rebind.example/")
    assert network.dialled == [PUBLIC]


async def test_what_a_submit_answers_is_the_same_for_every_refused_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network()
    monkeypatch.setattr(world.app._edits._pictures, "_fetcher", network.fetcher())
    answers = set()
    client = world.client()
    for url in REFUSED:
        answer = await client.post(SUBMIT, json={"prompt": "make it snow", "image": url})
        assert_error(answer, 400, "INVALID_REQUEST_BODY")
        answers.add(answer.content)
    assert (len(answers), network.dialled) == (1, [])
    for url in OTHER_SCHEMES:
        answer = await client.post(SUBMIT, json={"prompt": "make it snow", "image": url})
        assert answer.status_code == 400
    assert network.dialled == []


@pytest.mark.parametrize("make_url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::ffff:127.0.0.1]:{}/"])
async def test_a_listener_on_loopback_hears_nothing_until_the_operator_names_it(
    make_world: Callable[..., Awaitable[World]], make_url: str
) -> None:
    """Nothing replaced here: the system's resolver and real sockets."""
    heard = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.write(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        body = {"prompt": "make it snow", "image": make_url.format(port)}
        closed = await make_world()
        assert_error(await closed.client().post(SUBMIT, json=body), 400, "INVALID_REQUEST_BODY")
        assert heard == 0
        opened = await make_world(outbound_allow="127.0.0.0/8,::1,::ffff:0:0/96")
        assert_error(await opened.client().post(SUBMIT, json=body), 400, "INVALID_REQUEST_BODY")
        assert heard == 1


async def test_random_spellings_never_dial_a_forbidden_address() -> None:
    """Pieces of addresses put together at random; whatever is dialled is judged by a table of its own."""
    chance = random.Random(11)
    pieces = [
        *"0123456789abcdefx.:[]@/\\?#%- ",
        "127",
        "0x7f",
        "::",
        "ffff:",
        "2002:",
        "64:ff9b::",
        "%2e",
        "\u3002",
        "localhost",
    ]
    network = Network()
    tries = 100_000 if IS_LONG else 3000
    refused = 0
    for _ in range(tries):
        if chance.random() < 0.5:
            host = "".join(chance.choices(pieces, k=chance.randrange(1, 14)))
        else:
            host = _disguised(IPv4Address(chance.choice((chance.getrandbits(32), *_EDGES))), chance)
        refused += await _is_refused(network, f"http://{host}/")
    forbidden = [address for address in network.dialled if _is_forbidden(ip_address(address))]
    figures(
        row="addresses, at random",
        tried=tries,
        refused=refused,
        dialled_public=len(network.dialled),
        dialled_inside=len(forbidden),
    )
    assert forbidden == []
    assert network.dialled  # some lead outside, and are


_EDGES = [int(edge) for net in FORBIDDEN for edge in (net[0], net[-1])]


def _disguised(address: IPv4Address, chance: random.Random) -> str:
    number = int(address)
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    return chance.choice(
        (
            str(address), str(number), hex(number), oct(number), f"[::ffff:{address}]", f"[::ffff:{high}:{low}]",
            f"[::{address}]", f"[64:ff9b::{address}]", f"[2002:{high}:{low}::{chance.randrange(9)}]",
            f"[::ffff:0:{address}]", f"[2001:0:{high}:{low}::1]", f"[64:ff9b:1::{address}]",
        )
    )  # fmt: skip


def _is_forbidden(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        groups = [int(part, 16) for part in address.exploded.split(":")]
        if groups[0] == 0x2002:
            address = IPv4Address(groups[1] << 16 | groups[2])
        elif groups[:2] == [0x64, 0xFF9B] or groups[0] == 0:
            address = IPv4Address(groups[6] << 16 | groups[7])
        else:
            return not 0x2000 <= groups[0] < 0x4000 or groups[:2] == [0x2001, 0]
    return any(address in net for net in FORBIDDEN)
