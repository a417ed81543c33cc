"""The client against servers of our own on loopback: what is asked, what is kept, who is asked how often."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import AddressRefused, FetchError
from domain.settings import Settings
from extractors.client import Client, Validators
from extractors.client_options import ClientOptions, client_options
from extractors.politeness import FAILURES
from extractors.transport import MAX_HEADERS, open_session, system_lookup
from tests.hostile.redirects import to
from tests.hostile.server import Answer, Case, Exchange, World, ok

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
OPTIONS = ClientOptions(networks=(ip_network("127.0.0.1/32"),), deadline=20.0, user_agent="Sholu/test (+someone@example.org)")
FEED = ok(b"<rss/>", 'ETag: "one"', "Last-Modified: Sun, 22 Nov 2026 05:00:00 GMT", "Cache-Control: max-age=600")


@asynccontextmanager
async def site(answers: dict[str, Answer], **more: object) -> AsyncIterator[tuple[World, Client, Callable[[str], str]]]:
    """A site whose pages are at /site/<name>, a client that may ask it, and its addresses; ``more`` are the client's options."""
    cases = [Case(name, "site", "", frozenset(), answer) for name, answer in answers.items()]
    async with World(cases) as world:
        options = replace(OPTIONS, **more)  # type: ignore[arg-type]
        async with Client(options, clock=lambda: NOW, lookup=world.lookup, tls=world.trust) as client:
            yield world, client, lambda name: f"{world.places['base']}/site/{name}"


