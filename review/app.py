"""The desk as an ASGI application: its pages, its guard and how its errors are told; serving it is in ``serve``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from domain.errors import SholuError, StoreError
from domain.settings import Settings
from review import access
from review.access import Forged, LoginNeeded, NotAllowed
from review.desk import HERE, Desk, language_of, page, templates
from review.filters import FilterError
from review.guard import Guard
from review.names import Names
from review.pages import (
    account,
    api,
    deciding,
    exports,
    health,
    inbox,
    insights,
    item,
    probes,
    resume,
    rules_at_work,
    second,
    trial,
)
from review.people import TooManyTries
from review.sessions import Sealer, load_secret
from review.settings import DeskSettings
from review.wording import say
from storage.store import Store
from storage.verdicts import NothingToDecide

# What each error means to a browser. A store that is locked or full passes: 503 says that trying again may help.
STATUS: tuple[tuple[type[SholuError], int], ...] = (
    (LoginNeeded, 401), (NotAllowed, 403), (Forged, 403), (FilterError, 422), (NothingToDecide, 404), (TooManyTries, 429), (StoreError, 503),
)  # fmt: skip


def create_app(
    store: Store, settings: Settings, load_rulebook: Callable[[], Any], *,
    own: DeskSettings,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC), extra_hosts: frozenset[str] = frozenset(),
) -> FastAPI:  # fmt: skip
    """The desk over an open store. ``load_rulebook`` is called in the background for the names of entities."""
    sealer = Sealer(load_secret(own, settings.home), own.session_hours)
    names = Names(load_rulebook, settings.rules)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        names.begin()
        yield

    app = FastAPI(
        title="Sholu's review desk", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan,
        description="What the press was found to say, why it was flagged, and what people decided of it.",
    )  # fmt: skip
    app.state.desk = Desk(store, settings, own, sealer, names, clock, templates())
    app.mount("/static", _Static(directory=HERE / "static"), name="static")
    for part in (probes, inbox, item, deciding, second, insights, rules_at_work, trial, health, exports, api, account):
        app.include_router(part.router)
    app.add_exception_handler(SholuError, _told)
    app.add_exception_handler(LoginNeeded, _ended)
    app.add_exception_handler(Forged, _ended)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Guard, names=own.host_names | extra_hosts, https=own.https)
    return app


class _Static(StaticFiles):
    """Our own files; their addresses change with their content, so browsers may keep them."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        answer = super().file_response(*given, **named)
        answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        return answer


def _told(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    said = str(error)
    if isinstance(error, StoreError) and request.url.path == "/decide":
        said = f"{say(language_of(request), 'busy.nothing')} ({said})"
    return _answer(request, status, said, isinstance(error, LoginNeeded))


async def _ended(request: Request, error: Exception) -> Response:
    """A session that is no more: a decision that came too late is kept for after the login."""
    assert isinstance(error, SholuError)
    kept = await resume.keep(request, error) if resume.is_decision(request) else None
    return await run_in_threadpool(_told, request, error) if kept is None else kept


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
    return _answer(request, error.status_code, said, login=False)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return _answer(request, 422, f"{place}: {first['msg']}.", login=False)


def _broken(request: Request, error: Exception) -> Response:
    """A fault of ours: the traceback goes to the log, never to the browser."""
    return _answer(request, 500, f"This is a fault of the desk ({type(error).__name__}); its log says more.", login=False)


def _answer(request: Request, status: int, message: str, login: bool) -> Response:
    if "hx-request" in request.headers:  # the page shows the sentence itself, in its own place
        return PlainTextResponse(message or HTTPStatus(status).phrase, status_code=status)
    machine = request.url.path.startswith(("/api/", "/export"))
    if machine:
        headers = {"www-authenticate": 'Basic realm="Sholu", charset="UTF-8"'} if status == 401 else None
        return JSONResponse({"detail": message or HTTPStatus(status).phrase}, status_code=status, headers=headers)
    if login and request.method == "GET":
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(back, safe='')}", status_code=303)
    try:
        who = access.visitor(request)
    except SholuError:  # the store itself cannot be read: the page then knows nobody
        who = access.nobody(request)
    return page(request, "error.html", who, status=status, status_code=status, message=message)
