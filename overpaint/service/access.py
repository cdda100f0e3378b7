"""Who is asking: keys, their owners and scopes, and the first key of a new server.

Knows what a key looks like and that only its SHA-256 is stored. Does not know HTTP statuses, or which scope a route
asks for. A key is looked up by its hash, and for a while after by its text in a dictionary, which hashes with a
secret of its own: the time a lookup takes tells about hashes, from which no key can be worked back.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256

import structlog

from overpaint.domain import KeyInfo, Limits, Scope
from overpaint.errors import (
    ConfigurationError,
    InvalidApiKey,
    InvalidRequest,
    NotFound,
    OverpaintError,
    ScopeMissing,
)
from overpaint.settings import Settings
from overpaint.store.tasks import TaskStore

SERVER = "server"  #: who changes keys when nobody did by hand
NO_LIMITS = Limits()
FIRST_OWNER = "first"  #: owner of the key a server makes for itself, and of the one set by API_KEY
SETTING_KEY_ID = "settings"  #: id of the key set by API_KEY
USUAL_SCOPES = frozenset({Scope.SUBMIT, Scope.READ})  #: of a key made without saying which
ALL_SCOPES = frozenset(Scope)  #: of the first key, and of the one set by API_KEY
USE_NOTED_SECONDS = 60  #: how old a key's last use gets before it is written anew: the one place that says so
CACHE_SECONDS = 10.0  #: a revoked key stops working after this long at most
CACHED_HEADERS = 1024
_BASE62 = string.digits + string.ascii_letters
_MAX_HEADER = 1024

log = structlog.get_logger()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class KeyNotFound(NotFound):
    """facts: id."""

    code, message = "key_not_found", "There is no key {id}."
    hint = "`overpaint keys ls` lists them."


class KeyNotReplaceable(InvalidRequest):
    """facts: problem."""

    code = "key_not_replaceable"
    hint = "`overpaint keys create --owner OWNER` makes another key of the same owner."


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sends with a valid key."""

    owner: str
    key_id: str
    scopes: frozenset[Scope]

    def must_have(self, scope: Scope) -> None:
        """Raises ScopeMissing."""
        if scope not in self.scopes:
            raise ScopeMissing(scope=scope.value)


