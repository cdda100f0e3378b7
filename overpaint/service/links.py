"""Links to finished pictures: whoever holds one may open it until it expires, without a key.

Knows the root secret, how a link is signed and how one is checked. Does not know tasks or whether the picture exists.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from overpaint.errors import ConfigurationError, Forbidden
from overpaint.images.header import MEDIA_TYPES

KEY_ID = "1"  #: names the signing key, so that a later one can be told from it
_ROOT_BYTES = 32
_PATH = re.compile(
    r"/files/(?P<task_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/"
    r"(?P<attempt>[1-9][0-9]{0,5})-(?P<index>0|[1-9][0-9]{0,2})\.(?P<format>jpeg|png|webp)",
    re.ASCII,
)
_EXPIRY = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """A signed address of one picture."""

    url: str
    ttl_seconds: int  #: whole seconds it will work, at least 1
    format: str


@dataclass(frozen=True, slots=True)
class FileName:
    """Which picture a file path means."""

    task_id: str
    attempt: int
    index: int
    format: str

    @property
    def path(self) -> str:
        return f"/files/{self.task_id}/{self.attempt}-{self.index}.{self.format}"


def parse_path(path: str) -> FileName | None:
    """The parts of a file path; None unless it is spelled exactly as `FileName.path` spells it."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    return FileName(match["task_id"], int(match["attempt"]), int(match["index"]), match["format"])


def root_secret(data: Path) -> bytes:
    """The data folder's root secret, made on the first call (file mode 0600). Safe from several processes at once."""
    path = data / "secret"
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        _write_once(path, secrets.token_bytes(_ROOT_BYTES))
        secret = path.read_bytes()
    if len(secret) < _ROOT_BYTES:
        raise ConfigurationError(
            "The file `secret` in the data folder is damaged.",
            hint="Delete it: links already given out and the secrets of webhooks stop working.",
        )
    return secret


class Signer:
    """Signs and checks links with a key of its own, derived from the root secret."""

    def __init__(self, root: bytes, *, ttl_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._key = hmac.new(derived_key(root, b"overpaint file links 1"), digestmod=sha256)
        self._ttl_seconds = ttl_seconds
        self._clock = clock

    def sign(self, base: str, name: FileName, *, expires_at_ms: int | None) -> Link:
        """A link below `base`, good for the link time or until the picture is erased, whichever is first."""
        now = self._clock()
        end = now + self._ttl_seconds
        if expires_at_ms is not None:
            end = min(end, expires_at_ms / 1000)
        ttl = max(1, int(end - now))
        expiry = int(now) + ttl
        url = f"{base}{name.path}?exp={expiry}&kid={KEY_ID}&sig={self._signature(name, str(expiry))}"
        return Link(url, ttl, name.format)

    def check(self, name: FileName, expiry: str, key_id: str, signature: str) -> int:
        """Seconds the link has left. Raises Forbidden when the signature is wrong or the time is over."""
        wanted = self._signature(name, expiry) if _EXPIRY.fullmatch(expiry) and key_id == KEY_ID else ""
        if not wanted or not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            raise Forbidden()
        left = int(expiry) - int(self._clock())
        if left <= 0:
            raise Forbidden()
        return left

    def _signature(self, name: FileName, expiry: str) -> str:
        mac = self._key.copy()  # keyed once: the copy saves two hash blocks per poll
        mac.update(f"{name.path}\n{expiry}\n{MEDIA_TYPES[name.format]}".encode())
        return urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()


def derived_key(root: bytes, label: bytes) -> bytes:
    """32 bytes for one purpose, from which neither the root nor another purpose's key can be worked back.

    HKDF-SHA256 without salt, one block (RFC 5869).
    """
    extracted = hmac.digest(bytes(32), root, "sha256")
    return hmac.digest(extracted, label + b"\x01", "sha256")


def _write_once(path: Path, content: bytes) -> None:
    """Appears whole or not at all; whoever comes second leaves the first one's file in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = mkstemp(dir=path.parent)  # mode 0600, a name of its own
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(partial)
    Path(partial).unlink()
