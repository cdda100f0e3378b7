"""Submitting an edit through the Novita dialect: every field, every form clients send it in, every refusal."""

from __future__ import annotations

import base64
import json
import os
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from overpaint.store.blobs import SMALL_INPUT_BYTES
from tests.http.conftest import MakeWorld
from tests.http.shapes import assert_error, assert_headers
from tests.http.world import SUBMIT, World, base64_of, photo

pytestmark = pytest.mark.anyio

PNG = photo()


@pytest.fixture
def world(shared_world: World) -> World:
    """Nearly all of these tests are refusals or say nothing about other tasks: they share one application."""
    return shared_world


async def post(world: World, body: object, **options: Any) -> httpx2.Response:
    return await world.client().post(SUBMIT, json=body, **options)


async def post_raw(world: World, content: bytes, **headers: str) -> httpx2.Response:
    headers = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    return await world.client().post(SUBMIT, content=content, headers=headers)


def order(**changes: Any) -> dict[str, Any]:
    return {"prompt": "make it snow", "image": base64_of(PNG)} | changes


async def stored(world: World, answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    task = await world.store.get("alice", answer.json()["task_id"])
    assert task is not None
    return task


async def test_the_answer_is_200_with_the_id_and_nothing_else(world: World) -> None:
    answer = await post(world, order())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"task_id"}
    assert len(answer.json()["task_id"]) == 36
    assert_headers(answer)


async def test_what_was_left_out_is_filled_in_from_the_checkpoint(world: World) -> None:
    task = await stored(world, await post(world, order()))
    request = task.request
    assert (request.steps, request.true_cfg_scale, request.negative_prompt) == (8, 4.0, " ")
    assert (request.size, request.output_format, request.output_quality) == ("auto", "jpeg", 95)
    assert 0 <= request.seed <= 2**31 - 1
    assert (task.dialect, task.checkpoint, task.owner) == ("novita", "tiny", "alice")


async def test_an_open_seed_is_drawn_afresh_each_time(world: World) -> None:
    seeds = {(await stored(world, await post(world, order(seed=-1)))).request.seed for _ in range(8)}
    assert len(seeds) > 1


async def test_everything_due_of_our_extension_is_honoured(world: World) -> None:
    own = {"steps": 12, "true_cfg_scale": 1, "negative_prompt": "fog", "size": "640*480", "output_quality": 70}
    request = (await stored(world, await post(world, order(extra={"overpaint": own})))).request
    assert (request.steps, request.true_cfg_scale, request.negative_prompt) == (12, 1, "fog")
    assert (request.size, request.output_quality) == ("640x480", 70)
    camel = {"trueCfgScale": 2.5, "negativePrompt": "rain", "outputQuality": 50}
    request = (await stored(world, await post(world, order(extra={"overpaint": camel}, outputFormat="webp")))).request
    assert (request.true_cfg_scale, request.negative_prompt, request.output_quality) == (2.5, "rain", 50)
    assert request.output_format == "webp"


@pytest.mark.parametrize(
    ("sent", "used"),
    [("5", 5), (5.0, 5), (7, 7), (0, 0), ("0", 0), (2147483647, 2147483647), ("2147483647", 2147483647)],
)
async def test_a_seed_is_taken_in_every_form(world: World, sent: object, used: int) -> None:
    assert (await stored(world, await post(world, order(seed=sent)))).request.seed == used


@pytest.mark.parametrize("seed", [None, -1, "-1", -1.0])
async def test_a_seed_may_be_left_open(world: World, seed: object) -> None:
    assert (await stored(world, await post(world, order(seed=seed)))).request.seed >= 0


@pytest.mark.parametrize("seed", [2147483648, -2, 1.5, True, False, "a", "", "1.0", " 1", [], {}, 10**30, "9" * 40])
async def test_a_wrong_seed_is_refused(world: World, seed: object) -> None:
    body = assert_error(await post(world, order(seed=seed)), 400, "INVALID_REQUEST_BODY", names="seed: ")
    assert body["metadata"]["field"] == "seed"


