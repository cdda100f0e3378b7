"""Limits as callers see them: a 429 in the dialect's shape, headers that are true, and nobody else disturbed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from overpaint.domain import Limits
from overpaint.http.app import create_app
from overpaint.store.sqlite import SqliteTaskStore
from tests.http.conftest import MakeWorld
from tests.http.shapes import assert_error
from tests.http.world import BASE, SUBMIT, World, base64_of, photo
from tests.store.samples import ManualClock

pytestmark = pytest.mark.anyio

ORDER = {"prompt": "make it snow", "image": base64_of(photo())}
LIMITED = "RATE_LIMIT_EXCEEDED"


async def post(world: World, key: str | None = None, **more: Any) -> httpx2.Response:
    return await world.client(key).post(SUBMIT, json=ORDER | more)


@pytest.fixture
async def make_limited(make_world: MakeWorld) -> Callable[..., Any]:
    """make_limited(rate_limit_per_minute=3) -> the application, and the clock of its store."""

    async def make(**flags: Any) -> tuple[World, ManualClock]:
        world, clock = await make_world(**flags), ManualClock()
        world.store._clock = clock
        return world, clock

    return make


async def test_submits_tell_what_is_left_and_a_refusal_when_to_come_again(make_limited: Callable[..., Any]) -> None:
    world, clock = await make_limited(rate_limit_per_minute=3)
    told = []
    for _ in range(3):
        answer = await post(world)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"submit";q=3;w=60'
        told.append(answer.headers["ratelimit"])
    assert told == ['"submit";r=2;t=20', '"submit";r=1;t=40', '"submit";r=0;t=60']
    refusal = await post(world)
    assert_error(refusal, 429, LIMITED, names="3 submits a minute")
    assert (refusal.headers["ratelimit"], refusal.headers["retry-after"]) == ('"submit";r=0;t=60', "20")
    assert (await post(world, world.other_key)).headers["ratelimit"] == '"submit";r=2;t=20'
    clock.seconds += int(refusal.headers["retry-after"])
    assert (await post(world)).status_code == 200
    assert "ratelimit" not in (await world.read(str((await post(world, world.other_key)).json()["task_id"]))).headers


async def test_two_api_processes_take_no_more_than_one(make_limited: Callable[..., Any]) -> None:
    world, clock = await make_limited(rate_limit_per_minute=5)
    store = SqliteTaskStore.of(world.settings)
    store._clock = clock
    other = create_app(world.settings, store, world.blobs, world.checkpoint)
    headers = {"authorization": f"Bearer {world.key}"}
    codes = []
    for number in range(14):
        app = (world.app, other)[number % 2]
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE, headers=headers) as http:
            codes.append((await http.post(SUBMIT, json=ORDER)).status_code)
    await store.close()
    assert codes == [200] * 5 + [429] * 9


async def test_without_a_limit_nothing_is_told(make_world: MakeWorld) -> None:
    world = await make_world(rate_limit_per_minute=0)
    assert "ratelimit" not in (await post(world)).headers


async def test_a_full_lane_is_told_by_the_pace_of_the_workers(make_world: MakeWorld) -> None:
    world = await make_world(queue_max_per_owner=2)
    for _ in range(2):
        assert (await post(world)).status_code == 200
    await world.put_worker("busy", step_seconds=0.5)
    refusal = await post(world)
    assert_error(refusal, 429, LIMITED, names="2 edits are waiting")
    assert refusal.headers["retry-after"] == "4", "one edit of 8 steps"
    assert (await post(world, world.other_key)).status_code == 200


@pytest.mark.parametrize(("size", "pixels"), [("128x64", 8192), ("input", 48 * 32), ("auto", 1024**2)])
async def test_a_days_pixels_are_those_asked_for(make_limited: Callable[..., Any], size: str, pixels: int) -> None:
    world, clock = await make_limited(pixels_per_day=2 * pixels)
    extra = {"extra": {"overpaint": {"size": size}}}
    for _ in range(2):
        assert (await post(world, **extra)).status_code == 200
    assert {each.owner: each.pixels_today for each in await world.store.accounts()} == {"alice": 2 * pixels}
    refusal = await post(world, **extra)
    assert (refusal.status_code, refusal.json()["reason"]) == (429, LIMITED)
    assert refusal.json()["message"] == f"The limit is {2 * pixels:,} pixels a day; nothing was accepted."
    clock.seconds += int(refusal.headers["retry-after"])
    assert (await post(world, **extra)).status_code == 200


async def test_a_keys_own_limit_binds_that_key_alone(make_world: MakeWorld) -> None:
    world = await make_world()
    (key,) = [key for key in await world.store.keys() if key.owner == "alice"]
    await world.store.put_limits("alice", key.id, Limits(per_minute=1))
    assert (await post(world)).headers["ratelimit-policy"] == '"submit";q=1;w=60'
    assert (await post(world)).status_code == 429
    assert (await post(world, world.other_key)).status_code == 200
