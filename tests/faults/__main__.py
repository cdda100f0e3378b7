"""`python -m tests.faults [ROW …]`: the rows in their long form, one after the other, and one table of their figures.

A row whose figures are in `build/faults/` already is not run again: after an interruption the same command goes on
where it stopped, and deleting a file runs its row anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

FIGURES = Path("build/faults")
ROWS = {
    "R1-R3 kills": ["tests/faults/test_kills.py"],
    "R5 disk": ["tests/faults/test_disk.py"],
    "R6 clocks": ["tests/faults/test_clocks.py"],
    "R9 machine": ["tests/store/test_machine.py"],
    "R10 judge": ["tests/faults/test_histories.py"],
    "R12b upgrade": ["tests/faults/test_upgrade.py"],
}


def run(row: str) -> bool:
    """Whether every test of the row held; its figures are kept then."""
    kept, partial = _file(row), _file(row).with_suffix(".partial")
    if kept.exists():
        return True
    partial.unlink(missing_ok=True)
    began = time.monotonic()
    environment = {"OVERPAINT_TEST_LONG": "1", "OVERPAINT_TEST_FIGURES": str(partial.resolve())}
    tests = [sys.executable, "-m", "pytest", "-q", *ROWS[row]]
    if subprocess.run(tests, env={**os.environ, **environment}).returncode:
        return False
    with partial.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"row": f"{row}, all", "seconds": round(time.monotonic() - began)}) + "\n")
    partial.replace(kept)
    return True


def table() -> list[str]:
    """Markdown: a row of figures a line, of all rows that are done."""
    lines = ["| row | figures |", "|---|---|"]
    for row in ROWS:
        for line in _file(row).read_text(encoding="utf-8").splitlines() if _file(row).exists() else ():
            values = json.loads(line)
            name = values.pop("row", row)
            lines.append(f"| {name} | {' · '.join(f'{key} {value}' for key, value in values.items())} |")
    return lines


def _file(row: str) -> Path:
    return FIGURES / f"{row.replace(' ', '-')}.jsonl"


def main(rows: list[str]) -> int:
    FIGURES.mkdir(parents=True, exist_ok=True)
    chosen = [row for row in ROWS if not rows or any(each in row for each in rows)]
    failed = [row for row in chosen if not run(row)]
    print("\n".join(["", *table()]))
    if failed:
        print(f"\nFAILED: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
