"""Which addresses a stranger's URL may lead to.

Knows how a URL is spelled strictly, which IP addresses are public under any of their disguises, and the operator's
exceptions. Does not resolve names or connect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urljoin

import idna

Address = IPv4Address | IPv6Address

MAX_URL_CHARACTERS = 8192
PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"(?i:(?P<scheme>https?))://(?P<authority>[^/?#\\@]+)(?P<target>[/?].*)?")
_AUTHORITY = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\#]")

_SIX_PUBLIC = IPv6Network("2000::/3")
_SIX_DOCUMENTATION = IPv6Network("3fff::/20")  # newer than Python 3.11's table
_FOUR_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))  # protocol assignments, old 6to4 relays
_EMBEDDING_FOUR_AT_THE_END = (
    IPv6Network("::/96"),  # IPv4-compatible
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated
    IPv6Network("64:ff9b::/96"),  # NAT64; its form inside one network, 64:ff9b:1::/48, is never public
)


class NotAllowed(Exception):
    """This URL or address is refused. Carries no reason: whoever asked must learn nothing from it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One URL, taken apart."""

    scheme: str  #: "http" or "https"
    host: str  #: lower case, IDNA-encoded, or the text of an IP address; no brackets
    port: int
    target: str  #: path and query, ASCII, begins with "/"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


def parse(url: str) -> Target:
    """A strict reading: anything two programs could read in two ways is refused. Raises NotAllowed."""
    match = _URL.fullmatch(url) if len(url) <= MAX_URL_CHARACTERS and not _FORBIDDEN.search(url) else None
    authority = _AUTHORITY.fullmatch(match["authority"]) if match else None
    if match is None or authority is None:
        raise NotAllowed
    scheme = match["scheme"].lower()
    port = int(authority["port"] or PORTS[scheme])
    if not 1 <= port <= 65535:
        raise NotAllowed
    host = _six(authority["six"]) if authority["six"] else _name(authority["name"])
    path = match["target"] or "/"
    target = quote(path if path.startswith("/") else f"/{path}", safe="/?%:@!$&'()*+,;=~-._[]|^`{}\"<>")
    return Target(scheme, host, port, target)


def redirected(origin: Target, location: str) -> Target:
    """Where a redirect leads. Raises NotAllowed, also for a step from https down to http."""
    try:
        target = parse(urljoin(origin.url, location))
    except ValueError:  # urljoin's, of brackets that hold no address
        raise NotAllowed from None
    if origin.scheme == "https" and target.scheme == "http":
        raise NotAllowed
    return target


def is_public(address: Address) -> bool:
    """Whether the address is routable on the public internet, looked at through every IPv6 disguise of an IPv4 one."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in _FOUR_SPECIAL)
    hidden = _hidden(address)
    if hidden:
        return all(is_public(four) for four in hidden)
    return address in _SIX_PUBLIC and address not in _SIX_DOCUMENTATION and address.is_global


def _hidden(address: IPv6Address) -> tuple[IPv4Address, ...]:
    if address.teredo:
        return address.teredo
    if address.sixtofour:
        return (address.sixtofour,)
    if any(address in net for net in _EMBEDDING_FOUR_AT_THE_END):
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


class Exceptions:
    """The operator's OUTBOUND_ALLOW: `name`, `name:port`, an address or a network. Without a port: any port."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for entry in entries:
            try:
                self._networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._hosts.add(entry.lower())

    def names(self, target: Target) -> bool:
        """Whether the host is excepted by name; then it may lead anywhere."""
        host = f"[{target.host}]" if ":" in target.host else target.host
        return host in self._hosts or f"{host}:{target.port}" in self._hosts

    def holds(self, address: Address) -> bool:
        """Whether the address lies in an excepted network."""
        return any(address in network for network in self._networks)


def _six(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise NotAllowed from None


def _name(text: str) -> str:
    """A host name, or an IPv4 address in its one plain spelling: not decimal, octal, hexadecimal or short."""
    host = _ascii(text).lower().removesuffix(".")
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise NotAllowed
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise NotAllowed from None
    return host


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise NotAllowed from None


def literal(host: str) -> Address | None:
    """The address a host spells out; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