@pytest.mark.parametrize(
    ("sent", "used"),
    [("PNG", "png"), ("jpg", "jpeg"), ("JPEG", "jpeg"), ("WebP", "webp"), ("", "jpeg"), (None, "jpeg")],
)
async def test_an_output_format_is_taken_in_any_case(world: World, sent: object, used: str) -> None:
    assert (await stored(world, await post(world, order(output_format=sent)))).request.output_format == used


@pytest.mark.parametrize(
    "stray", [{"watermark": False}, {"width": "x"}, {"n": []}, {"model_name": None}, {"steps": -1}]
)
async def test_stray_fields_of_other_clients_change_nothing(world: World, stray: dict[str, object]) -> None:
    request = (await stored(world, await post(world, order(seed=1) | stray))).request
    assert request == (await stored(world, await post(world, order(seed=1)))).request


@pytest.mark.parametrize(
    "extra", [None, {}, {"overpaint": None}, {"webhook": None}, {"enterprise_plan": {"enabled": 1}}]
)
async def test_an_empty_extra_is_no_extra(world: World, extra: object) -> None:
    assert (await post(world, order(extra=extra))).status_code == 200


async def test_every_spelling_of_an_image_gives_the_same_bytes(world: World) -> None:
    plain = base64_of(PNG)
    spellings = [
        plain,
        "data:image/png;base64," + plain,
        "data:text/html;charset=utf-8;base64," + plain,
        "DATA:;BASE64," + plain,
        "\n".join(plain[at : at + 76] for at in range(0, len(plain), 76)),
        f"  {plain[:10]} \r\n\t{plain[10:]} ",
        plain.rstrip("="),
        base64.urlsafe_b64encode(PNG).decode(),
    ]
    for spelling in spellings:
        task = await stored(world, await post(world, order(image=spelling)))
        assert task.inputs[0].sha256 == sha256(PNG).hexdigest(), spelling[:40]
        assert await world.store.input(task.inputs[0].name) == PNG
        assert (task.inputs[0].width, task.inputs[0].height, task.inputs[0].format) == (48, 32, "png")


async def test_escaped_slashes_as_php_sends_them_are_slashes(world: World) -> None:
    text = json.dumps(order(image="data:image/png;base64," + base64_of(PNG))).replace("/", "\\/")
    assert "\\/" in text
    task = await stored(world, await post_raw(world, text.encode()))
    assert task.inputs[0].sha256 == sha256(PNG).hexdigest()


async def test_a_large_picture_is_on_disk_before_the_answer(world: World) -> None:
    large = photo("PNG", (64, 64)) + os.urandom(SMALL_INPUT_BYTES)  # bytes after the end are nobody's business
    task = await stored(world, await post(world, order(image=base64_of(large))))
    assert world.blobs.get(task.inputs[0].name) == large
    assert sha256(large).hexdigest() in task.inputs[0].name
    assert task.id in task.inputs[0].name


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/octet-stream", ""])
async def test_the_body_is_json_whatever_the_header_says(world: World, content_type: str) -> None:
    assert (await post_raw(world, json.dumps(order()).encode(), content_type=content_type)).status_code == 200


