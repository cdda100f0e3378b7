"""Reading a task through the Novita dialect, in every state it can have."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import httpx2
import pytest
from PIL import Image

from overpaint.domain import Beat, Canceled
from overpaint.errors import FAILURES
from tests.http.conftest import MakeWorld
from tests.http.shapes import assert_error, assert_headers, assert_result
from tests.http.world import RESULT, World

pytestmark = pytest.mark.anyio

NOBODYS = "01234567-89ab-7def-8123-456789abcdef"


async def test_a_task_is_visible_in_the_instant_after_its_submit(world: World) -> None:
    task_id = await world.submit(seed=42)
    body = assert_result(await world.read(task_id), "TASK_STATUS_QUEUED")
    assert body["task"]["task_id"] == task_id
    assert body["task"]["progress_percent"] == body["task"]["eta"] == 0
    assert body["extra"]["seed"] == "42"
    own = {"model": "tiny", "queue_position": 1, "step": 0, "steps": 8, "attempt": 0}
    assert body["extra"]["overpaint"] == own


async def test_a_waiting_task_knows_its_place(world: World) -> None:
    ids = [await world.submit() for _ in range(3)]
    places = [assert_result(await world.read(one), "TASK_STATUS_QUEUED")["extra"]["overpaint"] for one in ids]
    assert [place["queue_position"] for place in places] == [1, 2, 3]


async def test_a_long_queue_is_counted_to_its_end(world: World) -> None:
    ids = [await world.submit() for _ in range(40)]
    claim = await world.claim()
    for index in (1, 30, 32, 33, 39):
        own = assert_result(await world.read(ids[index]), "TASK_STATUS_QUEUED")["extra"]["overpaint"]
        assert own["queue_position"] == index
    await world.fail(claim, "input_lost")


async def test_progress_is_told_in_whole_percent_below_a_hundred(world: World) -> None:
    task_id = await world.submit()
    claim = await world.claim()
    for step, percent in [(1, 12), (7, 87), (8, 99)]:
        assert await world.store.beat(claim, step=step) is Beat.OK
        body = assert_result(await world.read(task_id), "TASK_STATUS_PROCESSING")
        assert body["task"]["progress_percent"] == percent
        own = {"model": "tiny", "queue_position": 0, "step": step, "steps": 8, "attempt": 1}
        assert body["extra"]["overpaint"] == own


async def test_estimates_come_from_what_workers_measured(world: World) -> None:
    await world.put_worker(step_seconds=2.5)
    task_id = await world.submit()
    second = await world.submit()
    assert assert_result(await world.read(task_id), "TASK_STATUS_QUEUED")["task"]["eta"] == 20
    assert assert_result(await world.read(second), "TASK_STATUS_QUEUED")["task"]["eta"] == 40
    claim = await world.claim()
    await world.store.beat(claim, step=5)
    assert assert_result(await world.read(task_id), "TASK_STATUS_PROCESSING")["task"]["eta"] == 8
    await world.succeed(claim)
    assert assert_result(await world.read(task_id), "TASK_STATUS_SUCCEED")["task"]["eta"] == 0


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
async def test_a_finished_task_links_to_a_picture_that_opens_without_a_key(world: World, format: str) -> None:
    task_id = await world.submit(output_format=format)
    made = await world.succeed(await world.claim())
    body = assert_result(await world.read(task_id), "TASK_STATUS_SUCCEED")
    assert body["task"]["progress_percent"] == 100
    assert body["extra"]["overpaint"]["step"] == 8
    (image,) = body["images"]
    assert image["image_type"] == format
    assert image["image_url"].startswith("http://127.0.0.1:8000/files/")
    assert 0 < int(image["image_url_ttl"]) <= 3600
    picture = await world.client("").get(image["image_url"])
    assert_headers(picture)
    assert (picture.status_code, picture.headers["content-type"]) == (200, f"image/{format}")
    assert picture.content == made
    with Image.open(io.BytesIO(picture.content)) as opened:
        assert opened.format == format.upper()


@pytest.mark.parametrize("code", ["out_of_memory", "prompt_too_long", "input_lost"])
async def test_a_failed_task_is_a_200_that_says_why(world: World, code: str) -> None:
    task_id = await world.submit()
    claim = await world.claim()
    await world.store.beat(claim, step=4)
    await world.fail(claim, code)
    body = assert_result(await world.read(task_id), "TASK_STATUS_FAILED")
    assert body["task"]["reason"] == f"{code}: {FAILURES[code].sentence}"
    assert body["task"]["progress_percent"] == 50


async def test_a_task_whose_workers_all_died_says_how_often(make_world: MakeWorld) -> None:
    world = await make_world(lease_seconds=0.01)
    task_id = await world.submit()
    while await world.store.claim("00000000-0000-4000-8000-000000000001") or not (await world.store.sweep()).failed:
        pass
    body = assert_result(await world.read(task_id), "TASK_STATUS_FAILED")
    assert body["task"]["reason"] == "worker_lost: The worker died on every attempt (3)."


async def test_a_canceled_task_is_failed_in_this_dialect(world: World) -> None:
    waiting, running = await world.submit(), await world.submit()
    await world.store.cancel("alice", waiting)
    claim = await world.claim()
    assert claim.task.id == running
    await world.store.finish(claim, Canceled())
    for task_id in (waiting, running):
        body = assert_result(await world.read(task_id), "TASK_STATUS_FAILED")
        assert body["task"]["reason"] == "canceled: The edit was canceled before it finished."


async def test_an_expired_task_keeps_its_record_but_not_its_pictures(make_world: MakeWorld) -> None:
    world = await make_world(result_ttl_seconds=1)
    task_id = await world.submit()
    await world.succeed(await world.claim())
    url = assert_result(await world.read(task_id), "TASK_STATUS_SUCCEED")["images"][0]["image_url"]
    names: tuple[str, ...] = ()
    while not names:
        names = await world.store.expire()
    body = assert_result(await world.read(task_id), "TASK_STATUS_SUCCEED")
    assert body["images"] == []
    assert body["extra"]["overpaint"]["expired"] is True
    assert (await world.client("").get(url)).status_code in (403, 404)  # the link's own time may be over by now too


async def test_every_read_signs_a_fresh_link(world: World) -> None:
    task_id = await world.submit()
    await world.succeed(await world.claim())
    urls = [(await world.read(task_id)).json()["images"][0]["image_url"] for _ in range(2)]
    assert urlsplit(urls[0]).path == urlsplit(urls[1]).path
    for url in urls:
        assert (await world.client("").get(url)).status_code == 200


async def test_links_are_below_the_name_the_caller_used(world: World) -> None:
    task_id = await world.submit()
    await world.succeed(await world.claim())
    answer = await world.client(base="http://localhost:1234").get(RESULT, params={"task_id": task_id})
    assert answer.json()["images"][0]["image_url"].startswith("http://localhost:1234/files/")


async def test_links_are_below_public_url_where_it_is_set(make_world: MakeWorld) -> None:
    world = await make_world(public_url="https://pictures.example/edits/")
    task_id = await world.submit()
    await world.succeed(await world.claim())
    answer = await world.read(task_id)
    assert answer.json()["images"][0]["image_url"].startswith(f"https://pictures.example/edits/files/{task_id}/")


@pytest.mark.parametrize("query", ["", "?task_id=", "?id=x", "?task_id"])
async def test_no_id_is_a_bad_request(world: World, query: str) -> None:
    assert_error(await world.client().get(RESULT + query), 400, "INVALID_REQUEST_BODY", names="task_id")


async def test_unknown_foreign_and_nonsense_ids_answer_identically(world: World) -> None:
    foreign = await world.submit()
    answers: list[httpx2.Response] = []
    for key, task_id in [
        (world.key, NOBODYS),
        (world.other_key, foreign),
        (world.key, "nonsense"),
        (world.key, foreign.upper()),
        (world.key, foreign + " "),
        (world.key, "../../etc/passwd"),
        (world.key, "x" * 500),
    ]:
        answer = await world.read(task_id, key)
        body = assert_error(answer, 404, "TASK_NOT_FOUND")
        assert body["metadata"] == {"task_id": task_id}
        answers.append(answer)
    same = [answer.text.replace(answer.json()["metadata"]["task_id"], "ID") for answer in answers]
    assert len(set(same)) == 1
    assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers}) == 1


async def test_another_key_of_the_same_owner_sees_the_task(world: World) -> None:
    from overpaint.service.access import create_key

    _, second = await create_key(world.store, owner="alice")
    assert_result(await world.read(await world.submit(), second), "TASK_STATUS_QUEUED")
