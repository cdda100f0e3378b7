"""Keys: made once, kept as hashes, limited to their scopes, forgotten within ten seconds of their end."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest

from overpaint.domain import Scope
from overpaint.errors import ConfigurationError, InvalidApiKey, ScopeMissing, StorageFull
from overpaint.service.access import (
    CACHE_SECONDS,
    CACHED_HEADERS,
    USE_NOTED_SECONDS,
    Access,
    KeyNotFound,
    KeyNotReplaceable,
    create_key,
    ensure_first_key,
    rotate_key,
)
from overpaint.settings import load
from overpaint.store.sqlite import SqliteTaskStore

pytestmark = pytest.mark.anyio

SECRET = "a-secret-of-the-operators-choice"


class Watch:
    """A clock and a date that move when told."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.began_ms = time.time_ns() // 1_000_000

    def clock(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return self.began_ms + round(self.seconds * 1000)


async def is_valid(store: SqliteTaskStore, secret: str) -> bool:
    try:
        await Access(store).authenticate(secret)
    except InvalidApiKey:
        return False
    return True


async def test_a_key_has_its_form_and_only_its_hash_is_kept(store: SqliteTaskStore, tmp_path: Path) -> None:
    key, secret = await create_key(store, label="laptop")
    assert re.fullmatch(r"op_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}", secret)
    assert secret.split("_")[1] == key.id == key.owner
    await store.close()
    for path in tmp_path.iterdir():
        assert secret.split("_")[2].encode() not in path.read_bytes()


async def test_keys_of_one_owner_are_one_caller(store: SqliteTaskStore) -> None:
    access = Access(store)
    (_, one), (_, two) = [await create_key(store, owner="alice") for _ in range(2)]
    callers = [await access.authenticate(f"Bearer {secret}") for secret in (one, two)]
    assert {caller.owner for caller in callers} == {"alice"}
    assert callers[0].key_id != callers[1].key_id


async def test_a_revoked_key_works_no_longer_than_the_cache(store: SqliteTaskStore) -> None:
    now = 0.0
    access = Access(store, clock=lambda: now)
    key, secret = await create_key(store)
    await access.authenticate(secret)
    await store.revoke_key(key.id)
    now = CACHE_SECONDS - 0.1
    await access.authenticate(secret)
    now = CACHE_SECONDS
    with pytest.raises(InvalidApiKey):
        await access.authenticate(secret)
    assert not await is_valid(store, secret)


async def test_a_key_expires_at_its_time_though_remembered(store: SqliteTaskStore) -> None:
    watch = Watch()
    access = Access(store, clock=watch.clock, now_ms=watch.now_ms)
    key, secret = await create_key(store, lifetime=timedelta(seconds=CACHE_SECONDS + 5))
    assert key.expires_at is not None
    left = (key.expires_at - watch.began_ms) / 1000
    for watch.seconds in (0.0, 6.0, CACHE_SECONDS, left - 0.01):
        await access.authenticate(secret)
    for watch.seconds in (left + 0.01, left + 1):
        with pytest.raises(InvalidApiKey):
            await access.authenticate(secret)


async def test_a_key_made_plainly_may_submit_and_read(store: SqliteTaskStore) -> None:
    _, secret = await create_key(store)
    caller = await Access(store).authenticate(secret)
    caller.must_have(Scope.SUBMIT)
    caller.must_have(Scope.READ)
    for scope in (Scope.METRICS, Scope.ADMIN):
        with pytest.raises(ScopeMissing, match=scope):
            caller.must_have(scope)


async def uses(access: Access, store: SqliteTaskStore) -> list[int | None]:
    """Once all that is on its way is written."""
    await asyncio.gather(*access._notes)
    return [key.used_at for key in await store.keys()]


async def test_a_use_is_noted_by_look_ups_only_and_once_a_minute(store: SqliteTaskStore) -> None:
    watch = Watch()
    access = Access(store, clock=watch.clock, now_ms=watch.now_ms)
    _, secret = await create_key(store)
    assert await uses(access, store) == [None]
    await access.authenticate(secret)
    (first,) = await uses(access, store)
    assert first is not None and first >= watch.began_ms
    for watch.seconds in (1.0, CACHE_SECONDS, 2 * CACHE_SECONDS):
        await access.authenticate(secret)
        assert not access._notes
    watch.seconds = (first - watch.began_ms) / 1000 + USE_NOTED_SECONDS
    await access.authenticate(secret)
    assert access._notes
    await uses(access, store)


async def test_a_request_waits_for_no_note_and_suffers_from_none(
    store: SqliteTaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: str) -> None:
        raise StorageFull

    monkeypatch.setattr(store, "note_use_of_key", full)
    access = Access(store)
    _, secret = await create_key(store)
    assert (await access.authenticate(secret)).key_id
    assert await uses(access, store) == [None]


async def test_a_rotated_key_has_a_heir_of_the_same_owner_scopes_and_length_of_life(store: SqliteTaskStore) -> None:
    scopes = frozenset({Scope.READ, Scope.METRICS})
    old, _ = await create_key(store, owner="studio", label="bot", scopes=scopes, lifetime=timedelta(days=90))
    new, secret = await rotate_key(store, old.id, overlap=timedelta(hours=24))
    assert (new.owner, new.label, new.scopes) == ("studio", "bot", scopes)
    assert new.expires_at == new.created_at + 90 * 86_400_000
    kept = next(key for key in await store.keys() if key.id == old.id)
    assert kept.expires_at == new.created_at + 86_400_000
    assert await is_valid(store, secret)


async def test_during_the_overlap_both_keys_are_valid_and_then_the_new_one(store: SqliteTaskStore) -> None:
    old, before = await create_key(store)
    new, after = await rotate_key(store, old.id, overlap=timedelta(minutes=30))
    assert new.expires_at is None
    for minutes, is_overlap in ((29, True), (31, False)):
        access = Access(store, now_ms=lambda minutes=minutes: new.created_at + minutes * 60_000)  # type: ignore[misc]
        await access.authenticate(after)
        if is_overlap:
            await access.authenticate(before)
        else:
            with pytest.raises(InvalidApiKey):
                await access.authenticate(before)


async def test_a_key_that_is_not_there_or_ended_or_of_the_settings_is_not_rotated(store: SqliteTaskStore) -> None:
    await ensure_first_key(store, load(api_key=SECRET))
    key, _ = await create_key(store)
    await store.revoke_key(key.id)
    with pytest.raises(KeyNotFound):
        await rotate_key(store, "nobody", overlap=timedelta(0))
    for key_id in (key.id, "settings"):
        with pytest.raises(KeyNotReplaceable):
            await rotate_key(store, key_id, overlap=timedelta(0))
    assert len(await store.keys()) == 2


async def test_wrong_keys_are_not_remembered(store: SqliteTaskStore) -> None:
    access = Access(store)
    for number in range(50):
        with pytest.raises(InvalidApiKey):
            await access.authenticate(f"Bearer wrong-{number}")
    assert access._known == {}


async def test_not_every_spelling_of_a_key_is_remembered(store: SqliteTaskStore) -> None:
    access = Access(store)
    _, secret = await create_key(store)
    for spaces in range(1, 600):
        for scheme in ("Bearer", "bearer"):
            await access.authenticate(scheme + " " * spaces + secret)
    assert len(access._known) <= CACHED_HEADERS


async def test_the_first_start_makes_one_key_and_the_next_none(store: SqliteTaskStore) -> None:
    secret = await ensure_first_key(store, load())
    assert secret
    assert await is_valid(store, secret)
    assert await ensure_first_key(store, load()) is None
    assert len(await store.keys()) == 1


async def test_the_operators_keys_may_do_everything(store: SqliteTaskStore) -> None:
    secret = await ensure_first_key(store, load())
    assert secret
    await ensure_first_key(store, load(api_key=SECRET))
    for key in (secret, SECRET):
        assert (await Access(store).authenticate(key)).scopes == set(Scope)


async def test_off_loopback_no_server_starts_that_no_key_opens(store: SqliteTaskStore) -> None:
    assert await ensure_first_key(store, load(host="0.0.0.0"))
    assert await ensure_first_key(store, load(host="0.0.0.0")) is None
    (first,) = await store.keys()
    await store.revoke_key(first.id)
    with pytest.raises(ConfigurationError, match=r"0\.0\.0\.0") as refusal:
        await ensure_first_key(store, load(host="0.0.0.0"))
    assert "keys create" in refusal.value.hint
    await ensure_first_key(store, load(host="127.0.0.1"))
    await ensure_first_key(store, load(host="0.0.0.0", api_key=SECRET))
    with pytest.raises(ConfigurationError):
        await ensure_first_key(store, load(host="0.0.0.0"))
    await create_key(store)
    assert await ensure_first_key(store, load(host="0.0.0.0")) is None


async def test_a_start_does_not_forget_when_the_key_of_the_settings_was_used(store: SqliteTaskStore) -> None:
    await ensure_first_key(store, load(api_key=SECRET))
    access = Access(store)
    await access.authenticate(SECRET)
    (noted,) = await uses(access, store)
    assert noted
    await ensure_first_key(store, load(api_key=SECRET))
    assert await uses(access, store) == [noted]
    await ensure_first_key(store, load(api_key=SECRET[::-1]))
    assert await uses(access, store) == [None]


async def test_a_revoked_first_key_is_not_replaced_behind_the_operators_back(store: SqliteTaskStore) -> None:
    await ensure_first_key(store, load())
    await store.revoke_key((await store.keys())[0].id)
    assert await ensure_first_key(store, load()) is None


async def test_a_key_of_the_settings_is_installed_at_each_start(store: SqliteTaskStore) -> None:
    for _ in range(2):
        assert await ensure_first_key(store, load(api_key=SECRET)) is None
    assert await is_valid(store, f"Bearer {SECRET}")
    assert len(await store.keys()) == 1
    await ensure_first_key(store, load(api_key=SECRET[::-1]))
    assert not await is_valid(store, SECRET)
    assert await is_valid(store, SECRET[::-1])


async def test_a_key_that_left_the_settings_is_revoked_and_its_owner_gets_another(store: SqliteTaskStore) -> None:
    await ensure_first_key(store, load(api_key=SECRET))
    before = (await Access(store).authenticate(SECRET)).owner
    secret = await ensure_first_key(store, load())
    assert not await is_valid(store, SECRET)
    assert secret
    assert (await Access(store).authenticate(secret)).owner == before
