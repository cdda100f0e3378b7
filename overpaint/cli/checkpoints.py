"""`overpaint checkpoints`: what is here, fetching more, and checking that it is still what was fetched."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from overpaint.cli.pulling import pulled, quiet_unless_watched, reading_bar
from overpaint.cli.talk import CheckFailed, answer, answer_json, answer_table, say

app = App(
    name="checkpoints",
    help="List, fetch and check checkpoints.",
    help_epilogue="Example: overpaint checkpoints pull Qwen/Qwen-Image-Edit-2511",
)


@app.command
def ls(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the checkpoints on this machine.

    Args:
        json: Print a JSON array.
    """
    from overpaint import hub

    found = list(hub.here())
    if json:
        answer_json([{"name": item.name, "folder": str(item.folder), "bytes": item.bytes} for item in found])
    else:
        answer_table(
            ("NAME", "SIZE", "FOLDER"),
            ((item.name, _size(item.bytes), str(item.folder)) for item in found),
        )


@app.command
def pull(name: str) -> None:
    """Fetch a checkpoint from the Hugging Face hub into its usual cache; prints the folder.

    Goes on where an interrupted pull stopped. HF_ENDPOINT names a mirror, HF_HOME another cache, HF_TOKEN opens
    private repositories.

    Args:
        name: OWNER/NAME, or OWNER/NAME@REVISION.
    """
    quiet_unless_watched()
    from overpaint import hub

    with reading_bar() as show:
        folder = hub.pull(name, progress=show)
    answer(str(folder))


@app.command
def verify(name: str = "mini", *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Read every file of a checkpoint again and compare it with the SHA-256 noted when it was made or pulled.

    Args:
        name: mini, a folder, or a hub id that was pulled before.
        json: Print a JSON object.
    """
    from overpaint import catalog, hub

    folder = pulled(name, offline=True)
    kind = catalog.read(folder)
    with reading_bar() as show:
        findings = list(hub.verify(folder, progress=show))
    damaged = [finding for finding in findings if finding.problem]
    if json:
        files = {finding.path: finding.problem or "ok" for finding in findings}
        answer_json({"id": kind.id, "folder": str(folder), "hashed": hub.has_manifest(folder), "files": files})
    else:
        for finding in damaged:
            answer(f"{finding.path} {finding.problem}")
    if damaged:
        raise CheckFailed(problem=f"{len(damaged)} of {len(findings)} files are not as they should be.")
    if not hub.has_manifest(folder):
        say("Nobody noted this folder's SHA-256 when it came; checked that configs parse and weights are whole.")
    say(f"{kind.id}: {len(findings)} files are as they should be.")


def _size(count: int) -> str:
    """Bytes for people, in the units that hubs print."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
