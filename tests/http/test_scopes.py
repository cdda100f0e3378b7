"""What a key opens: the scope that each route asks for, and nothing of another owner's."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import httpx2
import pytest

from overpaint.domain import Scope
from overpaint.http.routes import Operation
from overpaint.service.access import create_key
from tests.http.conftest import MakeWorld
from tests.http.shapes import assert_error
from tests.http.test_files import finished
from tests.http.test_result import NOBODYS
from tests.http.world import RESULT, SUBMIT, World

pytestmark = pytest.mark.anyio

SCOPES = {
    ("POST", SUBMIT): Scope.SUBMIT,
    ("GET", RESULT): Scope.READ,
    ("GET", "/v3/user"): Scope.READ,
    ("GET", "/openapi/v1/billing/balance/detail"): Scope.READ,
    ("GET", "/metrics"): Scope.METRICS,
    ("GET", "/files/{task_id}/{picture}"): None,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/openapi.json"): None,
}
KEYED = [(method, path, scope) for (method, path), scope in SCOPES.items() if scope]


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    return await make_world(metrics="key")


async def key_with(world: World, *scopes: Scope, owner: str = "alice") -> str:
    _, secret = await create_key(world.store, owner=owner, scopes=frozenset(scopes))
    return secret


async def test_every_route_asks_for_its_scope_and_says_so(world: World) -> None:
    assert {(each.method, each.path): each.scope for each in world.app.operations} == SCOPES
    described = (await world.client("").get("/openapi.json")).json()["paths"]
    for (method, path), scope in SCOPES.items():
        assert described[path][method.lower()]["security"] == ([{"key": [scope]}] if scope else [])


@pytest.mark.parametrize(("method", "path", "scope"), KEYED)
async def test_a_key_without_the_scope_is_forbidden_before_its_body_is_read(
    world: World, method: str, path: str, scope: Scope
) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    others = await key_with(world, *(set(Scope) - {scope}))
    answer = await world.client(others).request(method, path, content=never() if method == "POST" else None)
    word = "forbidden" if path == "/metrics" else "API_NOT_ALLOWED"
    assert_error(answer, 403, word, names=f"lacks the scope {scope}")
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(("method", "path", "scope"), KEYED)
async def test_a_key_with_that_scope_alone_passes(world: World, method: str, path: str, scope: Scope) -> None:
    answer = await world.client(await key_with(world, scope)).request(method, path)
    expected = {SUBMIT: 400, RESULT: 400}.get(path, 200)  # passed, to be told what the request lacks
    assert answer.status_code == expected, answer.text


async def test_a_wrong_key_is_told_nothing_of_scopes(world: World) -> None:
    assert_error(await world.client("wrong").get("/metrics"), 401, "invalid_api_key")
    assert_error(await world.client("wrong").post(SUBMIT), 403, "INVALID_API_KEY")


def by_id(operation: Operation, link: str, task_id: str, mine: str) -> str | None:
    """A request of this route that names a task, made from a `link` to the task `mine`; None: it names none."""
    if operation.path == "/files/{task_id}/{picture}":
        return link.replace(mine, task_id)
    if any(parameter.name == "task_id" for parameter in operation.parameters):
        return f"{operation.path}?task_id={task_id}"
    return None


async def test_a_foreign_task_is_on_every_route_what_an_unknown_one_is_to_the_byte(world: World) -> None:
    """A task that waits, one that runs and one with a picture; a stranger with every scope there is."""
    link, _ = await finished(world)
    mine = link.split("/")[4]
    running, waiting = await world.submit(), await world.submit()
    await world.claim()
    stranger = world.client(await key_with(world, *Scope, owner="mallory"))

    async def told(operation: Operation, task_id: str) -> tuple[int, list[tuple[str, str]], str] | None:
        url = by_id(operation, link, task_id, mine)
        if url is None:
            return None
        if operation.path.startswith("/files/"):
            url = url.replace("sig=", "sig=x")  # a link is a right by itself; a stranger has none
        answer: httpx2.Response = await stranger.request(operation.method, url, headers={"x-request-id": "fixed"})
        assert answer.status_code == (403 if operation.path.startswith("/files/") else 404)
        return answer.status_code, sorted(answer.headers.items()), answer.text.replace(task_id, "ID")

    walked = set()
    for operation, task_id in itertools.product(world.app.operations, (mine, running, waiting)):
        answer = await told(operation, task_id)
        assert answer == await told(operation, NOBODYS)
        if answer:
            walked.add(operation.path)
    assert walked == {RESULT, "/files/{task_id}/{picture}"}
    assert (await world.read(mine)).status_code == 200


async def test_a_link_opens_no_other_task(world: World) -> None:
    """Moved to another task, and to none: one answer."""
    link, _ = await finished(world)
    mine = link.split("/")[4]
    other, _ = await finished(world)
    told = []
    for task_id in (other.split("/")[4], NOBODYS):
        url = link.replace(mine, task_id)
        answer = await world.client("").get(url, headers={"x-request-id": "fixed"})
        told.append(assert_error(answer, 403, "forbidden"))
    assert told[0] == told[1]
    assert (await world.client("").get(link)).status_code == 200
