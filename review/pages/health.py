"""Sources' health: what each yields against its own rhythm, and what was missed, so that silence can be told from news."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from domain.values import Source, SourceState
from review.access import Reader
from review.desk import Desk, page, the_desk
from storage import health
from storage.health import Yield
from storage.sources import PollState, poll_states, stored_sources

router = APIRouter(include_in_schema=False)
LOOKED_BACK = timedelta(days=14)
QUIET_AFTER = 3  # rhythms without anything new before a source is called quiet
FAILING_AFTER = 3  # failures in a row before a source is called failing and not stumbling
ORDER = ("failing", "quiet", "stumbling", "never", "dead", "ok", "left")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source as the page and the API show it; ``state`` is one of ORDER, ``said`` the last reason in words."""

    source: Source
    id: str
    title: str
    state: str
    said: str
    rung: str
    last_polled: datetime | None
    last_ok: datetime | None
    last_new: datetime | None
    entries_a_day: float
    failures: int
    missed: int
    flagged: int


@router.get("/sources")
def sources(request: Request, who: Reader) -> Response:
    """All sources, those that need a look first."""
    desk = the_desk(request)
    rows = source_rows(desk)
    counts = {state: sum(1 for row in rows if row.state == state) for state in ORDER}
    return page(
        request, "sources.html", who, rows=rows, counts={state: many for state, many in counts.items() if many},
        missed=health.missed(desk.store, since=desk.clock() - timedelta(days=7), limit=60), days=LOOKED_BACK.days,
    )  # fmt: skip


@router.get("/sources/{source_id}")
def source(request: Request, who: Reader, source_id: str) -> Response:
    """One source: its ladder and its last polls."""
    desk = the_desk(request)
    row = next((row for row in source_rows(desk) if row.id == source_id), None)
    if row is None:
        raise HTTPException(404, "There is no such source; it may have been renamed in the sources' files.")
    return page(request, "source.html", who, row=row, polls=health.last_polls(desk.store, source_id))


def source_rows(desk: Desk) -> list[SourceRow]:
    """Every source with its state, worst first."""
    now = desk.clock()
    states = poll_states(desk.store)
    given = health.yields(desk.store, since=now - LOOKED_BACK)
    listed = {source.id for source in stored_sources(desk.store, listed=True)}
    rows = [_row(one, states.get(one.id), given.get(one.id), one.id in listed, now) for one in stored_sources(desk.store)]
    return sorted(rows, key=lambda row: (ORDER.index(row.state), row.title.casefold()))


def source_state(source: Source, state: PollState | None, *, listed: bool, now: datetime) -> str:
    """What to call a source: a 200 is not health, so one that answers but brings nothing new for three rhythms is quiet."""
    if not listed:
        return "left"
    if state is None or state.last_polled is None:
        return "dead" if source.state is SourceState.DEAD else "never"
    if state.failures >= FAILING_AFTER:
        return "failing"
    if state.failures:
        return "stumbling"
    if state.last_new is None or now - state.last_new > QUIET_AFTER * source.rhythm:
        return "quiet"
    return "ok"


def _row(source: Source, state: PollState | None, given: Yield | None, listed: bool, now: datetime) -> SourceRow:
    rung = (
        source.rungs[state.rung].url
        if state and state.rung < len(source.rungs)
        else (source.rungs[0].url if source.rungs else "")
    )
    return SourceRow(
        source=source, id=source.id, title=source.title, state=source_state(source, state, listed=listed, now=now),
        said=state.last_reason if state else "", rung=(state.address if state and state.address else rung),
        last_polled=state.last_polled if state else None, last_ok=state.last_ok if state else None,
        last_new=state.last_new if state else None, entries_a_day=round(given.new / LOOKED_BACK.days, 1) if given else 0.0,
        failures=state.failures if state else 0, missed=given.failed + given.skipped if given else 0, flagged=given.flagged if given else 0,
    )  # fmt: skip