class Access:
    """Turns an Authorization header into a caller. `clock` counts seconds, `now_ms` is the date's."""

    def __init__(
        self,
        store: TaskStore,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self._store = store
        self._clock = clock
        self._now_ms = now_ms
        self._notes: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of a task
        self._known: dict[str, tuple[Caller, float]] = {}  # header with a valid key -> caller, good until

    async def authenticate(self, authorization: str) -> Caller:
        """`Bearer <key>` in any case, or the bare key.

        Raises InvalidApiKey: absent, malformed, unknown, revoked, expired.
        """
        known = self._known.get(authorization)
        if known and known[1] > self._clock():
            return known[0]
        self._known.pop(authorization, None)
        key = await self._store.key_by_hash(_sha256(_secret_of(authorization)))
        now = self._now_ms()
        if key is None or not key.is_valid(now):
            raise InvalidApiKey()
        if key.used_at is None or not 0 <= now - key.used_at < USE_NOTED_SECONDS * 1000:
            self._note_use(key.id)
        caller = Caller(key.owner, key.id, key.scopes)
        seconds_left = CACHE_SECONDS if key.expires_at is None else (key.expires_at - now) / 1000
        if len(self._known) >= CACHED_HEADERS:
            self._known.clear()  # one key may be spelled in many ways
        self._known[authorization] = caller, self._clock() + min(CACHE_SECONDS, seconds_left)
        return caller

    def _note_use(self, key_id: str) -> None:
        """Beside the request, which does not wait for it."""
        note = asyncio.get_running_loop().create_task(self._write_use(key_id))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _write_use(self, key_id: str) -> None:
        with contextlib.suppress(OverpaintError):  # the store takes no writes now: the next look-up notes it
            await self._store.note_use_of_key(key_id)


async def create_key(
    store: TaskStore,
    *,
    owner: str | None = None,
    label: str = "",
    scopes: frozenset[Scope] = USUAL_SCOPES,
    lifetime: timedelta | None = None,
    limits: Limits = NO_LIMITS,
    actor: str = SERVER,
) -> tuple[KeyInfo, str]:
    """A new key and its secret, which nobody will see again. Without `owner` the key is its own owner.

    `actor` is who did it, for the log; here and below.
    """
    key, secret = _new_key(owner, label, scopes, lifetime)
    if limits != NO_LIMITS:  # first, so that no key is ever without the limits it was made with
        await store.put_limits(key.owner, key.id, limits)
    await store.put_key(key)
    _tell("create", key, actor, scopes=" ".join(sorted(scopes)), **_set(limits))
    return key, secret


async def known_key(store: TaskStore, key_id: str) -> KeyInfo:
    """Raises KeyNotFound."""
    for key in await store.keys():
        if key.id == key_id:
            return key
    raise KeyNotFound(id=key_id)


async def revoke_key(store: TaskStore, key_id: str, *, actor: str = SERVER) -> KeyInfo:
    """The key, which is no longer valid. Raises KeyNotFound."""
    await store.revoke_key(key_id)
    key = await known_key(store, key_id)
    _tell("revoke", key, actor)
    return key


async def limit_key(store: TaskStore, key_id: str, limits: Limits, *, actor: str) -> None:
    """What this key may do, beside what its owner may. Raises KeyNotFound."""
    key = await known_key(store, key_id)
    await store.put_limits(key.owner, key.id, limits)
    _tell("limit", key, actor, **_set(limits))


async def limit_owner(store: TaskStore, owner: str, limits: Limits, *, actor: str) -> None:
    """What all keys of this owner together may do; he need not have one yet."""
    await store.put_limits(owner, "", limits)
    log.info("owner changed", action="limit", owner=owner, actor=actor, **_set(limits))


async def rotate_key(store: TaskStore, key_id: str, *, overlap: timedelta, actor: str = SERVER) -> tuple[KeyInfo, str]:
    """A new key with the owner, scopes, limits and length of life of an old one, which ends after `overlap`.

    Raises KeyNotFound, and KeyNotReplaceable for a key that is revoked, expired, or set by API_KEY.
    """
    old = await known_key(store, key_id)
    if key_id == SETTING_KEY_ID:
        raise KeyNotReplaceable(problem="This key is set by API_KEY: change that, and start the server again.")
    lifetime = None if old.expires_at is None else timedelta(milliseconds=old.expires_at - old.created_at)
    new, secret = _new_key(old.owner, old.label, old.scopes, lifetime)
    if not await store.replace_key(key_id, new, ends_at=new.created_at + _ms(overlap)):
        raise KeyNotReplaceable(problem=f"The key {key_id} is revoked or expired.")
    _tell("rotate", old, actor, heir_id=new.id)
    return new, secret


async def ensure_first_key(store: TaskStore, settings: Settings) -> str | None:
    """At start: installs the key of API_KEY, or makes the first key of an empty table and returns its secret.

    A key that API_KEY set earlier and no longer sets is revoked. Raises ConfigurationError where other machines would
    find a server that no key opens.
    """
    keys = {key.id: key for key in await store.keys()}
    former = keys.pop(SETTING_KEY_ID, None)
    if settings.api_key is not None:
        key = _key_of_settings(settings.api_key.get_secret_value(), former)
        await store.put_key(key)
        if former is None or (former.sha256, former.revoked_at) != (key.sha256, None):
            _tell("create", key, SERVER, scopes=" ".join(sorted(key.scopes)))
        return None
    if former and former.revoked_at is None:
        await revoke_key(store, SETTING_KEY_ID)
    if not keys:
        _, secret = await create_key(store, owner=FIRST_OWNER, label="first key", scopes=ALL_SCOPES)
        return secret
    if not settings.is_loopback and not any(key.is_valid(_now_ms()) for key in keys.values()):
        raise ConfigurationError(
            f"Every key is revoked or expired, and {settings.host} is not this machine alone.",
            hint="`overpaint keys create` makes a key; --host 127.0.0.1 serves this machine alone.",
        )
    return None


def _tell(action: str, key: KeyInfo, actor: str, **more: object) -> None:
    """The audit line of a change to a key: never its secret, nor the secret's hash."""
    log.info("key changed", action=action, key_id=key.id, owner=key.owner, actor=actor, **more)


def _set(limits: Limits) -> dict[str, object]:
    """Those that differ from having none."""
    return {f"limit_{name}": value for name, value in asdict(limits).items() if value != getattr(NO_LIMITS, name)}


def _new_key(
    owner: str | None, label: str, scopes: frozenset[Scope], lifetime: timedelta | None
) -> tuple[KeyInfo, str]:
    public, secret, now = _random(8), _random(32), _now_ms()
    text = f"op_{public}_{secret}"
    key = KeyInfo(
        id=public,
        owner=owner or public,
        label=label,
        sha256=_sha256(text),
        scopes=scopes,
        created_at=now,
        expires_at=None if lifetime is None else now + _ms(lifetime),
    )
    return key, text


def _key_of_settings(secret: str, former: KeyInfo | None) -> KeyInfo:
    digest = _sha256(secret)
    return KeyInfo(
        id=SETTING_KEY_ID,
        owner=FIRST_OWNER,
        label="set by API_KEY",
        sha256=digest,
        scopes=ALL_SCOPES,
        created_at=_now_ms(),
        used_at=former.used_at if former and former.sha256 == digest else None,
    )


def _secret_of(authorization: str) -> str:
    text = authorization.strip()
    scheme, space, rest = text.partition(" ")
    secret = rest.strip() if space and scheme.lower() == "bearer" else text
    if not secret or len(secret) > _MAX_HEADER or " " in secret:
        raise InvalidApiKey()
    return secret


def _sha256(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
