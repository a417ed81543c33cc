"""The inbox: queues, filters and search, one list a page."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.phrases import number_shown
from domain.values import Language
from review.access import Reader
from review.desk import language_of, page, the_desk
from review.filters import OWNERSHIPS, Filters, cursor_text, read_filters
from review.views import entries
from storage import queues, statistics, verdicts
from storage.queues import COUNTED, Queue
from storage.sources import stored_sources

router = APIRouter(include_in_schema=False)
TODAY = timedelta(hours=12)
SECOND_READING = timedelta(days=60)  # what was decided longer ago is not brought up again


@router.get("/")
def inbox(request: Request, who: Reader) -> Response:
    """One page of a queue, newest first."""
    desk = the_desk(request)
    filters = read_filters(request.query_params.multi_items(), ignore=frozenset({"partial"}))
    listed = queues.list_items(desk.store, filters.wanted(desk.own.timezone), before=filters.cursor(), limit=desk.own.page_size)
    shown = filters.queue in {Queue.DECIDED, Queue.UNSURE, Queue.DISPUTED, Queue.ALL}
    held = verdicts.held_by(desk.store, [item.id for item in listed.items]) if shown else {}
    return page(
        request, "inbox.html", who,
        filters=filters, entries=entries(listed, held, filters.q), query=filters.address(),
        after=cursor_text(listed.after) if listed.after else "", queues=queue_tabs(request, who.name, filters.queue),
        settles=filters.queue is Queue.DISPUTED, bare=not listed.items and not queues.count_queue(desk.store, Queue.ALL, most=1),
        seen=verdicts.newest_verdict(desk.store), opened=desk.clock().timestamp(), chosen=filter_choices(request, filters),
        speed=statistics.speed_today(desk.store, who.name, since=desk.clock() - TODAY),
    )  # fmt: skip


def queue_tabs(request: Request, reviewer: str, here: Queue | str) -> list[tuple[str, str, str, bool]]:
    """(key of its name, address, count, whether it is this one) of every queue."""
    desk = the_desk(request)
    tabs = []
    for queue in (Queue.NEW, Queue.NEAR, Queue.UNSURE, Queue.DISPUTED, Queue.DECIDED, Queue.ALL):
        counted = queue not in {Queue.DECIDED, Queue.ALL}
        count = shown_count(queues.count_queue(desk.store, queue)) if counted else ""
        tabs.append((f"queue.{queue.value}", f"/?{Filters(queue=queue).address()}", count, here == queue))
    since = desk.clock() - SECOND_READING
    again = verdicts.to_read_twice(desk.store, reviewer, share=desk.own.second_share, since=since, limit=100)
    tabs.insert(4, ("queue.second", "/second", f"{len(again)}{'+' if len(again) == 100 else ''}", here == "second"))
    tabs.insert(5, ("queue.blind", "/blind", "", here == "blind"))
    return tabs


def shown_count(count: int) -> str:
    return f"{number_shown(COUNTED)}+" if count >= COUNTED else number_shown(count)


def filter_choices(request: Request, filters: Filters) -> dict[str, list[tuple[str, str]]]:
    """What each filter can be set to, as (value, name)."""
    desk, language = the_desk(request), language_of(request)
    themes = statistics.known_values(desk.store, "theme")
    chosen = {
        "theme": [(one, one) for one in themes],
        "region": [(tile.code, tile.name) for tile in desk.names.map(language)],
        "place": desk.names.offered(language, "place"),
        "person": desk.names.offered(language, "person"),
        "organisation": desk.names.offered(language, "organisation"),
        "outlet": [(source.id, source.title) for source in stored_sources(desk.store)],
        "ownership": [(one, one) for one in OWNERSHIPS],
        "language": [(one, one) for one in get_args(Language)],
        "rule": [(one, one) for one in statistics.known_values(desk.store, "rule")],
    }
    for name, choices in chosen.items():
        value = getattr(filters, name)
        if value and all(value != one for one, _ in choices):
            choices.append((value, value))
    return chosen
