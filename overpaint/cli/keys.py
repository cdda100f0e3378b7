"""`overpaint keys`: who may use the server, for what, how much, and until when.

Works on the data folder, whether a server runs on it or not. Does not know how a secret is made or kept.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from overpaint.cli.folder import actor, date, with_store
from overpaint.cli.owners import LimitFlags, limits_of
from overpaint.cli.talk import WrongUsage, answer, answer_json, answer_table, say
from overpaint.domain import Limits, Scope

if TYPE_CHECKING:
    from overpaint.domain import KeyInfo
    from overpaint.settings import Settings
    from overpaint.store.tasks import TaskStore

app = App(
    name="keys",
    help="Make, list, limit, rotate and revoke API keys.",
    help_epilogue="Example: overpaint keys create --label laptop --expires 90d",
)

LONGEST = timedelta(days=36_525)  #: a century is as good as for ever, and still a date
_COLUMNS = ("id", "owner", "scopes", "created_at", "expires_at", "used_at", "revoked_at", "label")
_HEADS = ("ID", "OWNER", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "REVOKED", "LABEL")


@app.command
def create(
    *,
    scope: Annotated[list[Scope] | None, Parameter(negative="")] = None,
    expires: timedelta | None = None,
    owner: str | None = None,
    label: str = "",
    limits: LimitFlags | None = None,
    data: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make a key; it is shown this once.

    Args:
        scope: What it may do; repeat it for several. Left out: submit and read.
        expires: How long it is valid, as in 90d, 24h or 30m. Left out: until it is revoked.
        owner: Whose edits it may see; keys of one owner share them. Left out, the key is its own owner.
        label: A note for `keys ls`.
        limits: Of this key, beside those of its owner.
        data: The server's data folder; default ./data.
        json: Print a JSON object.
    """
    from overpaint.service.access import USUAL_SCOPES, create_key

    _check("expires", expires, least=timedelta(seconds=1))
    scopes = frozenset(scope) if scope else USUAL_SCOPES
    may = (limits or LimitFlags()).over(Limits())

    async def make(store: TaskStore, _: Settings) -> None:
        key, secret = await create_key(
            store, owner=owner, label=label, scopes=scopes, lifetime=expires, limits=may, actor=actor()
        )
        _hand_over(key, secret, json=json)

    with_store(data, make)


@app.command
def ls(*, data: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the keys, without their secrets; the last use is known to the minute.

    Args:
        data: The server's data folder; default ./data.
        json: Print a JSON array.
    """

    async def show(store: TaskStore, _: Settings) -> None:
        rows = [_told(key) for key in await store.keys()]
        if json:
            answer_json(rows)
        else:
            answer_table(_HEADS, [[_cell(row[column]) for column in _COLUMNS] for row in rows])

    with_store(data, show)


@app.command
def rotate(
    id: str,
    *,
    overlap: Annotated[timedelta, Parameter(show_default=False)] = timedelta(days=1),
    data: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Make a key in another's place: same owner, scopes and limits, as long a life. It is shown this once.

    Args:
        id: The old key, as `keys ls` prints it.
        overlap: How long the old key stays valid, as in 7d, 30m or 0s; default 24h.
        data: The server's data folder; default ./data.
        json: Print a JSON object.
    """
    from overpaint.service.access import known_key, rotate_key

    _check("overlap", overlap, least=timedelta(0))

    async def replace(store: TaskStore, _: Settings) -> None:
        key, secret = await rotate_key(store, id, overlap=overlap, actor=actor())
        old = await known_key(store, id)
        _hand_over(key, secret, json=json, replaces=_told(old))
        say(f"{id} is valid until {date(old.expires_at)}.")

    with_store(data, replace)


@app.command
def revoke(id: str, *, data: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Revoke a key; within ten seconds no server takes it any longer.

    Args:
        id: As `keys ls` prints it.
        data: The server's data folder; default ./data.
        json: Print a JSON object.
    """
    from overpaint.service.access import SETTING_KEY_ID, revoke_key

    async def end(store: TaskStore, _: Settings) -> None:
        key = await revoke_key(store, id, actor=actor())
        if json:
            answer_json(_told(key))
        say(f"Revoked {id}.")
        if id == SETTING_KEY_ID:
            say("It comes back when a server starts with API_KEY set.")

    with_store(data, end)


@app.command
def limit(
    id: str,
    *,
    limits: LimitFlags | None = None,
    data: Path | None = None,
) -> None:
    """Give a key limits of its own, below those of its owner; `owners ls` shows them.

    Args:
        id: As `keys ls` prints it.
        limits: What is left out stays as it was.
        data: The server's data folder; default ./data.
    """
    from overpaint.service.access import known_key, limit_key

    async def change(store: TaskStore, _: Settings) -> None:
        key = await known_key(store, id)
        await limit_key(store, id, (limits or LimitFlags()).over(await limits_of(store, key.owner, id)), actor=actor())
        say(f"Limited {id}.")

    with_store(data, change)


def _check(flag: str, span: timedelta | None, *, least: timedelta) -> None:
    if span is not None and not least <= span <= LONGEST:
        raise WrongUsage(problem=f"--{flag} must be from {least.seconds} s to 100 years.")


def _hand_over(key: KeyInfo, secret: str, *, json: bool, **more: object) -> None:
    if json:
        answer_json({**_told(key), "key": secret, **more})
    else:
        answer(secret)
        say("Keep it: only its hash is stored.")


def _told(key: KeyInfo) -> dict[str, object]:
    """All of it but the hash of the secret."""
    return {
        "id": key.id,
        "owner": key.owner,
        "scopes": sorted(key.scopes),
        "created_at": date(key.created_at),
        "expires_at": date(key.expires_at),
        "used_at": date(key.used_at),
        "revoked_at": date(key.revoked_at),
        "label": key.label,
    }


def _cell(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else str(value or "-")
