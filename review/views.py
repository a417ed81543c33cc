"""Items as a page shows them: what a template needs, worked out beforehand so that templates only lay out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.values import Flagging, Part, Span
from review.marks import Evidence, Piece, around, evidence, leading, pieces
from review.plain import TITLE_SHOWN
from review.reasons import beside
from storage.carriers import Carrier
from storage.queues import Listed, Page
from storage.search import found_in

SEEN_AT_FIRST = 2  # paragraphs of an article that a phone shows before anybody scrolls
LABELS_SHOWN = 5  # places, and as many others: a line of the inbox; the item's page has them all


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the inbox: an item, the sentence that flagged it, and the other outlets with the same text."""

    item: Listed
    title: tuple[Piece, ...]
    evidence: Evidence | None
    others: tuple[Carrier, ...]
    places: tuple[str, ...]
    entities: tuple[str, ...]
    group: tuple[int, ...]  # the items one decision on this entry is about
    held: tuple[tuple[str, str, str], ...] = ()  # who holds what: reviewer, decision, reason
    more: int = 0  # places and others that are not shown

    @property
    def spans(self) -> tuple[Span, ...]:
        return self.item.flagging.spans if self.item.flagging else ()


@dataclass(frozen=True, slots=True)
class Far:
    """The sentence that flagged a long article, and the paragraph (from 1) in which it stands."""

    evidence: Evidence
    paragraph: int


@dataclass(frozen=True, slots=True)
class Addend:
    """A line of the sum that made the score."""

    signal: str
    points: float
    why: str
    trigger: str  # the words that gave the points
    beside: Mapping[str, str]  # by term, the words that stood with the trigger


@dataclass(frozen=True, slots=True)
class Account:
    """One rule's account of an item: its addends and their sum against the threshold."""

    rule: str
    theme: str
    score: float
    threshold: float
    flagged: bool
    addends: tuple[Addend, ...]


def entries(page: Page, held: dict[int, list[tuple[str, str, str]]] | None = None, found: str = "") -> list[Entry]:
    """The page's items as entries; with words searched for, the sentence that holds them where no rule marked one."""
    return [
        _entry(item, page.others.get(item.cluster_id, ()), tuple((held or {}).get(item.id, ())), found) for item in page.items
    ]


def far_down(shown: Evidence | None, paragraphs: Sequence[Sequence[Piece]]) -> Far | None:
    """The sentence that flagged, to be shown above a text in which it stands so far down that nobody sees it at first."""
    if shown is None or shown.field != "text":
        return None
    marked = {over for piece in shown.pieces for over in piece.spans}
    for place, paragraph in enumerate(paragraphs, 1):
        if any(marked.intersection(piece.spans) for piece in paragraph):
            return Far(shown, place) if place > SEEN_AT_FIRST else None
    return None


def accounts(flagging: Flagging | None) -> list[Account]:
    """All rulings, the leading one first; addends that gave nothing are left out."""
    if flagging is None:
        return []
    first = leading(flagging)
    ordered = sorted(flagging.rulings, key=lambda ruling: (ruling is not first, -ruling.score))
    return [
        Account(
            ruling.rule, ruling.theme, ruling.score, ruling.threshold, ruling.flagged,
            tuple(_addend(part, flagging.spans) for part in ruling.parts if part.points),
        )
        for ruling in ordered
        if ruling.parts
    ]  # fmt: skip


def span_kinds(flagging: Flagging | None) -> dict[int, str]:
    """How each span is marked: it gave points ("given"), stood with what gave them ("with"), took points ("minus"), or tied the
    others to the country or only names something ("context")."""
    if flagging is None:
        return {}
    anchors = {span.anchor for span in flagging.spans if span.anchor}
    taken = {index for ruling in flagging.rulings for part in ruling.parts if part.points < 0 for index in part.spans}
    kinds = {}
    for index, span in enumerate(flagging.spans):
        if span.points > 0:
            kinds[index] = "given"
        elif span.points < 0 or (index in taken and not span.term):
            kinds[index] = "minus"
        else:
            kinds[index] = "context" if span.term in anchors or not span.signal else "with"
    return kinds


def searched_spans(text: str, asked: str, field: str, *, most: int = 200) -> list[Span]:
    """Where the words searched for stand in a text, as the search itself found them."""
    return [Span(field, start, end, text[start:end], "", why="") for start, end in found_in(text, asked)[:most]]


def first_words(text: str, length: int = 260) -> str:
    """The beginning of a text for an entry where no rule marked anything."""
    flat = " ".join(text[: length * 2].split())
    return flat if len(flat) <= length else f"{flat[:length].rsplit(' ', 1)[0]}…"


def _entry(item: Listed, carriers: tuple[Carrier, ...], held: tuple[tuple[str, str, str], ...], found: str) -> Entry:
    flagging = item.flagging
    shown = evidence(item.title, item.text, flagging)
    if shown is not None and shown.field == "title":  # it stands marked above; the text's beginning says more
        shown = None
    if found:
        shown = _searched(item, found) or shown
    places, people = _labels(flagging)
    more = len(places[LABELS_SHOWN:]) + len(people[LABELS_SHOWN:])
    group = tuple(dict.fromkeys([item.id, *(one.item_id for one in carriers if one.review == item.review)]))
    others = tuple(one for one in carriers if one.source_id != item.source_id)
    return Entry(item, _title(item, found), shown, others, places[:LABELS_SHOWN], people[:LABELS_SHOWN], group, held, more)


def _labels(flagging: Flagging | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Places and other names of an item, those first that tied what gave points to the country."""
    if flagging is None:
        return (), ()
    tied = {span.anchor for span in flagging.spans if span.points > 0}
    places = sorted(flagging.places, key=lambda one: one not in tied)
    return tuple(places), tuple(sorted((one for one in flagging.entities if one not in places), key=lambda one: one not in tied))


def _title(item: Listed, found: str) -> tuple[Piece, ...]:
    """The title with the rules' words marked, and with those searched for where no rule marked anything."""
    spans, title = item.flagging.spans if item.flagging else (), item.title[:TITLE_SHOWN]
    hits = searched_spans(title, found, "title") if found else []
    made = pieces(title, (*spans, *hits), "title")
    return tuple(
        Piece(one.text, tuple(over for over in one.spans if over < len(spans)) or (-1,)) if one.spans else one for one in made
    )


def _searched(item: Listed, found: str) -> Evidence | None:
    spans = searched_spans(item.text, found, "text", most=20)
    return around(item.text, spans) if spans else None


def _addend(part: Part, spans: tuple[Span, ...]) -> Addend:
    trigger = next((spans[index] for index in part.spans if 0 <= index < len(spans)), None)
    if trigger is None:
        return Addend(part.signal, part.points, part.why, "", {})
    return Addend(part.signal, part.points, part.why, trigger.text, beside(trigger, spans))
