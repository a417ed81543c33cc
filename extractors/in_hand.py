"""How much of fetched bodies lies in memory at once: large ones are counted until they are let go, and others wait meanwhile.

New requests wait before they are sent; a body that proves very large waits while it comes in, its server held up by TCP.
"""

from __future__ import annotations

import asyncio
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from math import inf

from domain.values import Capture

LARGE = 300_000  # bytes of a body that is counted; of 301 real pages 20 are larger
VERY_LARGE = 1_000_000  # bytes of a body that waits a second time, for all that it may grow to; of 301 real pages 3 are larger
MOST = 12_000_000  # bytes; a body of the largest size allowed and half of one
MOST_COMING = 8_000_000  # bytes that bodies on their way may take before they wait in the middle
PATIENCE = 20.0
"""Seconds a request waits for room. Then it goes all the same: what holds the others back may itself be waiting for an answer."""
_TRIM_EVERY = 4_000_000
"""Bytes let go after which the C library is asked to give back what is free: it keeps pages in the middle of its heap for good."""
_LOOK = 0.05  # seconds between two looks for room


class InHand:
    """Counts large bodies: ``size`` of those that came, for as long as anybody holds the capture, ``coming`` of those on their way."""

    def __init__(self) -> None:
        self.size = self.coming = 0
        self._let_go = 0  # bytes since memory was last given back

    async def room(self) -> None:
        """Wait until what is held is within the bound, or patience is at an end."""
        await _patiently(lambda: self.size <= MOST)

    def hold(self, capture: Capture) -> None:
        """Count a capture, from now until nobody has it any more."""
        size = len(capture.body)
        if size >= LARGE:
            self.size += size
            weakref.finalize(capture, self.free, size).atexit = False

    def free(self, size: int) -> None:
        """Count no longer what was held or reserved."""
        self.size -= size
        self._let_go += size
        if self._let_go >= _TRIM_EVERY:
            self._let_go = 0
            _give_back()


class Place:
    """The room that one body on its way has: a body larger than ``allowed`` must ``wait``, once for each of two steps; ``leave`` it."""

    def __init__(self, hand: InHand, most: int) -> None:
        self.allowed = float(LARGE)
        self._hand, self._most = hand, most
        self._coming = self._reserved = 0

    async def wait(self) -> None:
        """Wait for more room, or until patience is at an end."""
        hand = self._hand
        if not self._coming:
            await _patiently(lambda: hand.coming + VERY_LARGE <= MOST_COMING)
            self._coming, self.allowed = VERY_LARGE, VERY_LARGE
            hand.coming += VERY_LARGE
        else:
            # What waits here keeps its first place: those behind it are then fewer, and none of them larger.
            await _patiently(lambda: hand.size + min(self._most, MOST) <= MOST)
            self._reserved, self.allowed = self._most, inf
            hand.size += self._most

    def leave(self) -> None:
        """Give the room back: the body has come, or will not."""
        self._hand.coming -= self._coming
        self._hand.free(self._reserved)
        self._coming = self._reserved = 0


async def _patiently(fits: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    # An Event could not be set from whatever thread lets go of the last one.
    while not fits() and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK)


def _give_back() -> None:
    """Free pages back to the system, wherever in the heap they lie (glibc only; elsewhere nothing happens)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            import ctypes  # most runs never need it

            ctypes.CDLL(None).malloc_trim(0)
