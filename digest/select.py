"""What a reader is told and in which section: items, verdicts and the health of the sources become a Digest; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest.evidence import sentence
from digest.stories import Kind, grouped
from digest.values import CORRECTION, ECHO, LATE, OTHER, RELEVANT, SECTIONS, Correction, Digest, Echo, Story
from domain.telling import PASSED_OVER, Carrier, Figures, Recipient, Sight, Tellable
from domain.values import Ruling

OLD = timedelta(days=3)  # an article published this long before the last digest is no news of the day: it was found late
RELEVANT_REVIEW, REJECTED = "relevant", "not-relevant"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a digest is composed within: its day, from when to when it looks, and for whom."""

    day: date
    since: datetime
    until: datetime
    recipient: Recipient


def select(
    frame: Frame, items: Sequence[Tellable], *, told_clusters: Mapping[int, datetime], sight: Sight, figures: Figures, kind: Kind
) -> Digest:
    """Sort items into what is told and what is passed over. Every item that is settled is settled once."""
    news: list[Tellable] = []
    late: list[Tellable] = []
    echoes: list[Echo] = []
    relevant: list[Tellable] = []
    corrections: list[Correction] = []
    settled: dict[int, tuple[Tellable, str]] = {}
    for item in items:
        section = _place(frame, item, told_clusters)
        if section is None:
            continue
        settled[item.id] = (item, section)
        if section == ECHO:
            echoes.append(Echo(item, told_clusters[item.cluster_id]))
        elif section == CORRECTION:
            corrections.append(Correction(item, corrections_of(item)))
        elif section != PASSED_OVER:
            {LATE: late, RELEVANT: relevant}.get(section, news).append(item)
    stories = sorted((_story(group, frame.recipient, kind) for group in grouped(news, kind)), key=_rank)
    by_section: dict[str, list[Story]] = {}
    for story in stories:
        section = section_of(story.lead, frame.recipient)
        by_section.setdefault(section, []).append(story)
        # A story stands in one section; so do all of its items, whatever each by itself would have been filed under.
        settled.update((item.id, (item, section)) for item in story.items)
    return Digest(
        day=frame.day,
        since=frame.since,
        until=frame.until,
        recipient=frame.recipient,
        sections=tuple((name, tuple(by_section[name])) for name in (*SECTIONS, OTHER) if name in by_section),
        late=tuple(_story(group, frame.recipient, kind) for group in grouped(late, kind)),
        echoes=tuple(echoes),
        relevant=tuple(_story([item], frame.recipient, kind) for item in relevant),
        corrections=tuple(corrections),
        sight=sight,
        figures=figures,
        settled=tuple(settled.values()),
    )


def _place(frame: Frame, item: Tellable, told_clusters: Mapping[int, datetime]) -> str | None:
    """The section of an item; None where there is nothing to say or to remember of it."""
    if item.told is not None and item.told.times > 0:
        if corrections_of(item):
            return CORRECTION
        return RELEVANT if item.review == RELEVANT_REVIEW != item.told.review else None
    if not item.flagged:
        return RELEVANT if item.review == RELEVANT_REVIEW and wanted(item, frame.recipient) else None
    if item.review == REJECTED or not wanted(item, frame.recipient):
        return PASSED_OVER
    if item.cluster_id in told_clusters:
        return ECHO
    return LATE if item.moment < frame.since - OLD else section_of(item, frame.recipient)


def wanted(item: Tellable, recipient: Recipient) -> bool:
    """Whether the item is of the themes, regions and languages the recipient asked for."""
    flagging = item.flagging
    themes = set(flagging.themes) if flagging else set()
    regions = set(flagging.regions) if flagging else set()
    return (
        (not recipient.themes or not themes.isdisjoint(recipient.themes))
        and (not recipient.regions or not regions.isdisjoint(recipient.regions))
        and (not recipient.languages or item.language.partition("-")[0] in recipient.languages)
    )


def corrections_of(item: Tellable) -> tuple[str, ...]:
    """How an item differs from what was told of it, in ways that a reader who was told must know."""
    before = item.told
    if before is None or before.times == 0:
        return ()
    found = []
    if before.flagged and not item.flagged:
        found.append("no-longer-flagged")
    if not before.flagged and item.flagged:
        found.append("flagged-again")
    if item.review == REJECTED != before.review:
        found.append("not-relevant")
    if before.review in {REJECTED, RELEVANT_REVIEW} and item.review not in {REJECTED, RELEVANT_REVIEW}:
        found.append("decision-undone")
    if item.gone and not before.gone:
        found.append("gone")
    if before.gone and not item.gone:
        found.append("back")
    if item.version != before.version:
        found.append("changed" if item.title == before.title else "retitled")
    return tuple(found)


def section_of(item: Tellable, recipient: Recipient) -> str:
    """The theme under which an item is told: that of its leading ruling among the themes the reader wants."""
    if item.flagging is None:
        return OTHER
    rulings = [ruling for ruling in item.flagging.rulings if ruling.flagged]
    rulings = [ruling for ruling in rulings if ruling.theme in recipient.themes] or rulings
    theme = max(rulings, key=_share).theme if rulings else next(iter(item.flagging.themes), "")
    return theme if theme in SECTIONS else OTHER


def _share(ruling: Ruling) -> float:
    return ruling.score / ruling.threshold if ruling.threshold else 0.0


def _strength(item: Tellable) -> float:
    flagging = item.flagging
    return flagging.score / flagging.threshold if flagging and flagging.threshold else 0.0


def _rank(story: Story) -> tuple[int, float, float]:
    """What many outlets carry comes first, then what the rules are surest of, then the newest."""
    return (-story.outlets, -max(_strength(item) for item in story.items), -story.lead.moment.timestamp())


def _story(items: Sequence[Tellable], recipient: Recipient, kind: Kind) -> Story:
    lead = min(
        items, key=lambda item: (item.language.partition("-")[0] != recipient.language, -_strength(item), item.moment, item.id)
    )
    others: dict[int, Tellable] = {}
    for item in items:
        if item.cluster_id != lead.cluster_id:
            others.setdefault(item.cluster_id, item)
    flaggings = [item.flagging for item in (lead, *items) if item.flagging is not None]
    places = _first_of_each(flaggings[0].places if flaggings else ())
    named = _first_of_each(one for flagging in flaggings[:1] for one in flagging.entities)
    return Story(
        lead=lead,
        items=tuple(items),
        others=tuple(others.values()),
        carriers=_carriers(lead, items),
        sentence=sentence(lead.title, lead.text, lead.flagging),
        themes=_first_of_each(theme for flagging in flaggings for theme in flagging.themes),
        # The country itself is in every item and tells nothing.
        places=tuple(one for one in places if kind(one) == "place"),
        people=tuple(one for one in named if kind(one) in {"person", "organisation"}),
    )


def _carriers(lead: Tellable, items: Sequence[Tellable]) -> tuple[Carrier, ...]:
    """Outlets with the lead's text, each once, the lead's own first; where they are items of their own, by that item's address."""
    found = {each.source_id: each for each in lead.carriers}
    for item in items:
        if item.cluster_id == lead.cluster_id and item.carriers:
            found.setdefault(item.carriers[0].source_id, item.carriers[0])
    return tuple(found.values())


def _first_of_each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
