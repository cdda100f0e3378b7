"""Logs and metrics: what the operator sees.

Knows the allowed log fields and the metric table. Does not know who logs or counts. A log line is an event word and
fields from an allow-list; anything else (a prompt, a key, a URL's query, picture bytes) is dropped here, not by good
intentions. Ids bound with `structlog.contextvars` stand on every line until they are unbound.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from itertools import groupby
from math import inf
from types import TracebackType
from typing import Any, NamedTuple, TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from overpaint import __version__
from overpaint.masking import masked
from overpaint.settings import Settings

FIELDS = re.compile(
    r"""(?x) ts | timestamp | level | event | exc_info | exception | logger | message
    | request_id | task_id | trace_id | attempts? | worker | worker_id | key_id | pid
    | device | checkpoint | dtype | weights | state | outcome | code | status | method | route | dialect | field
    | steps? | seed | size | width | height | images | count | restarts | deaths | exit_code | signal
    | action | actor | owner | heir_id | scopes | limit_\w+
    | host | port | version | hint | problem | process | reason | seconds | requeued | failed | canceled | erased
    | \w+_(?:ms|seconds|bytes|pixels|percent|characters)"""
)

_FIRST = ("ts", "level", "event")  # where people look


class _Lenient:
    """A stream whose lines are lost when they cannot be written: a full disk must not fail what they tell of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure_logging(settings: Settings) -> None:
    """Sends our lines, and the libraries' warnings, to stderr: text on a terminal, else one JSON object a line."""
    is_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    text = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp" if is_text else "ts"),
            _Cleaner(settings).clean,
            text if is_text else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Lenient(sys.stderr))),  # a line whole, in one write
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda died: _uncaught(died.exc_type, died.exc_value, died.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """What Python would print as it stands, paths and values included, becomes a line of ours."""
    structlog.get_logger().error("uncaught", exc_info=(kind, error, trace))


class _Cleaner:
    """Leaves what an operator may read: allowed fields, tracebacks as text, and neither secrets nor folders in it."""

    def __init__(self, settings: Settings) -> None:
        self._own_secret = settings.api_key.get_secret_value() if settings.api_key else ""
        self._shows_prompts = settings.log_prompts

    def clean(self, logger: object, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        ordered = {**{field: event[field] for field in _FIRST if field in event}, **event}
        allowed = {field: value for field, value in ordered.items() if self._may_be_read(field)}
        lined = structlog.processors.format_exc_info(logger, name, allowed)
        return {field: self._masked(value) for field, value in lined.items()}

    def _may_be_read(self, field: str) -> bool:
        return FIELDS.fullmatch(field) is not None or (field == "prompt" and self._shows_prompts)

    def _masked(self, value: object) -> object:
        is_plain = value is None or isinstance(value, int | float)  # of anything else the text would be shown
        return value if is_plain else masked(str(value), self._own_secret)


class _Libraries(logging.Handler):
    """Libraries log through the standard module; their warnings become lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info)


NAMESPACE = "overpaint"
_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class Shape(NamedTuple):
    """A metric as a scraper sees it, without the namespace."""

    name: str
    kind: str  #: counter, gauge or histogram
    labels: tuple[str, ...]  #: their values come from closed sets: no owner, id, prompt or URL
    sentence: str
    buckets: tuple[float, ...] = ()  #: upper bounds but the infinite one


#: What one API process counts for itself, from its start on.
OWN = (
    Shape("http_requests_total", "counter", ("dialect", "route", "method", "status"), "Requests answered."),
    Shape("http_request_duration_seconds", "histogram", ("dialect", "route"), "Time to answer a request.", _QUICK),
    Shape("http_body_bytes_in_flight", "gauge", (), "Bytes of request bodies held in memory now."),
    Shape("edits_submitted_total", "counter", ("dialect", "model"), "Edits accepted."),
    Shape("rejections_total", "counter", ("code",), "Requests refused, by error code."),
    Shape("image_fetches_total", "counter", ("outcome",), "Image URLs fetched at submit: ok, or the error code."),
    Shape("store_operation_seconds", "histogram", ("operation",), "`commit`: pictures and rows, synced.", _QUICK),
    Shape("store_batch_operations", "histogram", (), "Writes that shared one commit.", _SIZES),
    Shape("build_info", "gauge", ("version",), "1; the version is the label."),
)
#: What all processes share, read from the store: the present, and counts since the data folder was made.
SHARED = (
    Shape("edits", "gauge", ("status",), "Edits not yet at an end: queued, processing."),
    Shape("queue_oldest_age_seconds", "gauge", (), "Age of the longest waiting edit; 0 when none waits."),
    Shape("workers", "gauge", ("state",), "Live workers: starting, idle, busy."),
    Shape("edits_finished_total", "counter", ("model", "status", "code"), "Edits at an end; `code`: why it failed."),
    Shape("edit_wait_seconds", "histogram", ("model",), "From submit to the first attempt.", _LONG),
    Shape("edit_run_seconds", "histogram", ("model", "quality"), "From the last claim to the stored picture.", _LONG),
    Shape("edit_total_seconds", "histogram", ("model",), "From submit to the stored picture.", _LONG),
    Shape("stage_seconds", "histogram", ("model", "stage"), "Its parts: prepare, denoise, decode, encode.", _LONG),
    Shape("denoise_step_seconds", "histogram", ("model", "quality"), "A denoising step: the mean of its edit.", _QUICK),
    Shape("attempts_total", "counter", ("outcome",), "Attempts ended: succeeded, failed, canceled, released, lost."),
    Shape("leases_lost_total", "counter", (), "Attempts whose worker fell silent."),
    Shape("worker_restarts_total", "counter", ("cause",), "Workers replaced: killed, broken (its device), crashed."),
    Shape("webhook_deliveries_total", "counter", ("outcome",), "Tries to tell of an end: delivered, retried, failed."),
    Shape("webhook_outbox", "gauge", (), "Ends not yet told; a try is before each."),
)
_SHAPES = {shape.name: shape for shape in (*OWN, *SHARED)}


class Tally(NamedTuple):
    """One figure of SHARED: a gauge, a counter, or one bucket of a histogram (not cumulated)."""

    name: str
    labels: tuple[str, ...] = ()  #: values, in the order of the shape's
    bucket: float = inf  #: upper bound
    times: int = 1
    total: float = 0.0  #: of the values in this bucket; a gauge's value


def observed(name: str, labels: tuple[str, ...], value: float, *, times: int = 1) -> Tally:
    """The histogram's bucket that gets `value`, so many times."""
    bounds = (bound for bound in _SHAPES[name].buckets if value <= bound)
    return Tally(name, labels, next(bounds, inf), times, value * times)


class Metrics:
    """The metrics of one API process: its own, and those that all processes share."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series for each, which nobody asked for
        self.registry = CollectorRegistry()
        self.shared: Sequence[Tally] = ()  #: sorted; what the next scrape shows
        self.requests: Counter = self._own("http_requests_total", Counter)
        self.request_seconds: Histogram = self._own("http_request_duration_seconds", Histogram)
        self.body_bytes: Gauge = self._own("http_body_bytes_in_flight", Gauge)
        self.submitted: Counter = self._own("edits_submitted_total", Counter)
        self.rejections: Counter = self._own("rejections_total", Counter)
        self.fetches: Counter = self._own("image_fetches_total", Counter)
        self._commit_seconds: Histogram = self._own("store_operation_seconds", Histogram).labels("commit")
        self._batches: Histogram = self._own("store_batch_operations", Histogram)
        self._own("build_info", Gauge).labels(__version__).set(1)
        self.registry.register(_Shared(self))

    def committed(self, operations: int, seconds: float) -> None:
        """The store made one commit. May be called from any thread."""
        self._batches.observe(operations)
        self._commit_seconds.observe(seconds)

    def _own(self, name: str, kind: type[Any]) -> Any:
        shape = _SHAPES[name]
        buckets = {"buckets": shape.buckets} if shape.buckets else {}
        return kind(name, shape.sentence, shape.labels, namespace=NAMESPACE, registry=self.registry, **buckets)


class _Shared(Collector):
    """Shows `metrics.shared` in Prometheus' words; nothing while the store does not answer."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterable[Metric]:
        return ()  # or registering would ask for figures that nobody has read yet

    def collect(self) -> Iterator[Metric]:
        for name, tallies in groupby(self._metrics.shared, lambda tally: tally.name):
            if name in _SHAPES:  # a newer version may have counted in this folder
                yield _family(_SHAPES[name], list(tallies))


def _family(shape: Shape, tallies: list[Tally]) -> Metric:
    named: dict[str, Any] = {"documentation": shape.sentence, "labels": shape.labels}
    name = f"{NAMESPACE}_{shape.name}"
    if shape.kind == "histogram":
        histogram = HistogramMetricFamily(name, **named)
        for labels, parts in groupby(tallies, lambda tally: tally.labels):
            _add_buckets(histogram, shape, labels, list(parts))
        return histogram
    if shape.kind == "counter":
        counter = CounterMetricFamily(name, **named)
        for tally in tallies:
            counter.add_metric(tally.labels, tally.times)
        return counter
    gauge = GaugeMetricFamily(name, **named)
    for tally in tallies:
        gauge.add_metric(tally.labels, tally.total)
    return gauge


def _add_buckets(family: HistogramMetricFamily, shape: Shape, labels: Sequence[str], parts: list[Tally]) -> None:
    bounds = (*shape.buckets, inf)
    counts = [sum(part.times for part in parts if part.bucket <= bound) for bound in bounds]
    named = [("+Inf" if bound == inf else str(bound), count) for bound, count in zip(bounds, counts, strict=True)]
    family.add_metric(labels, named, sum(part.total for part in parts))
