"""JSON taken apart: the depth counter against a plain one, and members without a copy."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.errors import MalformedBody
from overpaint.http import bodies

LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner))


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=6), st.booleans())
def test_every_member_comes_out_as_it_went_in(value: dict[str, object], is_ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=is_ascii).encode()
    fields = bodies.json_object(body)
    assert {name: bodies.value(raw) for name, raw in fields.items()} == value


@given(st.integers(1, 60), st.text(alphabet='[]{}"\\ ,:x', max_size=60))
def test_depth_counts_brackets_outside_strings_only(levels: int, noise: str) -> None:
    value: object = noise
    for level in range(levels - 1):
        value = [value] if level % 2 else {noise: value}
    body = json.dumps({"stray": value, noise: noise}).encode()
    if depth_of(json.loads(body)) <= bodies.MAX_DEPTH:
        bodies.json_object(body)
    else:
        with pytest.raises(MalformedBody, match="deeper"):
            bodies.json_object(body)


def test_a_flood_of_members_is_refused_before_it_is_taken_apart() -> None:
    def body(members: int) -> bytes:
        return b"{" + b",".join(b'"%d":1' % number for number in range(members)) + b"}"

    assert len(bodies.json_object(body(bodies.MAX_MEMBERS))) == bodies.MAX_MEMBERS
    with pytest.raises(MalformedBody, match="members"):
        bodies.json_object(body(bodies.MAX_MEMBERS + 1))


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.booleans())
def test_a_string_member_gives_its_bytes(text: str, is_ascii: bool) -> None:
    raw = bodies.json_object(json.dumps({"a": text}, ensure_ascii=is_ascii).encode())["a"]
    assert bytes(bodies.text_bytes(raw)) == text.encode()


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused_and_nothing_else_happens(noise: bytes) -> None:
    try:
        bodies.json_object(noise)
    except MalformedBody:
        return
    assert isinstance(json.loads(noise.decode("utf-8-sig")), dict)
