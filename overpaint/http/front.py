"""The one middleware: what every request and every answer have in common.

Knows request ids, common headers, the Host rule, which key may pass, which error shape belongs to which path, and
counts everything. Does not know any route.
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

from overpaint.domain import Quota
from overpaint.errors import MethodNotAllowed, OverpaintError, RateLimited, TryLater, WrongHost
from overpaint.http import novita
from overpaint.http.replies import Reply, json_reply, problem_reply, rate_limit
from overpaint.http.requests import ClientDisconnect, Receive, Request, Scope, Send
from overpaint.http.routes import Operation, Routes
from overpaint.service.access import Access
from overpaint.settings import Settings
from overpaint.telemetry import Metrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LOGGED = {"field": re.compile(r"[a-z_.]{1,60}"), "task_id": re.compile(r"[0-9a-f-]{36}")}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger()


class Front:
    """Wraps the routes: the key before all else, headers on each answer, errors into the shape of the path."""

    def __init__(self, routes: Routes, access: Access, settings: Settings, metrics: Metrics) -> None:
        self._routes = routes
        self._access = access
        self._metrics = metrics
        self._own_names = _own_names(settings) if settings.is_loopback else None
        self._is_ours = lru_cache(maxsize=64)(self._is_own_name)
        self._meters = lru_cache(maxsize=1024)(self._meters_of)  # finding a labelled child costs more than counting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"Overpaint speaks HTTP only, not {scope['type']}.")
        began = time.perf_counter()
        request = Request(scope, receive)
        request.id = _request_id(request)
        operation, status = None, 0
        try:
            try:
                if not self._is_ours(request.header(b"host")):
                    raise WrongHost()
                operation = self._routes.find(request.method, request.path)
                if operation.scope is not None:
                    request.caller = await self._access.authenticate(request.header(b"authorization"))
                    request.caller.must_have(operation.scope)
                reply = await operation.handler(request)
            except ClientDisconnect:
                return
            except Exception as error:
                reply = self._refusal(request, error)
            status = reply.status
            reply.headers[b"x-request-id"] = request.id.encode()
            reply.headers[b"x-content-type-options"] = b"nosniff"
            reply.headers.setdefault(b"cache-control", b"no-store")
            await reply.send(send)  # if it breaks off, only closing the connection can say so: uvicorn does
        finally:
            counter, histogram = self._meters(operation, request.method, status)
            counter.inc()
            histogram.observe(time.perf_counter() - began)

    def _refusal(self, request: Request, error: Exception) -> Reply:
        refusal = error if isinstance(error, OverpaintError) else OverpaintError()
        line = {"request_id": request.id, "method": request.method, "code": refusal.code}
        if request.traceparent:
            line["trace_id"] = request.traceparent[3:35]
        if refusal is error:
            log.info("request refused", **line, **_loggable(refusal.facts))
        else:
            log.error("request failed", **line, exc_info=error)
        self._metrics.rejections.labels(refusal.code).inc()
        if novita.PATHS.match(request.path):
            status, body = novita.to_error(refusal, request.path)
            reply = json_reply(body, status)
        else:
            reply = problem_reply(refusal, request.id)
        if isinstance(refusal, TryLater):
            reply.headers[b"retry-after"] = b"%d" % refusal.retry_after
        if isinstance(refusal, RateLimited) and refusal.reset_seconds is not None:
            reply.headers.update(rate_limit(Quota(refusal.limit, 0, refusal.reset_seconds)))
        if isinstance(refusal, MethodNotAllowed):
            reply.headers[b"allow"] = str(refusal.facts["allow"]).encode()
        return reply

    def _meters_of(self, operation: Operation | None, method: str, status: int) -> tuple[Counter, Histogram]:
        dialect, route = (operation.dialect, operation.path) if operation else ("none", "none")
        requests = self._metrics.requests.labels(dialect, route, method if method in _METHODS else "other", str(status))
        return requests, self._metrics.request_seconds.labels(dialect, route)

    def _is_own_name(self, host: str) -> bool:
        """On loopback only loopback's names are answered: a page whose name was rebound to 127.0.0.1 is not."""
        if self._own_names is None or not host:
            return True
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].lower()
        if name in self._own_names or name.endswith(".localhost"):
            return True
        try:
            return ip_address(name.strip("[]")).is_loopback
        except ValueError:
            return False


def base_of(request: Request, settings: Settings) -> str:
    """Scheme, host and prefix for links: PUBLIC_URL, else what the caller called us."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme, called = request.scope["scheme"], request.header(b"host")
    if _HOST.fullmatch(called):
        return f"{scheme}://{called}"
    host, port = request.scope["server"] or (settings.host, settings.port)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _own_names(settings: Settings) -> frozenset[str]:
    public = urlsplit(settings.public_url or "").hostname
    return frozenset({"localhost", settings.host.lower(), *([public] if public else [])})


def _request_id(request: Request) -> str:
    given = request.header(b"x-request-id")
    return given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"  # a name, not a secret


def _loggable(facts: dict[str, object]) -> dict[str, object]:
    """The facts that say where to look; a caller's own text in their place stays out of the log."""
    return {name: facts[name] for name, form in _LOGGED.items() if form.fullmatch(str(facts.get(name, "")))}
