"""The part of the SQLite store that keeps keys.

Knows their table. Does not know what a secret looks like, or what a scope opens.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Sequence
from typing import Any

from overpaint.domain import KeyInfo, Scope
from overpaint.store.connections import Connections
from overpaint.store.statements import SQL


class KeyTable(Connections):
    """The key methods of `store.tasks.TaskStore`."""

    async def put_key(self, key: KeyInfo) -> None:
        await self._write("put_key", _row(key))

    async def key_by_hash(self, sha256: str) -> KeyInfo | None:
        found = self._read("key_by_hash", sha256=sha256)
        return _key(found[0]) if found else None

    async def keys(self) -> tuple[KeyInfo, ...]:
        return tuple(map(_key, self._read("keys")))

    async def revoke_key(self, key_id: str) -> bool:
        return await self._write("revoke_key", {"id": key_id, "now": self._clock.wall_ms()}) == 1

    async def replace_key(self, key_id: str, new: KeyInfo, *, ends_at: int) -> bool:
        values = {"id": key_id, "ends_at": ends_at, "now": self._clock.wall_ms()}

        def replace(db: sqlite3.Connection) -> bool:
            if db.execute(SQL["end_key"], values).rowcount == 0:
                return False
            db.execute(SQL["put_key"], _row(new))
            db.execute(SQL["hand_on_limits"], {"id": key_id, "heir": new.id})
            return True

        return await self._writer.run(replace)

    async def note_use_of_key(self, key_id: str) -> None:
        await self._write("note_use_of_key", {"id": key_id, "now": self._clock.wall_ms()})


def _row(key: KeyInfo) -> dict[str, object]:
    columns = {field.name: getattr(key, field.name) for field in dataclasses.fields(key)}
    return {**columns, "scopes": " ".join(sorted(key.scopes))}


def _key(row: Sequence[Any]) -> KeyInfo:
    columns = dict(zip((field.name for field in dataclasses.fields(KeyInfo)), row, strict=True))
    return KeyInfo(**{**columns, "scopes": frozenset(map(Scope, columns["scopes"].split()))})
