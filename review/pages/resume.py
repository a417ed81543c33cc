"""A decision that arrived after its session had ended: kept through the login, and offered again. Nothing is decided here."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from domain.errors import SholuError
from review.access import MOST_FIELDS, LoginNeeded, visitor
from review.desk import inside, page, the_desk
from review.sessions import Visitor
from storage.texts import titles

# What a decision's form says; its token is of the session that ended, and is not among them.
FIELDS: Final = frozenset(
    {"item", "decision", "note", "tags", "place", "back", "query", "seen", "opened", "shown", "blind", "sample", "settles"}
)
LONGEST: Final = 60_000  # characters of all fields together; a whole page selected is a tenth of it
NAMED: Final = 3  # titles shown of a selection

Fields = list[tuple[str, str]]


def is_decision(request: Request) -> bool:
    """Whether this is a decision sent from a page of ours, by a browser that can show one in its place."""
    sent = request.headers.get("sec-fetch-site", "same-origin") == "same-origin" and "hx-request" not in request.headers
    return request.method == "POST" and request.url.path == "/decide" and sent


async def keep(request: Request, error: SholuError) -> Response | None:
    """The login that keeps the decision, or the decision offered anew where only its page was older than the session; None where
    there is nothing to keep."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=1_000_000)
    fields = [(name, value) for name, value in form.multi_items() if name in FIELDS and not isinstance(value, UploadFile)]
    pending = urlencode(fields)
    if not any(name == "item" for name, _ in fields) or len(pending) > LONGEST:
        return None
    return await run_in_threadpool(_kept, request, error, fields, pending)


def read(pending: str) -> Fields:
    """The fields of a kept decision."""
    return [(name, value) for name, value in parse_qsl(pending[:LONGEST]) if name in FIELDS]


def offer(request: Request, who: Visitor, fields: Fields, *, status: int = 200) -> Response:
    """The decision, to be made again by one press."""
    told = dict(fields)
    decision, _, reason = told.get("decision", "").partition(":")
    ids = [int(value) for name, value in fields if name == "item" and value.isascii() and value.isdigit() and len(value) <= 18]
    named = titles(the_desk(request).store, ids[:NAMED])
    back = told.get("back", "/")
    return page(
        request, "resume.html", who, status=status, fields=fields, decision=decision, reason=reason, note=told.get("note", ""),
        titles=[named[one] for one in ids[:NAMED] if one in named], back=inside(back),
    )  # fmt: skip


def _kept(request: Request, error: SholuError, fields: Fields, pending: str) -> Response:
    who = visitor(request)
    if not isinstance(error, LoginNeeded):
        return offer(request, who, fields, status=403)
    proxied = bool(the_desk(request).own.proxy_header)
    return page(
        request, "login.html", who, status=401, next=inside(dict(fields).get("back", "/")), refused="", name="", proxied=proxied,
        pending=pending,
    )  # fmt: skip
