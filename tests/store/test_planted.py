"""The state machine is worth something: it notices each fault that is planted into the store's statements (R9)."""

from __future__ import annotations

import sqlite3
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from overpaint.store.statements import SQL
from tests.figures import IS_LONG, figures
from tests.store.test_machine import Histories

EXAMPLES = 150
#: Statement, what stands there, what is planted. Not among them: `status = 'processing'` in `held` and `beat`, without
#: which nothing changes, for who ends or requeues a task takes the worker out of its row.
FAULTS = [
    ("held", " AND attempt = :attempt", ""),
    ("held", " AND worker_id = :worker_id", ""),
    ("outcome_of_attempt", " AND worker_id = :worker_id", ""),
    ("outcome_of_attempt", " AND number = :number", ""),
    ("beat", " AND attempt = :attempt", ""),
    ("beat", " AND worker_id = :worker_id", ""),
    ("beat", " AND lease_until > :boot_now", ""),
    ("beat", "lease_until > :boot_now", "lease_until >= :boot_now"),
    ("beat", "max(step, :step)", ":step"),
    ("beat", "version + (:step > step)", "version"),
    ("requeue", ", step = 0", ""),
    ("requeue", "failures = :failures, ", ""),
    ("requeue", "version = version + 1, ", ""),
]


@pytest.mark.skipif(not IS_LONG, reason="minutes; part of `make faults`")
def test_every_planted_fault_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    unnoticed = []
    for name, healthy, planted in FAULTS:
        assert healthy in SQL[name], (name, healthy)
        with monkeypatch.context() as patch:
            patch.setitem(SQL, name, SQL[name].replace(healthy, planted))
            if not is_noticed():
                unnoticed.append(f"{name}: {healthy} -> {planted}")
    assert unnoticed == []
    figures(row="R9 planted faults", planted=len(FAULTS), noticed=len(FAULTS))


def is_noticed() -> bool:
    """Whether some history of a few hundred goes wrong. It is not shortened: nobody reads it."""
    machine = type("Planted", (Histories,), {"opener": "sqlite", "made": Counter()})
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=60,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except (AssertionError, sqlite3.Error, BaseExceptionGroup):
        return True
    return False
