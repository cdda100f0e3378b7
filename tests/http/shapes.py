"""The shapes every answer must have: one assertion for the errors of all routes, one for a task read."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from httpx2 import Response

from tests.secrecy import REVEALING_WORDS

FOUR_WORDS = {
    "TASK_STATUS_QUEUED",
    "TASK_STATUS_PROCESSING",
    "TASK_STATUS_SUCCEED",
    "TASK_STATUS_FAILED",
}


def assert_headers(answer: Response) -> None:
    """What every answer carries."""
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["x-request-id"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    if not answer.request.url.path.startswith("/files/"):
        assert answer.headers["cache-control"] == "no-store"


def assert_error(answer: Response, status: int, word: str, *, names: str = "") -> dict[str, Any]:
    """An error in the shape of its path: `word` is Novita's `reason`, or the code of a problem+json."""
    assert answer.status_code == status, answer.text
    assert_headers(answer)
    body: dict[str, Any] = {} if answer.request.method == "HEAD" else answer.json()
    if re.match(r"/(v3|v3beta|openapi|openai)(/|$)", answer.request.url.path):
        assert answer.headers["content-type"] == "application/json"
        assert set(body) == {"code", "reason", "message", "metadata"}
        assert type(body["code"]) is int
        assert body["code"] == status
        assert body["reason"] == word
        assert isinstance(body["message"], str)
        assert body["message"]
        assert all(isinstance(value, str) for value in body["metadata"].values())
        assert names in body["message"]
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["status"] == status
        assert body["code"] == word
        assert body["type"] == f"/docs/errors#{word}"
        assert body["request_id"] == answer.headers["x-request-id"]
        assert body["title"]
        assert names in body["detail"]
    assert not REVEALING_WORDS.search(answer.text), answer.text
    if status in (429, 503):
        assert 1 <= int(answer.headers["retry-after"]) <= 120
    return body


def assert_result(answer: Response, status: str) -> dict[str, Any]:
    """A task read, with everything that has ever crashed a client's parser."""
    assert answer.status_code == 200, answer.text
    assert_headers(answer)
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert set(body) == {"extra", "task", "images", "videos", "audios"}
    assert set(body["extra"]) == {"seed", "enable_nsfw_detection", "has_nsfw_contents", "overpaint"}
    assert re.fullmatch(r"[0-9]{1,10}", body["extra"]["seed"])
    assert body["extra"]["enable_nsfw_detection"] is False
    assert body["extra"]["has_nsfw_contents"] == []
    task = body["task"]
    assert set(task) == {"task_id", "task_type", "status", "reason", "eta", "progress_percent"}
    assert task["task_type"] == "QWEN_IMAGE_EDIT"
    assert task["status"] in FOUR_WORDS
    assert task["status"] == status, task
    assert type(task["eta"]) is int
    assert task["eta"] >= 0
    assert type(task["progress_percent"]) is int
    assert isinstance(task["reason"], str)
    assert body["videos"] == body["audios"] == []
    if status != "TASK_STATUS_SUCCEED":
        assert body["images"] == []
    for image in body["images"]:
        assert_image(image)
    return body


def assert_image(image: dict[str, Any]) -> None:
    """One finished picture of a task read."""
    assert set(image) == {"image_url", "image_url_ttl", "image_type", "nsfw_detection_result"}
    assert image["nsfw_detection_result"] is None
    assert isinstance(image["image_url_ttl"], str)
    assert int(image["image_url_ttl"]) > 0
    url = urlsplit(image["image_url"])
    assert url.scheme in ("http", "https")
    assert url.netloc
    assert url.path.endswith("." + image["image_type"])
