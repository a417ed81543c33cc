"""Large bodies are counted while anybody holds them, and a new request waits for room."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from datetime import UTC, datetime

from domain.values import Capture
from extractors.in_hand import LARGE, MOST, InHand

SMALL = Capture(
    url_asked="https://news.example/1",
    url_answered="https://news.example/1",
    fetched_at=datetime(2026, 11, 22, tzinfo=UTC),
    status=200,
    headers=(),
    media_type="text/html",
    body=b"x",
    sha256="",
    server_address="203.0.113.5",
)


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
