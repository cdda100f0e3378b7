"""From a caller's request to the lines about its edit: request id, key id and trace."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import structlog.testing

from overpaint.http import app
from tests.http.conftest import MakeWorld
from tests.http.world import SUBMIT, World, base64_of, photo

pytestmark = pytest.mark.anyio

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-1111111111111111-01"


async def submitted(world: World, **headers: str) -> dict[str, str]:
    """The ids that log lines about the new task will have; its own left out."""
    order = {"prompt": "make it snow", "image": base64_of(photo())}
    answer = await world.client().post(SUBMIT, json=order, headers=headers)
    task = await world.store.outputs_of(answer.json()["task_id"])
    assert task is not None
    assert task.trail["request_id"] == answer.headers["x-request-id"]
    return {name: value for name, value in task.trail.items() if name != "task_id"}


async def test_a_task_remembers_its_request_and_its_trace(world: World) -> None:
    key_id = world.key[3:11]
    told = await submitted(world, **{"x-request-id": "mine-1", "traceparent": PARENT})
    assert told == {"key_id": key_id, "request_id": "mine-1", "trace_id": TRACE}
    assert set(await submitted(world)) == {"key_id", "request_id"}


@pytest.mark.parametrize(
    "parent",
    [
        f"00-{'0' * 32}-1111111111111111-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-1111111111111111-01",
        f"ff-{TRACE}-1111111111111111-01",
        f"{PARENT}-more",
        TRACE,
        "x" * 5000,
    ],
)
async def test_a_trace_that_is_none_is_ignored(world: World, parent: str) -> None:
    assert "trace_id" not in await submitted(world, traceparent=parent)


async def test_a_refusal_names_its_trace(world: World) -> None:
    with structlog.testing.capture_logs() as lines:
        await world.client().post(SUBMIT, content=b"{", headers={"x-request-id": "r", "traceparent": PARENT})
    (line,) = lines
    assert (line["request_id"], line["trace_id"], line["code"]) == ("r", TRACE, "malformed_body")


async def test_an_edit_that_no_worker_could_end_has_its_line_too(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "HOUSEKEEPING_SECONDS", 0.01)
    world = await make_world(lease_seconds=0.01)
    told = await submitted(world, traceparent=PARENT)
    with structlog.testing.capture_logs() as lines:
        keeper = asyncio.create_task(app.housekeeping(world.store, world.blobs))
        while not (ends := [line for line in lines if line["event"] == "edit finished"]):
            await world.store.claim("00000000-0000-4000-8000-000000000001")  # and then falls silent
            await asyncio.sleep(0.01)
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
    (line,) = ends
    assert line.items() >= told.items()
    assert (line["status"], line["code"], line["attempt"], line["steps"]) == ("failed", "worker_lost", 3, 0)
    assert len([line for line in lines if line["event"] == "leases lost"]) == 3
