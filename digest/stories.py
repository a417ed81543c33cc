"""Which items tell of one happening, across outlets and languages; pure and cautious: two stories told apart cost a reader
a line, two happenings told as one cost them the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.quoting import worth_of
from domain.telling import Tellable

SPAN = timedelta(hours=36)  # accounts of one happening come within a day and a half; later ones are its next day
RARE = 4  # a place or name in at most so many items of the day (or a tenth of them) tells happenings apart
WORDS = 3  # so many of the same telling terms …
ALIKE = 0.5  # … and this share of all of them stand in for a shared name

Kind = Callable[[str], str]
"""Tells what an entity is: country, place, person, organisation, other."""


@dataclass(frozen=True, slots=True)
class _Signs:
    """What of an item may bind it to others."""

    themes: frozenset[str]
    places: frozenset[str]
    actors: frozenset[str]
    terms: frozenset[str]


def grouped(items: Sequence[Tellable], kind: Kind) -> list[list[Tellable]]:
    """The items in groups of one happening each, in the order of their first members.

    Equal texts (one cluster) belong together. Different texts do when they share a theme, come within 36 hours, name a place that
    few others name, and share a rare actor or most of the telling words; and then only if every one agrees with every other.
    """
    clusters: dict[int, list[Tellable]] = {}
    for item in items:
        clusters.setdefault(item.cluster_id, []).append(item)
    signs = {item.id: _signs(item, kind) for item in items}
    rare = _rare(signs, clusters)
    groups: list[list[list[Tellable]]] = []
    for members in clusters.values():
        home = next((group for group in groups if all(_one_happening(each[0], members[0], signs, rare) for each in group)), None)
        if home is None:
            groups.append([members])
        else:
            home.append(members)
    return [[item for members in group for item in members] for group in groups]


def _signs(item: Tellable, kind: Kind) -> _Signs:
    flagging = item.flagging
    if flagging is None:
        return _Signs(frozenset(), frozenset(), frozenset(), frozenset())
    worth = worth_of(flagging)
    kinds = {one: kind(one) for one in (*flagging.places, *flagging.entities)}
    return _Signs(
        themes=frozenset(flagging.themes),
        places=frozenset(one for one in flagging.places if kinds[one] == "place"),
        actors=frozenset(one for one in flagging.entities if kinds[one] in {"person", "organisation"}),
        terms=frozenset(span.term for span, points in zip(flagging.spans, worth, strict=True) if points > 0),
    )


def _rare(signs: Mapping[int, _Signs], clusters: Mapping[int, Sequence[Tellable]]) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for members in clusters.values():  # an agency's text in ten outlets is one mention
        counts.update(signs[members[0].id].places | signs[members[0].id].actors)
    most = max(RARE, len(clusters) // 10)
    return frozenset(one for one, count in counts.items() if count <= most)


def _one_happening(one: Tellable, other: Tellable, signs: Mapping[int, _Signs], rare: frozenset[str]) -> bool:
    a, b = signs[one.id], signs[other.id]
    if abs(one.moment - other.moment) > SPAN or not (a.themes & b.themes) or not (a.places & b.places & rare):
        return False
    if a.actors & b.actors & rare:
        return True
    shared, all_of_them = a.terms & b.terms, a.terms | b.terms
    return len(shared) >= WORDS and len(shared) >= ALIKE * len(all_of_them)
