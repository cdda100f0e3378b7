"""The SQL of the store, read from the files in `sql/`: each statement has a name and a sentence.

Knows the form of those files (`-- name: claim`, a `--` line that says what it does, the statement, `;`).
Does not know what any statement means, and runs none.
"""

from __future__ import annotations

import re
from importlib import resources

_HEADING = re.compile(r"^-- name: ([a-z_]+)\n-- \S.*\n", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """Name -> statement. Raises ValueError for a name without a sentence, a name given twice, an empty statement."""
    parts = _HEADING.split(text)
    names, bodies = parts[1::2], [body.strip().removesuffix(";") for body in parts[2::2]]
    if len(names) != text.count("-- name:"):
        raise ValueError("each `-- name:` line needs a name in snake_case and a sentence in the line below")
    if len(set(names)) != len(names) or not all(bodies):
        raise ValueError("each statement needs a name of its own, and a body")
    return dict(zip(names, bodies, strict=True))


def _read_all() -> dict[str, str]:
    folder = resources.files(__package__) / "sql"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return parse("\n".join(file.read_text(encoding="utf-8") for file in files))


SQL = _read_all()
