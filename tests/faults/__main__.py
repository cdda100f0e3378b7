"""`python -m tests.faults [ROW …]`: what machines may do to it, in the long form; figures stay in `build/faults/`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests import rows

ROWS = {
    "R1 crash": ["tests/faults/test_crash.py"],
    "R2-R3 workers": ["tests/faults/test_workers.py"],
    "R5 disk": ["tests/faults/test_disk.py"],
    "R6 clocks": ["tests/faults/test_clocks.py"],
    "R8 webhooks": ["tests/faults/test_webhooks.py"],
    "R9 machine": ["tests/store/test_machine.py", "tests/store/test_planted.py"],
    "R10 judge": ["tests/faults/test_histories.py"],
    "R12 drain": ["tests/faults/test_drain.py"],
    "R12b upgrade": ["tests/faults/test_upgrade.py"],
    "R14 turns": ["tests/store/test_lanes.py", "tests/worker/test_turns.py"],
    "R13 overload": ["tests/faults/test_overload.py"],
    "poison": ["tests/faults/test_poison.py"],
}

if __name__ == "__main__":
    sys.exit(rows.main(Path("build/faults"), ROWS, sys.argv[1:]))
