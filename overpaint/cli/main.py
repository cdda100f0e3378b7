"""The `overpaint` command: finds the verb, and turns whatever ends it into one message and one exit code.

Knows which verbs there are. Imports nothing large, so that `--help` is instant; a verb imports its room when it runs.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from overpaint import __version__
from overpaint.cli import checkpoints, doctor, edit, keys, owners, plan, serve, tasks, webhooks
from overpaint.cli.talk import complain, exit_code, next_step
from overpaint.errors import OverpaintError

DEBUG = "--debug"

app = App(
    name="overpaint",
    help="Edit pictures by instruction, here or through a server.",
    help_epilogue=f"Every verb takes {DEBUG}, to show where an error came from. Begin with: overpaint doctor",
    help_format="markdown",
    version=f"overpaint {__version__}",
    suppress_keyboard_interrupt=False,
)
app.command(serve.serve, help_epilogue="Example: overpaint serve --port 8000 --data ./data")
app.command(
    edit.edit,
    usage="Usage: overpaint edit IMAGE... PROMPT --output OUT [OPTIONS]",
    help_epilogue='Example: overpaint edit cat.jpg "make it black and white" -o grey.jpg',
)
app.command(checkpoints.app)
app.command(keys.app)
app.command(owners.app)
app.command(tasks.app)
app.command(webhooks.app)
app.command(plan.plan, help_epilogue="Example: overpaint plan --checkpoint Qwen/Qwen-Image-Edit-2511 --vram 48GiB")
app.command(doctor.doctor, help_epilogue="Example: overpaint doctor --json")


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Ends the process with a code of `talk.EXIT_CODES`."""
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    sys.exit(_run([token for token in tokens if token != DEBUG], shows_traceback=DEBUG in tokens))


def _run(tokens: Sequence[str], *, shows_traceback: bool) -> int:
    try:
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except BaseException as problem:
        if shows_traceback and not isinstance(problem, SystemExit):
            traceback.print_exception(problem)
        return _end(problem)
    return code if isinstance(code, int) else 0


def _end(problem: BaseException) -> int:
    """Says what went wrong; returns the exit code."""
    match problem:
        case SystemExit():
            raise problem
        case KeyboardInterrupt():
            return 130
        case CycloptsError():
            complain(str(problem), "`overpaint --help` lists the verbs, `overpaint VERB --help` the flags.")
            return 2
        case OverpaintError():
            complain(str(problem), next_step(problem))
            return exit_code(problem)
        case ModuleNotFoundError() if not (problem.name or "").startswith("overpaint"):
            complain(f"This needs the server's packages; {problem.name} is missing.", "pip install 'overpaint[server]'")
            return 2
        case BrokenPipeError():
            return _hang_up()
        case OSError():
            named = f"{problem.filename}: " if problem.filename else ""
            complain(f"{named}{problem.strerror or problem}.", "Check the path and its permissions.")
            return 2
        case _:
            complain(f"Something unforeseen failed: {type(problem).__name__}: {problem}", f"{DEBUG} shows where.")
            return 1


def _hang_up() -> int:
    """The reader of our output went away, as `head` does: nothing to say, and nowhere to flush to at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    main()
