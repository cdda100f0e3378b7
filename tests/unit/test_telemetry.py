"""Logs: an allow-list holds, whatever a caller of the logger hands in."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from overpaint.settings import load
from overpaint.telemetry import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_a_line_is_json_on_stderr_with_allowed_fields_only(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    structlog.get_logger().info("edit_finished", task_id="t", queue_ms=3, prompt="mine", api_key="k", image=b"x")
    (line,) = lines(capsys)
    assert line.pop("ts")
    assert line == {"event": "edit_finished", "level": "info", "task_id": "t", "queue_ms": 3}


def test_secrets_inside_texts_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    key = "op_" + "a" * 8 + "_" + "b" * 32
    structlog.get_logger().info("x", message=f"{key} /files/a?exp=1&sig=abcdef {'A' * 80}==", status=1)
    logging.getLogger("some.library").warning("sent %s", key)
    text = json.dumps(lines(capsys))
    assert key not in text
    assert "abcdef" not in text
    assert "AAAA" not in text


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    (line,) = lines(capsys)
    assert (line["logger"], line["message"]) == ("uvicorn.error", "Invalid HTTP request received.")


def test_the_level_is_the_operators(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json", log_level="warning"))
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_a_traceback_is_in_the_log_but_no_values_of_variables(capsys: pytest.CaptureFixture[str]) -> None:
    for format in ("json", "text"):
        configure_logging(load(log_format=format))
        try:
            prompt = "a prompt of mine"
            raise ValueError(len(prompt))
        except ValueError:
            structlog.get_logger().exception("request_failed")
        err = capsys.readouterr().err
        assert "ValueError: 16" in err
        assert "a prompt of mine'" not in err
