"""Webhooks by their rules: which URLs are taken, by which secret a message is signed, when it is tried again.

Signatures are those of Standard Webhooks. Knows the schedule and how a secret comes about. Does not know what a message
says, how it is sent, or where messages are kept.
"""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime

from overpaint.domain import Webhook
from overpaint.errors import ImageUrlNotAllowed, InvalidParameter, NotFound
from overpaint.outbound.addresses import NotAllowed, Target, parse
from overpaint.outbound.transport import Transport
from overpaint.service.links import derived_key
from overpaint.store.tasks import TaskStore

FIELD = "webhook.url"
MAX_URL_CHARACTERS = 2048
RESOLVE_SECONDS = 5.0
#: From each failed try to the next; the first is made at once. Three days in all.
RETRY_SECONDS = (5.0, 300.0, 1800.0, *(hours * 3600.0 for hours in (2, 5, 10, 14, 20, 24)))
JITTER = 0.2
LONGEST_RETRY_AFTER_SECONDS = 3600.0
OVERLAP_SECONDS = 86_400.0  #: after a rotation, while the secret before signs too
_PREFIX = "whsec_"


class MessageNotFound(NotFound):
    """facts: id."""

    code, message = "message_not_found", "There is no message {id}."
    hint = "`overpaint webhooks ls` lists them; a task has one when it has ended and asked for it."


class OwnerNotFound(NotFound):
    """facts: owner."""

    code, message = "owner_not_found", "No key belongs to {owner}."
    hint = "`overpaint keys ls` lists the owners."


class Endpoints:
    """Decides where messages may go."""

    def __init__(self, transport: Transport, *, allow_http: bool) -> None:
        self._transport = transport
        self._allow_http = allow_http

    async def check(self, url: str) -> Webhook:
        """A URL to be remembered. Raises InvalidParameter and ImageUrlNotAllowed; nothing is ever connected to."""
        if len(url) > MAX_URL_CHARACTERS:
            raise InvalidParameter(field=FIELD, problem=f"must have at most {MAX_URL_CHARACTERS:,} characters")
        if not self._allow_http and url[:7].lower() == "http://":
            raise InvalidParameter(field=FIELD, problem="must begin with https://")
        try:
            target = self.target(url)
            async with asyncio.timeout(RESOLVE_SECONDS):
                await self._transport.check(target)
        except (NotAllowed, TimeoutError):
            raise ImageUrlNotAllowed(field=FIELD) from None
        return Webhook(url, f"{target.host}:{target.port}")

    def target(self, url: str) -> Target:
        """Raises NotAllowed: also for what was allowed once and is not any more."""
        target = parse(url)
        if target.scheme == "http" and not self._allow_http:
            raise NotAllowed
        return target


class Secrets:
    """Works out what an owner's messages are signed with; nothing secret is stored but the root."""

    def __init__(self, store: TaskStore, root: bytes, *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._root = root
        self._now = now

    async def active(self, owner: str) -> list[str]:
        """`whsec_…`, the one in force first; for a day after a rotation also the one before."""
        number, rotated_at = await self._store.webhook_secret(owner)
        is_overlap = rotated_at is not None and self._now() - rotated_at / 1000 < OVERLAP_SECONDS
        return [self._secret(owner, each) for each in (number, number - 1)[: 1 + is_overlap]]

    async def rotate(self, owner: str) -> str:
        """The new one."""
        await self._store.rotate_webhook_secret(owner)
        return (await self.active(owner))[0]

    def _secret(self, owner: str, number: int) -> str:
        key = derived_key(self._root, f"overpaint webhook secret 1 {number} {owner}".encode())
        return _PREFIX + b64encode(key).decode()


def message_id(task_id: str) -> str:
    """One task, one end, one id: the same over all tries."""
    return f"msg_{task_id}"


def task_id(message_id: str) -> str:
    """The reverse; what is no message id stays as it is."""
    return message_id.removeprefix("msg_")


def signatures(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`. `timestamp`: unix seconds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    keys = (b64decode(secret.removeprefix(_PREFIX)) for secret in secrets)
    return " ".join(f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys)


def seconds_to_next_try(failed: int, asked: float = 0.0) -> float | None:
    """After so many tries that failed, at least 1; None: that was the last. `asked`: the receiver's Retry-After."""
    if failed > len(RETRY_SECONDS):
        return None
    planned = RETRY_SECONDS[failed - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(planned, min(asked, LONGEST_RETRY_AFTER_SECONDS))


def retry_after_seconds(header: str, now: float) -> float:
    """What a Retry-After asks for, in seconds or as a date; 0 for nonsense."""
    if header.isdecimal():
        return float(header[:9])
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
