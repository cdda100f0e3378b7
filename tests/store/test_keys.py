"""Keys in the store: found by their hash, replaced in one step, ended once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from overpaint.domain import KeyInfo, Limits, Scope
from overpaint.store.tasks import TaskStore
from tests.store.samples import SHA256, ManualClock

pytestmark = pytest.mark.anyio

OTHER_SHA256 = "cd" * 32


def key(**changes: object) -> KeyInfo:
    plain = {"id": "k1", "owner": "me", "label": "", "sha256": SHA256, "scopes": frozenset(Scope), "created_at": 1}
    return KeyInfo(**{**plain, **changes})  # type: ignore[arg-type]


async def test_keys_are_found_by_their_hash_and_revoked_once(store: TaskStore, clock: ManualClock) -> None:
    await store.put_key(key())
    await store.put_key(key(label="laptop", scopes=frozenset({Scope.READ}), expires_at=9, used_at=5))
    await store.put_key(key(id="k2", sha256=OTHER_SHA256, created_at=2))
    assert await store.key_by_hash(SHA256) == key(
        label="laptop", scopes=frozenset({Scope.READ}), expires_at=9, used_at=5
    )
    assert await store.key_by_hash("00" * 32) is None
    assert [each.id for each in await store.keys()] == ["k1", "k2"]
    revoked_at = clock.wall_ms()
    assert await store.revoke_key("k1")
    clock.seconds += 5
    assert await store.revoke_key("k1")
    assert [each.revoked_at for each in await store.keys()] == [revoked_at, None]
    assert not await store.revoke_key("k3")


@pytest.mark.parametrize(("expires_in", "ends_in"), [(None, 10), (60, 10), (5, 5)])
async def test_a_replaced_key_ends_then_or_earlier(
    store: TaskStore, clock: ManualClock, expires_in: int | None, ends_in: int
) -> None:
    now = clock.wall_ms()
    old = key(expires_at=None if expires_in is None else now + expires_in)
    new = key(id="k2", sha256=OTHER_SHA256, created_at=2)
    await store.put_key(old)
    assert await store.replace_key("k1", new, ends_at=now + 10)
    assert await store.keys() == (replace(old, expires_at=now + ends_in), new)


@pytest.mark.parametrize("ended", [{"expires_at": ManualClock().wall_ms()}, {"revoked_at": 1}, {"id": "k3"}])
async def test_a_key_that_ended_is_not_replaced(store: TaskStore, clock: ManualClock, ended: dict[str, object]) -> None:
    await store.put_key(key(**ended))
    before = await store.keys()
    assert not await store.replace_key("k1", key(id="k2", sha256=OTHER_SHA256), ends_at=clock.wall_ms() + 10)
    assert await store.keys() == before


async def test_a_use_is_written(store: TaskStore, clock: ManualClock) -> None:
    await store.put_key(key())
    await store.note_use_of_key("k1")
    assert await store.keys() == (key(used_at=clock.wall_ms()),)
    await store.note_use_of_key("unknown")


async def test_a_replaced_key_hands_on_its_limits(store: TaskStore, clock: ManualClock) -> None:
    limits = Limits(per_minute=1, queued=2, running=3, pixels_per_day=4)
    await store.put_key(key())
    await store.put_limits("me", "k1", limits)
    await store.put_limits("me", "", Limits(weight=3))
    assert await store.replace_key("k1", key(id="k2", sha256=OTHER_SHA256), ends_at=clock.wall_ms())
    held = {account.key_id: account.limits for account in await store.accounts()}
    assert held == {"": Limits(weight=3), "k1": limits, "k2": limits}
