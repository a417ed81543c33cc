"""What each source yields today, for `sholu sources check`: reads every ladder and stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from domain.settings import Settings
from domain.values import Source
from extractors.client import Client
from extractors.client_options import client_options
from extractors.ladder import climb
from extractors.pool import ParserPool
from extractors.verdicts import Check, judge


async def check_sources(settings: Settings, sources: Sequence[Source], *, clock: Callable[[], datetime]) -> list[Check]:
    """Poll the sources side by side and judge what each yields; one that fails is a verdict, never an error."""
    now = clock()
    async with (
        Client(client_options(settings), clock=clock) as client,
        ParserPool(settings.workers, seconds=settings.parse_seconds, memory=settings.parse_memory) as pool,
    ):

        async def check(source: Source) -> Check:
            return judge(source, await climb(client, pool, source, now=now), now)

        return list(await asyncio.gather(*(check(source) for source in sources)))
