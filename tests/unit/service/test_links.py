"""Signed links, and the secret they hang on."""

from __future__ import annotations

import hashlib
import hmac
import stat
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.errors import ConfigurationError, Forbidden
from overpaint.service.links import FileName, Signer, parse_path, root_secret

ROOT = bytes(range(32))
NAME = FileName("01234567-89ab-7def-8123-456789abcdef", 1, 0, "png")


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: root_secret(data), range(32)))
    assert len(secrets) == 1
    assert stat.S_IMODE((data / "secret").stat().st_mode) == 0o600
    assert [path.name for path in data.iterdir()] == ["secret"]


def test_a_damaged_secret_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(ConfigurationError):
        root_secret(tmp_path)


def test_the_signature_is_the_documented_one() -> None:
    """Written out again with the standard library: HKDF-SHA256, then HMAC of path, expiry and type."""
    link = Signer(ROOT, ttl_seconds=60, clock=lambda: 1000.0).sign("https://host", NAME, expires_at_ms=None)
    extracted = hmac.new(bytes(32), ROOT, hashlib.sha256).digest()
    key = hmac.new(extracted, b"overpaint file links 1\x01", hashlib.sha256).digest()
    mac = hmac.new(key, f"{NAME.path}\n1060\nimage/png".encode(), hashlib.sha256).digest()
    assert link.url == f"https://host{NAME.path}?exp=1060&kid=1&sig={urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert (link.ttl_seconds, link.format) == (60, "png")


def test_a_link_ends_with_its_picture() -> None:
    signer = Signer(ROOT, ttl_seconds=3600, clock=lambda: 1000.0)
    assert signer.sign("", NAME, expires_at_ms=1_090_000).ttl_seconds == 90
    assert signer.sign("", NAME, expires_at_ms=9_000_000).ttl_seconds == 3600
    assert signer.sign("", NAME, expires_at_ms=900_000).ttl_seconds == 1


def test_what_was_signed_opens_until_its_time() -> None:
    now = 1000.0
    signer = Signer(ROOT, ttl_seconds=60, clock=lambda: now)
    query = parse_qs(urlsplit(signer.sign("", NAME, expires_at_ms=None).url).query)
    parts = (query["exp"][0], query["kid"][0], query["sig"][0])
    assert signer.check(NAME, *parts) == 60
    now = 1059.0
    assert signer.check(NAME, *parts) == 1
    now = 1060.0
    with pytest.raises(Forbidden):
        signer.check(NAME, *parts)


@given(st.text(max_size=20), st.text(max_size=5), st.text(max_size=60))
def test_no_other_text_opens_it(expiry: str, key_id: str, signature: str) -> None:
    with pytest.raises(Forbidden):
        Signer(ROOT, ttl_seconds=60).check(NAME, expiry, key_id, signature)


@pytest.mark.parametrize(
    "other",
    [
        FileName(NAME.task_id.replace("0", "1"), 1, 0, "png"),
        FileName(NAME.task_id, 2, 0, "png"),
        FileName(NAME.task_id, 1, 1, "png"),
        FileName(NAME.task_id, 1, 0, "jpeg"),
    ],
)
def test_a_link_is_for_one_name(other: FileName) -> None:
    signer = Signer(ROOT, ttl_seconds=60, clock=lambda: 1000.0)
    query = parse_qs(urlsplit(signer.sign("", NAME, expires_at_ms=None).url).query)
    with pytest.raises(Forbidden):
        signer.check(other, query["exp"][0], query["kid"][0], query["sig"][0])


def test_a_path_is_parsed_only_as_it_is_spelled() -> None:
    assert parse_path(NAME.path) == NAME
    for path in (NAME.path + "/", NAME.path + "\n", NAME.path.upper(), NAME.path.replace("1-0", "01-0"), "/files/x"):
        assert parse_path(path) is None


@given(st.text(max_size=80))
def test_a_parsed_path_spells_itself(text: str) -> None:
    for path in (text, f"/files/{NAME.task_id}/{text}"):
        name = parse_path(path)
        assert name is None or name.path == path
