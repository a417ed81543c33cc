"""Judging blind: a second reading of what another decided, and a random sample of what the rules did not flag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from domain.errors import SholuError
from review.access import Reader, Reviewer, Sent
from review.agreement import agreement
from review.desk import page, the_desk
from review.marks import TEXT_SHOWN, paragraphs, pieces
from review.pages.inbox import SECOND_READING, queue_tabs
from review.pages.item import find
from review.plain import TITLE_SHOWN
from storage import samples, statistics, verdicts
from storage.dossier import Dossier

router = APIRouter(include_in_schema=False)
SAMPLE_SIZES = (20, 50, 100, 200, 400)


@router.get("/second")
def second(request: Request, who: Reader) -> Response:
    """The next item another has decided, shown without rules, points or verdicts; agreement so far below it."""
    desk = the_desk(request)
    since = desk.clock() - SECOND_READING
    waiting = verdicts.to_read_twice(desk.store, who.name, share=desk.own.second_share, since=since, limit=100)
    held = find(desk.store, waiting[0]) if waiting and who.may("reviewer") else None
    return page(
        request, "second.html", who, **_blind(desk.clock().timestamp(), held), waiting=len(waiting),
        queues=queue_tabs(request, who.name, "second"), agreement=agreement(statistics.summary(desk.store, now=desk.clock())),
        share=desk.own.second_share, seen=verdicts.newest_verdict(desk.store),
    )  # fmt: skip


@router.get("/blind")
def blind(request: Request, who: Reader) -> Response:
    """The next item of a blind sample, or the form that draws one; recall so far below it."""
    desk = the_desk(request)
    following = samples.next_in_samples(desk.store, who.name) if who.may("reviewer") else None
    held = find(desk.store, following.item_id) if following else None
    return page(
        request, "blind.html", who, **_blind(desk.clock().timestamp(), held), sample=following, sizes=SAMPLE_SIZES,
        drawn=samples.list_samples(desk.store), recall=samples.recall(desk.store), queues=queue_tabs(request, who.name, "blind"),
        seen=verdicts.newest_verdict(desk.store),
    )  # fmt: skip


@router.post("/blind/draw")
def draw(request: Request, who: Reviewer, form: Sent) -> Response:
    """Draw a new sample of unflagged items."""
    desk = the_desk(request)
    size, days = form.one("size"), form.one("days")
    if not (size.isdigit() and days.isdigit() and int(size) in SAMPLE_SIZES and 1 <= int(days) <= 3_650):
        raise SholuError("A sample has one of the sizes offered, and reaches back 1 to 3,650 days. Nothing was drawn.")
    now = desk.clock()
    samples.draw(desk.store, size=int(size), since=now - timedelta(days=int(days)), until=now, by=who.name, now=now)
    return RedirectResponse("/blind", status_code=303)


def _blind(opened: float, held: Dossier | None) -> dict[str, Any]:
    if held is None:
        return {"d": None, "opened": opened, "group": []}
    return {
        "d": held, "opened": opened, "group": [held.item.id], "spans": (), "kinds": {},
        "title": pieces(held.item.title[:TITLE_SHOWN], (), "title"), "paragraphs": paragraphs(held.text, ()),
        "cut": max(0, len(held.text) - TEXT_SHOWN),
    }  # fmt: skip
