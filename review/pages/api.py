"""The JSON API: the same lists, items, rules and sources as the pages, described by OpenAPI; it only reads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from review.access import READS
from review.desk import the_desk
from review.export_rows import row
from review.filters import Filters, cursor_text
from review.pages.health import source_rows
from storage import dossier, queues, statistics, verdicts
from storage.queues import Queue
from storage.samples import wilson

described = APIRouter(prefix="/api/v1", tags=["read"])
description = APIRouter(include_in_schema=False)


class Trouble(BaseModel):
    """Why there is no answer, in a sentence."""

    detail: str | list[Any]


class Asked(Filters):
    """The desk's filters for a list of the API, which is of all items unless a queue is named."""

    queue: Queue = Field(Queue.ALL, description="new, near, unsure, decided, disputed or all")
    limit: int = Field(50, ge=1, le=200, description="Items on a page")


class DecisionOut(BaseModel):
    reviewer: str
    decision: str
    reason: str


class ItemOut(BaseModel):
    """An item as lists show it."""

    id: int
    title: str
    url: str
    outlet: str
    ownership: str
    language: str
    published_utc: str
    first_seen_utc: str
    themes: list[str]
    places: list[str]
    entities: list[str]
    regions: list[str]
    score: float
    threshold: float
    grade: str
    rules: list[str]
    evidence: str
    state: str
    decisions: list[DecisionOut]
    tags: list[str]
    version: int
    cluster: int
    rules_version: str


class ItemsOut(BaseModel):
    """A page of a list; ``next`` goes into ``before`` of the next request, and is empty at the end."""

    items: list[ItemOut]
    next: str


class SpanOut(BaseModel):
    field: str
    start: int
    end: int
    text: str
    term: str
    rule: str
    signal: str
    points: float
    anchor: str
    why: str


class VerdictOut(BaseModel):
    id: int
    reviewer: str
    act: str
    decision: str
    reason: str
    note: str
    blind: bool
    at: datetime
    undone: bool


class VersionOut(BaseModel):
    number: int
    title: str
    seen_at: datetime
    fetched_at: datetime
    body_from: str
    extractor: str
    capture: int | None
    capture_sha256: str | None


class WholeItemOut(BaseModel):
    """An item with its text, evidence, versions and decisions."""

    item: ItemOut
    text: str
    spans: list[SpanOut]
    versions: list[VersionOut]
    verdicts: list[VerdictOut]


class RuleOut(BaseModel):
    """A rule or signal at work: what it flagged, what people said, precision with its 95 % Wilson interval (null before any verdict)."""

    name: str
    kind: Literal["rule", "signal"]
    flagged: int
    relevant: int
    not_relevant: int
    undecided: int
    alone: int
    precision: float | None
    low: float
    high: float


class RulesOut(BaseModel):
    as_of: datetime
    rules: list[RuleOut]


class SourceOut(BaseModel):
    """A source and how it does."""

    id: str
    title: str
    state: str
    said: str
    last_ok: datetime | None
    last_new: datetime | None
    entries_a_day: float
    failures: int


ERRORS: dict[int | str, dict[str, Any]] = {401: {"model": Trouble}, 422: {"model": Trouble}}
FOUND: dict[int | str, dict[str, Any]] = {**ERRORS, 404: {"model": Trouble}}


@described.get("/items", responses=ERRORS, dependencies=READS)
def items(request: Request, asked: Annotated[Asked, Query()]) -> ItemsOut:
    """A page of items, newest first, by any filter of the desk."""
    desk = the_desk(request)
    listed = queues.list_items(
        desk.store, asked.wanted(desk.own.timezone), before=asked.cursor(), limit=asked.limit, grouped=False
    )
    ids = [item.id for item in listed.items]
    held, tags = verdicts.held_by(desk.store, ids), verdicts.tags_by_item(desk.store, ids)
    made = [ItemOut.model_validate(row(item, held=held.get(item.id, ()), tags=tags.get(item.id, ()))) for item in listed.items]
    return ItemsOut(items=made, next=cursor_text(listed.after) if listed.after else "")


@described.get("/items/{item_id}", responses=FOUND, dependencies=READS)
def item(request: Request, item_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> WholeItemOut:
    """Everything on one item."""
    desk = the_desk(request)
    held = dossier.load_dossier(desk.store, item_id)
    if held is None:
        raise HTTPException(404, f"There is no item {item_id}.")
    decisions = verdicts.held_by(desk.store, [item_id]).get(item_id, [])
    spans = held.flagging.spans if held.flagging else ()
    return WholeItemOut(
        item=ItemOut.model_validate(row(held.item, held=decisions, tags=verdicts.tags_of(desk.store, item_id))), text=held.text,
        spans=[SpanOut.model_validate({name: getattr(span, name) for name in SpanOut.model_fields}) for span in spans],
        versions=[
            VersionOut(
                number=one.number, title=one.title, seen_at=one.seen_at, fetched_at=one.fetched_at, body_from=one.body_from,
                extractor=one.extractor, capture=one.capture_id,
                capture_sha256=held.captures[one.capture_id].sha256 if one.capture_id in held.captures else None,
            )
            for one in held.versions
        ],
        verdicts=[
            VerdictOut.model_validate({name: getattr(said, name) for name in VerdictOut.model_fields})
            for said in verdicts.history(desk.store, item_id)
        ],
    )  # fmt: skip


@described.get("/rules", responses=ERRORS, dependencies=READS)
def rules(request: Request) -> RulesOut:
    """Rules and signals at work."""
    desk = the_desk(request)
    counted = statistics.summary(desk.store, now=desk.clock())
    made = []
    for kind, tallies in (("rule", counted.rules), ("signal", counted.signals)):
        for one in tallies:
            judged = one.relevant + one.not_relevant
            low, high = wilson(one.relevant, judged)
            values = {name: getattr(one, name) for name in ("name", "flagged", "relevant", "not_relevant", "undecided", "alone")}
            made.append(
                RuleOut.model_validate(
                    {**values, "kind": kind, "precision": one.relevant / judged if judged else None, "low": low, "high": high}
                )
            )
    return RulesOut(as_of=counted.at, rules=made)


@described.get("/sources", responses=ERRORS, dependencies=READS)
def sources(request: Request) -> list[SourceOut]:
    """Every source and how it does."""
    desk = the_desk(request)
    return [SourceOut.model_validate({name: getattr(one, name) for name in SourceOut.model_fields}) for one in source_rows(desk)]


@description.get("/api/openapi.json", dependencies=READS)
def openapi(request: Request) -> dict[str, Any]:
    """The description of this API."""
    app = request.app
    return get_openapi(title=app.title, version=app.version, description=app.description, routes=described.routes)


router = APIRouter()
router.include_router(described)
router.include_router(description)
