"""A file that an earlier version wrote: made by that version's own migrations, opened by this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from overpaint.domain import Scope
from overpaint.errors import InvalidApiKey
from overpaint.service.access import Access, rotate_key
from overpaint.store import schema
from overpaint.store.sqlite import SqliteTaskStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def written_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """written_by(3, "INSERT …") -> a file as version 3 left it."""

    def write(version: int, *statements: str) -> Path:
        path, real = tmp_path / "overpaint.sqlite3", dict(schema._migrations())
        with monkeypatch.context() as earlier:
            earlier.setattr(
                schema, "_migrations", lambda: ((number, real[number]) for number in real if number <= version)
            )
            schema.prepare(path)
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)
            assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        return path

    return write


async def test_keys_from_before_scopes_keep_what_they_could_do(written_by: Callable[..., Path]) -> None:
    secrets = {"live": "op_aaaaaaaa_" + "a" * 32, "gone": "op_bbbbbbbb_" + "b" * 32}
    rows = [
        f"INSERT INTO api_key (id, owner, label, sha256, created_at, revoked_at) VALUES "
        f"('{name}', 'me', 'laptop', '{sha256(secret.encode()).hexdigest()}', 7, {'NULL' if name == 'live' else 8})"
        for name, secret in secrets.items()
    ]
    store = SqliteTaskStore.open(written_by(3, *rows))
    caller = await Access(store).authenticate(secrets["live"])
    assert (caller.owner, caller.scopes) == ("me", {Scope.SUBMIT, Scope.READ, Scope.METRICS})
    with pytest.raises(InvalidApiKey):
        await Access(store).authenticate(secrets["gone"])
    kept = {key.id: key for key in await store.keys()}
    assert (kept["live"].label, kept["live"].created_at, kept["live"].expires_at) == ("laptop", 7, None)
    assert kept["gone"].revoked_at == 8
    new, _ = await rotate_key(store, "live", overlap=timedelta(0))
    assert new.scopes == caller.scopes
    await store.close()
