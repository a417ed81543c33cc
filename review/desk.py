"""What every page of the desk needs: the store, the settings, names, templates and the clock, and how an answer is made of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.phrases import number_shown
from domain.settings import Settings
from domain.shown import web_address
from review.names import Names, theme_name
from review.plain import TITLE_SHOWN, clipped, host_of, plain
from review.reasons import Teller
from review.sessions import COOKIE, Sealer, Visitor
from review.settings import DeskSettings
from review.views import first_words, span_kinds
from review.wording import LANGUAGES, knows, moment, pick_language, reader_name, say
from storage.alarms import open_alarms
from storage.queues import Listed
from storage.store import Store

HERE: Final = Path(__file__).resolve().parent
LANGUAGE_COOKIE: Final = "sholu_language"
# What the next page is to tell, once: a decision goes on to another item, and what is to be said of it would be lost on the way.
TOLD_COOKIE: Final = "sholu_told"
TOLD: Final = re.compile(r"(changed|meanwhile)\.([0-9]{1,18})")
TOLD_SECONDS: Final = 300
# Why an item is not relevant, in the order of the keys 1 to 6.
REASONS: Final = ("wrong-country", "sport", "other-meaning", "old-news", "duplicate", "other")


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk's own things, made once at the start and handed to every page."""

    store: Store
    settings: Settings
    own: DeskSettings
    sealer: Sealer
    names: Names
    clock: Callable[[], datetime]
    templates: Environment


def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def language_of(request: Request) -> str:
    return pick_language(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")[:500])


def page(request: Request, template: str, visitor: Visitor, *, status: int = 200, **context: Any) -> Response:
    """An HTML answer. Every page carries the visitor's session, so that its forms can be told from forged ones."""
    desk = the_desk(request)
    language = language_of(request)
    now = desk.clock()
    say_it = partial(say, language)
    teller = Teller(say_it, partial(desk.names.entity, language), partial(desk.names.signal, language))
    shared: dict[str, Any] = {
        "t": say_it, "language": language, "languages": LANGUAGES, "visitor": visitor, "csrf": visitor.csrf,
        "here": f"{request.url.path}{'?' + request.url.query if request.url.query else ''}", "path": request.url.path,
        "now": now, "when": partial(moment, zone=desk.own.timezone, now=now), "static": static_address,
        "entity": partial(desk.names.entity, language), "entity_kind": desk.names.kind, "region": partial(desk.names.region, language),
        "theme": partial(theme_name, language), "known": partial(knows, language), "zone_name": desk.own.zone,
        # A line while something is wrong: a run that failed, a digest not sent, too few sources seen, a disk nearly full.
        "alarms": open_alarms(desk.store) if visitor.role else (),
        "known_entity": desk.names.knows, "shown_value": partial(shown_value, desk.names, language), "kinds_of": kinds_of,
        "kind_of": kind_of, "explain": teller.of_spans, "told": teller.why, "rule_title": partial(desk.names.rule, language),
        "signal_title": partial(desk.names.signal, language), "tally_title": partial(desk.names.tally, language),
        "first_words": first_words, "title_shown": TITLE_SHOWN, "read_by": partial(reader_name, language), "reasons": REASONS,
    }  # fmt: skip
    told = [] if template.startswith("_") else _told_before(request)
    body = desk.templates.get_template(template).render({**shared, "told_once": told, **context})
    answer = HTMLResponse(body, status_code=status)
    if told:
        answer.delete_cookie(TOLD_COOKIE, path="/")
    set_session(desk, answer, visitor)
    return answer


def inside(where: str) -> str:
    """An address of ours to go on to; never another site."""
    return where if re.fullmatch(r"/(?![/\\])[^\x00-\x20\\]*", where) and len(where) < 4_000 else "/"


def _told_before(request: Request) -> list[tuple[str, str]]:
    held = (TOLD.fullmatch(one) for one in request.cookies.get(TOLD_COOKIE, "")[:200].split("_"))
    return [(one[1], one[2]) for one in held if one]


def tell_next(desk: Desk, answer: Response, told: Sequence[tuple[str, int]]) -> None:
    """Have the next page say what became of a decision: that an item was ``changed`` or decided ``meanwhile``."""
    if told:
        value = "_".join(f"{kind}.{item}" for kind, item in told[:4])
        answer.set_cookie(
            TOLD_COOKIE, value, max_age=TOLD_SECONDS, httponly=True, samesite="lax", secure=desk.own.https, path="/"
        )


def set_session(desk: Desk, answer: Response, visitor: Visitor) -> None:
    """Give the browser its session where it has none yet."""
    if visitor.fresh:
        answer.set_cookie(
            COOKIE, desk.sealer.seal(visitor.session), max_age=int(desk.own.session_hours * 3600), httponly=True, samesite="lax",
            secure=desk.own.https, path="/",
        )  # fmt: skip


@cache
def templates() -> Environment:
    """The templates: everything is escaped, and a name that a page forgot to give is an error and not an empty place."""
    # Whatever is shown passes through ``plain``, so that no page can forget it; what is markup already was made of such words.
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: plain(value) if type(value) is str and not value.isprintable() else value,
    )
    made.filters.update(plain=plain, clipped=clipped, web=web_address, host=host_of, number=number_shown)
    return made


@cache
def static_address(name: str) -> str:
    """A file of ours with a mark of its content, so that browsers may keep it for ever and never keep an old one."""
    mark = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={mark}"


def kinds_of(item: Listed) -> dict[int, str]:
    return span_kinds(item.flagging)


def kind_of(over: Sequence[int], kinds: Mapping[int, str]) -> str:
    """How a piece under several spans is marked: what gave points shows before what took them, and that before what anchored."""
    held = {kinds.get(index, "context") for index in over}
    return next((kind for kind in ("given", "with", "minus", "context") if kind in held), "hit")


def shown_value(names: Names, language: str, name: str, value: str, shown: str = "") -> str:
    """What a filter is set to, as a person says it."""
    if name == "theme":
        return theme_name(language, value)
    if name in {"place", "person", "organisation", "entity"}:
        return names.entity(language, value)
    if name == "region":
        return names.region(language, value)
    if name in {"rule", "signal"}:
        return names.tally(language, value)
    prefix = {"ownership": "ownership", "language": "language", "grade": "grade", "state": "state"}.get(name)
    key = f"{prefix}.{value}"
    return say(language, key) if prefix and knows(language, key) else plain(shown or value)
