"""Keys: made once, kept as hashes, forgotten within ten seconds of their end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from overpaint.errors import InvalidApiKey
from overpaint.service.access import CACHE_SECONDS, CACHED_HEADERS, Access, create_key, ensure_first_key
from overpaint.settings import load
from overpaint.store.sqlite import SqliteTaskStore

pytestmark = pytest.mark.anyio

SECRET = "a-secret-of-the-operators-choice"


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
