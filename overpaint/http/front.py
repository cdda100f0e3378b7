"""The one middleware: what every request and every answer have in common.

Knows request ids, common headers, the Host rule, which error shape belongs to which path, and counts everything.
Does not know any route.
"""

from __future__ import annotations

import random
import re
import time
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overpaint.errors import MethodNotAllowed, OverpaintError, RouteNotFound, TryLater, WrongHost
from overpaint.http import novita
from overpaint.http.replies import json_reply, problem_reply
from overpaint.http.routes import Operation
from overpaint.settings import Settings
from overpaint.telemetry import Metrics

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LOGGED = {"field": re.compile(r"[a-z_.]{1,60}"), "task_id": re.compile(r"[0-9a-f-]{36}")}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger()


class Front:
    """Wraps the router: headers on each answer, errors into the shape of the path, one log line per refusal."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._own_names = _own_names(settings) if settings.is_loopback else None
        self._is_ours = lru_cache(maxsize=64)(self._is_own_name)
        self._meters = lru_cache(maxsize=1024)(self._meters_of)  # finding a labelled child costs more than counting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"Overpaint speaks HTTP only, not {scope['type']}.")
        began = time.perf_counter()
        request_id, host = _read_headers(scope)
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id)
            await send(message)

        scope["app"] = self  # Starlette's router then raises for 404 and 405 instead of answering in its own words
        try:
            if not self._is_ours(host):
                raise WrongHost()
            await self._app(scope, receive, send_on)
        except ClientDisconnect:
            return
        except Exception as error:
            if status:  # half an answer is out: only closing the connection can say that it is broken
                raise
            reply = self._refusal(scope, error, request_id.decode())
            await reply(scope, receive, send_on)
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _refusal(self, scope: Scope, error: Exception, request_id: str) -> Response:
        refusal = _as_ours(scope, error)
        line = {"request_id": request_id, "method": scope["method"], "code": refusal.code}
        if refusal is error or isinstance(error, HTTPException):
            log.info("request refused", **line, **_loggable(refusal.facts))
        else:
            log.error("request failed", **line, exc_info=error)
        self._metrics.rejections.labels(refusal.code).inc()
        path = scope["path"]
        if novita.PATHS.match(path):
            status, body = novita.to_error(refusal, path)
            reply = json_reply(body, status)
        else:
            reply = problem_reply(refusal, request_id)
        if isinstance(refusal, TryLater):
            reply.headers["retry-after"] = str(refusal.retry_after)
        if isinstance(error, HTTPException) and error.headers:
            reply.headers.update(error.headers)  # Allow
        return reply

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        operation = scope.get("endpoint")
        dialect, route = (operation.dialect, operation.path) if isinstance(operation, Operation) else ("none", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        counter, histogram = self._meters(dialect, route, method, status)
        counter.inc()
        histogram.observe(seconds)

    def _meters_of(self, dialect: str, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        requests = self._metrics.requests.labels(dialect, route, method, str(status))
        return requests, self._metrics.request_seconds.labels(dialect, route)

    def _is_own_name(self, host: bytes) -> bool:
        """On loopback only loopback's names are answered: a page whose name was rebound to 127.0.0.1 is not."""
        if self._own_names is None or not host:
            return True
        match = _HOST.fullmatch(host.decode("latin-1"))
        if match is None:
            return False
        name = match["name"].lower()
        if name in self._own_names or name.endswith(".localhost"):
            return True
        try:
            return ip_address(name.strip("[]")).is_loopback
        except ValueError:
            return False


def base_of(scope: Scope, settings: Settings) -> str:
    """Scheme, host and prefix for links: PUBLIC_URL, else what the caller called us."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    for name, value in scope["headers"]:
        if name == b"host" and _HOST.fullmatch(host := value.decode("latin-1")):
            return f"{scope['scheme']}://{host}"
    host, port = scope["server"] or (settings.host, settings.port)
    return f"{scope['scheme']}://{f'[{host}]' if ':' in host else host}:{port}"


def _own_names(settings: Settings) -> frozenset[str]:
    public = urlsplit(settings.public_url or "").hostname
    return frozenset({"localhost", settings.host.lower(), *([public] if public else [])})


def _read_headers(scope: Scope) -> tuple[bytes, bytes]:
    request_id = host = b""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            request_id = value
        elif name == b"host":
            host = value
    return request_id or b"%016x" % random.getrandbits(64), host  # a name, not a secret


def _add_headers(message: Message, request_id: bytes) -> None:
    headers = message["headers"]
    headers.append((b"x-request-id", request_id))
    headers.append((b"x-content-type-options", b"nosniff"))
    if not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"no-store"))


def _loggable(facts: dict[str, object]) -> dict[str, object]:
    """The facts that say where to look; a caller's own text in their place stays out of the log."""
    return {name: facts[name] for name, form in _LOGGED.items() if form.fullmatch(str(facts.get(name, "")))}


def _as_ours(scope: Scope, error: Exception) -> OverpaintError:
    if isinstance(error, OverpaintError):
        return error
    if isinstance(error, HTTPException):
        return MethodNotAllowed(method=scope["method"]) if error.status_code == 405 else RouteNotFound()
    return OverpaintError()
