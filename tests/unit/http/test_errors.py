"""The error table: every error that may reach the wire has its name in every dialect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from overpaint import errors
from overpaint.http import novita
from overpaint.http.replies import problem_reply

INNER = (errors.ConfigurationError, errors.EditFailed)  # never sent: the operator's, and the worker's
FACTS: dict[str, object] = defaultdict(lambda: 7, field="seed", problem="must be an integer", pixels=9, limit=8)


def family(parent: type[errors.OverpaintError] = errors.OverpaintError) -> Iterator[type[errors.OverpaintError]]:
    for child in parent.__subclasses__():
        if not issubclass(child, INNER) and child.__module__ == errors.__name__:
            yield child
            yield from family(child)


LEAVES = [error for error in family() if not error.__subclasses__()]


def made(kind: type[errors.OverpaintError]) -> errors.OverpaintError:
    facts = {
        name: FACTS[name]
        for name in ("field", "problem", "limit", "per", "pixels", "method", "model", "scope", "seconds")
    }
    return kind(**facts)


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_error_has_a_novita_name(kind: type[errors.OverpaintError]) -> None:
    status, body = novita.to_error(made(kind), novita.SUBMIT)
    assert status == body.code
    assert 400 <= status < 600
    assert body.reason not in ("CREATE_TASK_FAILED", "GET_RESULT_FAILED")
    assert body.message == str(made(kind))
    assert body.metadata["field"] == "seed"


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_error_is_a_problem_elsewhere(kind: type[errors.OverpaintError]) -> None:
    reply = problem_reply(made(kind), "some-id")
    assert reply.status == kind.status
    assert reply.headers[b"content-type"] == b"application/problem+json"
    assert (b"www-authenticate" in reply.headers) == (kind is errors.InvalidApiKey)


def test_a_bug_of_ours_is_named_by_what_was_asked() -> None:
    for path, reason in ((novita.SUBMIT, "CREATE_TASK_FAILED"), (novita.RESULT, "GET_RESULT_FAILED")):
        status, body = novita.to_error(errors.OverpaintError(), path)
        assert (status, body.code, body.reason) == (500, 500, reason)
