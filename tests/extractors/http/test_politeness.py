"""Whose turn it is, on a clock of our own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise

import pytest

from domain.errors import FetchError
from extractors.politeness import FAILURES, FREE_SECONDS, Turns

URL = "http://news.example/a"


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def turns(clock: Clock, *, connections: int = 4, patience: float = 45.0) -> Turns:
    return Turns(connections=connections, pause=1.0, patience=patience, clock=clock, sleep=clock.sleep)


async def test_a_host_is_asked_one_at_a_time_with_a_pause_between() -> None:
    clock = Clock()
    house, spans = turns(clock), []

    async def ask() -> None:
        await house.begin("host", URL, pause=True)
        start = clock.now
        await clock.sleep(0.25)
        spans.append((start, clock.now))
        house.end("host", 0.25)

    await asyncio.gather(*(ask() for _ in range(5)))
    assert all(later[0] - earlier[1] >= 1.0 for earlier, later in pairwise(spans))


async def test_no_more_connections_than_allowed_are_used_by_any_number_of_hosts() -> None:
    clock = Clock()
    house, now, most = turns(clock, connections=3), 0, 0

    async def ask(key: str) -> None:
        nonlocal now, most
        await house.begin(key, URL, pause=True)
        now += 1
        most = max(most, now)
        for _ in range(3):
            await asyncio.sleep(0)
        now -= 1
        house.end(key, 0)

    await asyncio.gather(*(ask(key) for key in ["", "", "", "", *(f"host-{n}" for n in range(10))]))
    assert most == 3


async def test_a_host_that_fails_again_and_again_is_left_alone_and_says_why() -> None:
    house = turns(Clock())
    for _ in range(FAILURES):
        await house.begin("dead", URL, pause=True)
        house.failed("dead", "The host does not answer")
        house.end("dead", 1)
    with pytest.raises(FetchError, match="does not answer") as caught:
        await house.begin("dead", URL, pause=True)
    assert caught.value.retry
    await house.begin("other", URL, pause=True)


async def test_an_answer_makes_up_for_failures() -> None:
    house = turns(Clock())
    for _ in range(FAILURES * 3):
        await house.begin("host", URL, pause=True)
        house.failed("host", "slow")
        house.answered("host")
        house.end("host", 1)


async def test_a_slow_host_uses_up_its_patience_though_it_answers() -> None:
    house = turns(Clock(), patience=45)
    for _ in range(3):
        await house.begin("slow", URL, pause=True)
        house.answered("slow")
        house.end("slow", FREE_SECONDS + 20)
    with pytest.raises(FetchError, match="waiting") as caught:
        await house.begin("slow", URL, pause=True)
    assert caught.value.kind == "timeout"
    assert caught.value.retry


async def test_a_quick_host_can_be_asked_all_day() -> None:
    house = turns(Clock())
    for _ in range(1_000):
        await house.begin("quick", URL, pause=True)
        house.end("quick", FREE_SECONDS)


async def test_those_that_waited_for_a_host_that_died_meanwhile_are_told_at_once() -> None:
    house = turns(Clock())

    async def ask() -> str:
        try:
            await house.begin("dying", URL, pause=True)
        except FetchError as error:
            return error.kind
        house.failed("dying", "The host refuses the connection")
        house.end("dying", 1)
        return "asked"

    outcomes = await asyncio.gather(*(ask() for _ in range(100)))
    assert outcomes == ["asked"] * FAILURES + ["unreachable"] * (100 - FAILURES)


async def test_a_host_that_asks_for_silence_gets_it_and_no_longer() -> None:
    clock = Clock()
    house = turns(clock)
    house.silence("busy", 60, "the host asked to be left alone")
    with pytest.raises(FetchError) as caught:
        await house.begin("busy", URL, pause=True)
    assert caught.value.retry_after == 60
    clock.now = 61
    await house.begin("busy", URL, pause=True)


async def test_a_cancelled_wait_gives_everything_back() -> None:
    house = turns(Clock(), connections=1)
    await house.begin("a", URL, pause=True)
    waiting = asyncio.create_task(house.begin("b", URL, pause=True))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    house.end("a", 0)
    await asyncio.wait_for(house.begin("b", URL, pause=True), 5)


async def test_a_longer_pause_asked_for_by_robots_txt_is_kept() -> None:
    clock = Clock()
    house = turns(clock)
    house.slow_down("host", 7)
    for expected in (7, 14, 21):
        await house.begin("host", URL, pause=True)
        assert clock.now == expected
        house.end("host", 0)
