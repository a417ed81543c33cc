"""Deciding, taking back and settling; a form in, and the next item (or one line in the place of the entry) out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from domain.errors import SholuError
from review.access import Form, Reviewer, Sent, peer
from review.desk import REASONS, Desk, inside, page, tell_next, the_desk
from review.filters import Filters, read_filters
from review.pages.inbox import TODAY, shown_count
from review.sessions import Visitor
from storage import queues, statistics, verdicts
from storage.queues import Queue
from storage.texts import titles
from storage.verdicts import Ballot, Decided, Decision, NothingToDecide

router = APIRouter(include_in_schema=False)
LONGEST_NOTE: Final = 5_000
LONGEST_TAG: Final = 60
MOST_ITEMS: Final = 500
LONGEST_LOOK: Final = 1_800.0  # seconds; whoever takes longer went for a walk


class NotADecision(SholuError):
    """A form that says nothing the desk understands."""


@router.post("/decide")
def decide(request: Request, who: Reviewer, form: Sent) -> Response:
    """One decision on one item, a group of equal texts, or a selection."""
    desk = the_desk(request)
    now = desk.clock()
    ballot = read_ballot(form, who.name, now.timestamp(), since=verdicts.last_decision(desk.store, who.name))
    filters = read_filters(parse_qsl(form.one("query")[:4_000]))
    following = _following(desk, ballot, form, filters)
    made = verdicts.decide(desk.store, ballot, now=now, address=peer(request))
    if request.headers.get("hx-request") == "true" and form.one("place") == "inbox":
        return _line(request, who, made, ballot, filters)
    answer = RedirectResponse(following or back_to(form), status_code=303)
    changed, meanwhile = made.changed[:1], [item for item, _, _ in made.meanwhile][:1]
    tell_next(desk, answer, [*(("changed", one) for one in changed), *(("meanwhile", one) for one in meanwhile)])
    return answer


@router.post("/undo")
def undo(request: Request, who: Reviewer, form: Sent) -> Response:
    """Take back the visitor's latest decision that still stands, and show it again."""
    desk = the_desk(request)
    ids = verdicts.undo(desk.store, who.name, now=desk.clock(), address=peer(request))
    where = back_to(form)
    if ids and where.startswith("/item/"):
        where = f"/item/{ids[0]}{'?' + where.partition('?')[2] if '?' in where else ''}"
    return RedirectResponse(f"{where}#e{ids[0]}" if ids else where, status_code=303)


def read_ballot(form: Form, reviewer: str, now: float, *, since: datetime | None) -> Ballot:
    """The decision a form makes; raises NotADecision with a sentence. ``since`` is when the reviewer last decided anything."""
    ids = [_number(value) for value in form.every("item")]
    decision, _, reason = form.one("decision").partition(":")
    try:
        chosen = Decision(decision)
    except ValueError as error:
        raise NotADecision("A decision is relevant, not relevant or unsure; nothing was decided.") from error
    if chosen is Decision.NOT_RELEVANT and reason not in REASONS:
        raise NotADecision("Say why the item is not relevant: choose one of the reasons. Nothing was decided.")
    if not ids:
        raise NotADecision("No item was chosen; tick at least one. Nothing was decided.")
    if len(ids) > MOST_ITEMS:
        raise NotADecision(f"At most {MOST_ITEMS} items can be decided at once. Nothing was decided.")
    tags = tuple(dict.fromkeys(tag for tag in (" ".join(part.split()) for part in form.one("tags").split(",")) if tag))
    if any(len(tag) > LONGEST_TAG for tag in tags) or len(tags) > 20:
        raise NotADecision(
            f"A tag has at most {LONGEST_TAG} characters, and an item at most 20 new tags at once. Nothing was decided."
        )
    note = form.one("note").strip()
    if len(note) > LONGEST_NOTE:
        raise NotADecision(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(note):,}. Nothing was decided.")
    return Ballot(
        items=tuple(dict.fromkeys(ids)), reviewer=reviewer, decision=chosen, reason=reason if chosen is Decision.NOT_RELEVANT else "",
        note=note, tags=tags, seen=_number(form.one("seen", "0") or "0"), blind=form.one("blind") == "1",
        sample_id=_number(form.one("sample")) if form.one("sample") else None, seconds=_seconds(form.one("opened"), now, since.timestamp() if since else 0.0),
        settles=form.one("settles") == "1", shown=dict(_shown(value) for value in form.every("shown")[:MOST_ITEMS]),
    )  # fmt: skip


def back_to(form: Form) -> str:
    """The page a form came from, if it is one of ours; never another site."""
    return inside(form.one("back", "/"))


def _following(desk: Desk, ballot: Ballot, form: Form, filters: Filters) -> str | None:
    """Where the work goes on: the next item of the list, the next to be read blind, or the page that was left."""
    if form.one("place") == "blind":
        return "/blind"
    if form.one("place") == "second":
        return "/second"
    if form.one("place") != "item":
        return None
    searched = bool(filters.q)
    place = queues.place_of(desk.store, ballot.items[0], searched=searched)
    if place is None:
        raise NothingToDecide("This item is not in the store any more; nothing was decided.")
    query = filters.address()
    following = queues.next_item(desk.store, filters.wanted(desk.own.timezone), after=place, skip=ballot.items)
    tail = f"?{query}" if query else ""
    return f"/item/{following}{tail}" if following else f"/{tail}"


def _line(request: Request, who: Visitor, made: Decided, ballot: Ballot, filters: Filters) -> Response:
    desk = the_desk(request)
    first = titles(desk.store, made.items[:1]).get(made.items[0], "")
    others = sorted({(reviewer, decision) for _, reviewer, decision in made.meanwhile})
    back = f"/?{filters.address()}" if filters.address() else "/"
    left = [(one, shown_count(queues.count_queue(desk.store, one))) for one in (Queue.NEW, Queue.NEAR, Queue.UNSURE)]
    speed = statistics.speed_today(desk.store, who.name, since=desk.clock() - TODAY)
    return page(
        request, "_done.html", who, made=made, ballot=ballot, title=first, others=others, back=back, left=left, speed=speed
    )


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise NotADecision("The form names an item that is not a number. Nothing was decided.")
    return int(text)


def _shown(text: str) -> tuple[int, int]:
    """An item and the version of it that the page showed, as ``item.version``."""
    item, _, version = text.partition(".")
    return _number(item), _number(version)


def _seconds(opened: str, now: float, since: float) -> float | None:
    """How long the reviewer looked: from when the page was opened, or from the decision before on the same page; None where it
    cannot be told."""
    try:
        spent = now - max(float(opened), since)
    except ValueError:
        return None
    return round(spent, 1) if 0 <= spent <= LONGEST_LOOK else None