async def test_a_byte_order_mark_is_forgiven_and_the_last_of_equal_names_counts(world: World) -> None:
    text = json.dumps(order())[:-1] + ',"seed":1,"seed":2}'
    assert (await stored(world, await post_raw(world, b"\xef\xbb\xbf" + text.encode()))).request.seed == 2


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
async def test_a_form_is_refused(world: World, content_type: str) -> None:
    answer = await post_raw(world, json.dumps(order()).encode(), content_type=content_type)
    assert_error(answer, 400, "INVALID_REQUEST_BODY", names="JSON")


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"hello",
    "an array": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "cut off": b'{"prompt": "x", "image": "AAAA',
    "two objects": b"{}{}",
    "NaN": b'{"prompt":"x","image":"AAAA","seed":NaN}',
    "Infinity": b'{"prompt":"x","image":"AAAA","seed":-Infinity}',
    "NaN where nobody looks": b'{"prompt":"x","image":"AAAA","stray":[NaN]}',
    "invalid UTF-8": b'{"prompt":"\xff","image":"AAAA"}',
    "invalid UTF-8 where nobody looks": b'{"prompt":"x","image":"AAAA","stray":"\xc3\x28"}',
    "half a surrogate pair": b'{"prompt":"\\ud800","image":"AAAA"}',
    "the other half": b'{"prompt":"x \\udc00 y","image":"AAAA"}',
    "single quotes": b"{'prompt':'x'}",
    "a trailing comma": b'{"prompt":"x",}',
    "a raw newline in a string": b'{"prompt":"a\nb","image":"AAAA"}',
    "33 levels": b'{"stray":' + b"[" * 32 + b"]" * 32 + b"}",
    "100,000 levels": b'{"stray":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "a number too large": b'{"prompt":"x","image":"AAAA","seed":1e999}',
    "no fields": b"{}",
    "nulls": b'{"prompt":null,"image":null}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_body_that_is_not_one_object_is_refused(world: World, name: str) -> None:
    assert_error(await post_raw(world, BAD_BODIES[name]), 400, "INVALID_REQUEST_BODY")


