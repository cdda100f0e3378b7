"""Requests that are wrong on the wire or in their body, as bytes. Knows HTTP and JSON; does not know our code."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

BAD, ANY, SILENT = "bad", "any", "silent"


@dataclass(frozen=True)
class Wire:
    """What is sent, and what must come back: BAD: a 4xx; ANY: no 5xx; SILENT: a 4xx or nothing at all."""

    name: str
    data: bytes
    fate: str


def order(image: str) -> bytes:
    """A good body."""
    return json.dumps({"prompt": "make it snow", "image": image}).encode()


def post(head: bytes, body: bytes, *lines: bytes) -> bytes:
    """One request that closes the connection. `head`: the request's line and fixed headers, without the empty line."""
    return b"\r\n".join([head, b"Content-Length: %d" % len(body), b"Connection: close", *lines, b"", body])


def bodies(head: bytes, image: str) -> Iterator[Wire]:
    """Bodies that are not as they should be."""
    good = order(image)

    def sent(name: str, body: bytes, fate: str = BAD) -> Wire:
        return Wire(name, post(head, body), fate)

    for at in range(0, len(good), max(1, len(good) // 40)):
        yield sent(f"cut at {at}", good[:at])
        yield sent(f"invalid UTF-8 at {at}", good[:at] + b"\xff" + good[at:])
        yield sent(f"control character at {at}", good[:at] + b"\x01" + good[at:])
    # Last field first, so that the good ones are not what is refused
    fields = {"prompt": b'"x"', "image": b'"' + image.encode() + b'"'}
    wrong = [b"NaN", b"Infinity", b"-Infinity", b"nan", b"undefined", b"+1", b"01", b"1.", b".5", b"0x10", b"1e", b"'x'", b"", b"True", b"[1,]", b"{,}", b'{"a" 1}', b'{1:2}', b"/**/1", b"1 2", b'"\\x41"', b'"\\u12"', b'"a\nb"', b'"a\tb"', b"\xef\xbb\xbf1"]  # fmt: skip  # noqa: E501
    for literal in wrong:
        for place in ("seed", "unknown", "extra"):
            yield sent(f"{place}: {literal[:20]!r}", _body({**fields, place: literal}))
    typed = [b"true", b"[]", b"{}", b"0", b"1.5", b"null", b'""', b"1e999", b"-1e999", b"9" * 400, b"-" + b"9" * 5000, b'"' + b"9" * 5000 + b'"', b"1e-400", b"[[]]", b'{"a":1}']  # fmt: skip  # noqa: E501
    for literal in typed:
        for place in ("prompt", "image", "seed", "output_format", "extra", "unknown"):
            must_fail = place in ("prompt", "image") or (place == "seed" and literal not in (b"0", b"null", b"1e-400"))
            yield sent(f"{place}: {literal[:20]!r}", _body({**fields, place: literal}), BAD if must_fail else ANY)
        for place in ("webhook", "overpaint"):
            yield sent(
                f"extra.{place}: {literal[:20]!r}",
                _body({**fields, "extra": b'{"%s":%s}' % (place.encode(), literal)}),
                ANY,
            )
    surrogates = (rb'"\ud800"', rb'"\udc00\ud800"', rb'"a\udfffb"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe0\x80\xaf"')  # fmt: skip  # noqa: E501
    for literal in surrogates:
        for place in ("prompt", "image", "output_format", "unknown"):
            yield sent(f"{place}: {literal!r}", _body({**fields, place: literal}))
        yield sent(f"name: {literal!r}", good[:-1] + b"," + literal + b":1}")
    for depth in (33, 34, 100, 1000, 100_000):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            nested = opening * depth + b"1" + closing * depth
            yield sent(f"depth {depth} {opening!r}", _body({**fields, "unknown": nested}))
            yield sent(f"depth {depth} {opening!r} unclosed", opening * depth)
            yield sent(f"depth {depth} {opening!r} closed only", closing * depth)
    for body in (b"", b" ", b"\n", b"[]", b'"x"', b"1", b"null", b"true", b"{}", b"{", b"}", b"[", b'{"', good * 2, good + b"x", good + b"\0", b"\0" + good, b"prompt=x&image=y", b"<xml/>", bytes(1000), b"\xef\xbb\xbf" * 2 + good, good.decode().encode("utf-16"), good.decode().encode("utf-32"), b"{" + b'"a":1,' * 150_000 + b'"b":1}', b" " * 10**6):  # fmt: skip  # noqa: E501
        yield sent(f"body {body[:20]!r} of {len(body)}", body)
    yield sent("BOM", b"\xef\xbb\xbf" + good, ANY)
    yield sent("duplicate names", b'{"prompt":1,"seed":"x",' + good[1:], BAD)
    for coding in (b"gzip", b"deflate", b"br", b"zstd", b"x-gzip", b"identity, gzip", b"GZIP", b"nonsense"):
        yield Wire(f"coded {coding!r}", post(head, good, b"Content-Encoding: " + coding), BAD)
    for kind in (b"multipart/form-data; boundary=x", b"multipart/mixed", b"application/x-www-form-urlencoded", b"Multipart/Form-Data"):  # fmt: skip  # noqa: E501
        yield Wire(f"type {kind!r}", post(head, good, b"Content-Type: " + kind), BAD)


def framing(head: bytes, image: str) -> Iterator[Wire]:
    """Requests that are not HTTP, or not quite, or two things at once."""
    good = order(image)
    line, _, fixed = head.partition(b"\r\n")

    def sent(name: str, *lines: bytes, body: bytes = good, fate: str = BAD) -> Wire:
        return Wire(name, b"\r\n".join([head, *lines, b"", body]), fate)

    for length in (
        b"-1",
        b"+5",
        b"0x10",
        b"1e3",
        b"",
        b"5 5",
        b"5,6",
        b"\xb2",
        b"1" * 30,
        b"18446744073709551616",
        b"nine",
    ):
        yield sent(f"length {length!r}", b"Content-Length: " + length, b"Connection: close", fate=SILENT)
    both = b"Content-Length: %d" % len(good)
    yield sent("two lengths", both, b"Content-Length: 1")
    yield sent("length and chunks", both, b"Transfer-Encoding: chunked")
    yield sent("chunks and length", b"Transfer-Encoding: chunked", both)
    yield sent("no length", b"Connection: close")
    yield sent("length too small", b"Content-Length: 5")
    yield sent("length too large", b"Content-Length: %d" % (len(good) + 9), fate=SILENT)
    for coding in (
        b"gzip",
        b"gzip, chunked",
        b"chunked, gzip",
        b"identity",
        b"chunked, chunked",
        b"xchunked",
        b" chunked\x0b",
    ):
        yield sent(
            f"transfer {coding!r}", b"Transfer-Encoding: " + coding, body=b"5\r\nabcde\r\n0\r\n\r\n", fate=SILENT
        )
    for chunk in (b"-1\r\n", b"0x5\r\nabcde", b"F" * 20 + b"\r\n", b"g\r\n", b" 5\r\nabcde", b"5\nabcde\n0\n\n", b"5\r\nabcdeXX", b"5\r\nabc\r\n0\r\n\r\n", b"\r\n", b"5;" + b"x" * 200_000, b"0\r\n" + b"a: b\r\n" * 50_000 + b"\r\n", b"0\r\na: " + b"b" * 200_000):  # fmt: skip  # noqa: E501
        yield sent(f"chunk {chunk[:20]!r}", b"Transfer-Encoding: chunked", body=chunk, fate=SILENT)
    for extra in (b"No-Colon", b"Space : x", b" folded", b": empty", b"Nul: a\0b", b"N\0ul: x", b"Long: " + b"x" * 100_000, b"\r\n".join(b"A%d: b" % n for n in range(20_000)), b"Bare: a\rb", b"\xffame: x", b"Transfer-Encoding\t: chunked", b"(): x"):  # fmt: skip  # noqa: E501
        yield sent(f"header {extra[:20]!r} of {len(extra)}", extra, both, b"Connection: close")
    for expect in (b"100-continue", b"200-maybe", b"x" * 1000):
        yield sent(
            f"expect {expect[:20]!r}",
            b"Expect: " + expect,
            b"Content-Length: 2",
            b"Connection: close",
            body=b"{}",
            fate=ANY,
        )
    yield sent(
        "upgrade to websocket",
        b"Connection: Upgrade, close",
        b"Upgrade: websocket",
        b"Content-Length: 2",
        body=b"{}",
        fate=ANY,
    )
    yield sent(
        "upgrade to h2c",
        b"Connection: Upgrade, close, HTTP2-Settings",
        b"Upgrade: h2c",
        b"Content-Length: 2",
        body=b"{}",
        fate=ANY,
    )
    for start in (b"POST  /v3 HTTP/1.1", b"POST /v3/ x HTTP/1.1", b"POST /v3", b"POST /v3 HTTP/9.9", b"POST /v3 HTTP/1.", b"POST /v3 XTTP/1.1", b"FOO /v3 HTTP/1.1", b"post /v3 HTTP/1.1", b"POST * HTTP/1.1", b"CONNECT localhost:1 HTTP/1.1", b"POST http://localhost/v3 HTTP/1.1", b"POST //v3 HTTP/1.1", b"POST /v3\\x HTTP/1.1", b"POST /%00 HTTP/1.1", b"POST /%zz HTTP/1.1", b"POST /\xff HTTP/1.1", b"POST /" + b"a" * 100_000 + b" HTTP/1.1", b"A" * 10_000 + b" / HTTP/1.1", b"POST /v3?" + b"a=b&" * 7000 + b" HTTP/1.1", b"\r\n\r\n\r\nPOST /v3 HTTP/1.1", b"TRACE /v3 HTTP/1.1", b"GET /v3/../secret HTTP/1.1", b"GET /v3/async/task-result?task_id=%ff HTTP/1.1", b"GET /v3/async/task-result?" + b"task_id=x&" * 2000 + b" HTTP/1.1"):  # fmt: skip  # noqa: E501
        yield Wire(
            f"line {start[:40]!r}",
            b"\r\n".join([start, fixed, b"Content-Length: 0", b"Connection: close", b"", b""]),
            BAD,
        )
    yield Wire("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD)
    yield Wire("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512), BAD)
    yield Wire("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", BAD)
    yield Wire("SMTP", b"EHLO example\r\n", BAD)
    chance = random.Random(3)
    for number in range(40):
        noise = chance.randbytes(chance.choice((1, 10, 100, 5000)))
        yield Wire(f"noise {number}", noise + b"\r\n\r\n", SILENT)
        at = chance.randrange(len(line + fixed))
        flipped = bytearray(post(head, b"{}"))
        flipped[at] ^= 1 << chance.randrange(8)
        yield Wire(f"flipped {number}", bytes(flipped), SILENT)


def _body(fields: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in fields.items()) + b"}"
