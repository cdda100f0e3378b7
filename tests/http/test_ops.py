"""What an operator's tools see."""

from __future__ import annotations

import json

import pytest

from overpaint.errors import StoreUnavailable
from tests.http.shapes import assert_headers
from tests.http.world import SUBMIT, World

pytestmark = pytest.mark.anyio


async def test_alive_needs_no_key_and_touches_nothing(world: World) -> None:
    await world.store.close()
    answer = await world.client("").get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_follows_the_workers(world: World) -> None:
    async def ready() -> tuple[int, object, object, object]:
        answer = await world.client("").get("/readyz")
        assert_headers(answer)
        body = answer.json()
        assert body["checks"] == {"store": "ok", "blobs": "ok"}
        return answer.status_code, body["status"], body["workers"], body["loading_percent"]

    none = {"starting": 0, "idle": 0, "busy": 0}
    assert await ready() == (503, "starting", none, 0)
    await world.put_worker("starting", 40)
    assert await ready() == (503, "starting", none | {"starting": 1}, 40)
    await world.put_worker("idle", 100)
    assert await ready() == (200, "ready", none | {"idle": 1}, 100)
    await world.put_worker("busy", 100)
    assert await ready() == (200, "ready", none | {"busy": 1}, 100)
    world.app.drain()
    assert await ready() == (503, "draining", none | {"busy": 1}, 100)


async def test_a_store_that_does_not_answer_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise StoreUnavailable

    monkeypatch.setattr(world.store, "check", broken)
    answer = await world.client("").get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    assert answer.json()["checks"]["store"] == "failed"


async def test_metrics_count_and_name_nobody(world: World) -> None:
    task_id = await world.submit(prompt="a prompt nobody should read")
    await world.put_worker("busy")
    await world.client("wrong").get("/v3/user")
    await world.client().post(SUBMIT, content=b"{")
    await world.client().get("/no/such/route?secret=1")
    answer = await world.client("").get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    for line in (
        f'overpaint_http_requests_total{{dialect="novita",method="POST",route="{SUBMIT}",status="200"}} 1.0',
        'overpaint_http_requests_total{dialect="novita",method="GET",route="/v3/user",status="403"} 1.0',
        'overpaint_http_requests_total{dialect="none",method="GET",route="none",status="404"} 1.0',
        'overpaint_edits_submitted_total{dialect="novita",model="tiny"} 1.0',
        'overpaint_rejections_total{code="invalid_api_key"} 1.0',
        'overpaint_rejections_total{code="malformed_body"} 1.0',
        'overpaint_edits{status="queued"} 1.0',
        'overpaint_workers{state="busy"} 1.0',
    ):
        assert line in lines, answer.text
    for secret in (task_id, "nobody should read", "alice", world.key, "secret"):
        assert secret not in answer.text


async def test_the_description_is_generated_and_complete(world: World) -> None:
    answer = await world.client("").get("/openapi.json")
    body = answer.json()
    assert body["openapi"] == "3.1.0"
    served = {(operation.method.lower(), operation.path) for operation in world.app.operations}
    assert {(method, path) for path, methods in body["paths"].items() for method in methods} == served
    text = json.dumps(body)
    schemas = body["components"]["schemas"]
    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in schemas
    submit = schemas["SubmitBody"]
    assert submit["required"] == ["prompt", "image"]
    assert submit["properties"]["seed"] == {
        "type": "integer",
        "minimum": -1,
        "maximum": 2147483647,
        "default": -1,
        "description": "-1: the server draws one.",
    }
    identities = [operation["operationId"] for methods in body["paths"].values() for operation in methods.values()]
    assert len(identities) == len(set(identities))
