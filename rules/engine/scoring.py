"""From occurrences to points: what each rule says of one document, as parts that add up to its score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from domain.values import Part, Ruling, Span
from rules.engine.anchoring import Anchor, Anchors
from rules.engine.definitions import Defaults, Rule, Signal
from rules.engine.matching import FIELDS, TITLE, Occurrence, Page

TITLE_ONLY: Final = 40  # a text shorter than this many letters leaves the document a title
SMALLEST: Final = 0.25  # points are quarters, so that sums are exact


def quarters(points: float) -> float:
    """Points rounded to quarters."""
    return round(points * 4) / 4


@dataclass(slots=True)
class Case:
    """One document before the rules: its occurrences by term, and who anchors them."""

    page: Page
    anchors: Anchors
    by_term: dict[str, list[Occurrence]]
    may_anchor: bool
    day: date | None
    country: str
    _anchored: dict[int, Anchor] = field(default_factory=dict)

    def of(self, terms: Iterable[str]) -> list[Occurrence]:
        """Occurrences with any of the terms, in the order they stand in, each once."""
        found: dict[int, Occurrence] = {}
        for term in terms:
            for one in self.by_term.get(term, ()):
                found[id(one)] = one
        if not found:
            return []
        return sorted(found.values(), key=lambda one: (one.field, one.first, one.last))

    def anchor(self, one: Occurrence) -> Anchor:
        known = self._anchored.get(id(one))
        if known is None:
            known = self._anchored[id(one)] = self.anchors.of_occurrence(one)
        return known

    def may_meet(self, signal: Signal) -> bool:
        """Whether a signal can give anything at all: one look at the terms spares most signals of most documents the rest."""
        have = self.by_term.keys()
        if have.isdisjoint(signal.any) or (signal.with_any and have.isdisjoint(signal.with_any)):
            return False
        if signal.and_with and have.isdisjoint(signal.and_with):
            return False
        return self.may_anchor or signal.anchor not in {self.country, "strong"}

    @property
    def title_only(self) -> bool:
        title, text = self.page.texts
        return bool(title.strip()) and len(text.strip()) < TITLE_ONLY


@dataclass(slots=True)
class Evidence:
    """The spans of one flagging; parts point into it by index."""

    page: Page
    spans: list[Span] = field(default_factory=list)
    _known: dict[tuple[object, ...], int] = field(default_factory=dict)

    def add(
        self, one: Occurrence, *, rule: str = "", signal: str = "", points: float = 0.0, anchor: str = "", why: str = ""
    ) -> int:
        key = (one.field, one.start, one.end, one.entry.id, rule, signal, points != 0)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = len(self.spans)
            self.spans.append(
                Span(
                    FIELDS[one.field], one.start, one.end, self.page.written(one), one.entry.id, rule, signal, points, anchor, why
                )
            )
        return known


@dataclass(frozen=True, slots=True)
class Find:
    """A trigger that meets its signal's conditions, with the company that made it do so and its worth before repeats."""

    trigger: Occurrence
    company: tuple[Occurrence, ...]
    anchor: Anchor | None
    worth: float


def in_window(day: date | None, since: str, until: str) -> bool:
    """Whether a publication day lies in a window; an unknown day lies in no window that has an end or a beginning."""
    if not since and not until:
        return True
    if day is None:
        return False
    text = day.isoformat()
    return (not since or text >= since) and (not until or text <= until)


def judge(rule: Rule, case: Case, defaults: Defaults, evidence: Evidence) -> Ruling | None:
    """What a rule that holds for the document says of it; None where it gives nothing at all."""
    if rule.requires and not any(case.by_term.get(term) for term in rule.requires):
        return None
    parts: list[Part] = []
    for signal in rule.signals:
        if case.may_meet(signal):
            parts.extend(_parts(rule, signal, case, defaults, evidence))
    if not parts:
        return None
    for penalty in rule.penalties:
        parts.extend(_parts(rule, penalty, case, defaults, evidence))
    threshold = rule.title_threshold if case.title_only else rule.threshold
    return Ruling(rule.id, rule.theme, sum(part.points for part in parts), threshold, tuple(parts))


def _parts(rule: Rule, signal: Signal, case: Case, defaults: Defaults, evidence: Evidence) -> list[Part]:
    finds = find(signal, case, defaults)
    if not finds:
        return []
    best: dict[tuple[int, int], Find] = {}
    for one in finds:
        key = (one.trigger.field, one.trigger.sentence)
        if key not in best or abs(one.worth) > abs(best[key].worth):
            best[key] = one
    ordered = sorted(best.values(), key=lambda one: (-abs(one.worth), one.trigger.field, one.trigger.first))
    if signal.once:
        ordered = ordered[:1]
    titled = any(one.trigger.field == TITLE for one in ordered)
    cap = signal.cap or abs(signal.points) * defaults.cap * (defaults.title_factor if titled else 1.0)
    parts: list[Part] = []
    left = cap
    for number, one in enumerate(ordered):
        worth = min(quarters(abs(one.worth) * defaults.repeat**number), left)
        if worth < SMALLEST:
            break
        left -= worth
        points = worth if signal.points > 0 else -worth
        parts.append(_part(rule, signal, one, points=points, evidence=evidence, number=number))
    return parts


