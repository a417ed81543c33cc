"""What leaves the desk: any filtered list as CSV, JSON Lines, XLSX and Atom, and decided items as training data."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from review.access import READS, Reader, peer
from review.desk import Desk, the_desk
from review.export_rows import COLUMNS, NOT_IN_XML, flat, linkable, row
from review.filters import Filters, read_filters
from review.plain import clipped, plain
from review.sessions import Visitor
from review.training import training_row
from storage import queues, users, verdicts
from storage.queues import ItemFilter, Listed, Queue
from storage.texts import texts

router = APIRouter(include_in_schema=False)
ATOM_ENTRIES = 50
BATCH = 200


@router.get("/export.csv")
def as_csv(request: Request, who: Reader) -> Response:
    """A table for a spreadsheet; UTF-8 with a mark, because Excel believes nothing else."""
    desk, filters = _begun(request, who, "csv")

    def lines() -> Iterator[bytes]:
        yield "\ufeff".encode() + _csv_line(list(COLUMNS))
        for values in rows(desk, filters):
            yield _csv_line(flat(values))

    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=_attached(desk, "csv"))


@router.get("/export.jsonl")
def as_lines(request: Request, who: Reader) -> Response:
    """An object a line, lists as lists."""
    desk, filters = _begun(request, who, "jsonl")

    def lines() -> Iterator[bytes]:
        for values in rows(desk, filters):
            yield (json.dumps(values, ensure_ascii=False) + "\n").encode("utf-8", "replace")

    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=_attached(desk, "jsonl"))


@router.get("/export.xlsx")
def as_workbook(request: Request, who: Reader) -> Response:
    """A workbook in which everything is text or a number: no formulas, no links made by themselves."""
    import xlsxwriter

    desk, filters = _begun(request, who, "xlsx")
    with tempfile.NamedTemporaryFile(prefix="sholu-", suffix=".xlsx", delete=False) as file:
        path = file.name
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(path, options)
    sheet = book.add_worksheet("items")
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 2)
    for place, name in enumerate(COLUMNS):
        sheet.write_string(0, place, name, bold)
    for line, values in enumerate(rows(desk, filters), 1):
        for place, cell in enumerate(flat(values)):
            if isinstance(cell, int | float):
                sheet.write_number(line, place, cell)
            else:
                sheet.write_string(line, place, cell)
    book.close()
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return FileResponse(path, media_type=media, headers=_attached(desk, "xlsx"), background=BackgroundTask(_remove, path))


@router.get("/export.atom", dependencies=READS)
def as_feed(request: Request) -> Response:
    """The newest items of the list as an Atom feed; a feed reader asks for it over and over, so it is not written into the audit log."""
    desk = the_desk(request)
    filters = read_filters(request.query_params.multi_items())
    listed = queues.list_items(desk.store, filters.wanted(desk.own.timezone), limit=ATOM_ENTRIES, grouped=False)
    return Response(
        atom(listed.items, str(request.base_url), str(request.url), filters, desk.clock()), media_type="application/atom+xml"
    )


@router.get("/export/training.jsonl")
def training(request: Request, who: Reader) -> Response:
    """Decided items with their text, verdict, reason and what the rules had said: data to learn from, a line an item."""
    desk = the_desk(request)
    users.audit(desk.store, who=who.name, what="export", subject="training", now=desk.clock(), address=peer(request))
    wanted = ItemFilter(queue=Queue.DECIDED)

    def lines() -> Iterator[bytes]:
        for batch in _batched(queues.every_item(desk.store, wanted, most=desk.own.export_rows)):
            held = verdicts.held_by(desk.store, [item.id for item in batch])
            whole = texts(desk.store, [item.id for item in batch])
            for item in batch:
                line = training_row(item, whole.get(item.id, item.text), held.get(item.id, []))
                yield (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace")

    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=_attached(desk, "jsonl", "training"))


def rows(desk: Desk, filters: Filters) -> Iterator[dict[str, Any]]:
    """All items of a list as rows, with decisions and tags, read a batch at a time."""
    wanted = filters.wanted(desk.own.timezone)
    for batch in _batched(queues.every_item(desk.store, wanted, most=desk.own.export_rows)):
        ids = [item.id for item in batch]
        held, tags = verdicts.held_by(desk.store, ids), verdicts.tags_by_item(desk.store, ids)
        for item in batch:
            yield row(item, held=held.get(item.id, ()), tags=tags.get(item.id, ()))


def atom(items: tuple[Listed, ...], base: str, here: str, filters: Filters, now: datetime) -> bytes:
    """The feed, written by hand: six elements, every word escaped and every sign XML does not know replaced."""
    title = "Sholu: " + ", ".join([filters.queue.value, *(f"{name} {value}" for name, value in filters.active().items())])
    updated = max((item.first_seen for item in items), default=now)
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<title>{_xml(title)}</title><id>{_xml(here)}</id><updated>{updated.isoformat(timespec='seconds')}</updated>",
        f'<link rel="self" href={quoteattr(_clean(here))}/><author><name>Sholu</name></author>',
    ]
    for item in items:
        values = row(item)
        address = f"{base}item/{item.id}"
        source = f'<link rel="related" href={quoteattr(_clean(item.url))}/>' if linkable(item.url) else ""
        categories = "".join(f"<category term={quoteattr(_clean(theme))}/>" for theme in item.themes)
        said = f"{item.source_title} · {values['evidence'] or item.text[:300]}"
        parts.append(
            f"<entry><title>{_xml(clipped(item.title) or '–')}</title><id>{_xml(address)}</id>"
            f"<updated>{item.first_seen.isoformat(timespec='seconds')}</updated><published>{item.moment.isoformat(timespec='seconds')}</published>"
            f'<link rel="alternate" href={quoteattr(_clean(address))}/>{source}{categories}<summary>{_xml(said)}</summary></entry>'
        )
    return ("\n".join(parts) + "\n</feed>\n").encode("utf-8", "replace")


def _begun(request: Request, who: Visitor, kind: str) -> tuple[Desk, Filters]:
    desk = the_desk(request)
    filters = read_filters(request.query_params.multi_items())
    detail: dict[str, object] = {"filter": filters.address()}
    users.audit(desk.store, who=who.name, what="export", subject=kind, now=desk.clock(), address=peer(request), detail=detail)
    return desk, filters


def _attached(desk: Desk, ending: str, name: str = "items") -> dict[str, str]:
    day = desk.clock().astimezone(desk.own.timezone).date()
    return {"content-disposition": f'attachment; filename="sholu-{name}-{day}.{ending}"'}


def _batched(items: Iterator[Listed]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _csv_line(cells: list[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode("utf-8", "replace")


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("\ufffd", text)


def _xml(text: str) -> str:
    return escape(_clean(plain(text)))


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
