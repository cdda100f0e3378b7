"""`overpaint owners`: what each owner may ask of the server, and what he has asked.

Works on the data folder, whether a server runs on it or not. Does not know how limits are held.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter, validators

from overpaint.cli.folder import actor, with_store
from overpaint.cli.talk import answer_json, answer_table, say
from overpaint.domain import Limits

if TYPE_CHECKING:
    from overpaint.settings import Settings
    from overpaint.store.tasks import TaskStore

app = App(
    name="owners",
    help="List owners and keys with what they may do, and limit them.",
    help_epilogue="Example: overpaint owners limit studio --weight 3 --queued 500",
)

_HEADS = ("OWNER", "KEY", "WEIGHT", "PER MINUTE", "QUEUED", "RUNNING", "PIXELS TODAY")
_Count = Annotated[int | None, Parameter(validator=validators.Number(gte=0))]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFlags:
    """Limits as they are typed. 0 = no limit."""

    per_minute: _Count = None
    "Submits in a minute; one more gets 429."
    queued: _Count = None
    "Edits that may wait; one more gets 429."
    running: _Count = None
    "Edits in work at once; one more waits."
    pixels_per_day: _Count = None
    "Pixels asked for in a day (UTC); then 429."

    def over(self, limits: Limits) -> Limits:
        """Those limits, changed where a flag was given."""
        return replace(limits, **{name: value for name, value in asdict(self).items() if value is not None})


@app.command
def ls(*, data: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List who has sent something or has limits of his own: what is there now, of what may be.

    Args:
        data: The server's data folder; default ./data.
        json: Print a JSON array.
    """

    async def show(store: TaskStore, _: Settings) -> None:
        accounts = await store.accounts()
        if json:
            answer_json([asdict(account) for account in accounts])
            return
        rows = []
        for account in accounts:
            may, unset = account.limits, "any" if account.key_id else "default"
            most = [
                f"{limit:,}" if limit else unset if limit is None else "any"
                for limit in (may.per_minute, may.queued, may.running, may.pixels_per_day)
            ]
            now = ("", f"{account.queued:,} of ", f"{account.running:,} of ", f"{account.pixels_today:,} of ")
            weight = "-" if account.key_id else f"{may.weight:g}"
            rows.append([account.owner, account.key_id or "-", weight, *map(add, now, most)])
        answer_table(_HEADS, rows)

    with_store(data, show)


@app.command
def limit(
    owner: str,
    *,
    weight: Annotated[float | None, Parameter(validator=validators.Number(gte=0.01, lte=100))] = None,
    reset: Annotated[bool, Parameter(negative="")] = False,
    limits: LimitFlags | None = None,
    data: Path | None = None,
) -> None:
    """Limit all keys of an owner together, from the next submit on.

    Args:
        owner: As `keys ls` prints it.
        weight: His share of the workers while others wait too, 0.01 to 100; whoever has none has 1.
        reset: First take back all that was set: the server's settings hold again.
        limits: What is left out stays as it was.
        data: The server's data folder; default ./data.
    """
    from overpaint.service.access import limit_owner

    async def change(store: TaskStore, _: Settings) -> None:
        before = Limits() if reset else await limits_of(store, owner, "")
        after = (limits or LimitFlags()).over(before)
        await limit_owner(store, owner, after if weight is None else replace(after, weight=weight), actor=actor())
        say(f"Limited {owner}.")

    with_store(data, change)


async def limits_of(store: TaskStore, owner: str, key_id: str) -> Limits:
    """As they stand; none where nothing was ever set."""
    accounts = await store.accounts()
    return next((each.limits for each in accounts if (each.owner, each.key_id) == (owner, key_id)), Limits())
