"""Large bodies are counted while anybody holds them, and a new request waits for room."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from datetime import UTC, datetime
from traceback import walk_tb

import pytest

from domain.errors import FetchError
from domain.values import Capture
from extractors.decoding import Decoder
from extractors.in_hand import LARGE, MOST, VERY_LARGE, InHand
from tests.extractors.http.test_client import site
from tests.hostile.server import ok

SMALL = Capture(
    url_asked="https://news.example/1",
    url_answered="https://news.example/1",
    fetched_at=datetime(2026, 11, 22, tzinfo=UTC),
    status=200,
    headers=(),
    media_type="text/html",
    body=b"x",
    server_address="203.0.113.5",
)

ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 * VERY_LARGE)


async def test_a_request_waits_until_large_bodies_are_let_go() -> None:
    hand = InHand()
    held = [replace(SMALL, body=b"x" * (MOST // 2 + 1)) for _ in range(2)]
    for each in held:
        hand.hold(each)
    waiting = asyncio.create_task(hand.room())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    held.pop()
    del each
    gc.collect()
    await asyncio.wait_for(waiting, 10)
    assert hand.size == len(held[0].body)


async def test_small_bodies_are_not_counted() -> None:
    hand = InHand()
    hand.hold(replace(SMALL, body=b"x" * (LARGE - 1)))
    assert hand.size == 0


async def test_a_very_large_body_waits_for_room_in_the_middle_and_its_deadline_with_it() -> None:
    body = b"x" * (2 * VERY_LARGE)
    async with site({"page": ok(body)}, deadline=0.5) as (_, client, url):
        hand = client._in_hand  # what other fetches would hold
        held = [replace(SMALL, body=b"x" * (MOST - VERY_LARGE))]
        hand.hold(held[0])
        coming = asyncio.create_task(client.fetch(url("page")))
        await asyncio.sleep(1)
        assert not coming.done()
        held.clear()
        answer = await asyncio.wait_for(coming, 10)
        assert answer.capture.body == body
        assert (hand.size, hand.coming) == (len(body), 0)
        del answer, coming
        await asyncio.sleep(0)  # from Python 3.12 on the turn of the loop that brought the answer holds on to it until it ends
        gc.collect()
        assert hand.size == 0


async def test_what_came_of_a_body_that_is_refused_is_not_kept_with_the_refusal() -> None:
    async with site({"page": ENDLESS}, max_body=VERY_LARGE) as (_, client, url):
        with pytest.raises(FetchError) as refused:
            await client.fetch(url("page"))
        links = [refused.value, refused.value.__cause__]
        assert links[1] is not None
        frames = [frame for link in links if link for frame, _ in walk_tb(link.__traceback__)]
        assert not [name for frame in frames for name, value in frame.f_locals.items() if isinstance(value, Decoder)]
        assert (client._in_hand.size, client._in_hand.coming) == (0, 0)
