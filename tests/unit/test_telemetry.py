"""Logs: an allow-list holds, whatever a caller of the logger hands in."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from overpaint.masking import masked
from overpaint.settings import load
from overpaint.telemetry import configure_logging


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in (sys, threading):
        monkeypatch.setattr(module, "excepthook", module.excepthook)
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    logging.getLogger().handlers.clear()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_a_line_is_json_on_stderr_with_allowed_fields_only(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(log_format="json"))
    structlog.get_logger().info("edit_finished", task_id="t", queue_ms=3, prompt="mine", api_key="k", image=b"x")
    (line,) = lines(capsys)
    assert list(line)[:3] == ["ts", "level", "event"]
    assert line.pop("ts")
    assert line == {"event": "edit_finished", "level": "info", "task_id": "t", "queue_ms": 3}


def test_a_line_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes share the pipe: a line end that came after would let another's line in between."""
    stream, written = io.StringIO(), list[str]()
    monkeypatch.setattr(stream, "write", written.append)
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging(load(log_format="json"))
    structlog.get_logger().info("edit_finished", task_id="t")
    (line,) = written
    assert line.endswith("}\n")


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


KEY = "op_" + "a" * 8 + "_" + "b" * 32
OWN_KEY = "chosen-by-the-operator"
SECRETS = (KEY, OWN_KEY, "whsec_" + "C" * 43, "sig=abcdef", "QUJD" * 30)


@pytest.fixture(params=["json", "text"])
def configured(request: pytest.FixtureRequest) -> Callable[..., None]:
    """configured(log_prompts=True): logging in one of the two formats."""
    return lambda **settings: configure_logging(load(log_format=request.param, api_key=OWN_KEY, **settings))


def fail(secret: str) -> None:
    prompt = "a prompt of mine"
    raise ValueError(f"{len(prompt)} {secret}")


def test_a_traceback_is_in_the_log_without_values_secrets_and_folders(
    configured: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configured()
    for secret in (*SECRETS[:3], f"/files/x?exp=1&{SECRETS[3]}", SECRETS[4]):
        try:
            fail(secret)
        except ValueError:
            structlog.get_logger().exception("request failed")
    err = capsys.readouterr().err
    assert err.count("ValueError: 16 ") == err.count("test_telemetry.py") / 2 == len(SECRETS)
    assert "a prompt of mine'" not in err
    for secret in (*SECRETS, str(Path(__file__).parent)):
        assert secret not in err


def test_what_dies_in_a_thread_or_warns_is_a_line_of_ours_too(
    configured: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configured()
    thread = threading.Thread(target=fail, args=(KEY,))
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"beware of {KEY}", stacklevel=1)
    err = capsys.readouterr().err
    assert "uncaught" in err and "ValueError" in err and "beware of ***" in err
    for secret in (KEY, str(Path(__file__).parent)):
        assert secret not in err


def test_a_prompt_is_logged_only_when_asked_for_and_is_always_one_line(
    configured: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = "make it snow\n\x1b[31mERROR all is lost"
    for log_prompts in (False, True):
        configured(log_prompts=log_prompts)
        structlog.get_logger().info("edit finished", prompt=prompt, prompt_characters=len(prompt))
        err = capsys.readouterr().err
        assert ("make it snow" in err) is log_prompts
        assert err.count("\n") == 1
        assert "\x1b[31m" not in err
        assert re.search(rf"prompt_characters\W+{len(prompt)}", err)


def test_no_value_is_shown_unmasked_for_not_being_a_text(
    configured: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configured()
    structlog.get_logger().info("x", problem=ValueError(KEY), images=[Path("/srv/me/a"), KEY], message=KEY.encode())
    err = capsys.readouterr().err
    assert KEY not in err and "/srv/me" not in err and "…/a" in err


def test_ids_that_are_bound_stand_on_every_line(
    configured: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configured()
    with structlog.contextvars.bound_contextvars(task_id="t1", request_id="r1", prompt="mine"):
        structlog.get_logger().warning("storage does not answer")
        logging.getLogger("a.library").warning("hm")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("t1" in line and "r1" in line and "mine" not in line for line in lines)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('File "/home/me/overpaint/store/sqlite.py", line 3', 'File "…/overpaint/store/sqlite.py", line 3'),
        ("/srv/data/overpaint.sqlite3 is locked", "…/overpaint.sqlite3 is locked"),
        ("The folder /data cannot be used", "The folder …/data cannot be used"),
        ("not '/tmp/' nor /srv/my/: / is", "not '…/' nor …/: / is"),
        ("see http://a.example/b/c.png", "see http://a.example/b/c.png"),
        ("26 MB/s, 1/2, application/json, …/x", "26 MB/s, 1/2, application/json, …/x"),
    ],
)
def test_folders_are_cut_and_nothing_else(text: str, left: str) -> None:
    assert masked(text) == left


def test_a_line_that_cannot_be_written_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        with pytest.raises(OSError, match="No space left"):
            os.write(full.fileno(), b"a line")
        monkeypatch.setattr(sys, "stderr", full)
        configure_logging(load())
        try:
            structlog.get_logger().error("process died")
            is_harmed = False
        except OSError:
            is_harmed = True
        monkeypatch.undo()
        full.buffer.raw.close()
    assert not is_harmed
