"""How much of fetched bodies lies in memory at once: large ones are counted until they are let go, and new requests wait meanwhile."""

from __future__ import annotations

import asyncio
import time
import weakref

from domain.values import Capture

LARGE = 300_000  # bytes of a body that is counted; of 301 real pages 20 are larger
MOST = 16_000_000  # bytes; two bodies of the largest size allowed
PATIENCE = 20.0
"""Seconds a request waits for room. Then it goes all the same: what holds the others back may itself be waiting for an answer."""
_LOOK = 0.05  # seconds between two looks for room


class InHand:
    """Counts the large bodies of captures for as long as anybody holds the capture."""

    def __init__(self) -> None:
        self.size = 0

    async def room(self) -> None:
        """Wait until what is held is within the bound, or patience is at an end."""
        end = time.monotonic() + PATIENCE
        # An Event could not be set from whatever thread lets go of the last one.
        while self.size > MOST and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK)

    def hold(self, capture: Capture) -> None:
        """Count a capture, from now until nobody has it any more."""
        size = len(capture.body)
        if size >= LARGE:
            self.size += size
            weakref.finalize(capture, self._let_go, size).atexit = False

    def _let_go(self, size: int) -> None:
        self.size -= size
