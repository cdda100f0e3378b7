"""What schemathesis is told beside its own checks: pictures to send, where not to lead the server, what to look at.

Loaded by schemathesis in a process of its own. Knows the shape of a request; does not know our code.
"""

from __future__ import annotations

import re
from typing import Any
from zlib import crc32

import requests
import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

from tests.http.world import SECRET, base64_of, photo
from tests.secrecy import REVEALING

PICTURES = [base64_of(photo(kind)) for kind in ("PNG", "JPEG", "WEBP")] + [f"data:;base64,{base64_of(photo())}"]
WRONG = "Bearer op_AAAAAAAA_" + "a" * 32
INSIDE = "http://127.0.0.1:9/"  #: refused by its address, before any connection
_URL = re.compile(r"\s*https?:", re.IGNORECASE)
_session = requests.Session()
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
def the_key_alone_decides(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """The same request again: bare of `Bearer` it does the same, without a key or with a wrong one it is refused."""
    request = response.request
    if case.method not in declared_methods(case):
        return None
    if not case.operation.definition.raw["security"]:
        assert _again(request, WRONG).status_code == response.status_code, "a route without a key looked at one"
        return None
    refusals = [_again(request, key) for key in ("", WRONG)]
    assert [each.status_code for each in refusals] == [403, 403], "it went on without the right key"
    assert refusals[0].content == refusals[1].content
    if request.headers.get("Authorization") == f"Bearer {SECRET}":
        assert _again(request, SECRET).status_code == response.status_code, "the bare key did something else"
    return None


def declared_methods(case: Case) -> set[str]:
    return {method.upper() for method in case.operation.schema[case.operation.path]}


def _again(request: requests.PreparedRequest, authorization: str) -> requests.Response:
    copy = request.copy()
    copy.headers.pop("Authorization", None)
    if authorization:
        copy.headers["Authorization"] = authorization
    return _session.send(copy)


@schemathesis.check
def nothing_of_the_inside_is_told(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """No folder, file or traceback in any answer."""
    found = REVEALING.search(response.content)
    assert not found, f"the answer tells {found}"
    return None