def robots(text: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


async def test_a_capture_keeps_everything_needed_to_say_what_was_there() -> None:
    async with site({"feed": FEED}) as (_, client, url):
        answer = await client.fetch(url("feed"))
    capture = answer.capture
    assert capture.body == b"<rss/>"
    assert capture.sha256 == hashlib.sha256(b"<rss/>").hexdigest()
    assert capture.media_type == "text/xml"
    assert capture.fetched_at == NOW
    assert capture.server_address == "127.0.0.1"
    assert capture.certificate == ""
    assert ("ETag", '"one"') in capture.headers
    assert ("User-Agent", "Sholu/test (+someone@example.org)") in capture.request_headers
    assert ("Accept-Encoding", "gzip, deflate") in capture.request_headers
    assert answer.validators == Validators('"one"', "Sun, 22 Nov 2026 05:00:00 GMT")
    assert answer.fresh_until == NOW + timedelta(seconds=600)
    assert answer.moved_to is None


async def test_a_capture_also_holds_what_came_in_gzip_as_it_came() -> None:
    page = b"<p>Miners in Zhanaozen stopped work.</p>" * 40
    sent = gzip.compress(page)
    async with site({"page": ok(sent, "Content-Encoding: gzip"), "plain": ok(page)}) as (_, client, url):
        packed, plain = await client.fetch(url("page")), await client.fetch(url("plain"))
    assert (packed.capture.body, packed.capture.gzipped) == (page, sent)
    assert (plain.capture.body, plain.capture.gzipped) == (page, b"")


async def test_over_tls_the_certificate_s_fingerprint_is_kept() -> None:
    async with site({"feed": FEED}) as (world, client, _):
        first = await client.fetch(f"{world.places['tls']}/site/feed")
        again = await client.fetch(f"{world.places['tls']}/site/feed")
        other = await client.fetch(f"{world.places['tls_1_2']}/site/feed")
    assert len(bytes.fromhex(first.capture.certificate)) == 32
    assert first.capture.certificate == again.capture.certificate != other.capture.certificate


async def test_what_was_not_changed_is_not_sent_again() -> None:
    async def answer(on: Exchange) -> None:
        same = on.headers.get("if-none-match") == '"one"' and on.headers.get("if-modified-since", "").startswith("Sun")
        await on.send(b"HTTP/1.1 304 Not Modified\r\n\r\n" if same else FEED)

    async with site({"feed": answer}) as (_, client, url):
        first = await client.fetch(url("feed"))
        second = await client.fetch(url("feed"), validators=first.validators)
    assert not first.unchanged
    assert second.unchanged
    assert second.capture.body == b""
    assert second.validators == first.validators


async def test_a_source_that_moved_for_good_says_where_to() -> None:
    answers = {
        "old": b"HTTP/1.1 301 Moved\r\nLocation: /site/older#top\r\nContent-Length: 0\r\n\r\n",
        "older": b"HTTP/1.1 308 Moved\r\nLocation: new\r\nContent-Length: 0\r\n\r\n",
        "detour": b"HTTP/1.1 302 Found\r\nLocation: old\r\nContent-Length: 0\r\n\r\n",
        "new": FEED,
    }
    async with site(answers) as (_, client, url):
        moved = await client.fetch(url("old"))
        detour = await client.fetch(url("detour"))
    assert moved.moved_to == moved.capture.url_answered == url("new")
    assert moved.capture.url_asked == url("old")
    assert moved.capture.redirects == (url("old"), url("older"))
    assert detour.moved_to is None
    assert detour.capture.url_answered == url("new")


async def test_a_fall_back_to_plain_http_is_noted_and_never_remembered() -> None:
    async def down(on: Exchange) -> None:
        await on.send(to(f"{on.world.places['base']}/site/feed", 301))

    async with site({"down": down, "feed": FEED}) as (world, client, _):
        answer = await client.fetch(f"{world.places['tls']}/site/down")
    assert answer.moved_to is None
    assert "plain http" in answer.notes[0]


async def test_an_answer_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    async def pushy(on: Exchange) -> None:
        await on.send(ok(b"first"))
        await asyncio.sleep(0.02)
        await on.send(ok(b"poison"))
        await on.hang()

    async with site({"pushy": pushy, "feed": FEED}) as (_, client, url):
        assert (await client.fetch(url("pushy"))).capture.body == b"first"
        await asyncio.sleep(0.2)
        assert (await client.fetch(url("feed"))).capture.body == b"<rss/>"


@pytest.mark.parametrize(
    ("text", "status", "kind", "retry"),
    [
        ("User-agent: *\nDisallow: /site/page", "200 OK", "robots", False),
        ("User-agent: sholu\nAllow: /\nUser-agent: *\nDisallow: /", "200 OK", "", False),
        ("", "404 Not Found", "", False),
        ("", "403 Forbidden", "", False),
        ("", "500 Error", "robots", True),
        ("", "503 Busy", "robots", True),
        ("", "429 Too Many", "robots", True),
        ("User-agent: *\nDisallow: /site/page" + "\n#" * 400_000, "200 OK", "robots", False),
    ],
)
async def test_robots_txt_is_respected_for_pages(text: str, status: str, kind: str, retry: bool) -> None:
    async with site({"page": FEED}) as (world, client, url):
        world.root["/robots.txt"] = robots(text, status)
        if kind:
            with pytest.raises(FetchError) as caught:
                await client.fetch(url("page"), accept="page", robots=True)
            assert (caught.value.kind, caught.value.retry) == (kind, retry)
            assert "/site/page" not in world.requests
        else:
            await client.fetch(url("page"), accept="page", robots=True)
        await client.fetch(url("page"))  # a feed is asked for by name: its publisher offers it


async def test_robots_txt_is_asked_for_once_a_run_however_many_pages() -> None:
    async with site({"page": FEED}) as (world, client, url):
        world.root["/robots.txt"] = robots("User-agent: *\nDisallow: /none")
        await asyncio.gather(*(client.fetch(url(f"page?{n}"), robots=True) for n in range(30)))
        assert world.requests.count("/robots.txt") == 1


async def test_a_page_that_redirects_to_a_forbidden_one_is_forbidden() -> None:
    answers: dict[str, Answer] = {
        "page": to("/site/secret"),
        "secret": FEED,
    }
    async with site(answers) as (world, client, url):
        world.root["/robots.txt"] = robots("User-agent: *\nDisallow: /site/secret")
        with pytest.raises(FetchError) as caught:
            await client.fetch(url("page"), robots=True)
        assert caught.value.kind == "robots"
        assert "/site/secret" not in world.requests


async def test_a_hanging_host_is_left_alone_after_a_few_tries() -> None:
    async def hang(on: Exchange) -> None:
        await on.hang()

    async with site({"hang": hang, "feed": FEED}, deadline=0.5) as (world, client, url):

        async def ask(number: int) -> str:
            try:
                await client.fetch(url(f"hang?{number}"), owner="slow")
            except FetchError as error:
                return error.reason.split(" ")[0] if error.retry else "for good"
            return "answered"

        outcomes = await asyncio.gather(*(ask(number) for number in range(40)))
        assert outcomes.count("Not") == 40 - FAILURES
        await client.fetch(url("feed"), owner="another")
        assert len([path for path in world.requests if "hang" in path]) == FAILURES


async def test_a_host_that_says_how_long_to_wait_is_not_asked_again_in_this_run() -> None:
    busy = b"HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"
    async with site({"busy": busy}) as (world, client, url):
        for _ in range(3):
            with pytest.raises(FetchError) as caught:
                await client.fetch(url("busy"), owner="busy")
            assert caught.value.retry
            assert caught.value.retry_after is not None
            assert 100 < caught.value.retry_after <= 120
        assert len(world.requests) == 1


async def test_other_hosts_are_asked_one_at_a_time_one_s_own_machines_all_at_once() -> None:
    async def measure(polite: bool) -> int:
        now = most = 0

        async def count(on: Exchange) -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.05)
            now -= 1
            await on.send(FEED)

        async with site({"feed": count}, polite_to_own=polite, host_pause=0.0) as (_, client, url):
            await asyncio.gather(*(client.fetch(url(f"feed?{n}")) for n in range(8)))
        return most

    assert await measure(polite=True) == 1
    assert await measure(polite=False) > 1


