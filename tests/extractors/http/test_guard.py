"""Which addresses may be connected to, as written and as resolved."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import AddressRefused
from extractors.guard import shown, vet_address, vet_url

PORTS = frozenset({80, 443})


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_ipv4_address_that_is_not_global_is_connected_to(ip: IPv4Address) -> None:
    if not ip.is_global:
        assert vet_address(str(ip)) is not None


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
@example(IPv6Address("64:ff9b::7f00:1"))
@example(IPv6Address("2002:7f00:1::"))
def test_no_ipv6_address_that_is_not_global_unicast_is_connected_to(ip: IPv6Address) -> None:
    if vet_address(str(ip)) is None:
        nat64 = ip in ip_network("64:ff9b::/96") and vet_address(str(IPv4Address(int(ip) & 0xFFFFFFFF))) is None
        assert nat64 or (ip.is_global and ip in ip_network("2000::/3"))
        assert ip.sixtofour is None
        assert ip.teredo is None
        assert ip.ipv4_mapped is None


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "223.255.255.255"]
)
def test_public_addresses_are_connected_to(address: str) -> None:
    assert vet_address(address) is None


@pytest.mark.parametrize("address", ["2606:4700::6810:84e5", "2a00:1450:4001:81b::200e", "64:ff9b::5db8:d822"])
def test_public_ipv6_addresses_are_connected_to(address: str) -> None:
    assert vet_address(address) is None


def test_an_allowed_network_opens_itself_and_nothing_else() -> None:
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))
    assert vet_address("10.1.2.3", networks) is None
    assert vet_address("fd00:1::5", networks) is None
    assert vet_address("10.2.0.1", networks) == "private"
    assert vet_address("::ffff:10.1.2.3", networks) == "IPv4-mapped"
    assert vet_address("64:ff9b::10.1.2.3", networks) == "NAT64 of a private address"


@given(st.text(max_size=60) | st.text("0123456789abcdefx.:/@[]%#?\\ \t\r\nht。１", max_size=60).map("http://".__add__))
def test_any_text_is_an_address_or_refused_with_a_sentence(text: str) -> None:
    refused = None
    try:
        target = vet_url(text, ports=PORTS)
    except AddressRefused as error:
        refused = error
    if refused is not None:
        assert refused.reason
        assert str(refused).isprintable()
        return
    assert target.url.scheme in ("http", "https")
    assert target.port in PORTS
    assert target.host == target.url.raw_host
    assert target.url.raw_user is None
    assert target.text.isascii()
    if target.host.replace(".", "").isdigit() or ":" in target.host:
        assert vet_address(target.host) is None


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{:d}", "{:#x}", "0{:o}", "{:#X}"]))
def test_no_number_passes_for_a_host(number: int, spelling: str) -> None:
    with pytest.raises(AddressRefused):
        vet_url(f"http://{spelling.format(number)}/", ports=PORTS, networks=(ip_network("0.0.0.0/0"),))


def test_an_address_is_shown_without_its_password_and_without_line_breaks() -> None:
    assert shown("http://user:secret@host/a\r\nb") == "http://host/a\\r\\nb"
    assert len(shown("http://host/" + "a" * 9_000)) == 300


def test_a_port_inside_an_allowed_network_may_be_any() -> None:
    assert vet_url("http://127.0.0.1:31337/", ports=PORTS, networks=(ip_network("127.0.0.0/8"),)).own
    with pytest.raises(AddressRefused, match="Port 31337"):
        vet_url("http://93.184.216.34:31337/", ports=PORTS, networks=(ip_network("127.0.0.0/8"),))


def test_a_trailing_dot_and_a_fragment_are_dropped() -> None:
    target = vet_url("https://News.Example.ORG./a?b=c#d", ports=PORTS)
    assert target.text == "https://news.example.org/a?b=c"
    assert target.host == "news.example.org"
