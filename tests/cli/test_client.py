"""The SDK against a stand-in that speaks the wire: what it sends, what it repeats, what it raises.

How it gets on with the real server is the business of tests/docs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from overpaint import client as sdk
from overpaint.client import Busy, Client, EditStatus, EditUnsuccessful, GaveUpWaiting, NotPermitted, Unreachable
from overpaint.errors import EditNotFound, InvalidApiKey, InvalidRequest, OverpaintError, TryLater

TASK = "0199aaaa-0000-7000-8000-000000000001"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds the SDK would have slept."""
    slept: list[float] = []
    monkeypatch.setattr(sdk.time, "sleep", slept.append)
    return slept


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[Client]:
    with Client(httpserver.url_for(""), "op_key") as made:
        yield made


def result(status: str, *, reason: str = "", urls: tuple[str, ...] = (), step: int = 0) -> dict[str, Any]:
    return {
        "extra": {"seed": "7", "overpaint": {"queue_position": 0, "step": step, "steps": 2}},
        "task": {"task_id": TASK, "status": status, "reason": reason, "eta": 3, "progress_percent": 50 * step},
        "images": [{"image_url": url, "image_url_ttl": "3600", "image_type": "png"} for url in urls],
        "videos": [],
        "audios": [],
    }


def one_after_the_other(*answers: Response) -> Callable[[Request], Response]:
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def refusal(status: int, reason: str = "", message: str = "m", **headers: str) -> Response:
    body = json.dumps({"code": status, "reason": reason, "message": message, "metadata": {}})
    return Response(body, status, {"X-Request-Id": "r-1", **headers}, content_type="application/json")


def accepted() -> Response:
    return Response(f'{{"task_id":"{TASK}"}}', content_type="application/json")


def test_a_submit_sends_the_picture_and_only_what_was_asked(
    httpserver: HTTPServer, client: Client, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8photo")
    asked: list[Request] = []
    httpserver.expect_request(sdk.SUBMIT, method="POST").respond_with_handler(
        lambda request: (asked.append(request), accepted())[1]
    )
    for image in (photo, str(photo), b"\xff\xd8photo"):
        assert client.submit(image, "变成黑白", seed=5, size="input").id == TASK
    for request in asked:
        assert request.headers["Authorization"] == "Bearer op_key"
        assert request.get_json() == {
            "prompt": "变成黑白",
            "image": base64.b64encode(b"\xff\xd8photo").decode(),
            "seed": 5,
            "output_format": "jpeg",
            "extra": {"overpaint": {"size": "input"}},
        }
    client.submit("https://example.org/a.jpg", "darker")
    assert asked[-1].get_json()["image"] == "https://example.org/a.jpg"
    assert "extra" not in asked[-1].get_json()


def test_waiting_polls_to_the_end_and_downloads_without_the_key(
    httpserver: HTTPServer, client: Client, pauses: list[float], tmp_path: Path
) -> None:
    link = httpserver.url_for("/files/1-0.png?sig=s")
    httpserver.expect_request(sdk.RESULT, query_string={"task_id": TASK}).respond_with_handler(
        one_after_the_other(
            json_answer(result("TASK_STATUS_QUEUED")),
            json_answer(result("TASK_STATUS_PROCESSING", step=1)),
            json_answer(result("TASK_STATUS_SUCCEED", step=2, urls=(link,))),
        )
    )
    fetched: list[Request] = []
    httpserver.expect_request("/files/1-0.png").respond_with_handler(
        lambda request: (fetched.append(request), Response(b"picture", content_type="image/png"))[1]
    )
    seen: list[EditStatus] = []
    picture = client.task(TASK).wait(watch=seen.append)
    assert [now.status for now in seen] == ["queued", "processing"]
    assert (picture.bytes, picture.format, picture.seed, picture.url) == (b"picture", "png", 7, link)
    assert picture.save(tmp_path / "a.png").read_bytes() == b"picture"
    assert "Authorization" not in fetched[0].headers


def json_answer(value: object) -> Response:
    return Response(json.dumps(value), content_type="application/json")


def test_a_failed_edit_raises_with_the_servers_word(httpserver: HTTPServer, client: Client) -> None:
    body = result("TASK_STATUS_FAILED", reason="out_of_memory: The device has not enough memory.")
    httpserver.expect_request(sdk.RESULT).respond_with_json(body)
    with pytest.raises(EditUnsuccessful, match="The device has not enough memory") as failure:
        client.task(TASK).wait()
    assert failure.value.code == "out_of_memory"


def test_giving_up_names_the_task(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request(sdk.RESULT).respond_with_json(result("TASK_STATUS_QUEUED"))
    with pytest.raises(GaveUpWaiting, match=TASK):
        client.task(TASK).wait(timeout=0)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(403, "INVALID_API_KEY"), InvalidApiKey),
        (refusal(403, "API_NOT_ALLOWED"), NotPermitted),
        (refusal(404, "TASK_NOT_FOUND"), EditNotFound),
        (refusal(400, "INVALID_REQUEST_BODY", "seed: must be between -1 and 2147483647"), InvalidRequest),
        (Response(b"<html>", 502), OverpaintError),
    ],
)
def test_refusals_have_names_and_keep_the_request_id(
    httpserver: HTTPServer, client: Client, pauses: list[float], answer: Response, kind: type[OverpaintError]
) -> None:
    httpserver.expect_request(sdk.RESULT).respond_with_response(answer)
    with pytest.raises(kind) as raised:
        client.task(TASK).status()
    assert type(raised.value) is kind
    assert raised.value.status == answer.status_code
    assert raised.value.facts["request_id"] == answer.headers.get("X-Request-Id", "")