async def test_a_name_is_looked_up_once_and_the_vetted_address_is_used() -> None:
    asked: list[str] = []

    async def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with site({"feed": FEED}) as (world, _, url), Client(OPTIONS, lookup=changing) as client:
        address = url("feed").replace("127.0.0.1", "changing.test")
        for _ in range(3):
            assert (await client.fetch(address)).capture.server_address == "127.0.0.1"
        assert asked == ["changing.test"]
        assert world.hits == []


async def test_a_hanging_look_up_is_part_of_the_deadline() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with Client(ClientOptions(deadline=0.2), lookup=never) as client:
        with pytest.raises(FetchError, match="No complete answer") as caught:
            await client.fetch("http://slow.test/")
    assert caught.value.kind == "timeout"
    async with Client(ClientOptions(connect_deadline=0.2), lookup=never) as client:
        with pytest.raises(FetchError, match="No connection") as caught:
            await client.fetch("http://slow.test/")
    assert caught.value.kind == "timeout"


async def test_a_host_that_never_takes_the_connection_costs_less_than_one_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as queue:
        for _ in range(4):  # fill the queue of connections nobody takes
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        async with Client(replace(OPTIONS, connect_deadline=0.2, deadline=20)) as client:
            with pytest.raises(FetchError, match="No connection within") as caught:
                await client.fetch(f"http://127.0.0.1:{full.getsockname()[1]}/")
    assert caught.value.kind == "timeout"
    assert caught.value.retry


async def test_the_guard_sits_at_the_socket_and_at_the_kept_connection_too() -> None:
    """The doors behind the check of the address as written, each on its own."""
    from extractors.failures import explain
    from extractors.transport import Guard, RefusedError

    closed, opened = Guard((), frozenset({80})), Guard((ip_network("127.0.0.1/32"),), frozenset({80}))
    async with site({"feed": FEED}) as (world, _, url):
        async with open_session(closed) as session:
            with pytest.raises(RefusedError) as caught:
                await session.get(url("feed"), allow_redirects=False)
        assert isinstance(explain(caught.value, url("feed")), AddressRefused)
        async with open_session(opened) as session:
            # What a resolver that lies would lead to: the peer is looked at before anything is sent.
            session.connector._socket_factory = None  # type: ignore[union-attr]
            canary = world.places["canary"]
            with pytest.raises(RefusedError):
                await session.get(canary, allow_redirects=False)
    assert world.requests == []


