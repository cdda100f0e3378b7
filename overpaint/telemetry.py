"""Logs and metrics: what the operator sees.

Knows the allowed log fields and the metric table. Does not know who logs. A log line is an event word and fields from
an allow-list; anything else (a prompt, a key, a URL's query, picture bytes) is dropped here, not by good intentions.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from overpaint import __version__
from overpaint.settings import Settings

FIELDS = re.compile(
    r"""(?x) ts | timestamp | level | event | exc_info | exception | logger | message
    | request_id | task_id | attempts? | worker | worker_id | key_id | pid
    | device | checkpoint | dtype | state | outcome | code | status | method | route | dialect | field
    | steps? | seed | size | width | height | images | count | restarts | deaths | exit_code | signal
    | host | port | version | hint | problem | process | reason | seconds | requeued | failed | canceled | erased
    | \w+_(?:ms|seconds|bytes|pixels|percent)"""
)
_SECRETS = re.compile(r"op_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}|\?[^\s\"']{8,}|[A-Za-z0-9+/_-]{65,}={0,2}")


def configure_logging(settings: Settings) -> None:
    """Sends our lines, and the libraries' warnings, to stderr: text on a terminal, else one JSON object a line."""
    is_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    level = getattr(logging, settings.log_level.upper())
    text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    render: list[Any] = [_masked, text] if is_text else [structlog.processors.format_exc_info, _masked, _JSON]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp" if is_text else "ts"),
            _allowed_fields_only,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)


def _allowed_fields_only(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if FIELDS.fullmatch(name)}


def _masked(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hides keys, URL queries and long base64 that reached a line inside a text, say in a library's message."""
    return {name: _SECRETS.sub("***", value) if isinstance(value, str) else value for name, value in event.items()}


class _Libraries(logging.Handler):
    """Libraries log through the standard module; their warnings become lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info)


_JSON = structlog.processors.JSONRenderer(ensure_ascii=False)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The API process's metric table. Label values come from closed sets: no owner, id, prompt or URL."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series for each, which nobody asked for
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"namespace": "overpaint", "registry": self.registry}
        self.requests = Counter("http_requests", "Requests answered.", ("dialect", "route", "method", "status"), **own)
        self.request_seconds = Histogram(
            "http_request_duration_seconds", "Time to answer a request.", ("dialect", "route"), buckets=_SECONDS, **own
        )
        self.submitted = Counter("edits_submitted", "Edits accepted.", ("dialect", "model"), **own)
        self.rejections = Counter("rejections", "Requests refused, by internal code.", ("code",), **own)
        self.fetches = Counter("image_fetches", "Image URLs fetched at submit.", ("outcome",), **own)
        self.leases_lost = Counter("leases_lost", "Attempts whose worker fell silent.", **own)
        self.edits = Gauge("edits", "Edits not yet at an end.", ("status",), **own)
        self.oldest_age = Gauge("queue_oldest_age_seconds", "Age of the longest waiting edit.", **own)
        self.workers = Gauge("workers", "Live workers.", ("state",), **own)
        Gauge("build_info", "1; the version is the label.", ("version",), **own).labels(__version__).set(1)
