"""Whose turn it is: connections in all, one at a time and a pause for each host, and when a host is left alone for the run.

Nothing here opens a connection or reads a calendar. Keys are made by the client: a host's name, whatever its addresses
(many names on one address are many publishers), or, on one's own machines, a source and an authority.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from domain.errors import FetchError
from extractors.meter import Meter

FAILURES = 3
"""Time-outs or failed connections in a row after which a host is left alone for the rest of the run."""
FREE_SECONDS = 5.0
"""What one request may take before its time counts as waiting."""


PAUSES_COUNT = 0.1
"""Share of a pause that counts against a source's time in a run: pauses are ours and cost nobody, and with a second between
two pages the 50 entries of a first poll must come in one run; still a feed of thousands does not go on for hours."""


@dataclass(slots=True)
class _Host:
    """What this run knows of one host; ``patience`` is what is left of the seconds it may make us wait."""

    patience: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    pause: float = 0.0
    free_at: float = 0.0
    failures: int = 0
    last: str = ""
    silent_until: float = 0.0
    silent_why: str = ""


class Turns:
    """Hands out turns; ``patience`` is how many seconds in all one host may keep a run waiting."""

    def __init__(
        self,
        *,
        connections: int,
        pause: float,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._slots = asyncio.Semaphore(connections)
        self._pause, self._patience = pause, patience
        self._hosts: dict[str, _Host] = {}

    def _host(self, key: str) -> _Host:
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = _Host(patience=self._patience, pause=self._pause)
        return host

    async def begin(self, key: str, url: str, *, pause: bool, meter: Meter | None = None) -> float:
        """Wait for one request's turn; returns the seconds it may take at most. Every ``begin`` is followed by an ``end``.

        An empty ``key`` waits for a connection only. Raises FetchError where the host is left alone. The order (host, then
        connection) cannot lock up: who holds a connection waits for nothing else. A part of the pause is put on the ``meter``.
        """
        if not key:
            await self._slots.acquire()
            return self._patience
        host = self._host(key)
        self._check(host, url)
        await host.lock.acquire()
        try:
            self._check(host, url)
            if pause and (wait := host.free_at - self._clock()) > 0:
                if meter is not None:
                    meter.add(wait * PAUSES_COUNT)
                await self._sleep(wait)
            await self._slots.acquire()
        except BaseException:
            host.lock.release()
            raise
        return max(host.patience, 1.0)

    def end(self, key: str, took: float) -> None:
        """Give the turn back after ``took`` seconds."""
        self._slots.release()
        if key:
            host = self._hosts[key]
            host.free_at = self._clock() + host.pause
            host.patience -= max(0.0, took - FREE_SECONDS)
            host.lock.release()

    def _check(self, host: _Host, url: str) -> None:
        left = host.silent_until - self._clock()
        if left > 0:
            raise FetchError(url, f"Not asked: {host.silent_why}", kind="status", retry=True, status=429, retry_after=left)
        if host.failures >= FAILURES:
            raise FetchError(
                url,
                f"Not asked: the host failed {host.failures} times in a row in this run (last: {host.last})",
                kind="unreachable",
                retry=True,
            )
        if host.patience <= 0:
            raise FetchError(
                url,
                f"Not asked: the host has kept this run waiting for {self._patience:.0f} seconds",
                kind="timeout",
                retry=True,
            )

    def answered(self, key: str) -> None:
        """The host gave an answer of any kind."""
        if key and (host := self._hosts.get(key)) is not None:
            host.failures = 0

    def failed(self, key: str, reason: str) -> None:
        """The host timed out or could not be connected to."""
        if key:
            host = self._host(key)
            host.failures += 1
            host.last = reason

    def silence(self, key: str, seconds: float, why: str) -> None:
        """The host asked (Retry-After) to be left alone for so long."""
        if key and seconds > 0:
            host = self._host(key)
            host.silent_until = self._clock() + seconds
            host.silent_why = why

    def free(self, key: str) -> None:
        """The host has turned out to be one's own machine: those that wait for their turn there need no pause."""
        if key in self._hosts:
            self._hosts[key].pause = self._hosts[key].free_at = 0.0

    def slow_down(self, key: str, seconds: float) -> None:
        """The host's robots.txt asks for a longer pause (Crawl-delay), already bounded by the caller."""
        if key:
            host = self._host(key)
            host.pause = max(self._pause, seconds)
            host.free_at = max(host.free_at, self._clock() + host.pause)
