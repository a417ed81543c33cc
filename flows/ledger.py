"""Keeps how the polls of a run ended: shards that end within a second of each other share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from domain.values import SourceReport
from storage.sources import PollState, save_polls
from storage.store import Store

DELAY = 1.0  # seconds that what has ended may wait to be kept: a run killed meanwhile polls those sources again, and that is all


class Ledger:
    """``await ledger.enter(states, reports)``, once for each of ``shards``; returns when they are kept, and raises what that raised."""

    def __init__(self, store: Store, run_id: int, *, clock: Callable[[], datetime], shards: int, keep_states: bool) -> None:
        self._store, self._run_id, self._clock = store, run_id, clock
        self._left = shards
        self._keep_states = keep_states
        self._states: list[PollState] = []
        self._reports: list[SourceReport] = []
        self._last = asyncio.Event()
        self._gathering: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def enter(self, states: Sequence[PollState], reports: Sequence[SourceReport]) -> None:
        """How the sources of one shard stand after their poll, and their lines."""
        self._left -= 1
        self._states += states if self._keep_states else ()
        self._reports += reports
        if self._left <= 0:
            self._last.set()
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._write())
            self._under_way.add(self._gathering)
            self._gathering.add_done_callback(self._under_way.discard)
        # Shielded: where one shard is cancelled, the others' lines are kept all the same.
        await asyncio.shield(self._gathering)

    async def close(self) -> None:
        """Keep what has ended by now, whatever ended the run: once a run is closed, nothing may be entered for it."""
        self._last.set()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _write(self) -> None:
        with suppress(TimeoutError):  # others are still at work then; those that have ended wait no longer
            await asyncio.wait_for(self._last.wait(), DELAY)
        self._gathering = None  # whoever ends from here on belongs to the next transaction
        states, self._states = self._states, []
        reports, self._reports = self._reports, []
        await asyncio.to_thread(save_polls, self._store, self._run_id, states, reports, now=self._clock())
