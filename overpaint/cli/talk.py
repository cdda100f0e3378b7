"""How the command line speaks: the answer alone on stdout, everything else on stderr, one shape for every error.

Knows exit codes and which error means which. Does not know any verb. Colour and bars are rich's affair: it leaves them
out where NO_COLOR is set or nobody watches.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console

from overpaint.client import Busy, EditUnsuccessful, GaveUpWaiting
from overpaint.errors import ConfigurationError, EditFailed, InvalidRequest, NotAllowed, NotFound, OverpaintError

EXIT_CODES = {
    0: "done (`doctor`: also with warnings)",
    1: "the work failed: the edit did, or a check did",
    2: "wrong usage: an unknown flag, a bad setting, a request that cannot be served",
    3: "the key is missing, wrong or not allowed",
    4: "not found",
    5: "the server cannot be reached, or had an error of its own",
    6: "the queue was full, or the key too busy, after retries",
    124: "gave up waiting; the id of the edit is printed",
    130: "interrupted",
}

#: The first row that fits decides; what fits none is 5, an error on the server's side.
_MEANINGS: Sequence[tuple[type[OverpaintError], int]] = (
    (EditFailed, 1),
    (EditUnsuccessful, 1),
    (GaveUpWaiting, 124),
    (Busy, 6),
    (NotAllowed, 3),
    (NotFound, 4),
    (ConfigurationError, 2),
    (InvalidRequest, 2),
)


#: What to do where an error itself does not say: by exit code.
_NEXT_STEPS = {
    1: "Change the request, or try another seed.",
    2: "Change what was asked; docs/reference/errors.md tells the limits.",
    4: "Check the id, and whose key you use.",
    5: "Try again; `overpaint doctor` and the server's log know more.",
    6: "Try again later; the server's QUEUE_MAX is the limit.",
}


class WrongUsage(InvalidRequest):
    """What was typed cannot be meant. facts: problem."""

    code = "wrong_usage"
    hint = "`overpaint VERB --help` lists what a verb takes."


class CheckFailed(OverpaintError):
    """A check said no; what was wrong has been printed already. facts: problem."""

    code, message = "check_failed", "{problem}"
    hint = "The lines above say what to do."


def exit_code(error: OverpaintError) -> int:
    """The number of EXIT_CODES that an error ends the program with."""
    if isinstance(error, CheckFailed):
        return 1
    return next((code for kind, code in _MEANINGS if isinstance(error, kind)), 5)


def next_step(error: OverpaintError) -> str:
    """The error's own hint, or else what its kind suggests."""
    return error.hint or _NEXT_STEPS.get(exit_code(error), "`overpaint doctor` looks around.")


def stderr() -> Console:
    """Where talk goes. Text is printed as it is: a prompt with [brackets] stays one."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(text: str = "") -> None:
    """A sentence for the person."""
    stderr().print(text)


def answer(text: str) -> None:
    """Data, for a person or the next program."""
    print(text, flush=True)


def answer_json(value: Any) -> None:
    """Data as one JSON document."""
    answer(json.dumps(value, ensure_ascii=False, indent=2))


def answer_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns, two blanks between them."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        answer("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def complain(problem: str, hint: str = "") -> None:
    """One line, a blank, then what to do next."""
    say(f"error: {problem}")
    if hint:
        say()
        say(f"hint: {hint}")


def is_watched() -> bool:
    """Whether somebody sees stderr, so that bars make sense."""
    return sys.stderr.isatty()
