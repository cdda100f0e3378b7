"""`python -m overpaint.worker --checkpoint FOLDER --device cpu`: one worker process. Settings come from OVERPAINT_*."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from overpaint import settings
from overpaint.errors import ConfigurationError
from overpaint.worker import process


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m overpaint.worker", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder of config and weights")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    arguments = parser.parse_args()
    try:
        chosen = settings.load()
    except ConfigurationError as error:
        sys.exit(f"{error}\nhint: {error.hint}")
    process.run(chosen, arguments.checkpoint, arguments.device)


main()
