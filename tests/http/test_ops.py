"""What an operator's tools see."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from overpaint.domain import QueueStats, Scope, Task
from overpaint.errors import StorageFull, StoreUnavailable
from overpaint.http import ops
from overpaint.service.access import create_key
from overpaint.telemetry import SHARED, Tally
from tests.http.shapes import assert_error, assert_headers
from tests.http.world import SUBMIT, World

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize("trouble", [StoreUnavailable, StorageFull])
async def test_a_store_that_cannot_write_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    async def broken() -> None:
        raise trouble

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
        "overpaint_http_body_bytes_in_flight 0.0",
    ):
        assert line in lines, answer.text
    for secret in (task_id, "nobody should read", "alice", world.key, "secret"):
        assert secret not in answer.text


async def test_figures_of_all_processes_stand_beside_our_own(world: World) -> None:
    for _ in range(2):
        await world.submit()
        await world.succeed(await world.claim())
    await world.submit()
    await world.fail(await world.claim(), "out_of_memory")
    await world.store.count(Tally("worker_restarts_total", ("killed",)))
    await world.store.count(Tally("of_a_newer_version_total"))
    lines = (await world.client("").get("/metrics")).text.splitlines()
    for line in (
        'overpaint_edits_finished_total{code="",model="tiny",status="succeeded"} 2.0',
        'overpaint_edits_finished_total{code="out_of_memory",model="tiny",status="failed"} 1.0',
        'overpaint_attempts_total{outcome="succeeded"} 2.0',
        'overpaint_edit_run_seconds_bucket{le="0.1",model="tiny",quality="exact"} 2.0',
        'overpaint_edit_run_seconds_bucket{le="+Inf",model="tiny",quality="exact"} 2.0',
        'overpaint_edit_run_seconds_sum{model="tiny",quality="exact"} 0.01',
        'overpaint_edit_wait_seconds_count{model="tiny"} 3.0',
        'overpaint_worker_restarts_total{cause="killed"} 1.0',
        'overpaint_workers{state="idle"} 0.0',
        "overpaint_queue_oldest_age_seconds 0.0",
    ):
        assert line in lines, lines
    assert not any("newer_version" in line for line in lines)


async def test_every_metric_and_label_is_in_the_reference(world: World) -> None:
    await world.submit()
    await world.succeed(await world.claim())
    await world.client("wrong").get("/v3/user")
    for shape in SHARED:
        await world.store.count(Tally(shape.name, tuple("x" for _ in shape.labels)))
    text = (await world.client("").get("/metrics")).text
    page = (ROOT / "docs/reference/metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \|", page, re.MULTILINE)
    known = {name.removesuffix("_total"): (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    shown = {family.name: family for family in text_string_to_metric_families(text)}
    assert set(shown) == set(known)
    for name, family in shown.items():
        kind, labels = known[name]
        assert family.type == kind
        assert {label for sample in family.samples for label in sample.labels} - {"le"} <= labels


async def test_many_scrapes_ask_the_store_once_a_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    stats = world.store.stats

    async def counted() -> QueueStats:
        asked.append(1)
        return await stats()

    monkeypatch.setattr(world.store, "stats", counted)
    monkeypatch.setattr(ops, "FRESH_SECONDS", 3600.0)
    for _ in range(5):
        await world.client("").get("/metrics")
    assert len(asked) == 1


async def test_without_the_store_our_own_metrics_are_still_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise StoreUnavailable

    monkeypatch.setattr(ops, "FRESH_SECONDS", 0.0)
    assert "overpaint_edits{" in (await world.client("").get("/metrics")).text
    monkeypatch.setattr(world.store, "tallies", broken)
    answer = await world.client("").get("/metrics")
    assert answer.status_code == 200
    assert "overpaint_http_requests_total" in answer.text
    assert "overpaint_edits{" not in answer.text  # no old news


async def test_metrics_may_need_a_key_or_be_off(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world(metrics="key")
    assert_error(await world.client("").get("/metrics"), 401, "invalid_api_key")
    assert_error(await world.client().get("/metrics"), 403, "forbidden", names="metrics")
    _, scrapers = await create_key(world.store, scopes=frozenset({Scope.METRICS}))
    assert (await world.client(scrapers).get("/metrics")).status_code == 200
    world = await make_world(metrics="off")
    answer = await world.client().get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")


async def test_a_body_is_in_flight_until_it_is_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name, read, seen = "overpaint_http_body_bytes_in_flight", world.app.metrics.registry.get_sample_value, []
    submit = world.app._edits.submit

    async def watched(*arguments: Any) -> Task:
        seen.append(read(name))
        return await submit(*arguments)

    monkeypatch.setattr(world.app._edits, "submit", watched)
    await world.submit(prompt="x" * 1000)
    assert seen[0] is not None and seen[0] > 1000
    assert read(name) == 0


async def test_commits_are_reported_with_their_size(world: World) -> None:
    metrics = world.app.metrics
    world.store.report_commits(metrics.committed)
    await world.store.remove_worker("nobody")
    read = metrics.registry.get_sample_value
    assert read("overpaint_store_batch_operations_sum") == read("overpaint_store_batch_operations_count") == 1
    seconds = read("overpaint_store_operation_seconds_sum", {"operation": "commit"})
    assert seconds is not None and seconds > 0


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
    seed = submit["properties"]["seed"]
    assert seed["default"] == -1
    assert seed["anyOf"][0] == {
        "type": "integer",
        "minimum": -1,
        "maximum": 2147483647,
        "description": "-1: the server draws one.",
    }
    assert {"type": "null"} in seed["anyOf"]
    identities = [operation["operationId"] for methods in body["paths"].values() for operation in methods.values()]
    assert len(identities) == len(set(identities))
