"""Sizes, figures, and the proof that nothing here speaks to anyone but loopback.

OVERPAINT_TEST_LONG=1 chooses the long form. Each test hands in rows; they are printed as tables at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from tests.figures import IS_LONG
from tests.http.conftest import anyio_backend, make_world, serve, world

__all__ = ["anyio_backend", "make_world", "serve", "world"]  # the servers of tests/http are ours too

Figures = Callable[..., None]

_outside: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Python tells of each name that is looked up and each connection, whoever asks for it."""
    if event == "socket.getaddrinfo":
        _note(str(arguments[0]))
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        _note(str(arguments[1][0]))


def _note(host: str) -> None:
    try:
        address = ip_address(host)
        is_ours = (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        is_ours = host in ("localhost", "None", "")
    if not is_ours:
        _outside.append(host)


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine() -> Iterator[None]:
    """Fails the test that looked up a name or connected beyond loopback."""
    _outside.clear()
    yield
    assert _outside == []


@pytest.fixture(scope="session")
def is_long() -> bool:
    return IS_LONG


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """figures("pictures", kind="bomb", files=12): one row of the table of that name."""

    def add(table: str, **row: object) -> None:
        request.node.user_properties.append((f"table {table}", row))

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the tables. They travel with the reports, so several processes may have filled them."""
    tables: dict[str, list[dict[str, object]]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, row in report.user_properties:
            if name.startswith("table ") and report.when == "call":
                tables.setdefault(name.removeprefix("table "), []).append(row)
    if not IS_LONG:
        return
    for name, rows in sorted(tables.items()):
        terminalreporter.write_sep("-", name)
        for line in _table(rows):
            terminalreporter.write_line(line)


def _table(rows: list[dict[str, object]]) -> list[str]:
    cells = [[*rows[0]], *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
