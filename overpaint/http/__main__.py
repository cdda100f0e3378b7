"""`python -m overpaint.http --listener FD`: the API process. Settings come from OVERPAINT_*; FD is a bound socket."""

from __future__ import annotations

import argparse
import socket

from overpaint import settings
from overpaint.errors import ConfigurationError
from overpaint.http import app

EXIT_CONFIGURATION = 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m overpaint.http", description=__doc__)
    parser.add_argument("--listener", type=int, help="number of an inherited listening socket; else HOST and PORT")
    arguments = parser.parse_args()
    try:
        app.run(settings.load(), None if arguments.listener is None else socket.socket(fileno=arguments.listener))
    except ConfigurationError as error:
        parser.exit(EXIT_CONFIGURATION, f"{error}\nhint: {error.hint}\n")


main()
