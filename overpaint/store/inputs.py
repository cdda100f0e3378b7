"""The table `input`: each input picture of a task, small ones with their bytes, the others with their place in a pack.

Knows that table's statements and where the line is drawn. Does not know files, or the task table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from overpaint.store.packs import Place
from overpaint.store.statements import SQL

#: Up to this size a picture lies in its row, for one sync less; a larger one in a pack, for there it is written once.
#: Measured by `python -m benchmarks.inputs`; docs/decisions/0006-small-inputs.md has the table.
ROW_BYTES = 16 * 1024


def split(pictures: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Those for a row, those for a pack; both by name."""
    small = {name: data for name, data in pictures.items() if len(data) <= ROW_BYTES}
    return small, {name: data for name, data in pictures.items() if name not in small}


def insert(db: sqlite3.Connection, small: Mapping[str, bytes], packed: Mapping[str, Place]) -> None:
    """Adds both kinds."""
    for name, data in small.items():
        db.execute(SQL["put_small_input"], {"name": name, "bytes": data})
    for name, place in packed.items():
        db.execute(SQL["put_packed_input"], {"name": name, **place._asdict()})


def forget(db: sqlite3.Connection, names: Iterable[str]) -> list[Place]:
    """Takes pictures out of the table. Returns where some still lie."""
    rows = [row for name in names for row in db.execute(SQL["forget_input"], {"name": name}).fetchall()]
    return [Place(*row) for row in rows if row[0] is not None]
