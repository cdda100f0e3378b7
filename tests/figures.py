"""Sizes and figures of the tests that have a long form: OVERPAINT_TEST_LONG=1 chooses it.

Knows an environment variable and a file. Does not know what is measured, or how the figures are shown.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

IS_LONG = os.environ.get("OVERPAINT_TEST_LONG", "") not in ("", "0")


def figures(**values: object) -> None:
    """Hands in the figures of a test that held; lost unless somebody named a file for them."""
    if to := os.environ.get("OVERPAINT_TEST_FIGURES"):
        with Path(to).open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
