"""Everything that reads what strangers wrote, given what hypothesis makes up: an answer or a refusal by name."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from base64 import b64encode
from collections import Counter
from itertools import product
from pathlib import Path
from random import Random

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from overpaint import hub
from overpaint.errors import Forbidden, ImageFetchFailed, InvalidRequest
from overpaint.http import files
from overpaint.http.novita_orders import to_order
from overpaint.images.fetch import Fetcher
from overpaint.service import webhooks
from overpaint.service.links import FileName, Signer, parse_path
from overpaint.service.pictures import Pictures
from overpaint.settings import load
from overpaint.store.blobs import parse_result_name, result_name
from overpaint.telemetry import Metrics
from tests.hostile.fuzz import fuzz
from tests.http.world import base64_of, photo
from tests.unit.http.test_protocol import Conversation

# Bodies

JSON_PIECES = (
    *rb'{ } [ ] : , " \ null true NaN -Infinity 1e999 -0 07 \u0000 \ud800 \udc00 "prompt": "image":[ "extra":{'.split(),
    *(b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"9" * 400, b"[" * 40, b"\0", b"\n", b'"seed":'),
)
BODIES = [
    json.dumps(value, ensure_ascii=number % 2 == 0).encode()
    for number, value in enumerate(
        [
            {"prompt": "make it snow", "image": "iVBORw0KGgo="},
            {"prompt": "变成 \U0001f600", "image": "x", "seed": 7, "output_format": "png", "extra": None},
            {"prompt": "\n", "image": "", "extra": {"overpaint": {"steps": 2, "trueCfgScale": 1.5, "size": "64x64"}}},
            {"prompt": "a", "image": "b", "extra": {"webhook": {"url": "https://a", "test_mode": {"enabled": True}}}},
            {"prompt": "a", "image": "b", "x": [{"y": [1.5, -1e-9, True, {}]}, [], "\\", None], "seed": "7"},
        ]
    )
]


def test_bodies() -> None:
    """What is taken, Python's own parser takes too, and reads alike."""

    def tried(data: bytes, chance: Random) -> str:
        try:
            order = to_order(data, "http://127.0.0.1")
        except InvalidRequest:
            return "refused"
        known = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode(), parse_constant=_never)
        assert order.prompt == known["prompt"]
        assert bytes(order.image) == known["image"].encode()  # type: ignore[arg-type]
        return "taken"

    fuzz("bodies", tried, BODIES, JSON_PIECES)


def _never(literal: str) -> None:
    raise AssertionError(f"{literal} was taken")


# Image strings

PICTURES = [photo(kind) for kind in ("PNG", "JPEG", "WEBP")]
IMAGE_PIECES = (b"data:", b";base64", b",", b"=", b"-_", b" \n", b"http://", b"%2B", b"image/png", b"\xc3\xa9")
INNER_PIECES = (b"\xff\xd8", b"\xff\xda", b"IHDR", b"VP8X", b"\xff" * 4, bytes(4), b"Exif\0\0")
STRINGS = [prefix + b64encode(file) for file in PICTURES for prefix in (b"", b"data:image/png;base64,")]


class Nowhere(Fetcher):
    """Fetches nothing."""

    def __init__(self) -> None: ...

    async def get(self, url: str, *, field: str = "image") -> bytes:
        raise ImageFetchFailed(field=field, problem="it is not here")


@pytest.mark.parametrize("part", ["the string", "the picture in it"])
def test_image_strings(part: str) -> None:
    pictures = Pictures(load(), Metrics(), Nowhere())

    def tried(data: bytes, chance: Random) -> str:
        image = data if part == "the string" else b64encode(data)
        try:
            picture = runner.run(pictures.take(chance.choice((image, image.decode("utf-8", "replace")))))
        except InvalidRequest:
            return "refused"
        assert 8 <= picture.header.width <= 16_384
        assert picture.header.format in ("png", "jpeg", "webp")
        return "taken"

    with asyncio.Runner() as runner:
        goods, pieces = (STRINGS, IMAGE_PIECES) if part == "the string" else (PICTURES, INNER_PIECES)
        fuzz(f"images, {part}", tried, goods, pieces)


