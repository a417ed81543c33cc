"""Divides the sources of a run into shards, so that no two shards ever speak to one host; pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.values import Source

# Nearly every address begins so, and taking it apart in full costs ten times as much; a run asks it of each address twice.
_PLAIN = re.compile(r"https?://([a-z0-9.-]+)(?::[0-9]+)?(?:/|\Z)")


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of the sources of a run, whole hosts of them: the unit that Prefect and workers see."""

    name: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Sources that have a host in common, directly or by way of another, and all their hosts: never divided between workers."""

    hosts: frozenset[str]
    sources: tuple[Source, ...]


def hosts_of(source: Source) -> frozenset[str]:
    """Where a source is polled and its pages are read: the hosts of all its rungs and of its home, without "www."."""
    found = {_host(url) for url in (source.home, *(rung.url for rung in source.rungs))}
    return frozenset(host.removeprefix("www.") for host in found if host) or frozenset([source.id])


def _host(url: str) -> str:
    plain = _PLAIN.match(url)
    return plain[1] if plain else urlsplit(url).hostname or ""


def groups_of(sources: Sequence[Source]) -> tuple[Group, ...]:
    """The sources in groups, each source in one, in the order in which the first of each group comes."""
    leader: dict[str, str] = {}

    def find(host: str) -> str:
        while leader[host] != host:
            leader[host] = leader[leader[host]]
            host = leader[host]
        return host

    hosts = {source.id: sorted(hosts_of(source)) for source in sources}
    for names in hosts.values():
        for name in names:
            leader.setdefault(name, name)
            leader[find(name)] = find(names[0])
    groups: dict[str, list[Source]] = {}
    for source in sources:
        groups.setdefault(find(hosts[source.id][0]), []).append(source)
    return tuple(
        Group(frozenset(host for member in members for host in hosts[member.id]), tuple(members)) for members in groups.values()
    )


def shards_of(sources: Sequence[Source], count: int) -> tuple[Shard, ...]:
    """At most ``count`` shards of about equal numbers of sources; the same sources always fall into the same shards."""
    groups = [group.sources for group in groups_of(sorted(sources, key=lambda each: each.id))]
    shards: list[tuple[int, int, list[Source]]] = [(0, number, []) for number in range(min(count, len(groups)))]
    # The largest groups first, each to the emptiest shard.
    for group in sorted(groups, key=lambda group: (-len(group), group[0].id)):
        size, number, members = heapq.heappop(shards)
        members.extend(group)
        heapq.heappush(shards, (size + len(group), number, members))
    ordered = sorted(shards, key=lambda shard: shard[1])
    return tuple(Shard(f"shard {number + 1} of {len(ordered)}", tuple(members)) for _, number, members in ordered)
