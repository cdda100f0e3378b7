"""Tests in their long form, row by row: each runs once, its figures are kept, and one table shows all that are done.

A row whose figures are kept is not run again: after an interruption the same command goes on where it stopped, and
deleting a file runs its row anew. Knows pytest's command line and a folder; does not know what any row measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def main(folder: Path, rows: Mapping[str, Sequence[str]], wanted: Sequence[str]) -> int:
    """Runs the rows whose name holds a wanted word, all without one. `rows`: name -> pytest's arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [row for row in rows if not wanted or any(each in row for each in wanted)]
    failed = [row for row in chosen if not _run(_file(folder, row), row, rows[row])]
    print("\n".join(["", *_table(folder, rows)]))
    if failed:
        print(f"\nFAILED: {', '.join(failed)}")
    return bool(failed)


def _run(kept: Path, row: str, tests: Sequence[str]) -> bool:
    """Whether every test of the row held; its figures are kept then."""
    if kept.exists():
        return True
    partial = kept.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    began = time.monotonic()
    environment = {"OVERPAINT_TEST_LONG": "1", "OVERPAINT_TEST_FIGURES": str(partial.resolve())}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *tests]  # figures in the order of the tests
    if subprocess.run(command, env={**os.environ, **environment}).returncode:
        return False
    with partial.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"row": f"{row}, all", "seconds": round(time.monotonic() - began)}) + "\n")
    partial.replace(kept)
    return True


def _table(folder: Path, rows: Mapping[str, Sequence[str]]) -> list[str]:
    """Markdown: a row of figures a line, of all rows that are done."""
    lines = ["| row | figures |", "|---|---|"]
    for row in rows:
        kept = _file(folder, row)
        for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else ():
            values = json.loads(line)
            name = values.pop("row", row)
            lines.append(
                f"| {name} | {' · '.join(f'{_words(key)} {_words(value)}' for key, value in values.items())} |"
            )
    return lines


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {count}" for key, count in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value).replace("_", " ").replace("|", "\\|")


def _file(folder: Path, row: str) -> Path:
    return folder / f"{row.replace(' ', '-')}.jsonl"
