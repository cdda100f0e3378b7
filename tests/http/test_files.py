"""Signed links: what opens them, what does not, and HTTP's rules for one immutable file."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.http.conftest import MakeWorld
from tests.http.shapes import assert_error
from tests.http.world import World

pytestmark = pytest.mark.anyio


async def finished(world: World, **order: object) -> tuple[str, bytes]:
    """The link to a finished picture, and its bytes."""
    task_id = await world.submit(**order)
    made = await world.succeed(await world.claim())
    return str((await world.read(task_id)).json()["images"][0]["image_url"]), made


async def get(world: World, url: str, method: str = "GET", **headers: str) -> httpx2.Response:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.client("").request(method, url, headers=headers)


async def test_the_whole_picture_with_every_header_it_should_have(world: World) -> None:
    url, made = await finished(world, output_format="png")
    for method in ("GET", "HEAD"):
        answer = await get(world, url, method)
        assert answer.status_code == 200
        assert answer.content == (made if method == "GET" else b"")
        assert answer.headers["content-length"] == str(len(made))
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["etag"] == f'"{sha256(made).hexdigest()}"'
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-content-type-options"] == "nosniff"
        task_id = urlsplit(url).path.split("/")[2]
        assert answer.headers["content-disposition"] == f'inline; filename="{task_id}-0.png"'
        private, age, immutable = answer.headers["cache-control"].split(", ")
        assert (private, immutable) == ("private", "immutable")
        assert 3590 <= int(age.removeprefix("max-age=")) <= 3600


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=10-", 10, -1), ("bytes=-7", -7, -1), ("bytes=0-", 0, -1), ("bytes=5-999999", 5, -1)],
)
async def test_a_range_is_served(world: World, asked: str, first: int, last: int) -> None:
    url, made = await finished(world)
    size = len(made)
    begin, end = first % size, last % size
    answer = await get(world, url, range=asked)
    assert (answer.status_code, answer.content) == (206, made[begin : end + 1])
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{size}"
    assert answer.headers["content-length"] == str(end - begin + 1)


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_416(world: World, asked: str) -> None:
    url, made = await finished(world)
    answer = await get(world, url, range=asked)
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(made)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=9-2", "lines=1-2", "bytes=a-b", "bytes=", "bytes=-", "bytes=1-2-3"]
)
async def test_a_range_we_do_not_serve_gets_the_whole(world: World, asked: str) -> None:
    url, made = await finished(world)
    answer = await get(world, url, range=asked)
    assert (answer.status_code, answer.content) == (200, made)


async def test_validators_are_honoured(world: World) -> None:
    url, made = await finished(world)
    tag = f'"{sha256(made).hexdigest()}"'
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await get(world, url, if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert (await get(world, url, if_none_match='"other"')).status_code == 200
    assert (await get(world, url, range="bytes=0-3", if_range=tag)).content == made[:4]
    for stale in ('"other"', "Sat, 29 Oct 1994 19:43:31 GMT", f"W/{tag}"):
        assert (await get(world, url, range="bytes=0-3", if_range=stale)).content == made


async def test_any_byte_of_a_link_changed_closes_it(world: World) -> None:
    url, _ = await finished(world)
    base, link = "http://127.0.0.1:8000", urlsplit(url)
    text = f"{link.path}?{link.query}"
    for at in range(len("/files/"), len(text)):
        changed = text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :]
        answer = await get(world, base + changed)
        assert answer.status_code in (403, 404), changed
        assert_error(answer, answer.status_code, {403: "forbidden", 404: "route_not_found"}[answer.status_code])


@pytest.mark.parametrize("missing", ["exp", "kid", "sig"])
async def test_a_link_without_a_part_is_forbidden(world: World, missing: str) -> None:
    url, _ = await finished(world)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items() if name != missing}
    assert_error(await world.client().get(url.partition("?")[0], params=query), 403, "forbidden")
    assert_error(await world.client().get(url.partition("?")[0]), 403, "forbidden")


async def test_a_link_ends_with_its_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    url, _ = await finished(world)
    now = time.time()
    monkeypatch.setattr(world.app._edits._signer, "_clock", lambda: now + 3599)
    assert (await get(world, url)).status_code == 200
    monkeypatch.setattr(world.app._edits._signer, "_clock", lambda: now + 3601)
    assert_error(await get(world, url), 403, "forbidden")


async def test_a_link_never_outlives_its_picture(make_world: MakeWorld) -> None:
    world = await make_world(result_ttl_seconds=100)
    task_id = await world.submit()
    await world.succeed(await world.claim())
    image = (await world.read(task_id)).json()["images"][0]
    assert 90 <= int(image["image_url_ttl"]) <= 100


async def test_a_right_signature_for_a_picture_that_is_gone_is_404(world: World) -> None:
    url, _ = await finished(world)
    for path in (world.settings.data / "blobs").rglob("*.jpeg"):
        path.unlink()
    assert_error(await get(world, url), 404, "output_not_found")


async def test_a_link_of_another_server_is_forbidden(make_world: MakeWorld) -> None:
    ours, theirs = await make_world(), await make_world()
    url, _ = await finished(theirs)
    assert_error(await get(ours, url), 403, "forbidden")


@pytest.mark.parametrize(
    "path",
    [
        "/files/",
        "/files/../secret",
        "/files/%2e%2e/secret",
        "/files/..%2fsecret",
        "/files//{id}/1-0.jpeg",
        "/files/{id}//1-0.jpeg",
        "/files/{id}/1-0.jpeg/",
        "/files/{id}/1-0.jpg",
        "/files/{id}/01-0.jpeg",
        "/files/{id}/1-00.jpeg",
        "/files/{id}/1-0.jpeg%00",
        "/files/{id}/%31-0.jpeg",
        "/files/{ID}/1-0.jpeg",
        "/files/{id}/1-0.svg",
        "/files/{id}",
        "/secret",
        "/blobs/inputs",
    ],
)
async def test_any_other_spelling_is_no_route(world: World, path: str) -> None:
    url, _ = await finished(world)
    task_id = urlsplit(url).path.split("/")[2]
    spelled = path.replace("{id}", task_id).replace("{ID}", task_id.upper())
    answer = await world.client().get(httpx2.URL(f"http://127.0.0.1:8000{spelled}?{urlsplit(url).query}"))
    assert_error(answer, 404, "route_not_found")


async def test_a_link_is_for_reading_only(world: World) -> None:
    url, _ = await finished(world)
    for method in ("POST", "PUT", "DELETE"):
        assert_error(await get(world, url, method), 405, "method_not_allowed")