async def test_aiohttp_still_lets_us_count_interim_answers_and_headers() -> None:
    flood = b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + FEED
    many = ok(b"<rss/>", *[f"X-{n}: a" for n in range(MAX_HEADERS + 1)])
    async with site({"flood": flood, "many": many}) as (_, client, url):
        for name in ("flood", "many"):
            with pytest.raises(FetchError) as caught:
                await client.fetch(url(name))
            assert caught.value.kind == "protocol"


_PIECES = [
    *[b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 X\r\n", b"Location: ", b"http://", b"127.0.0.2", b"Content-Length: ", b"3", b"\r\n"],
    *[
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"\r\n\r\n",
        b"a",
        b"0\r\n",
        b"\x1f\x8b\x08",
        b"\x00\xff",
    ],
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(_PIECES) | st.binary(max_size=8), max_size=14).map(b"".join))
def test_whatever_a_server_sends_there_is_an_answer_or_a_fetch_error(sent: bytes) -> None:
    async def garbage(on: Exchange) -> None:
        await on.send(sent)

    async def main() -> None:
        async with site({"any": garbage}, deadline=0.5) as (world, client, url):
            with contextlib.suppress(FetchError):
                await client.fetch(url("any"))
            assert world.hits == []

    asyncio.run(main())


def test_the_settings_make_the_client() -> None:
    options = client_options(
        Settings(contact="news@example.org\r\nX-Evil: (yes)", allow_addresses="10.0.0.0/8", allow_ports="80")
    )
    assert options.user_agent.startswith("Sholu/")
    assert "(+news@example.orgX-Evil: yes)" in options.user_agent
    assert options.networks == (ip_network("10.0.0.0/8"),)
    assert options.ports == frozenset({80})
    assert client_options(Settings(contact="")).user_agent.count("(") == 0


async def test_a_public_site_cannot_lead_into_one_s_own_network() -> None:
    async with site({"intranet": FEED}) as (world, client, url):
        for address in (url("intranet"), f"http://localhost:{world.places['port']}/site/intranet"):
            with pytest.raises(AddressRefused, match="your own network"):
                await client.fetch(address, found_at="93.184.216.34")
        assert world.requests == []
        await client.fetch(url("intranet"), found_at="127.0.0.1")
        with pytest.raises(AddressRefused):  # nor over a connection that was kept
            await client.fetch(url("intranet"), found_at="93.184.216.34")
        await client.fetch(url("intranet"))
        assert len(world.requests) == 2


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site({"feed": FEED}) as (world, client, url):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, world.places["canary"])
        assert (await client.fetch(url("feed"))).capture.server_address == "127.0.0.1"
        assert world.hits == []


async def test_the_system_s_look_up_finds_names_and_says_when_there_are_none() -> None:
    assert set(await system_lookup("localhost", 80)) <= {"127.0.0.1", "::1"}
    for name in ("a" * 64 + ".invalid", "a\x00b", "\udcff"):  # names that no name server need be asked for
        with pytest.raises(OSError, match=r".+"):
            await system_lookup(name, 80)


async def test_a_look_up_that_was_given_up_answers_into_the_void() -> None:
    looking = asyncio.create_task(system_lookup("localhost", 80))
    await asyncio.sleep(0)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert await system_lookup("localhost", 80)


async def test_localhost_is_one_s_own_machine_where_its_network_is_allowed() -> None:
    async with site({"feed": FEED}, host_pause=3600.0) as (world, client, _):
        for _ in range(3):  # with a pause of an hour between two requests this test would not end
            await client.fetch(f"http://localhost:{world.places['port']}/site/feed")