def test_an_invalid_request_says_what_the_server_said(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request(sdk.SUBMIT).respond_with_response(refusal(400, "INVALID_REQUEST_BODY", "seed: too large"))
    with pytest.raises(InvalidRequest, match=r"^seed: too large$"):
        client.submit(b"x", "p", seed=2**40)


# Asking again: each row is (method under test, the server's first answer, whether a second request follows)

SAFE = [("status", code, True) for code in (408, 429, 500, 502, 503)] + [
    ("status", code, False) for code in (400, 403, 404)
]
UNSAFE = [("submit", code, code in (429, 503)) for code in (400, 403, 408, 429, 500, 502, 503)]


@pytest.mark.parametrize(("what", "status", "is_repeated"), SAFE + UNSAFE)
def test_only_what_is_safe_is_sent_again(
    httpserver: HTTPServer, client: Client, pauses: list[float], what: str, status: int, is_repeated: bool
) -> None:
    """A submit is repeated only after 429 and 503: there the contract says that nothing was accepted."""
    good = accepted() if what == "submit" else json_answer(result("TASK_STATUS_QUEUED"))
    httpserver.expect_request(sdk.SUBMIT if what == "submit" else sdk.RESULT).respond_with_handler(
        one_after_the_other(refusal(status), good)
    )
    send = (lambda: client.submit(b"x", "p")) if what == "submit" else client.task(TASK).status
    if is_repeated:
        send()
    else:
        with pytest.raises(OverpaintError):
            send()
    assert len(httpserver.log) == (2 if is_repeated else 1)
    assert len(pauses) == (1 if is_repeated else 0)


def test_retry_after_is_honoured_up_to_a_bound(httpserver: HTTPServer, client: Client, pauses: list[float]) -> None:
    httpserver.expect_request(sdk.SUBMIT).respond_with_handler(
        one_after_the_other(refusal(503, **{"Retry-After": "7"}), refusal(503, **{"Retry-After": "9999"}), accepted())
    )
    client.submit(b"x", "p")
    assert pauses == [7.0, sdk.LONGEST_PAUSE_SECONDS]


@pytest.mark.parametrize(("status", "kind"), [(429, Busy), (503, TryLater)])
def test_tries_end(
    httpserver: HTTPServer, client: Client, pauses: list[float], status: int, kind: type[OverpaintError]
) -> None:
    httpserver.expect_request(sdk.SUBMIT).respond_with_response(refusal(status))
    with pytest.raises(kind):
        client.submit(b"x", "p")
    assert len(httpserver.log) == sdk.TRIES


def test_nobody_there(pauses: list[float]) -> None:
    """A refused connection accepted nothing, so even a submit is tried again; then the address is named."""
    with Client("http://127.0.0.1:1", "k") as client, pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        client.submit(b"x", "p")
    assert len(pauses) == sdk.TRIES - 1


def test_the_environment_names_server_and_key(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERPAINT_URL", httpserver.url_for("/"))
    monkeypatch.setenv("OVERPAINT_API_KEY", "op_env")
    httpserver.expect_request(sdk.RESULT, headers={"Authorization": "Bearer op_env"}).respond_with_json(
        result("TASK_STATUS_QUEUED")
    )
    with Client() as client:
        assert client.task(TASK).status().status == "queued"
