"""Everything that reads what strangers wrote, given what hypothesis makes up: an answer or a refusal by name."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
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
from tests.figures import IS_LONG, figures
from tests.hostile.damage import damaged
from tests.http.world import base64_of, photo
from tests.unit.http.test_protocol import Conversation

INPUTS = 100_000 if IS_LONG else 250

fuzzed = settings(
    max_examples=INPUTS,
    deadline=None,
    database=None,
    derandomize=not IS_LONG,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


class Tally:
    """How many inputs were tried, and what became of them."""

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}

    def add(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Hands in what was counted if the test held."""
    counted = Tally()
    yield counted
    tried = sum(counted.outcomes.values())
    assert tried >= 0.9 * INPUTS  # what is left out was made up twice
    row = request.node.name.removeprefix("test_").replace("_", " ")
    figures(row=f"fuzz, {row}", inputs=tried, uncaught=0, **counted.outcomes)


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


def test_bodies(tally: Tally) -> None:
    """What is taken, Python's own parser takes too, and reads alike."""

    @fuzzed
    @given(damaged(BODIES, JSON_PIECES))
    def tried(data: bytes) -> None:
        try:
            order = to_order(data, "http://127.0.0.1")
        except InvalidRequest:
            tally.add("refused")
            return
        known = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode(), parse_constant=_never)
        assert order.prompt == known["prompt"]
        assert bytes(order.image) == known["image"].encode()  # type: ignore[arg-type]
        tally.add("taken")

    tried()


def _never(literal: str) -> None:
    raise AssertionError(f"{literal} was taken")


# Image strings

PICTURES = [photo(kind) for kind in ("PNG", "JPEG", "WEBP")]
IMAGE_PIECES = (b"data:", b";base64", b",", b"=", b"-_", b" \n", b"http://", b"%2B", b"image/png", b"\xc3\xa9")
INNER_PIECES = (b"\xff\xd8", b"\xff\xda", b"IHDR", b"VP8X", b"\xff" * 4, bytes(4), b"Exif\0\0")
STRINGS = [prefix + b64encode(file) for file in PICTURES for prefix in (b"", b"data:image/png;base64,")]
image = st.one_of(damaged(STRINGS, IMAGE_PIECES), damaged(PICTURES, INNER_PIECES).map(b64encode))


class Nowhere(Fetcher):
    """Fetches nothing."""

    def __init__(self) -> None: ...

    async def get(self, url: str, *, field: str = "image") -> bytes:
        raise ImageFetchFailed(field=field, problem="it is not here")


def test_image_strings(tally: Tally) -> None:
    pictures = Pictures(load(), Metrics(), Nowhere())

    @fuzzed
    @given(image, st.booleans())
    def tried(data: bytes, as_text: bool) -> None:
        given = data.decode("utf-8", "replace") if as_text else data
        try:
            picture = asyncio_run(pictures.take(given))
        except InvalidRequest:
            tally.add("refused")
            return
        assert 8 <= picture.header.width <= 16_384
        assert picture.header.format in ("png", "jpeg", "webp")
        tally.add("taken")

    with asyncio.Runner() as runner:
        asyncio_run = runner.run
        tried()


# Links, names, ranges

NAME = FileName("01234567-89ab-7def-8123-456789abcdef", 1, 0, "png")
NOW = 1_800_000_000
LINK_PIECES = (b"%2e", b"%2f", b"..", b"/", b"&", b"=", b"exp=", b"kid=1", b"sig=", b"\0", b"+", b"0", b"\xd9\xa1")


def test_links(tally: Tally) -> None:
    """Only the very link that was signed is opened."""
    signer = Signer(bytes(32), ttl_seconds=60, clock=lambda: NOW)
    good = signer.sign("", NAME, expires_at_ms=None).url

    @fuzzed
    @given(damaged([good.encode()], LINK_PIECES))
    def tried(data: bytes) -> None:
        path, _, query = data.decode("latin-1").partition("?")
        name = parse_path(path)
        parts = dict(part.partition("=")[::2] for part in query.split("&"))
        if name is None:
            tally.add("no path")
            return
        assert name.path == path
        try:
            signer.check(name, *(parts.get(each, "") for each in ("exp", "kid", "sig")))
        except Forbidden:
            tally.add("refused")
            return
        assert (name, parts) == (NAME, dict(part.split("=") for part in good.partition("?")[2].split("&")))
        tally.add("opened")

    tried()