# Links, names, ranges

NAME = FileName("01234567-89ab-7def-8123-456789abcdef", 1, 0, "png")
NOW = 1_800_000_000
LINK_PIECES = (b"%2e", b"%2f", b"..", b"/", b"&", b"=", b"exp=", b"kid=1", b"sig=", b"\0", b"+", b"0", b"\xd9\xa1")


def test_links() -> None:
    """Only the very link that was signed is opened."""
    signer = Signer(bytes(32), ttl_seconds=60, clock=lambda: NOW)
    good = signer.sign("", NAME, expires_at_ms=None).url

    def tried(data: bytes, chance: Random) -> str:
        path, _, query = data.decode("latin-1").partition("?")
        name = parse_path(path)
        if name is None:
            return "no path"
        assert name.path == path
        parts = _signed(query)
        try:
            signer.check(name, *parts)
        except Forbidden:
            return "refused"
        assert (name, parts) == (NAME, _signed(good.partition("?")[2]))
        return "opened"

    fuzz("links", tried, [good.encode()], LINK_PIECES)


def _signed(query: str) -> list[str]:
    parts = dict(part.partition("=")[::2] for part in query.split("&"))
    return [parts.get(name, "") for name in ("exp", "kid", "sig")]


def test_blob_names() -> None:
    def tried(data: bytes, chance: Random) -> str:
        text = data.decode("latin-1")
        known = parse_result_name(text)
        if known is None:
            return "no name"
        assert result_name(known.task_id, known.attempt, known.index, known.format) == text
        return "name"

    fuzz("blob names", tried, [result_name(NAME.task_id, 1, 0, "png").encode()], (b"..", b"/", b"0", b"\0", b".png"))


def test_ranges() -> None:
    def tried(data: bytes, chance: Random) -> str:
        size = chance.choice((0, 1, 5, 2**40))
        part = files._part(data.decode("latin-1"), size)
        assert part is None or not len(part) or (part.start >= 0 and part.stop <= size)
        return "the whole" if part is None else "a part" if part else "nothing"

    goods, pieces = (b"bytes=0-", b"bytes=-5", b"bytes=1-2"), (b"-", b",", b"9" * 30, b"bytes=", b" ", b"\xd9\xa1")
    fuzz("ranges", tried, goods, pieces)


