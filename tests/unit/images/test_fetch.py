"""The guarded fetch. Resolver and dialler are recorders: what must not be dialled is proven never to be dialled."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2
import pytest

from overpaint.errors import ImageFetchFailed, ImageFileTooLarge, ImageUrlNotAllowed, TryLater
from overpaint.images.fetch import Fetcher
from overpaint.outbound.transport import Transport

pytestmark = pytest.mark.anyio

PUBLIC, OTHER, INSIDE = "93.184.216.34", "93.184.216.35", "127.0.0.1"
BODY = b"a picture"


def answer(status: int = 200, body: bytes = BODY, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "content_length" not in headers and "transfer_encoding" not in headers:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Stream(httpcore2.AsyncNetworkStream):
    """Gives one canned answer; remembers what was written and which name TLS was asked for."""

    def __init__(self, world: World, wire: bytes) -> None:
        self._world = world
        self._parts = [wire[at : at + 65_536] for at in range(0, len(wire), 65_536)]

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self._parts and self._world.hangs:
            await asyncio.Event().wait()
        return self._parts.pop(0) if self._parts else b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._world.written += buffer

    async def aclose(self) -> None:
        pass

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        assert ssl_context.verify_mode is ssl.CERT_REQUIRED
        self._world.tls.append(server_hostname)
        return self


class World(httpcore2.AsyncNetworkBackend):
    """A name service and a network that write down what they are asked."""

    def __init__(self, names: dict[str, list[str]], answers: Iterable[bytes] = ()) -> None:
        self._names = names
        self._answers = list(answers)
        self.resolved: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self.tls: list[str | None] = []
        self.dead: set[str] = set()
        self.hangs = False
        self.written = b""

    async def resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        if host not in self._names:
            raise OSError("no such name")
        return self._names[host]

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        if host in self.dead:
            raise httpcore2.ConnectError("refused")
        return Stream(self, self._answers.pop(0))

    def fetcher(self, *, max_bytes: int = 2**20, seconds: float = 10, allow: Iterable[str] = ()) -> Fetcher:
        transport = Transport(allow=allow, resolver=self.resolve, backend=self)
        return Fetcher(transport, max_bytes=max_bytes, timeout_seconds=seconds)


@pytest.fixture
def world() -> Callable[..., World]:
    return World


async def test_the_connection_goes_to_the_address_that_was_checked(world: Callable[..., World]) -> None:
    net = world({"example.com": [PUBLIC]}, [answer()])
    assert await net.fetcher().get("https://example.com/a.png?b=c") == BODY
    assert (net.resolved, net.dialled, net.tls) == (["example.com"], [(PUBLIC, 443)], ["example.com"])
    assert net.written.startswith(b"GET /a.png?b=c HTTP/1.1\r\nHost: example.com\r\n")
    assert b"Accept-Encoding: identity" in net.written


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("http://inside.example/", {"inside.example": [INSIDE]}),
        ("http://two.example/", {"two.example": [PUBLIC, "10.0.0.1"]}),
        ("http://mapped.example/", {"mapped.example": ["::ffff:127.0.0.1"]}),
        ("http://none.example/", {"none.example": []}),
        ("http://unknown.example/", {}),
        ("http://localhost/", {"localhost": ["127.0.0.1", "::1"]}),
        ("http://127.0.0.1/", {}),
        ("http://[::1]/", {}),
        ("http://169.254.169.254/latest/meta-data/", {}),
        ("http://127.0.0.1:8000/", {}),
        ("http://example.com:8080/", {"example.com": [PUBLIC]}),
        ("http://example.com:22/", {"example.com": [PUBLIC]}),
        ("http://2130706433/", {}),
        ("http://user@example.com/", {"example.com": [PUBLIC]}),
        ("ftp://example.com/", {"example.com": [PUBLIC]}),
    ],
)
async def test_what_leads_inside_is_refused_before_anything_is_dialled(
    world: Callable[..., World], url: str, names: dict[str, list[str]]
) -> None:
    net = world(names, [answer()] * 3)
    with pytest.raises(ImageUrlNotAllowed) as refused:
        await net.fetcher().get(url)
    assert net.dialled == []
    assert str(refused.value) == "image: this address is not allowed."  # all alike: it tells nothing


async def test_the_name_is_resolved_once_so_it_cannot_change_its_mind(world: Callable[..., World]) -> None:
    net = world({"rebind.example": [PUBLIC]}, [answer()])
    fetcher = net.fetcher()
    original = net.resolve

    async def fickle(host: str, port: int) -> list[str]:
        return await original(host, port) if not net.resolved else [INSIDE]

    fetcher._transport._resolver = fickle
    assert await fetcher.get("http://rebind.example/") == BODY
    assert net.dialled == [(PUBLIC, 80)]


async def test_redirects_are_followed_and_each_is_checked(world: Callable[..., World]) -> None:
    net = world(
        {"a.example": [PUBLIC], "b.example": [OTHER]},
        [answer(302, location="http://b.example/x"), answer(307, location="/y"), answer()],
    )
    assert await net.fetcher().get("http://a.example/") == BODY
    assert net.dialled == [(PUBLIC, 80), (OTHER, 80), (OTHER, 80)]


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1/", "http://inside.example/", "ftp://b.example/", "http://127.1/"]
)
async def test_a_redirect_inside_is_refused(world: Callable[..., World], location: str) -> None:
    net = world({"a.example": [PUBLIC], "inside.example": [INSIDE]}, [answer(301, location=location), answer()])
    with pytest.raises(ImageUrlNotAllowed):
        await net.fetcher().get("http://a.example/")
    assert net.dialled == [(PUBLIC, 80)]


async def test_three_redirects_are_enough(world: Callable[..., World]) -> None:
    loop = [answer(302, location="/again")] * 4
    net = world({"a.example": [PUBLIC]}, [*loop[:3], answer()])
    assert await net.fetcher().get("http://a.example/") == BODY
    net = world({"a.example": [PUBLIC]}, loop)
    with pytest.raises(ImageFetchFailed, match="redirected"):
        await net.fetcher().get("http://a.example/")
    assert len(net.dialled) == 4


@pytest.mark.parametrize("status", [204, 206, 299])
async def test_any_2xx_will_do(world: Callable[..., World], status: int) -> None:
    body = b"" if status == 204 else BODY
    net = world({"a.example": [PUBLIC]}, [answer(status, body)])
    assert await net.fetcher().get("http://a.example/") == body


@pytest.mark.parametrize("status", [304, 400, 403, 404, 500])
async def test_nothing_else_will(world: Callable[..., World], status: int) -> None:
    net = world({"a.example": [PUBLIC]}, [answer(status, b"" if status == 304 else BODY)])
    with pytest.raises(ImageFetchFailed, match=str(status)):
        await net.fetcher().get("http://a.example/")


async def test_size_is_limited_by_promise_and_by_count(world: Callable[..., World]) -> None:
    names = {"a.example": [PUBLIC]}
    for wire in (
        answer(200, b"", content_length="1001"),
        answer(200, b"3e9\r\n" + bytes(1001) + b"\r\n0\r\n\r\n", transfer_encoding="chunked"),
    ):
        with pytest.raises(ImageFileTooLarge):
            await world(names, [wire]).fetcher(max_bytes=1000).get("http://a.example/")
    assert await world(names, [answer(200, bytes(1000))]).fetcher(max_bytes=1000).get("http://a.example/") == bytes(
        1000
    )


async def test_compressed_answers_are_refused_and_not_inflated(world: Callable[..., World]) -> None:
    net = world({"a.example": [PUBLIC]}, [answer(200, BODY, content_encoding="gzip")])
    with pytest.raises(ImageFetchFailed):
        await net.fetcher().get("http://a.example/")


async def test_silence_ends_with_the_time(world: Callable[..., World]) -> None:
    net = world({"a.example": [PUBLIC]}, [answer(200, b"", content_length="10")])
    net.hangs = True
    with pytest.raises(ImageFetchFailed, match="too long"):
        await net.fetcher(seconds=0.05).get("http://a.example/")


async def test_one_fetch_too_many_is_asked_to_come_again(world: Callable[..., World]) -> None:
    net = world({"a.example": [PUBLIC]}, [answer()])
    fetcher = net.fetcher(seconds=0.05)
    fetcher._slots = asyncio.Semaphore(0)
    with pytest.raises(TryLater):
        await fetcher.get("http://a.example/")
    assert net.dialled == []


@pytest.mark.parametrize("wire", [b"", b"nonsense\r\n\r\n", answer(200, b"short", content_length="10")])
async def test_a_broken_answer_is_the_other_sides_fault(world: Callable[..., World], wire: bytes) -> None:
    with pytest.raises(ImageFetchFailed):
        await world({"a.example": [PUBLIC]}, [wire]).fetcher().get("http://a.example/")


async def test_a_dead_address_is_passed_over_for_the_next(world: Callable[..., World]) -> None:
    net = world({"a.example": [PUBLIC, OTHER]}, [answer()])
    net.dead = {PUBLIC}
    assert await net.fetcher().get("http://a.example/") == BODY
    net.dead = {PUBLIC, OTHER}
    with pytest.raises(ImageFetchFailed):
        await net.fetcher().get("http://a.example/")


@pytest.mark.parametrize("allow", ["127.0.0.1", "127.0.0.0/8", "127.0.0.1:8000"])
async def test_the_operators_exceptions_open_what_they_name(world: Callable[..., World], allow: str) -> None:
    net = world({}, [answer(), answer()])
    assert await net.fetcher(allow=[allow]).get("http://127.0.0.1:8000/") == BODY
    with pytest.raises(ImageUrlNotAllowed):
        await net.fetcher(allow=[allow]).get("http://10.0.0.1/")


async def test_an_excepted_name_may_lead_anywhere_but_another_name_there_may_not(world: Callable[..., World]) -> None:
    net = world({"files.internal": ["10.0.0.1"], "evil.example": ["10.0.0.1"]}, [answer()])
    fetcher = net.fetcher(allow=["files.internal"])
    assert await fetcher.get("http://files.internal/") == BODY
    with pytest.raises(ImageUrlNotAllowed):
        await fetcher.get("http://evil.example/")


async def test_proxies_of_the_environment_are_not_asked(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://10.9.8.7:3128")
    net = world({"a.example": [PUBLIC]}, [answer()])
    await net.fetcher().get("http://a.example/")
    assert net.dialled == [(PUBLIC, 80)]
