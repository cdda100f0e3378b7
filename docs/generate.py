"""Writes the pages of docs/reference that the code knows best: settings, errors, command line, metrics.

python docs/generate.py          write them
python docs/generate.py --check  exit 1 and name each page that is out of date
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cyclopts import App
from rich.console import Console

from overpaint import errors, settings, telemetry
from overpaint.cli.main import app
from overpaint.cli.talk import EXIT_CODES
from overpaint.http.novita import REASONS

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py; change the code instead. -->\n"


def settings_page() -> str:
    """From settings.table()."""
    rows = (
        f"| `{settings.PREFIX}{name}` | {_default(default)} | {sentence} |"
        for name, default, sentence in settings.table()
    )
    return f"""# Settings

{NOTE}
A flag of `overpaint serve` beats the environment, the environment beats `overpaint.toml` in the working folder, that
beats the default. In `overpaint.toml` the names are lower case and without the prefix: `queue_max = 100`. Sizes also as
`30MiB`, times as `15m`. A name that is not in this table is refused, with its nearest neighbour named.

| variable | default | meaning |
|---|---|---|
{_lines(rows)}

Clients read `OVERPAINT_URL` (default `http://127.0.0.1:8000`) and `OVERPAINT_API_KEY` (the key to send).
"""


def errors_page() -> str:
    """From the error classes, the Novita dialect's table and errors.FAILURES."""
    return f"""# Errors

{NOTE}
A refused request has changed nothing. The body of an error under `/v3/` and `/openapi/`:

```json
{{"code": 400, "reason": "INVALID_REQUEST_BODY", "message": "seed: must be between -1 and 2147483647",
 "metadata": {{"field": "seed"}}}}
```

`code` is the HTTP status, `reason` the word to branch on. Everywhere else errors are `application/problem+json`
(RFC 9457), and the word to branch on is `code`. Every answer carries `X-Request-Id`; the server's log line has it too.

## Refused requests

| code | status | Novita reason (status) | what happened | send it again? | what to do |
|---|---|---|---|---|---|
{_lines(_refusals())}

## Failed edits

A failed edit is a 200 with `TASK_STATUS_FAILED`; `task.reason` is `"<code>: <sentence>"`. The server repeats by itself
what may work the next time, up to `OVERPAINT_MAX_ATTEMPTS`; what is not worth a repetition fails at once.

| code | sentence | repeated by the server | what to do |
|---|---|---|---|
{_lines(_failures())}
"""


def cli_page() -> str:
    """From the help texts themselves."""
    helps = "\n".join(f"## `{_name(verb)}`\n\n```text\n{_help(verb)}\n```\n" for verb in _verbs())
    codes = _lines(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    return f"""# Command line

{NOTE}
Data goes to stdout, everything else to stderr; bars and colour only on a terminal, colour never with `NO_COLOR`. An
error is one line, a blank, then `hint:` and what to do. `-` as a file reads stdin or writes stdout.

## Exit codes

| code | meaning |
|---|---|
{codes}

{helps}"""


def metrics_page() -> str:
    """From telemetry.OWN and telemetry.SHARED."""
    return f"""# Metrics

{NOTE}
`GET /metrics` in Prometheus' text format; `OVERPAINT_METRICS` says who may read it. Label values come from closed sets:
no owner, key, id, prompt or URL.

## Of the whole server

Read from the store, at most once a second. Counters and histograms hold what happened since the data folder was made:
they outlive every process, and each figure is counted in the transaction that makes it true. Left out while the store
does not answer.

{_metrics(telemetry.SHARED)}

## Of the API process

Counted in memory since the process began.

{_metrics(telemetry.OWN)}
"""


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "cli.md": cli_page,
    "metrics.md": metrics_page,
}


def _metrics(shapes: Iterable[telemetry.Shape]) -> str:
    rows = (
        f"| `{telemetry.NAMESPACE}_{shape.name}` | {shape.kind} | "
        f"{', '.join(f'`{label}`' for label in shape.labels) or '-'} | {shape.sentence} |"
        for shape in shapes
    )
    return f"| metric | kind | labels | what it tells |\n|---|---|---|---|\n{_lines(rows)}"


def _default(value: object) -> str:
    if value is None or value == ():
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) and value > 9999 else f"`{value}`"


def _refusals() -> Iterator[str]:
    for kind in _family(errors.OverpaintError):
        # Families, and what is never sent.
        if issubclass(kind, errors.ConfigurationError | errors.EditFailed) or kind.code in ("not_found", "overloaded"):
            continue
        status, reason = REASONS.get(kind.code, (500, "CREATE_TASK_FAILED, GET_RESULT_FAILED"))
        is_ours = kind.status >= 500 or issubclass(kind, errors.TryLater)
        again = "yes" if is_ours else "no"
        said = _cell(kind.message) if kind.message != "{problem}" else "as the message says"
        novita = f"`{reason}` ({status})"
        yield f"| `{kind.code}` | {kind.status} | {novita} | {said} | {again} | {_cell(kind.hint) or '-'} |"


def _family(kind: type[errors.OverpaintError]) -> Iterator[type[errors.OverpaintError]]:
    """The class and its descendants in errors.py, those that share their parent's code left out."""
    yield kind
    for child in kind.__subclasses__():
        if inspect.getmodule(child) is errors:
            yield from (member for member in _family(child) if member.code != kind.code)


def _failures() -> Iterator[str]:
    for code, kind in errors.FAILURES.items():
        again = "yes" if kind.retryable else "no"
        yield f"| `{code}` | {_cell(kind.sentence)} | {again} | {_cell(kind.hint) or '-'} |"


def _verbs(inside: App = app, name: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every verb with help of its own, the bare command first."""
    yield name
    for verb in inside:
        if not verb.startswith("-"):
            yield from _verbs(inside[verb], (*name, verb))


def _name(verb: tuple[str, ...]) -> str:
    return " ".join(("overpaint", *verb))


def _help(verb: tuple[str, ...]) -> str:
    page = io.StringIO()
    console = Console(file=page, width=100, color_system=None, force_terminal=False)
    formatter, app.help_formatter = app.help_formatter, "plain"
    app.help_print(list(verb), console=console)
    app.help_formatter = formatter
    lines = [line.rstrip() for line in page.getvalue().strip().splitlines()]
    return "\n".join(line for line, before in zip(lines, ["", *lines], strict=False) if line or before)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("{", "*").replace(":,}", "*").replace("}", "*")


def _lines(rows: Iterator[str]) -> str:
    return "\n".join(rows)


def main() -> int:
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, "utf-8")
    print("\n".join(f"docs/reference/{name}" for name in stale))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
