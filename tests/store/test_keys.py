"""Keys in the store: found by their hash, replaced in one step, ended once, their use noted seldom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from overpaint.domain import KeyInfo, Scope
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


async def test_a_use_is_written_once_a_minute_and_again_when_the_clock_was_set_back(
    store: TaskStore, clock: ManualClock
) -> None:
    await store.put_key(key())
    noted = []
    for pause in (0, 1, 58.999, 0.001, -30, 59, 1):
        clock.seconds += pause
        await store.note_use_of_key("k1")
        (seen,) = await store.keys()
        noted.append(seen.used_at == clock.wall_ms())
    assert noted == [True, False, False, True, True, False, True]
    await store.note_use_of_key("unknown")