# What comes over the wire

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
CHUNKS = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
LINES = (
    b"Content-Length: 3",
    b"Content-Length: 99999999999999999999",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Encoding: gzip",
    b"Connection: close",
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"Expect: 100-continue",
    b"A: " + b"b" * 40_000,
    b"FFFFFFFFFFFFFFFFF",
    b"-1",
    b"0\r\n",
)
WIRE_PIECES = (
    *(line + b"\r\n" for line in LINES),
    *(b"\r\n", b"\n", b"\r", b" ", b":", b"\0", b"\xff", b"HTTP/1.0", b"HTTP/2.0", b"PRI * HTTP/2.0\r\n\r\n"),
)
TALKS = [b"".join(turns) for turns in product((GET, POST, CHUNKED), repeat=3)] + [GET, POST, CHUNKED]
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def test_wire(caplog: pytest.LogCaptureFixture) -> None:
    """Whole requests are answered, at most one answer each; the rest is a 400 or a closed door."""

    def tried(data: bytes, chance: Random) -> str:
        step = chance.choice((1 + len(data) // 8, len(data) + 1))
        parts = [data[at : at + step] for at in range(0, len(data), step)]
        heard, is_closed = runner.run(_heard(parts, chance.random() < 0.5))
        statuses = Counter(STATUS.findall(heard.wire.written))
        assert set(statuses) <= {b"100", b"200", b"400"}
        assert statuses[b"200"] <= heard.asked <= data.count(b"/")  # a target each; of HTTP 0.9, no more
        assert statuses[b"400"] <= is_closed
        return "refused" if statuses[b"400"] else "closed" if is_closed else "served" if statuses else "waited for"

    with asyncio.Runner() as runner, caplog.at_level(logging.ERROR):
        fuzz("wire", tried, TALKS, WIRE_PIECES)
    assert caplog.records == []


async def _heard(parts: list[bytes], reads: bool) -> tuple[Conversation, bool]:
    conversation = await Conversation(reads=reads).hear(*parts)
    is_closed = conversation.wire.is_closed
    conversation.protocol.connection_lost(None)
    await asyncio.sleep(0)
    return conversation, is_closed


# Webhooks

SECRET = "whsec_" + base64_of(bytes(24))


def test_webhook_signatures() -> None:
    """An independent verifier takes what we sign, and nothing that differs from it."""
    now = int(time.time())
    verifier = Webhook(SECRET)

    def tried(data: bytes, chance: Random) -> str:
        body = json.dumps(data.decode("latin-1")).encode()
        header = webhooks.signatures([SECRET], "msg_1", now, body).encode()
        message = {"body": body, "id": b"msg_1", "header": header}
        assert _verified(verifier, message, now)
        part = chance.choice([*message])
        flipped = bytearray(message[part])
        end = len(flipped) - 2 if part == "header" else len(flipped)  # base64's last bits mean nothing
        flipped[chance.randrange(end)] ^= chance.randint(1, 127)
        assert not _verified(verifier, message | {part: bytes(flipped)}, now)
        return part

    fuzz("webhook signatures", tried, BODIES, JSON_PIECES)


def _verified(verifier: Webhook, message: dict[str, bytes], now: int) -> bool:
    headers = {
        "webhook-id": message["id"].decode("latin-1"),
        "webhook-timestamp": str(now),
        "webhook-signature": message["header"].decode("latin-1"),
    }
    try:
        verifier.verify(message["body"].decode("latin-1"), headers)
    except json.JSONDecodeError:
        return True  # it is read only once the signature was found good
    except (WebhookVerificationError, ValueError):
        return False
    return True


def test_what_receivers_answer() -> None:
    """A Retry-After is seconds, a date or nonsense; never an error, never a wait beyond reason."""

    def tried(data: bytes, chance: Random) -> str:
        seconds = webhooks.retry_after_seconds(data.decode("latin-1"), NOW)
        assert seconds >= 0
        wait = webhooks.seconds_to_next_try(1, seconds)
        assert wait is not None
        assert 0 < wait <= webhooks.LONGEST_RETRY_AFTER_SECONDS
        return "some" if seconds else "none"

    goods, pieces = (b"120", b"Wed, 21 Oct 2026 07:28:00 GMT"), (b"-", b"9" * 400, b"GMT", b"+9999", b"\xb2", b" ")
    fuzz("Retry-After", tried, goods, pieces)


# Checkpoints

HEADER = b'{"__metadata__": {"format": "pt"}, "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}'
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)
MANIFEST = b'{"files": {"b.json": {"sha256": "00", "bytes": 2}}}'
WEIGHT_PIECES = (*b"[ ] { } null -1 1e9".split(), b"[" * 5000, b'"data_offsets": 3', bytes(8), b"\xff" * 8)


@pytest.mark.parametrize("name", ["a.safetensors", hub.MANIFEST])
def test_checkpoint_files(tmp_path: Path, name: str) -> None:
    """Whatever lies in the folder, `verify` names it."""
    (tmp_path / "b.json").write_bytes(b"{}")

    def tried(data: bytes, chance: Random) -> str:
        (tmp_path / name).write_bytes(data)
        told = [finding.problem for finding in hub.verify(tmp_path)]
        return "damaged" if any(told) else "whole"

    fuzz(f"checkpoints, {name}", tried, [WEIGHTS if name == "a.safetensors" else MANIFEST], WEIGHT_PIECES)
