"""Keys, hosts and everything that is checked before a body is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.conftest import MakeWorld
from tests.http.shapes import assert_error
from tests.http.world import RESULT, SUBMIT, World, base64_of, photo

pytestmark = pytest.mark.anyio

ORDER = json.dumps({"prompt": "x", "image": base64_of(photo())}).encode()
KEYED = [("POST", SUBMIT), ("GET", RESULT), ("GET", "/v3/user"), ("GET", "/openapi/v1/billing/balance/detail")]


@pytest.fixture
def world(shared_world: World) -> World:
    """Nearly all of these tests are refusals or say nothing about other tasks: they share one application."""
    return shared_world


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}", "{}", " {} "])
async def test_a_key_is_taken_with_and_without_bearer(world: World, form: str) -> None:
    answer = await world.client("").get("/v3/user", headers={"authorization": form.format(world.key)})
    assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path"), KEYED)
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer x", "Basic dXNlcjpwdw==", "Bearer {} {}", "{}x", "x" * 5000, "Bearer ключ"],
)
async def test_no_key_and_a_wrong_key_answer_alike(world: World, method: str, path: str, header: str | None) -> None:
    headers: Any = {} if header is None else {"authorization": header.replace("{}", world.key).encode()}
    body = assert_error(await world.client("").request(method, path, headers=headers), 403, "INVALID_API_KEY")
    assert body["message"] == "invalid api-key"


async def test_a_key_in_the_query_is_no_key(world: World) -> None:
    assert_error(await world.client("").get(f"/v3/user?key={world.key}"), 403, "INVALID_API_KEY")


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 6000, ORDER])
async def test_a_wrong_key_is_answered_whatever_the_body_is(make_world: MakeWorld, content: bytes) -> None:
    world = await make_world(max_body_bytes=5000)
    assert_error(await world.client("wrong").post(SUBMIT, content=content), 403, "INVALID_API_KEY")


async def test_a_wrong_key_is_answered_without_reading_the_body(world: World) -> None:
    async def never() -> Any:
        raise AssertionError("the body was read")
        yield b""

    assert_error(await world.client("wrong").post(SUBMIT, content=never()), 403, "INVALID_API_KEY")


async def test_a_declared_length_above_the_limit_is_refused_unread(make_world: MakeWorld) -> None:
    world = await make_world(max_body_bytes=5000)

    async def never() -> Any:
        raise AssertionError("the body was read")
        yield b""

    answer = await world.client().post(SUBMIT, content=never(), headers={"content-length": "5001"})
    assert_error(answer, 400, "IMAGE_FILE_EXCEEDS_MAX_SIZE")


async def test_an_undeclared_length_is_counted(make_world: MakeWorld) -> None:
    world = await make_world(max_body_bytes=5000)
    sent = 0

    async def parts() -> Any:
        nonlocal sent
        for _ in range(1000):
            sent += 1000
            yield b" " * 1000

    assert_error(await world.client().post(SUBMIT, content=parts()), 400, "IMAGE_FILE_EXCEEDS_MAX_SIZE")
    assert sent <= 1_000_000


async def test_a_compressed_body_is_refused(world: World) -> None:
    answer = await world.client().post(SUBMIT, content=ORDER, headers={"content-encoding": "gzip"})
    assert_error(answer, 400, "INVALID_REQUEST_BODY", names="Content-Encoding")
    answer = await world.client().post(SUBMIT, content=ORDER, headers={"content-encoding": "identity"})
    assert answer.status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", None])
@pytest.mark.parametrize(
    "path",
    [
        "/v3",
        "/v3/",
        "/v3/model",
        "/v3/async/qwen-image-txt2img",
        "/v3/async/txt2img",
        "/v3beta/x",
        "/openai/v1/x",
        "/openapi/",
    ],
)
async def test_an_unknown_path_of_the_dialect_is_404_with_and_without_a_key(
    world: World, path: str, key: str | None
) -> None:
    for method in ("GET", "POST"):
        assert_error(await world.client(key).request(method, path), 404, "API_NOT_FOUND")


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/edits", "/v30/x", "/nope", "//v3/user", "/files", "/files/"])
async def test_an_unknown_path_elsewhere_is_a_problem(world: World, path: str) -> None:
    answer = await world.client().request("GET", "http://127.0.0.1:8000" + path)
    assert_error(answer, 404, "route_not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", SUBMIT, {"POST"}),
        ("DELETE", SUBMIT, {"POST"}),
        ("POST", RESULT, {"GET", "HEAD"}),
        ("PUT", "/v3/user", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_names_the_right_one(world: World, method: str, path: str, allowed: set[str]) -> None:
    answer = await world.client("").request(method, path)
    assert_error(answer, 405, "METHOD_NOT_ALLOWED", names=method)
    assert set(answer.headers["allow"].split(", ")) == allowed
    if method != "GET":
        assert_error(await world.client("").request(method, "/healthz"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "192.168.0.1", "a b", "[::2]"]
)
async def test_on_loopback_another_hosts_name_is_refused(world: World, host: str) -> None:
    client = world.client()
    assert_error(await client.get("/v3/user", headers={"host": host}), 404, "API_NOT_FOUND")
    assert_error(await client.get("/healthz", headers={"host": host}), 421, "wrong_host")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.53:80", "[::1]:8000", "app.localhost"]
)
async def test_on_loopback_loopbacks_names_are_answered(world: World, host: str) -> None:
    assert (await world.client().get("/healthz", headers={"host": host})).status_code == 200


async def test_behind_a_proxy_the_public_name_is_answered_too(make_world: MakeWorld) -> None:
    world = await make_world(public_url="https://pictures.example/edits")
    assert (await world.client().get("/healthz", headers={"host": "pictures.example"})).status_code == 200


async def test_on_another_address_any_name_is_answered(make_world: MakeWorld) -> None:
    world = await make_world(host="0.0.0.0")
    assert (await world.client().get("/healthz", headers={"host": "pictures.example"})).status_code == 200


async def test_a_request_id_is_taken_over_or_made(world: World) -> None:
    for path in ("/healthz", "/nope", "/v3/user"):
        given = await world.client("").get(path, headers={"x-request-id": "my.own_id-7"})
        assert given.headers["x-request-id"] == "my.own_id-7"
        for bad in ("", "a b", "x" * 129, "<script>"):
            made = await world.client("").get(path, headers={"x-request-id": bad})
            assert made.headers["x-request-id"] not in ("", bad)


async def test_the_account_is_constant(world: World) -> None:
    user = (await world.client().get("/v3/user")).json()
    assert user == {"allow_features": [], "credit_balance": 999999999, "free_trial": {}}
    balance = (await world.client().get("/openapi/v1/billing/balance/detail")).json()
    assert balance == {
        "availableBalance": "999999999",
        "cashBalance": "999999999",
        "creditLimit": "0",
        "outstandingInvoices": "0",
    }


async def test_unknown_request_headers_change_nothing(world: World) -> None:
    headers = {"x-novita-source": "x", "x-api-version": "9", "accept-encoding": "gzip, deflate", "accept": "text/html"}
    answer = await world.client().get("/v3/user", headers=headers)
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