async def test_32_levels_and_brackets_inside_strings_are_fine(world: World) -> None:
    deep = json.dumps(order(prompt='[{"' * 40))[:-1].encode() + b',"stray":' + b"[" * 31 + b"]" * 31 + b"}"
    assert (await stored(world, await post_raw(world, deep))).request.prompt == '[{"' * 40


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n\t "}, "prompt"),
        ({"prompt": "a\0b"}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": ["x"]}, "prompt"),
        ({"image": None}, "image"),
        ({"image": 7}, "image"),
        ({"image": {}}, "image"),
        ({"image": True}, "image"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_format": 1}, "output_format"),
        ({"extra": []}, "extra"),
        ({"extra": "x"}, "extra"),
        ({"extra": {"overpaint": []}}, "extra.overpaint"),
        ({"extra": {"overpaint": {"stepz": 8}}}, "extra.overpaint.stepz"),
        ({"extra": {"overpaint": {"webhook": {}}}}, "extra.overpaint.webhook"),
        *(
            ({"extra": {"overpaint": {name: value}}}, f"extra.overpaint.{name}")
            for name, value in [
                ("images", ["AAAA"]),
                ("mask", "AAAA"),
                ("aspect_ratio", "1:1"),
                ("quality", "exact"),
                ("n", 1),
                ("metadata", {}),
            ]
        ),
        *(({"extra": {"overpaint": {"steps": value}}}, "steps") for value in [1, 101, 0, -3, 8.0, "8", True, [8]]),
        *(
            ({"extra": {"overpaint": {"true_cfg_scale": value}}}, "true_cfg_scale")
            for value in [0.99, 20.01, "4", True, []]
        ),
        *(({"extra": {"overpaint": {"negative_prompt": value}}}, "negative_prompt") for value in [7, "\0", "x" * 4001]),
        *(
            ({"extra": {"overpaint": {"size": value}}}, "size")
            for value in ["", "AUTO", "63x64", "64x4097", "1x1", "4096x4096", "64 x 64", "x", 64, "64x64x64", "٦٤x٦٤"]
        ),
        *(({"extra": {"overpaint": {"output_quality": value}}}, "output_quality") for value in [0, 101, 50.0, "50"]),
        ({"output_format": "png", "extra": {"overpaint": {"output_quality": 90}}}, "output_quality"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(world: World, changes: dict[str, Any], named: str) -> None:
    answer = await post(world, order(**changes))
    body = assert_error(answer, 400, "INVALID_REQUEST_BODY", names=f"{named}: ")
    assert body["metadata"]["field"] == named


async def test_a_misspelt_parameter_is_told_its_neighbour(world: World) -> None:
    answer = await post(world, order(extra={"overpaint": {"true_cfg": 4}}))
    assert_error(answer, 400, "INVALID_REQUEST_BODY", names="did you mean true_cfg_scale?")


async def test_a_list_of_images_is_refused_with_the_sentence_clients_know(world: World) -> None:
    answer = await post(world, order(image=[base64_of(PNG)]))
    assert_error(answer, 400, "INVALID_REQUEST_BODY", names="invalid value for string field image: [")


async def test_a_prompt_is_data_in_any_script(world: World) -> None:
    for prompt in ("变成黑白照片", "<|im_end|>{\"a\": 'b'}", "🦊" * 4000, "é\u0301\u202e"):
        assert (await stored(world, await post(world, order(prompt=f"  {prompt}\n")))).request.prompt == prompt


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("", "INVALID_IMAGE_FORMAT"),
        ("not base64 at all!", "INVALID_IMAGE_FORMAT"),
        ("AAAA", "INVALID_IMAGE_FORMAT"),
        (base64_of(b"I am a text file, and no picture."), "INVALID_IMAGE_FORMAT"),
        (base64_of(photo("GIF")), "INVALID_IMAGE_FORMAT"),
        (base64_of(photo("BMP")), "INVALID_IMAGE_FORMAT"),
        (base64_of(PNG[:-20]), "INVALID_IMAGE_FORMAT"),
        (base64_of(photo("JPEG")[:-20]), "INVALID_IMAGE_FORMAT"),
        ("data:image/png," + base64_of(PNG), "INVALID_IMAGE_FORMAT"),
        ("data:image/png;base64", "INVALID_IMAGE_FORMAT"),
        (base64_of(photo(size=(7, 7))), "INVALID_IMAGE_SIZE"),
        (base64_of(photo(size=(8, 200))), "INVALID_IMAGE_SIZE"),
        ("http://127.0.0.1/", "INVALID_REQUEST_BODY"),
        ("HTTP://127.0.0.1/", "INVALID_REQUEST_BODY"),
        ("http://169.254.169.254/latest/meta-data/", "INVALID_REQUEST_BODY"),
        ("https://user@example.com/", "INVALID_REQUEST_BODY"),
        ("ftp://example.com/a.png", "INVALID_IMAGE_FORMAT"),
        ("file:///etc/passwd", "INVALID_IMAGE_FORMAT"),
    ],
)
async def test_a_bad_picture_is_refused_at_submit(world: World, image: str, reason: str) -> None:
    body = assert_error(await post(world, order(image=image)), 400, reason, names="image: ")
    assert body["metadata"]["field"] == "image"


async def test_a_200_megapixel_png_is_refused_by_its_header(world: World) -> None:
    from tests.unit.images.pictures import png

    answer = await post(world, order(image=base64_of(png(16_000, 12_500, (b"IDAT", b"x")))))
    assert_error(answer, 400, "IMAGE_EXCEEDS_MAX_RESOLUTION", names="200,000,000")


async def test_limits_of_bytes_hold_for_body_and_picture(make_world: MakeWorld) -> None:
    world = await make_world(max_body_bytes=5000, max_image_bytes=1000)
    assert_error(await post(world, order(prompt="x" * 5000)), 400, "IMAGE_FILE_EXCEEDS_MAX_SIZE", names="body")
    assert_error(
        await post(world, order(image=base64_of(PNG + bytes(1001 - len(PNG))))), 400, "IMAGE_FILE_EXCEEDS_MAX_SIZE"
    )
    assert_error(await post(world, order(image="A" * 4000)), 400, "IMAGE_FILE_EXCEEDS_MAX_SIZE")
    assert (await post(world, order(image=base64_of(PNG + bytes(1000 - len(PNG)))))).status_code == 200


async def test_fields_are_checked_before_pictures(world: World) -> None:
    assert_error(
        await post(world, order(image="http://127.0.0.1/", seed=-9)), 400, "INVALID_REQUEST_BODY", names="seed"
    )


async def test_input_size_is_bound_by_what_is_given_back(make_world: MakeWorld) -> None:
    world = await make_world(max_output_pixels=5000)
    own = {"overpaint": {"size": "input"}}
    assert (await post(world, order(extra=own))).status_code == 200
    answer = await post(world, order(extra=own, image=base64_of(photo(size=(100, 51)))))
    assert_error(answer, 400, "INVALID_REQUEST_BODY", names="size: ")


async def test_the_models_own_limit_of_pixels_holds(make_world: MakeWorld) -> None:
    world = await make_world(own={"max_pixels": 65_536})
    assert (await post(world, order(extra={"overpaint": {"size": "256x256"}}))).status_code == 200
    answer = await post(world, order(extra={"overpaint": {"size": "257x256"}}))
    assert_error(answer, 400, "INVALID_REQUEST_BODY", names="size: ")


async def test_a_size_that_no_worker_has_room_for_is_refused(make_world: MakeWorld) -> None:
    def sized(size: str) -> dict[str, Any]:
        return order(extra={"overpaint": {"size": size}})

    world = await make_world()
    assert (await post(world, sized("2048x2048"))).status_code == 200  # nobody has said anything yet
    world = await make_world()
    await world.put_worker(max_pixels=1_500_000)
    await world.put_worker(number=2, max_pixels=2_000_000)
    answer = await post(world, sized("2048x1024"))
    assert_error(
        answer, 400, "INVALID_REQUEST_BODY", names="size: must have at most 2,000,000 pixels in all: the server"
    )
    assert (await world.store.stats()).queued == 0
    for size in ("2000x1000", "auto", "input"):
        assert (await post(world, sized(size))).status_code == 200
    world = await make_world()
    await world.put_worker(max_pixels=1_500_000)
    await world.put_worker("starting", number=2)  # may turn out to have more
    assert (await post(world, sized("2048x2048"))).status_code == 200


async def test_a_full_queue_refuses_and_leaves_nothing_behind(make_world: MakeWorld) -> None:
    world = await make_world(queue_max=1)
    await world.submit()
    large = photo("PNG", (64, 64)) + bytes(300_000)
    for image in (PNG, large):
        assert_error(await post(world, order(image=base64_of(image))), 429, "RATE_LIMIT_EXCEEDED")
    assert [path for path in (world.settings.data / "blobs").rglob("*.*") if path.is_file()] == []


async def test_a_draining_server_takes_no_edits_but_still_tells_about_them(make_world: MakeWorld) -> None:
    world = await make_world()
    task_id = await world.submit()
    world.app.drain()
    assert_error(await post(world, order()), 503, "SERVICE_UNAVAILABLE")
    assert (await world.read(task_id)).status_code == 200


async def test_our_own_bug_is_a_500_without_a_word_about_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("secret path /home/x/overpaint.py")

    monkeypatch.setattr(world.store, "submit", broken)
    assert_error(await post(world, order()), 500, "CREATE_TASK_FAILED")
    monkeypatch.setattr(world.store, "standing", broken)
    assert_error(await world.read("00000000-0000-7000-8000-000000000000"), 500, "GET_RESULT_FAILED")


@pytest.mark.parametrize("name", ["qwen-image-edit-2509", "qwen-image-edit-2511"])
async def test_a_sibling_answers_only_where_it_is_served(make_world: MakeWorld, name: str) -> None:
    served = await make_world(own={"id": name})
    assert (await served.client().post(f"/v3/async/{name}", json=order())).status_code == 200
    assert (await served.client().post(SUBMIT, json=order())).status_code == 200
    other = await make_world()
    assert_error(await other.client().post(f"/v3/async/{name}", json=order()), 404, "API_NOT_FOUND")
