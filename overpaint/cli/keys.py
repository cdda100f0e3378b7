"""`overpaint keys`: who may use the server. Works on the data folder, whether a server runs on it or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from overpaint.cli.talk import answer, answer_json, answer_table, say
from overpaint.errors import NotFound

if TYPE_CHECKING:
    from overpaint.store.tasks import TaskStore

app = App(
    name="keys",
    help="Make, list and revoke API keys.",
    help_epilogue="Example: overpaint keys create --label laptop",
)


class KeyNotFound(NotFound):
    """facts: id."""

    code, message = "key_not_found", "There is no key {id}."
    hint = "`overpaint keys ls` lists them."


@app.command
def create(
    *,
    owner: str | None = None,
    label: str = "",
    data: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make a key; it is shown this once.

    Args:
        owner: Whose edits it may see; keys of one owner share them. Left out, the key is its own owner.
        label: A note for `keys ls`.
        data: The server's data folder; default ./data.
        json: Print a JSON object.
    """
    from overpaint.service.access import create_key

    async def make(store: TaskStore) -> None:
        known, secret = await create_key(store, owner=owner, label=label)
        if json:
            answer_json({"id": known.id, "key": secret, "owner": known.owner, "label": known.label})
        else:
            answer(secret)
            say("Keep it: only its hash is stored.")

    _with_store(data, make)


@app.command
def ls(*, data: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the keys, without their secrets.

    Args:
        data: The server's data folder; default ./data.
        json: Print a JSON array.
    """

    async def show(store: TaskStore) -> None:
        rows = [
            (key.id, key.owner, _day(key.created_at), _day(key.revoked_at), key.label) for key in await store.keys()
        ]
        if json:
            names = ("id", "owner", "created_at", "revoked_at", "label")
            answer_json([dict(zip(names, row, strict=True)) for row in rows])
        else:
            answer_table(("ID", "OWNER", "CREATED", "REVOKED", "LABEL"), [[cell or "" for cell in row] for row in rows])

    _with_store(data, show)


@app.command
def revoke(id: str, *, data: Path | None = None) -> None:
    """Revoke a key; within ten seconds no server takes it any longer.

    Args:
        id: As `keys ls` prints it.
        data: The server's data folder; default ./data.
    """

    async def end(store: TaskStore) -> None:
        if not await store.revoke_key(id):
            raise KeyNotFound(id=id)
        say(f"Revoked {id}.")

    _with_store(data, end)


def _with_store(data: Path | None, work: Callable[[TaskStore], Awaitable[None]]) -> None:
    from overpaint import settings
    from overpaint.store.sqlite import SqliteTaskStore

    chosen = settings.load(data=data)
    chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def run() -> None:
        store = SqliteTaskStore.of(chosen)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


def _day(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat("T", "seconds")
