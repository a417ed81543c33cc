"""The client against the hostile server: each case alone, and all of them in one run with healthy feeds between."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
import pytest_asyncio

from domain.errors import FetchError
from extractors.client import Answer, Client
from extractors.client_options import ClientOptions
from tests.hostile.server import Case, World, load_cases

CASES = load_cases(("transport", "redirects", "addresses"))
ALLOWED = ClientOptions(networks=(ip_network("127.0.0.1/32"),), deadline=20, max_body=3_000_000)
DEFAULTS = ClientOptions(deadline=20, max_body=3_000_000)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with World(CASES) as running:
        yield running


async def meet(client: Client, url: str, *, owner: str = "") -> tuple[str, Answer | FetchError]:
    """The outcome in one word, and what came; anything but an Answer or a FetchError fails the test."""
    try:
        return "body", await client.fetch(url, owner=owner)
    except FetchError as error:
        return error.kind, error


def client_for(world: World, one: Case) -> Client:
    """A client with the settings the case wants; where the right outcome is a time-out, one that comes soon."""
    options = DEFAULTS if one.defaults else ALLOWED
    if "timeout" in one.right:
        options = replace(options, deadline=0.8)
    return Client(options, lookup=world.lookup, tls=world.trust)


@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.group}-{one.name}")
async def test_a_hostile_server_gets_the_right_answer_and_nothing_else(one: Case, world: World) -> None:
    async with asyncio.timeout(30), client_for(world, one) as client:
        outcome, came = await meet(client, world.url(one))
    assert outcome in one.right, f"it {one.does}: {came}"
    assert world.hits == []
    if isinstance(came, FetchError):
        assert came.reason
        assert str(came).isprintable()
        assert len(str(came)) < 1_000
        assert "secret" not in str(came)


async def test_all_hostile_servers_at_once_cost_healthy_feeds_nothing(world: World) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wrong: list[str] = []
    healthy: list[str] = []
    async with Client(replace(ALLOWED, deadline=6), lookup=world.lookup, tls=world.trust) as client, Client(DEFAULTS) as default:

        async def poll(number: int, one: Case) -> None:
            outcome, came = await meet(default if one.defaults else client, world.url(one), owner=one.name)
            if outcome not in one.right:
                wrong.append(f"{one.group}/{one.name}: {outcome}: {came}")
            if number % 5 == 0:
                answer = await client.fetch(world.healthy(f"feed-{number}"), owner=f"healthy-{number}")
                assert b"Miners" in answer.capture.body
                healthy.append(f"feed-{number}")

        # The chain that is too slow as a whole by less than this run's longer deadline is met alone above.
        met = [one for one in CASES if one.name != "slow-chain"]
        async with asyncio.timeout(120):
            await asyncio.gather(*(poll(number, one) for number, one in enumerate(met)))
    assert wrong == []
    assert len(healthy) == len(range(0, len(met), 5))
    assert world.hits == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - usage < 300_000  # kB


async def test_in_place_of_a_robots_txt_no_case_does_more_than_forbid_the_page(world: World) -> None:
    options = replace(ALLOWED, deadline=0.8)
    wrong: list[str] = []
    for one in (one for one in CASES if one.answer and not one.url and not one.names):
        world.root["/robots.txt"] = one.answer
        async with asyncio.timeout(30), Client(options, lookup=world.lookup, tls=world.trust) as client:
            try:
                await client.fetch(world.healthy(f"page-{one.name}.html"), accept="page", robots=True)
            except FetchError as error:
                # A refused address is refused whoever leads there.
                if error.kind not in ("robots", "refused") or not str(error).isprintable() or len(str(error)) > 1_000:
                    wrong.append(f"{one.group}/{one.name}: {error.kind}: {error}")
    assert wrong == []
    assert world.hits == []


async def test_with_the_default_settings_no_case_reaches_this_machine(world: World) -> None:
    async with Client(DEFAULTS, tls=world.trust) as client:
        outcomes = await asyncio.gather(*(meet(client, world.url(one)) for one in CASES))
    assert {word for word, _ in outcomes} == {"refused", "unreachable"}
    assert world.hits == []
    assert world.requests == []


async def test_every_refused_address_is_refused_as_the_end_of_a_redirect_too(world: World) -> None:
    refused = [one for one in CASES if one.group == "addresses" and one.defaults and one.url.isascii() and one.url.isprintable()]
    via = tuple(
        Case(
            f"{number}",
            "redirects",
            one.does,
            one.right,
            f"HTTP/1.1 302 Found\r\nLocation: {world.url(one)[:6_000]}\r\nContent-Length: 0\r\n\r\n".encode(),
        )
        for number, one in enumerate(refused)
    )
    # Addresses of the one machine that may be connected to, and what is only relative to it, lead back to the server itself.
    back = {
        "localhost",
        "localhost-dot",
        "localhost-capitals",
        "loopback",
        "loopback-port",
        "no-scheme",
        "scheme-relative",
        "trailing-dot",
        "user",
        "user-password",
        "user-two",
        "user-encoded",
        "slash-percent",
        "scheme-blank",
        "user-question",
        "user-hash",
        "user-semicolon",
        "empty",
    }
    async with World(via) as hops, Client(ALLOWED, tls=world.trust) as client:
        for one, hop in zip(refused, via, strict=True):
            outcome, came = await meet(client, hops.url(hop))
            if one.name not in back:
                assert outcome in ("refused", "redirect"), f"{one.url}: {came}"
    assert world.hits == []
