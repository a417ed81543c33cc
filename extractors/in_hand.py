"""How much of fetched bodies lies in memory at once: large ones are counted until they are let go, and others wait meanwhile.

New requests wait before they are sent; a body that proves very large waits while it comes in, its server held up by TCP.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
import time
import weakref
from contextlib import suppress

from domain.values import Capture

LARGE = 300_000  # bytes of a body that is counted; of 301 real pages 20 are larger
VERY_LARGE = 1_000_000  # bytes of a body that waits for room in the middle; of 301 real pages 3 are larger
MOST = 16_000_000  # bytes; two bodies of the largest size allowed
PATIENCE = 20.0
"""Seconds a request waits for room. Then it goes all the same: what holds the others back may itself be waiting for an answer."""
_TRIM_EVERY = 8_000_000
"""Bytes let go after which the C library is asked to give back what is free: it keeps pages in the middle of its heap for good."""
_LOOK = 0.05  # seconds between two looks for room


class InHand:
    """Counts the large bodies of captures for as long as anybody holds the capture."""

    def __init__(self) -> None:
        self.size = 0
        self._let_go = 0  # bytes since memory was last given back

    async def room(self) -> None:
        """Wait until what is held is within the bound, or patience is at an end."""
        await self._fits(0)

    async def reserve(self, size: int) -> None:
        """Wait until ``size`` more bytes fit, or patience is at an end, and count them: ``free`` them when the body has come."""
        await self._fits(min(size, MOST))
        self.size += size

    async def _fits(self, size: int) -> None:
        end = time.monotonic() + PATIENCE
        # An Event could not be set from whatever thread lets go of the last one.
        while self.size + size > MOST and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK)

    def free(self, size: int) -> None:
        """Count what was reserved or held no longer."""
        self.size -= size
        self._let_go += size
        if self._let_go >= _TRIM_EVERY:
            self._let_go = 0
            _give_back()

    def hold(self, capture: Capture) -> None:
        """Count a capture, from now until nobody has it any more."""
        size = len(capture.body)
        if size >= LARGE:
            self.size += size
            weakref.finalize(capture, self.free, size).atexit = False


def _give_back() -> None:
    """Free pages back to the system, wherever in the heap they lie (glibc only; elsewhere nothing happens)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
