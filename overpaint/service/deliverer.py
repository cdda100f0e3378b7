"""Delivers messages of tasks' ends: takes those that are due, posts each, writes down what came of it.

Knows in which order and how many at a time, so that receivers who hang delay nobody but themselves. Does not know what
a message says (it is handed a function), how it is signed or which addresses are allowed. A try that is never settled,
because this process died, is made again: whoever receives a message twice knows it by its id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpcore2
import structlog

from overpaint import __version__
from overpaint.domain import Delivery, DeliveryLimits, Message, MessageState
from overpaint.errors import TryLater
from overpaint.outbound.addresses import NotAllowed
from overpaint.outbound.transport import Transport, Unreachable
from overpaint.service import webhooks
from overpaint.service.webhooks import Endpoints, Secrets
from overpaint.store.tasks import TaskStore

TRY_SECONDS = 10.0  #: for all of one: name, connection, answer
ANSWER_BYTES = 64 * 2**10  #: read of an answer's body, and dropped
LIMITS = DeliveryLimits(at_once=256, per_owner=16, per_host=4)
LOOK_SECONDS = 0.2  #: how often it is asked whether a task has ended: 10 us a question
RETRY_SECONDS = 1.0  #: while the store does not answer

log = structlog.get_logger()

Render = Callable[[Message], Awaitable[bytes]]  #: the body, as the task is told of at this moment


@dataclass(slots=True)
class _Answer:
    """What a try has brought so far."""

    status: int | None = None
    error: str | None = "internal_error"  # until something else is known
    retry_after: float = 0.0  # seconds


class Deliverer:
    """One for a process; several processes share the messages. `now` is the date's, in seconds."""

    def __init__(
        self,
        store: TaskStore,
        transport: Transport,
        endpoints: Endpoints,
        secrets: Secrets,
        render: Render,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._transport = transport
        self._endpoints = endpoints
        self._secrets = secrets
        self._render = render
        self._now = now
        self._running: list[Message] = []
        self._is_freed = asyncio.Event()

    async def run(self) -> None:
        """For ever. When it is cancelled, tries under way are broken off; they are made again later."""
        async with asyncio.TaskGroup() as tries:
            while True:
                self._is_freed.clear()
                for message in await self._next():
                    self._running.append(message)
                    tries.create_task(self._deliver(message))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._is_freed.wait()

    async def _next(self) -> Sequence[Message]:
        try:
            return await self._store.take_messages(self._running, LIMITS)
        except TryLater:  # housekeeping says so in the log
            await asyncio.sleep(RETRY_SECONDS)
            return ()

    async def _deliver(self, message: Message) -> None:
        try:
            at, began = self._now(), time.monotonic()
            answer = await self._try(message, at)
            milliseconds = round(1000 * (time.monotonic() - began))
            await self._settle(message, answer, Delivery(round(at * 1000), answer.status, answer.error, milliseconds))
        finally:
            self._running.remove(message)
            self._is_freed.set()

    async def _try(self, message: Message, at: float) -> _Answer:
        answer = _Answer()
        try:
            async with asyncio.timeout(TRY_SECONDS):
                await self._post(message, at, answer)
        except NotAllowed:
            answer.error = "address_not_allowed"
        except Unreachable:
            answer.error = "unreachable"
        except TimeoutError:
            answer.error = "timeout"
        except Exception:
            log.exception("webhook failed inside", **message.task.trail)
        if answer.status is not None:  # all else is about the body, which nobody needs
            answer.error = None
        return answer

    async def _post(self, message: Message, at: float, answer: _Answer) -> None:
        target = self._endpoints.target(message.url)
        body = await self._render(message)
        headers = await self._headers(message, int(at), body)
        async with self._transport.request("POST", target, headers, body) as response:
            answer.status = response.status
            if response.status in (429, 503):
                answer.retry_after = webhooks.retry_after_seconds(_header(response, b"retry-after"), at)
            await _skip(response)

    async def _headers(self, message: Message, timestamp: int, body: bytes) -> dict[str, str]:
        message_id = webhooks.message_id(message.task.id)
        secrets = await self._secrets.active(message.task.owner)
        traceparent = message.task.origin.traceparent
        return {
            "Content-Type": "application/json",
            "User-Agent": f"Overpaint-Webhook/{__version__}",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": webhooks.signatures(secrets, message_id, timestamp, body),
            **({"traceparent": traceparent} if traceparent else {}),
        }

    async def _settle(self, message: Message, answer: _Answer, delivery: Delivery) -> None:
        state, due_at, tries = MessageState.FAILED, None, message.tries + 1
        if answer.status is not None and 200 <= answer.status < 300:
            state = MessageState.DELIVERED
        elif answer.status == 410:
            state = MessageState.GONE
        elif (seconds := webhooks.seconds_to_next_try(tries, answer.retry_after)) is not None:
            state, due_at = MessageState.PENDING, round(1000 * (self._now() + seconds))
        if state is not MessageState.PENDING:
            say = log.info if state is MessageState.DELIVERED else log.warning
            trail = message.task.trail
            say("webhook ended", outcome=state.value, attempts=tries, status=answer.status, code=answer.error, **trail)
        with suppress(TryLater):  # not written: then it is due again, and known by its id
            await self._store.settle_message(message, delivery, state, due_at=due_at)


def _header(response: httpcore2.Response, name: bytes) -> str:
    return next((value for key, value in response.headers if key.lower() == name), b"").decode("latin-1")


async def _skip(response: httpcore2.Response) -> None:
    left = ANSWER_BYTES
    async for part in response.aiter_stream():
        left -= len(part)
        if left <= 0:
            return
