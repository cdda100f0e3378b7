"""A picture link opens one picture for one time and method, and nothing that resembles it opens anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.figures import IS_LONG, figures
from tests.http.shapes import assert_error
from tests.http.test_process import head, talk
from tests.http.world import BASE, RESULT, SUBMIT, ServerProcess, StandInWorker, World, base64_of, photo

pytestmark = pytest.mark.anyio

Serve = Callable[..., ServerProcess]


async def finished(world: World) -> str:
    """The link to a finished picture."""
    task_id = await world.submit()
    await world.succeed(await world.claim())
    return str((await world.read(task_id)).json()["images"][0]["image_url"])


def test_no_byte_of_a_link_may_be_another(serve: Serve) -> None:
    """On the wire, so that what the HTTP parser makes of the byte is tried as well."""
    server = serve()
    with StandInWorker(server.data), server.client() as client:
        task_id = client.post(SUBMIT, json={"prompt": "x", "image": base64_of(photo())}).json()["task_id"]
        while not (images := client.get(RESULT, params={"task_id": task_id}).json()["images"]):
            pass
    link = urlsplit(images[0]["image_url"])
    target = f"{link.path}?{link.query}".encode()
    before, after = head("\0", "Connection: close", method="GET", key="").split(b"\0")
    assert talk(server, before + target + after).startswith(b"HTTP/1.1 200 ")
    answers: Counter[str] = Counter()
    opened = []
    for at in range(len(target)):
        for other in range(256) if IS_LONG else (target[at] ^ 1 << bit for bit in range(8)):
            if other == target[at]:
                continue
            flipped = target[:at] + bytes((other,)) + target[at + 1 :]
            status = talk(server, before + flipped + after)[9:12].decode()
            answers[status] += 1
            if status not in ("400", "403", "404"):
                opened.append((flipped, status))
    figures(row="links, one byte another", tried=answers.total(), opened=len(opened), answers=dict(answers))
    assert opened == []
    assert talk(server, before + target + after).startswith(b"HTTP/1.1 200 ")
    assert "Traceback" not in server.log()


async def test_parts_of_two_links_do_not_make_a_third(world: World) -> None:
    one, two = await finished(world), await finished(world)
    client = world.client()
    path, other = urlsplit(one).path, urlsplit(two).path
    query, other_query = urlsplit(one).query, urlsplit(two).query
    for target in (
        f"{path}?{other_query}",
        f"{other}?{query}",
        f"{path.replace('1-0', '2-0')}?{query}",
        f"{path.replace('1-0', '1-1')}?{query}",
        f"{path.replace('.jpeg', '.png')}?{query}",
        f"{path}?{query}&{other_query}",
        f"{path}?{query}&sig=x",
        f"{path}?{query.replace('exp=', 'exp=1')}",
        f"{path}?{query.replace('exp=', 'exp=0')}",
        f"{path}?{query.replace('exp=', 'exp=%2B')}",
        f"{path}?{query.replace('kid=1', 'kid=2')}",
        f"{path}?{query.replace('sig=', 'sig=%00')}",
        f"{path}?{query}=",
        f"{path}?",
        path,
    ):
        answer = await client.get(BASE + target)  # with the owner's own key: only the link counts
        assert_error(answer, 403, "forbidden")


async def test_a_link_is_for_one_method_and_no_body(world: World) -> None:
    url = await finished(world)
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        answer = await world.client("").request(method, url, content=b"x")
        assert_error(answer, 405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "spelled",
    [
        "/files/../secret", "/files/..%2f..%2fsecret", "/files/%2e%2e%2fsecret", "/files/%252e%252e/secret",
        "/files/....//secret", "/files/..\\secret", "/files/..%5csecret", "/files//etc/passwd", "/files/%2fetc/passwd",
        "/files/%00", "/files/{name}%00.png", "/files/{name}/..", "/files/{name};x", "/files/{name}%20",
        "/files/{name}%0a", "/Files/{name}", "/files/%7bname%7d", "/files/{name}/../../overpaint.sqlite3", "/files",
        "//files/{name}", "/files/\u0661-0.png", "/files/C:/windows", "/files/~root", "/files/{name}.json",
    ],
)  # fmt: skip
async def test_no_path_leads_out(world: World, spelled: str) -> None:
    import httpx2

    link = urlsplit(await finished(world))
    target = spelled.replace("{name}", link.path.removeprefix("/files/"))
    answer = await world.client().get(httpx2.URL(f"{BASE}{target}?{link.query}"))
    assert_error(answer, 404, "route_not_found")


async def test_a_symbolic_link_in_the_folder_is_not_followed(world: World) -> None:
    url = await finished(world)
    secret = world.settings.data / "secret"
    (picture,) = (world.settings.data / "blobs").rglob("*.jpeg")
    picture.unlink()
    picture.symlink_to(secret)
    for method in ("GET", "HEAD"):
        assert (await world.client("").request(method, url)).status_code == 404
    picture.unlink()
    picture.mkdir()
    assert_error(await world.client("").get(url), 404, "output_not_found")


async def test_what_is_opened_is_a_picture_and_nothing_more(world: World) -> None:
    url = await finished(world)
    for method, headers in (
        ("GET", {}),
        ("HEAD", {}),
        ("GET", {"range": "bytes=0-3"}),
        ("GET", {"range": "bytes=9999999-"}),
    ):
        answer = await world.client("").request(method, url, headers=headers)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        task_id = urlsplit(url).path.split("/")[2]
        assert answer.headers["content-disposition"] == f'inline; filename="{task_id}-0.jpeg"'
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
