"""Which addresses may be connected to: pure checks of URLs and of IP addresses; nothing here opens a socket or asks DNS.

A name is checked twice: as written (``vet_url``) and, once resolved, as the address about to be connected to
(``vet_address``, called from ``extractors.transport`` for every socket that is made).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from domain.errors import AddressRefused

Networks = tuple[IPv4Network | IPv6Network, ...]

MAX_URL = 4_096
"""Characters of an address; longer ones are no article's (browsers and servers start to refuse at 2,000 to 8,000)."""

# Python's own is_private/is_global changed between 3.11 patch releases (CVE-2024-4032), so the special-purpose registries
# are written out: https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry.
_REFUSED: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("168.63.129.16/32", "metadata of a cloud"),  # Azure's; those of other clouds are link-local, carrier-grade or unique-local
    ("192.31.196.0/24", "AS112"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "discard-only"),
    ("100:0:0:1::/64", "dummy"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment-routing"),
    ("fc00::/7", "unique-local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_REFUSED_V4 = tuple((network, why) for text, why in _REFUSED if isinstance(network := ip_network(text), IPv4Network))
_REFUSED_V6 = tuple((network, why) for text, why in _REFUSED if isinstance(network := ip_network(text), IPv6Network))
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = 0x5EFE  # before the IPv4 address, as an interface of any prefix (RFC 5214)
_GLOBAL_V6 = IPv6Network("2000::/3")  # the only block IANA has given out for unicast

_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
_PLAIN_V4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}\Z")
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)\Z")
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that is well-formed and of a kind we connect to; ``host`` is lower-case ASCII without a trailing dot."""

    url: URL
    text: str
    host: str
    port: int
    own: bool
    """The host is an address inside the allowed networks (``SHOLU_ALLOW_ADDRESSES``), or localhost: one's own machine."""

    @property
    def origin(self) -> str:
        return f"{self.url.scheme}://{self.url.host_subcomponent}:{self.port}"


@lru_cache(maxsize=8192)
def vet_address(address: str, networks: Networks = ()) -> str | None:
    """Why ``address`` (an IP address in its canonical spelling) is never connected to, or ``None`` where it may be.

    An address inside ``networks`` may be connected to. Of an IPv6 address that carries an IPv4 one only the well-known
    NAT64 prefix is let through, for networks that have nothing else, and only where the address it carries is public.
    """
    ip = _read_address(address)
    if ip is None:
        return "not an IP address"
    if isinstance(ip, IPv6Address) and ip.scope_id is not None:
        return "an address with a scope"
    if any(ip.version == network.version and ip in network for network in networks):
        return None
    table = _REFUSED_V4 if isinstance(ip, IPv4Address) else _REFUSED_V6
    listed = next((why for network, why in table if ip in network), None)
    return _vet_v6(ip) if listed is None and isinstance(ip, IPv6Address) else listed


@lru_cache(maxsize=8192)
def _read_address(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


def _vet_v6(ip: IPv6Address) -> str | None:
    if ip in _NAT64:
        inner = vet_address(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
        return f"NAT64 of a {inner} address" if inner else None
    if int(ip) >> 32 & 0xFDFF_FFFF == _ISATAP and (inner := vet_address(str(IPv4Address(int(ip) & 0xFFFF_FFFF)))):
        return f"ISATAP of a {inner} address"
    return None if ip in _GLOBAL_V6 else "reserved"


@lru_cache(maxsize=8192)
def in_networks(address: str, networks: Networks) -> bool:
    """Whether ``address`` is inside one of the allowed networks: one's own machine."""
    if not networks or vet_address(address, networks) is not None:
        return False
    ip = _read_address(address)
    return ip is not None and any(ip.version == network.version and ip in network for network in networks)


def shown(url: str) -> str:
    """``url`` fit for a message or a log: without user name and password, control characters escaped, cut at 300."""
    text = re.sub(r"(?<=://)[^/?#]*@", "", url)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii") for c in text[:400])
    return text if len(text) <= 300 else text[:299] + "…"


def _refuse(url: str, reason: str) -> AddressRefused:
    return AddressRefused(shown(url), reason)


def vet_url(url: str, *, ports: Collection[int], networks: Networks = (), credentials: str = "refuse") -> Target:
    """Check an address as written and return what to connect to; raises AddressRefused with the reason.

    ``credentials``: what to do with ``user:password@``: "refuse" it or "drop" it (redirects).
    """
    if len(url) > MAX_URL:
        raise _refuse(url, f"The address is {len(url)} characters long, more than {MAX_URL}")
    if _CONTROL.search(url):
        raise _refuse(url, "The address contains a space, a backslash or a control character")
    try:
        parsed = URL(url)
        host = parsed.raw_host or ""
        port = parsed.port
    except (ValueError, IndexError) as error:  # yarl raises IndexError for "http://[::1]:8@/"
        raise _refuse(url, f"The address is malformed: {shown(str(error))}") from error
    if parsed.scheme not in ("http", "https"):
        raise _refuse(url, f"Only http and https are fetched, not {parsed.scheme or 'an address without a scheme'}")
    if parsed.raw_user is not None or parsed.raw_password is not None:
        if credentials == "refuse":
            raise _refuse(url, "The address carries a user name or a password, and none is ever sent")
        parsed = parsed.with_user(None)
    bare = host.rstrip(".").lower()
    if host != bare:
        if not bare or not host.lower().removeprefix(bare) == ".":
            raise _refuse(url, "The address has no host name")
        try:
            parsed = parsed.with_host(bare)
        except ValueError as error:  # a dot stands behind what is no name at all, as in "http://-.:./"
            raise _refuse(url, f"The address is malformed: {shown(str(error))}") from error
    if parsed.raw_fragment:
        parsed = parsed.with_fragment(None)
    reason, own = _vet_host(bare, networks)
    if reason:
        raise _refuse(url, reason)
    # A name may still turn out to be inside an allowed network: the transport looks again once it is resolved.
    if not port or (port not in ports and not own and not (networks and not _is_address(bare))):
        raise _refuse(url, f"Port {port} is not among those that may be connected to")
    return Target(parsed, str(parsed), bare, port, own)


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


@lru_cache(maxsize=8192)
def _vet_host(host: str, networks: Networks) -> tuple[str, bool]:
    """Why a host as written is refused (``""``: it is a name or a canonical address that may be), and whether it is one's own."""
    if not host:
        return "The address has no host name", False
    if "%" in host:
        return "The address carries a scope (%)", False
    # As browsers do (WHATWG URL, "ends in a number"): what looks like an IPv4 address must be one, in its one plain spelling;
    # 2130706433, 0x7f.1 and 0177.0.0.1 are spellings of 127.0.0.1 that no publisher uses.
    number = _NUMBER.match(host.rpartition(".")[2]) is not None
    if number and not _PLAIN_V4.match(host):
        return "The host is a number that is not a plain IPv4 address", False
    if number or ":" in host:
        reason = vet_address(host, networks)
        return (f"The address is never connected to: {host} is {reason}", False) if reason else ("", in_networks(host, networks))
    if not _NAME.match(host):
        return "The host name contains characters that no host name has, or is too long", False
    # RFC 6761: these names never leave the machine; what they resolve to is vetted all the same.
    local = host == "localhost" or host.endswith(".localhost")
    return "", local and (in_networks("127.0.0.1", networks) or in_networks("::1", networks))
