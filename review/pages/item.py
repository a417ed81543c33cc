"""One item: its text with every marked word explained, where it came from, its versions, captures and decisions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from review.access import READS, Reader, peer
from review.desk import page, the_desk
from review.filters import read_filters
from review.marks import TEXT_SHOWN, evidence, paragraphs, pieces
from review.plain import TITLE_SHOWN, plain
from review.views import accounts, far_down, searched_spans, span_kinds
from storage import captures, dossier, users, verdicts
from storage.dossier import Dossier, Recheck, Version
from storage.store import Store

router = APIRouter(include_in_schema=False)
MOST_ID = 2**63 - 1
LONGEST_COMPARED = 60_000  # characters a version; difflib's time grows with the square


@router.get("/item/{item_id}")
def show(request: Request, who: Reader, item_id: int) -> Response:
    """The whole page of an item."""
    desk = the_desk(request)
    filters = read_filters(request.query_params.multi_items())
    held = find(desk.store, item_id)
    spans = held.flagging.spans if held.flagging else ()
    kinds = span_kinds(held.flagging)
    if filters.q:  # words searched for are marked where no rule marked anything
        found = (*searched_spans(held.item.title, filters.q, "title"), *searched_spans(held.text, filters.q, "text"))
        kinds |= {len(spans) + place: "hit" for place in range(len(found))}
        spans = (*spans, *found)
    said, told = verdicts.history(desk.store, item_id), paragraphs(held.text, spans)
    return page(
        request, "item.html", who,
        d=held, spans=spans, kinds=kinds, title=pieces(held.item.title[:TITLE_SHOWN], spans, "title"), paragraphs=told,
        far=far_down(evidence(held.item.title, held.text, held.flagging), told),
        cut=max(0, len(held.text) - TEXT_SHOWN), accounts=accounts(held.flagging),
        entities=[one for one in held.flagging.entities if one not in held.flagging.places] if held.flagging else [], said=said, query=filters.address(),
        tags=verdicts.tags_of(desk.store, item_id), all_tags=verdicts.known_tags(desk.store), opened=desk.clock().timestamp(),
        seen=max((one.id for one in said), default=0), blind=False, sample=None, group=[item_id],
        holds=verdicts.held_by(desk.store, [item_id]).get(item_id, []), course=course(held),
    )  # fmt: skip


@router.get("/item/{item_id}/diff")
def compare(request: Request, who: Reader, item_id: int, before: int, after: int) -> Response:
    """Two versions of an item, what left and what came marked word by word."""
    held = find(the_desk(request).store, item_id)
    old, new = _version(held, before), _version(held, after)
    return page(
        request, "diff.html", who, d=held, old=old, new=new, look=None, title=list(word_changes(old.title, new.title)),
        text=list(word_changes(old.text[:LONGEST_COMPARED], new.text[:LONGEST_COMPARED])),
        cut=max(len(old.text), len(new.text)) > LONGEST_COMPARED,
    )  # fmt: skip


@router.get("/item/{item_id}/gone/{label}")
def compare_with_nothing(request: Request, who: Reader, item_id: int, label: str) -> Response:
    """What was lost when the page disappeared: the text it had, and what the server said in its place."""
    held = find(the_desk(request).store, item_id)
    look = next((one for one in held.rechecks if one.label == label and one.state == "gone" and one.done_at), None)
    if look is None:
        raise HTTPException(404, f"Item {item_id} was not found gone by such a look.")
    old = next((one for one in held.versions if one.id == look.version_id), held.versions[-1])
    return page(
        request, "diff.html", who, d=held, old=old, new=None, look=look, title=[("left", plain(old.title))],
        text=[("left", plain(old.text[:LONGEST_COMPARED])), ("came", plain(f"\n\n{look.reason}"))], cut=len(old.text) > LONGEST_COMPARED,
    )  # fmt: skip


@router.get("/item/{item_id}/text", dependencies=READS)
def text(request: Request, item_id: int) -> Response:
    """The stored text as it is, as a file."""
    held = find(the_desk(request).store, item_id)
    headers = {"content-disposition": f'attachment; filename="item-{item_id}.txt"'}
    return Response(f"{held.item.title}\n\n{held.text}", media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/capture/{capture_id}")
def capture(request: Request, who: Reader, capture_id: int) -> Response:
    """What is known of a capture: addresses, headers both ways, hash and place in the chain of evidence."""
    facts = dossier.capture_facts(the_desk(request).store, capture_id) if capture_id <= MOST_ID else None
    if facts is None:
        raise HTTPException(404, f"There is no capture {capture_id}.")
    return page(request, "capture.html", who, c=facts)


@router.get("/capture/{capture_id}/body")
def body(request: Request, who: Reader, capture_id: int) -> Response:
    """The bytes as received. Never shown by the browser: a stranger's page must not run under our name."""
    desk = the_desk(request)
    if capture_id > MOST_ID or dossier.capture_facts(desk.store, capture_id) is None:
        raise HTTPException(404, f"There is no capture {capture_id}.")
    found = captures.load_capture(desk.store, capture_id)
    users.audit(
        desk.store, who=who.name, what="download", subject=f"capture {capture_id}", now=desk.clock(), address=peer(request)
    )
    headers = {
        "content-disposition": f'attachment; filename="capture-{capture_id}.bin"',
        "content-security-policy": "sandbox; default-src 'none'",
        "digest": f"sha-256={found.sha256}",
    }
    return Response(found.body, media_type="application/octet-stream", headers=headers)


def find(store: Store, item_id: int) -> Dossier:
    """Everything on an item; 404 with a sentence where there is none."""
    held = dossier.load_dossier(store, item_id) if 0 < item_id <= MOST_ID else None
    if held is None:
        raise HTTPException(404, f"There is no item {item_id}. It may have been removed, or the address is mistyped.")
    return held


def course(held: Dossier) -> list[tuple[datetime, Version | None, Recheck | None]]:
    """What became of an item, the latest first: each text it had, and when its page disappeared or was there again."""
    told: list[tuple[datetime, Version | None, Recheck | None]] = [(one.seen_at, one, None) for one in held.versions]
    before = ""
    for look in sorted(
        (one for one in held.rechecks if one.done_at is not None), key=lambda one: (one.done_at or one.due, one.due)
    ):
        # One fetch may settle several looks, and what is gone at the first look and at the second disappeared once.
        if look.state in ("gone", "back") and look.state != before:
            told.append((look.done_at or look.due, None, look))
        before = look.state if look.state != "failed" else before
    return sorted(told, key=lambda each: each[0], reverse=True)


def word_changes(old: str, new: str) -> Iterator[tuple[str, str]]:
    """The new text in runs: ("same" | "left" | "came", words)."""
    before, after = re.findall(r"\s+|[^\s]+", old), re.findall(r"\s+|[^\s]+", new)
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(
        None, before, after, autojunk=len(before) + len(after) > 4_000
    ).get_opcodes():
        if kind == "equal":
            yield "same", plain("".join(before[i1:i2]))
            continue
        if i2 > i1:
            yield "left", plain("".join(before[i1:i2]))
        if j2 > j1:
            yield "came", plain("".join(after[j1:j2]))


def _version(held: Dossier, number: int) -> Version:
    found = next((version for version in held.versions if version.number == number), None)
    if found is None:
        raise HTTPException(404, f"Item {held.item.id} has no version {number}.")
    return found
