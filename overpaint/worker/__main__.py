"""`python -m overpaint.worker --checkpoint FOLDER --device cpu`: one worker process. Settings come from OVERPAINT_*."""

from __future__ import annotations

import argparse
from pathlib import Path

from overpaint import settings
from overpaint.errors import ConfigurationError
from overpaint.worker import process
from overpaint.worker.supervisor import EXIT_CONFIGURATION


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m overpaint.worker", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of config and weights")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--number", type=int, default=0, help="which worker this is, from 0; chooses among several GPUs"
    )
    arguments = parser.parse_args()
    try:
        chosen = settings.load()
    except ConfigurationError as error:
        parser.exit(EXIT_CONFIGURATION, f"{error}\nhint: {error.hint}\n")
    process.run(chosen, arguments.checkpoint, arguments.device, number=arguments.number)


main()
