"""Who is asking: keys, their owners, and the first key of a new server.

Knows what a key looks like and that only its SHA-256 is stored. Does not know HTTP statuses or what a caller may do
with an edit. A key is looked up by its hash, and for a while after by its text in a dictionary, which hashes with a
secret of its own: the time a lookup takes tells about hashes, from which no key can be worked back.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from overpaint.domain import KeyInfo
from overpaint.errors import InvalidApiKey
from overpaint.settings import Settings
from overpaint.store.tasks import TaskStore

FIRST_OWNER = "first"  #: owner of the key a server makes for itself, and of the one set by API_KEY
SETTING_KEY_ID = "settings"  #: id of the key set by API_KEY
CACHE_SECONDS = 10.0  #: a revoked key stops working after this long at most
CACHED_HEADERS = 1024
_BASE62 = string.digits + string.ascii_letters
_MAX_HEADER = 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sends with a valid key."""

    owner: str
    key_id: str


class Access:
    """Turns an Authorization header into a caller."""

    def __init__(self, store: TaskStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[Caller, float]] = {}  # header with a valid key -> caller, good until

    async def authenticate(self, authorization: str) -> Caller:
        """`Bearer <key>` in any case, or the bare key. Raises InvalidApiKey: absent, malformed, unknown, revoked."""
        known = self._known.get(authorization)
        if known and known[1] > self._clock():
            return known[0]
        self._known.pop(authorization, None)
        key = await self._store.key_by_hash(_sha256(_secret_of(authorization)))
        if key is None or key.revoked_at is not None:
            raise InvalidApiKey()
        caller = Caller(key.owner, key.id)
        if len(self._known) >= CACHED_HEADERS:
            self._known.clear()  # one key may be spelled in many ways
        self._known[authorization] = caller, self._clock() + CACHE_SECONDS
        return caller


async def create_key(store: TaskStore, *, owner: str | None = None, label: str = "") -> tuple[KeyInfo, str]:
    """A new key and its secret, which nobody will see again. Without `owner` the key is its own owner."""
    public, secret = _random(8), _random(32)
    text = f"op_{public}_{secret}"
    key = KeyInfo(id=public, owner=owner or public, label=label, sha256=_sha256(text), created_at=_now_ms())
    await store.put_key(key)
    return key, text


async def ensure_first_key(store: TaskStore, settings: Settings) -> str | None:
    """At start: installs the key of API_KEY, or makes the first key of an empty table and returns its secret.

    A key that API_KEY set earlier and no longer sets is revoked.
    """
    if settings.api_key is not None:
        secret = settings.api_key.get_secret_value()
        await store.put_key(
            KeyInfo(
                id=SETTING_KEY_ID,
                owner=FIRST_OWNER,
                label="set by API_KEY",
                sha256=_sha256(secret),
                created_at=_now_ms(),
            )
        )
        return None
    keys = {key.id: key for key in await store.keys()}
    former = keys.pop(SETTING_KEY_ID, None)
    if former and former.revoked_at is None:
        await store.revoke_key(SETTING_KEY_ID)
    if keys:
        return None
    _, secret = await create_key(store, owner=FIRST_OWNER, label="first key")
    return secret


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


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
