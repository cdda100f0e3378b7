"""`overpaint webhooks`: what was told of ended edits, to tell it again, and the secrets that messages are signed with.

Works on the data folder, whether a server runs on it or not. Does not know how a message is sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from overpaint.cli.folder import date, with_store
from overpaint.cli.talk import WrongUsage, answer, answer_json, answer_table, say
from overpaint.domain import MessageState

if TYPE_CHECKING:
    from overpaint.domain import MessageRecord
    from overpaint.settings import Settings
    from overpaint.store.tasks import TaskStore

app = App(
    name="webhooks",
    help="See, repeat and verify what edits told by webhook.",
    help_epilogue="Example: overpaint webhooks ls --state failed",
)

_HEADS = ("ID", "OWNER", "STATE", "TRIES", "LAST", "NEXT TRY", "URL")


@app.command
def ls(
    *,
    state: MessageState | None = None,
    task: str | None = None,
    limit: int = 50,
    data: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the messages, the newest first; URLs without their queries.

    Args:
        state: Only those that are pending, delivered, failed (ten tries), or gone (the receiver said 410).
        task: Only that of this task.
        limit: At most so many.
        data: The server's data folder; default ./data.
        json: Print a JSON array, with every try.
    """
    if limit < 1:
        raise WrongUsage(problem="--limit must be at least 1.")

    async def show(store: TaskStore, _: Settings) -> None:
        found = [_told(record) for record in await store.messages(state=state, task_id=task, limit=limit)]
        if json:
            answer_json(found)
        else:
            answer_table(_HEADS, map(_row, found))

    with_store(data, show)


@app.command
def redeliver(id: str, *, data: Path | None = None) -> None:
    """Send a message again: now, and if need be on the whole schedule. Its id stays the same.

    Args:
        id: As `webhooks ls` prints it.
        data: The server's data folder; default ./data.
    """
    from overpaint.service.webhooks import MessageNotFound, task_id

    async def repeat(store: TaskStore, _: Settings) -> None:
        if not await store.redeliver(task_id(id)):
            raise MessageNotFound(id=id)
        say(f"{id} is due now; a running server sends it.")

    with_store(data, repeat)


@app.command
def secret(
    *,
    owner: str | None = None,
    rotate: Annotated[bool, Parameter(negative="")] = False,
    data: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Show the secret that an owner's messages are signed with, for the receiver to verify them.

    Args:
        owner: Whose; left out: the first key's.
        rotate: Take a new one first. The one before signs too for a day.
        data: The server's data folder; default ./data.
        json: Print a JSON object.
    """
    from overpaint.service.access import FIRST_OWNER
    from overpaint.service.links import root_secret
    from overpaint.service.webhooks import OwnerNotFound, Secrets

    async def show(store: TaskStore, settings: Settings) -> None:
        chosen = owner or FIRST_OWNER
        if not any(key.owner == chosen for key in await store.keys()):
            raise OwnerNotFound(owner=chosen)
        secrets = Secrets(store, root_secret(settings.data))
        text = await secrets.rotate(chosen) if rotate else (await secrets.active(chosen))[0]
        if json:
            answer_json({"owner": chosen, "secret": text})
        else:
            answer(text)
        if rotate:
            say("The one before signs too for 24 hours.")

    with_store(data, show)


def _told(record: MessageRecord) -> dict[str, object]:
    from overpaint.service.webhooks import message_id

    return {
        "id": message_id(record.task_id),
        "task_id": record.task_id,
        "owner": record.owner,
        "url": _without_query(record.url),
        "status": record.state.value,
        "tries": [
            {
                "at": date(each.at),
                "http_status": each.status,
                "duration_ms": each.milliseconds,
                "error": each.error,
            }
            for each in record.deliveries
        ],
        "next_try_at": date(record.due_at),
    }


def _row(told: dict[str, object]) -> list[str]:
    tries = told["tries"]
    assert isinstance(tries, list)
    last = (tries[-1]["http_status"] or tries[-1]["error"]) if tries else None
    cells = (told["id"], told["owner"], told["status"], len(tries), last, told["next_try_at"], told["url"])
    return [str(cell if cell is not None else "-") for cell in cells]


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
