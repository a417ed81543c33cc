"""Which rungs of a source's ladder are read, in what order and when again: pure decisions, and the reader of each kind.

Nothing here opens a connection: ``extractors.ladder`` does what is decided here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.errors import FetchError
from domain.values import Feed, RungKind, Source

DAY = timedelta(days=1)
MOST_CHILDREN = 3
"""Sitemaps an index is followed to, newest first: news sites start a new one a day or a month."""
STALE_AFTER = 10
"""A source silent for this many times its rhythm may have a feed that was forgotten; RFE/RL's answer and stay as they were."""
STALE_LEAST = timedelta(days=14)
"""… but never before two weeks: holidays exist."""
# Names WordPress, Yoast and others give to sitemaps of everything that is no news (page-sitemap.xml, sitemap-tags-2.xml).
_NO_NEWS = re.compile(r"(?<![a-z])(?:page|tag|category|categorie|author|user|image|video|static)s?(?![a-z])[^/]*$", re.IGNORECASE)
_HOST_IS_AWAY = frozenset({"unreachable", "timeout"})
_LEAVE_ALONE = frozenset({429, 503})


def read_rung(kind: RungKind, body: bytes, *, content_type: str, url: str, source_id: str, now: datetime) -> Feed:
    """Read the bytes of a rung by its kind; runs in a child process, so readers are imported where needed. Raises ReadError."""
    if kind is RungKind.FEED:
        from extractors.feeds import read_feed

        return read_feed(body, content_type=content_type, url=url, source_id=source_id, now=now)
    if kind is RungKind.SITEMAP:
        from extractors.sitemaps import read_sitemap

        return read_sitemap(body, content_type=content_type, url=url, source_id=source_id, now=now)
    from extractors.sections import read_section

    return read_section(body, content_type=content_type, url=url, source_id=source_id, now=now)


def children_to_read(addresses: Sequence[str]) -> tuple[str, ...]:
    """The sitemaps of an index that are followed: the newest few, and none of pages, tags or authors where there are others."""
    news = [address for address in addresses if not _NO_NEWS.search(address)]
    return tuple(news or addresses)[:MOST_CHILDREN]


def order_of_rungs(count: int, in_use: int, *, better_first: bool) -> tuple[int, ...]:
    """The rungs to read until one yields: the one in use, those below it, then those above; or all from the top."""
    in_use = in_use if 0 <= in_use < count else 0
    if better_first:
        return tuple(range(count))
    return (*range(in_use, count), *range(in_use))


def is_time_for_better(source_id: str, in_use: int, last_polled: datetime | None, now: datetime) -> bool:
    """Whether a source read by a lower rung should be tried from the top again: at its first poll after its own hour of the day.

    The hour follows from the id, so that a hundred sources do not all knock at midnight, and nothing need be remembered.
    """
    if in_use <= 0 or last_polled is None:
        return False
    offset = timedelta(seconds=int(hashlib.sha256(source_id.encode()).hexdigest()[:8], 16) % int(DAY.total_seconds()))
    return (now - offset).date() > (last_polled - offset).date()


def is_stale(source: Source, newest: datetime | None, now: datetime) -> bool:
    """Whether what a rung yields is so old, by the source's own rhythm, that another rung may know better."""
    return newest is not None and now - newest > max(STALE_AFTER * source.rhythm, STALE_LEAST)


def spares_the_host(error: FetchError) -> bool:
    """Whether the other rungs of the same host are better left unread now: it is away, or asked for quiet."""
    # robots.txt that cannot be seen for now is a host that is away, too.
    return error.kind in _HOST_IS_AWAY or error.status in _LEAVE_ALONE or (error.kind == "robots" and error.retry)