def test_names_and_ranges(tally: Tally) -> None:
    own_name = result_name(NAME.task_id, 1, 0, "png").encode()
    ranges = (b"bytes=0-", b"bytes=-5", b"bytes=1-2")

    @fuzzed
    @given(
        damaged([own_name], (b"..", b"/", b"0", b"\0", b".png")),
        damaged(ranges, (b"-", b",", b"9" * 30, b"bytes=", b" ", b"\xd9\xa1")),
        st.integers(0, 2**40),
    )
    def tried(name: bytes, header: bytes, size: int) -> None:
        text = name.decode("latin-1")
        known = parse_result_name(text)
        assert known is None or result_name(known.task_id, known.attempt, known.index, known.format) == text
        part = files._part(header.decode("latin-1"), size)
        assert part is None or not len(part) or (part.start >= 0 and part.stop <= size)
        tally.add("whole" if part is None else "part")

    tried()


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


def test_wire(tally: Tally, caplog: pytest.LogCaptureFixture) -> None:
    """Whole requests are answered, at most one answer each; the rest is a 400 or a closed door."""

    @fuzzed
    @given(damaged(TALKS, WIRE_PIECES), st.integers(1, 400), st.booleans())
    def tried(data: bytes, step: int, reads: bool) -> None:
        parts = [data[at : at + step] for at in range(0, min(len(data), 8 * step), step)]
        conversation = asyncio_run(_heard(parts, reads))
        statuses = [status.decode() for status in STATUS.findall(conversation.wire.written)]
        assert set(statuses) <= {"100", "200", "400"}
        assert statuses.count("200") <= conversation.asked <= data.count(b"HTTP/1.")
        assert statuses.count("400") <= conversation.wire.is_closed
        tally.add("closed" if conversation.wire.is_closed else "open")

    with asyncio.Runner() as runner, caplog.at_level(logging.ERROR):
        asyncio_run = runner.run
        tried()
    assert caplog.records == []


async def _heard(parts: list[bytes], reads: bool) -> Conversation:
    conversation = await Conversation(reads=reads).hear(*parts)
    conversation.protocol.connection_lost(None)
    await asyncio.sleep(0)
    return conversation


# Webhooks

SECRET = "whsec_" + base64_of(bytes(24))


def test_webhook_signatures(tally: Tally) -> None:
    """An independent verifier takes what we sign, and nothing that differs from it."""
    now = int(time.time())
    verifier = Webhook(SECRET)

    @fuzzed
    @given(damaged(BODIES, JSON_PIECES), st.integers(0, 999), st.sampled_from(("body", "id", "header")))
    def tried(data: bytes, at: int, part: str) -> None:
        body = json.dumps(data.decode("latin-1")).encode()
        header = webhooks.signatures([SECRET], "msg_1", now, body).encode()
        message = {"body": body, "id": b"msg_1", "header": header}
        assert _verified(verifier, message, now)
        flipped = bytearray(message[part])
        flipped[at % len(flipped)] ^= 1 + at % 127
        assert not _verified(verifier, message | {part: bytes(flipped)}, now)
        tally.add(part)

    tried()


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


def test_what_receivers_answer(tally: Tally) -> None:
    """A Retry-After is seconds, a date or nonsense; never an error, never a wait beyond reason."""
    good = (b"120", b"Wed, 21 Oct 2026 07:28:00 GMT", b"0")

    @fuzzed
    @given(damaged(good, (b"-", b"9" * 400, b"GMT", b"+9999", b"\xb2", b"99999", b" ")))
    def tried(data: bytes) -> None:
        seconds = webhooks.retry_after_seconds(data.decode("latin-1"), NOW)
        assert seconds >= 0
        wait = webhooks.seconds_to_next_try(1, seconds)
        assert wait is not None
        assert 0 < wait <= webhooks.LONGEST_RETRY_AFTER_SECONDS
        tally.add("some" if seconds else "none")

    tried()


# Checkpoints

HEADER = b'{"__metadata__": {"format": "pt"}, "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}'
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(4)
WEIGHT_PIECES = (*b"[ ] { } null -1 1e9".split(), b"[" * 5000, b'"data_offsets": 3', bytes(8), b"\xff" * 8)


@pytest.mark.parametrize("name", ["a.safetensors", "overpaint.manifest.json", "a.json"])
def test_checkpoint_files(tally: Tally, tmp_path: Path, name: str) -> None:
    """Whatever lies in the folder, `verify` names it."""
    manifest = b'{"files": {"b.json": {"sha256": "00", "bytes": 2}}}'
    good = WEIGHTS if name == "a.safetensors" else manifest
    (tmp_path / "b.json").write_bytes(b"{}")

    @fuzzed
    @given(damaged([good], WEIGHT_PIECES))
    def tried(data: bytes) -> None:
        (tmp_path / name).write_bytes(data)
        told = {finding.path: finding.problem for finding in hub.verify(tmp_path)}
        assert all(isinstance(problem, str) for problem in told.values())
        tally.add("damaged" if any(told.values()) else "whole")

    tried()