def _part(rule: Rule, signal: Signal, one: Find, *, points: float, evidence: Evidence, number: int) -> Part:
    why = _why(signal, one, number)
    anchor = one.anchor
    anchor_id = "" if anchor is None or not anchor.side else anchor.by.entry.id if anchor.by is not None else "source"
    spans = [evidence.add(one.trigger, rule=rule.id, signal=signal.name, points=points, anchor=anchor_id, why=why)]
    spans.extend(evidence.add(other, rule=rule.id, signal=signal.name, why="stands with it") for other in one.company)
    if anchor is not None and anchor.by is not None:
        spans.append(evidence.add(anchor.by, rule=rule.id, signal=signal.name, why="anchors it"))
    return Part(signal.name, points, tuple(dict.fromkeys(spans)), why)


def _why(signal: Signal, one: Find, number: int) -> str:
    said = []
    if one.trigger.field == TITLE:
        said.append("in the title")
    if one.company:
        reach = f"{signal.within} words" if signal.within.isdigit() else f"one {signal.within}"
        said.append(f"with {', '.join(other.entry.id for other in one.company)} in {reach}")
    if one.anchor is not None and one.anchor.side:
        by = one.anchor.by.entry.id if one.anchor.by is not None else "the source"
        said.append(f"anchored by {by} {one.anchor.how}" if one.anchor.by is not None else one.anchor.how)
        if one.anchor.side > 0 and one.anchor.factor < 1:
            said.append(f"×{one.anchor.factor:.2f}")
    if number:
        said.append(f"occurrence {number + 1}, counts less")
    return "; ".join(said)


def find(signal: Signal, case: Case, defaults: Defaults) -> list[Find]:
    """All triggers of a signal that meet its conditions."""
    if not in_window(case.day, signal.since, signal.until):
        return []
    triggers = [one for one in case.of(signal.any) if not signal.title or one.field == TITLE]
    if not triggers:
        return []
    company = case.of(signal.with_any) if signal.with_any else []
    also = case.of(signal.and_with) if signal.and_with else []
    unwanted = case.of(signal.not_with) if signal.not_with else []
    if (signal.with_any and not company) or (signal.and_with and not also):
        return []
    finds = []
    for one in triggers:
        found = _company(one, signal, company, also)
        if found is None or (unwanted and _nearest(one, unwanted, signal.not_within) is not None):
            continue
        anchor, factor = _anchored(one, signal, case)
        if factor <= 0:
            continue
        worth = signal.points * factor * (defaults.title_factor if one.field == TITLE else 1.0)
        finds.append(Find(one, found, anchor, worth))
    return finds


def _company(one: Occurrence, signal: Signal, company: list[Occurrence], also: list[Occurrence]) -> tuple[Occurrence, ...] | None:
    found: list[Occurrence] = []
    for wanted, given in ((signal.with_any, company), (signal.and_with, also)):
        if wanted:
            near = _nearest(one, given, signal.within, taken=tuple(found))
            if near is None:
                return None
            found.append(near)
    return tuple(found)


def _nearest(one: Occurrence, others: list[Occurrence], within: str, taken: tuple[Occurrence, ...] = ()) -> Occurrence | None:
    """The nearest of ``others`` in reach of ``one`` that shares no word with it or with ``taken``."""
    best, best_distance = None, 1 << 30
    first, last = one.first, one.last
    for other in others:
        if other.field != one.field:
            if within != "document":
                continue
            distance = 1 << 20
        elif other.first > last:
            distance = other.first - last
        elif first > other.last:
            distance = first - other.last
        else:
            continue
        if distance < best_distance and _in_reach(one, other, within, distance):
            if taken and any(other.overlaps(had) for had in taken):
                continue
            best, best_distance = other, distance
    return best


def _in_reach(one: Occurrence, other: Occurrence, within: str, distance: int) -> bool:
    if within == "sentence":
        return one.sentence == other.sentence
    if within == "document":
        return True
    return one.paragraph == other.paragraph and (within == "paragraph" or distance <= int(within))


def _anchored(one: Occurrence, signal: Signal, case: Case) -> tuple[Anchor | None, float]:
    wanted = signal.anchor
    if wanted == "none":
        return None, 1.0
    anchor = case.anchor(one)
    if wanted == "foreign":
        return anchor, 1.0 if anchor.side < 0 else 0.0
    if wanted == "weak":
        if anchor.side < 0:
            return anchor, 0.0
        return anchor, anchor.factor if anchor.side > 0 else case.anchors.weights.source
    if wanted == "strong":
        return anchor, anchor.factor if anchor.side > 0 and anchor.strong else 0.0
    return anchor, anchor.factor if anchor.side > 0 else 0.0
