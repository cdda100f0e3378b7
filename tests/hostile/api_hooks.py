"""What schemathesis is told beside its own checks: pictures to send, where not to lead the server, what to look at.

Loaded by schemathesis in a process of its own. Knows the shape of a request; does not know our code.
"""

from __future__ import annotations

import re
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

from tests.hostile.secrecy import REVEALING
from tests.http.world import base64_of, photo

PICTURES = [base64_of(photo(kind)) for kind in ("PNG", "JPEG", "WEBP")] + [f"data:;base64,{base64_of(photo())}"]
INSIDE = "http://127.0.0.1:9/"  #: refused by its address, before any connection
_URL = re.compile(r"\s*https?:", re.IGNORECASE)
#: of the connection rather than the answer, or part of every description
_UNDECLARED = {"connection", "content-length", "content-type", "date", "transfer-encoding"}


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """No stranger's URL is ever fetched, and three image strings of four are pictures: the same for the same string."""
    case.body = _without_urls(case.body)
    if isinstance(case.body, dict) and isinstance(image := case.body.get("image"), str):
        chosen = crc32(image.encode("utf-8", "replace")) % 6
        case.body["image"] = PICTURES[chosen] if chosen < len(PICTURES) else image


def _without_urls(value: Any) -> Any:
    if isinstance(value, str):
        return INSIDE if _URL.match(value) else value
    if isinstance(value, dict):
        return {name: _without_urls(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_urls(member) for member in value]
    return value


@schemathesis.check
def nothing_undeclared_is_sent(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Every header of an answer stands in the description of its status."""
    declared = case.operation.definition.raw["responses"].get(str(response.status_code))
    if declared is not None:
        known = _UNDECLARED | {name.lower() for name in declared["headers"]}
        assert {name.lower() for name in response.headers} <= known, (
            f"undeclared: {sorted({*response.headers} - known)}"
        )
    return None


@schemathesis.check
def nothing_of_the_inside_is_told(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """No folder, file or traceback in any answer."""
    found = REVEALING.search(response.content)
    assert not found, f"the answer tells {found}"
    return None
