"""Divides the sources of a run into shards, so that no two shards ever speak to one host; pure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.values import Source


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of the sources of a run, whole hosts of them: the unit that Prefect and workers see."""

    name: str
    sources: tuple[Source, ...]


def host_of(source: Source) -> str:
    """The host a source is polled at, by its first rung, without "www.": the unit of politeness."""
    host = urlsplit(source.rungs[0].url).hostname or source.id
    return host.removeprefix("www.")


def shards_of(sources: Sequence[Source], count: int) -> tuple[Shard, ...]:
    """At most ``count`` shards of about equal numbers of sources; the same sources always fall into the same shards."""
    hosts: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda each: each.id):
        hosts.setdefault(host_of(source), []).append(source)
    shards: list[tuple[int, int, list[Source]]] = [(0, number, []) for number in range(min(count, len(hosts)))]
    # The largest hosts first, each to the emptiest shard.
    for group in sorted(hosts.values(), key=lambda group: (-len(group), group[0].id)):
        size, number, members = heapq.heappop(shards)
        members.extend(group)
        heapq.heappush(shards, (size + len(group), number, members))
    ordered = sorted(shards, key=lambda shard: shard[1])
    return tuple(Shard(f"shard {number + 1} of {len(ordered)}", tuple(members)) for _, number, members in ordered)
