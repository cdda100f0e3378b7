"""Spellings of addresses that lead inside, each refused; spellings that lead outside, each taken."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from overpaint.outbound.addresses import Exceptions, NotAllowed, is_public, literal, parse, redirected

INSIDE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "64:ff9b:1:7f00:0:100:808:808",  # 127.0.0.1 by RFC 6052, and 8.8.8.8 by its last bits
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
    "2001:0:808:808:0:0:80ff:fffe",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "4000::1",
    "5f00::1",
]

OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.15.0.1",
    "172.32.0.1",
    "192.167.255.255",
    "223.255.255.254",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.1.1/",
        "http://1.2.3.08/",
        "http://256.1.1.1/",
        "http://①②⑦.0.0.1.x.1/",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com:80@127.0.0.1:80/",
        "http://example.com\\@127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http://example.com#@127.0.0.1/",
        "http://example.com/#fragment",
        "http://exa mple.com/",
        "http://example.com/\r\nHost: inside",
        "http://example.com/\x00",
        "http://example.com\t/",
        " http://example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:port/",
        "http://example.com:80:80/",
        "http://example.com:+80/",
        "http:///path",
        "http://",
        "http:/example.com/",
        "http:example.com",
        "//example.com/",
        "http://.example.com/",
        "http://exam..ple.com/",
        "http://-example.com/",
        "http://[::1/",
        "http://::1/",
        "http://[fe80::1%25eth0]/",
        "http://[::ffff:127.0.0.1.1]/",
        "http://[example.com]/",
        "http://%31%32%37.0.0.1/",
        "http://127.0.0.1%2f.example.com/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 130 + "com/",
        "http://example.com/" + "a" * 8200,
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "gopher://example.com/",
        "dict://127.0.0.1:11211/",
        "jar:http://example.com!/",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "httpx://example.com/",
        "",
    ],
)
def test_a_spelling_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        parse(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("http://example.com", "example.com", 80, "/"),
        ("HTTPS://Example.COM/A.png?x=1&y=%20", "example.com", 443, "/A.png?x=1&y=%20"),
        ("http://example.com?x=1", "example.com", 80, "/?x=1"),
        ("https://example.com.:443/", "example.com", 443, "/"),
        ("http://a_b.example.com:8080/", "a_b.example.com", 8080, "/"),
        ("https://bücher.example/图.png", "xn--bcher-kva.example", 443, "/%E5%9B%BE.png"),
        ("http://[2606:4700:4700:0::1111]/x", "2606:4700:4700::1111", 80, "/x"),
        ("http://8.8.8.8/", "8.8.8.8", 80, "/"),
        ("http://１２７.0.0.1/", "127.0.0.1", 80, "/"),
        ("http://127。0。0。1/", "127.0.0.1", 80, "/"),
        ("http://localhost/", "localhost", 80, "/"),
    ],
)
def test_a_plain_spelling_is_taken_apart(url: str, host: str, port: int, target: str) -> None:
    found = parse(url)
    assert (found.host, found.port, found.target) == (host, port, target)


def test_a_redirect_is_read_like_any_url() -> None:
    origin = parse("https://example.com/a/b.png?c")
    assert redirected(origin, "../d.png").url == "https://example.com/d.png"
    assert redirected(origin, "//other.example/e").host == "other.example"
    for location in (
        "http://example.com/plain",
        "ftp://example.com/",
        "https://u@example.com/",
        "https://127.1/",
        "//[::1.2]/",
    ):
        with pytest.raises(NotAllowed):
            redirected(origin, location)


def test_exceptions_open_what_they_name_and_nothing_else() -> None:
    some = Exceptions(["files.internal", "127.0.0.1:9000", "10.1.0.0/16", "fd00::/8"])
    assert some.names(parse("http://files.internal:1234/"))
    assert some.names(parse("http://127.0.0.1:9000/"))
    assert not some.names(parse("http://127.0.0.1:9001/"))
    assert not some.names(parse("http://other.internal/"))
    assert some.holds(ip_address("10.1.2.3"))
    assert some.holds(ip_address("fd00::1"))
    assert not some.holds(ip_address("10.2.0.1"))


def test_only_an_address_is_a_literal() -> None:
    assert literal("example.com") is None
    assert literal("::1") == ip_address("::1")
