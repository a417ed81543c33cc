"""Logging in and out, the language of the desk, people and the audit log."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from domain.errors import ConfigError
from review import people
from review.access import Admin, Anyone, Sent, checked_form, peer
from review.desk import LANGUAGE_COOKIE, inside, page, set_session, the_desk
from review.pages import resume
from review.pages.deciding import back_to
from review.people import LoginRefused, TooManyTries
from review.sessions import COOKIE, Role, Visitor, new_session
from review.wording import LANGUAGES
from storage import users

router = APIRouter(include_in_schema=False)
A_YEAR = 365 * 86_400


@router.get("/login")
def login_form(request: Request, who: Anyone, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Name and password; whoever is known already goes on."""
    if who.role is not None:
        return RedirectResponse(inside(next), status_code=303)
    return page(
        request, "login.html", who, next=inside(next), refused="", name="", pending="",
        proxied=bool(the_desk(request).own.proxy_header),
    )  # fmt: skip


@router.post("/login")
def login(request: Request, who: Anyone, form: Sent) -> Response:
    """A session for the right name and password."""
    desk = the_desk(request)
    now, name, address = desk.clock(), form.one("name").strip(), peer(request)
    try:
        user = people.check_password(desk.store, name, form.one("password"), address=address, now=now)
    except (LoginRefused, TooManyTries) as error:
        status = 429 if isinstance(error, TooManyTries) else 403
        said = "login.too-many" if status == 429 else "login.refused"
        return page(
            request, "login.html", who, status=status, next=inside(form.one("next", "/")), refused=said, name=name, proxied=False,
            pending=form.one("pending"),
        )  # fmt: skip
    session = new_session(user.name, desk.sealer.mark(user.password_hash))
    until = now + timedelta(hours=desk.own.session_hours)
    users.begin_session(desk.store, token=session.id, user=user, until=until, address=address, now=now)
    known = Visitor(user.name, Role(user.role), session, desk.sealer.token(session), fresh=True)
    if pending := form.one("pending"):
        return resume.offer(request, known, resume.read(pending))
    answer = RedirectResponse(inside(form.one("next", "/")), status_code=303)
    set_session(desk, answer, known)
    return answer


@router.post("/logout", dependencies=[Depends(checked_form)])
def logout(request: Request, who: Anyone) -> Response:
    """End the session here and in the store."""
    desk = the_desk(request)
    if who.session.user and not who.local:
        users.end_session(desk.store, who.session.id, who=who.name, now=desk.clock(), address=peer(request))
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.post("/language")
def language(request: Request, form: Sent) -> Response:
    """Remember the language in the browser."""
    chosen = form.one("language")
    answer = RedirectResponse(back_to(form), status_code=303)
    if chosen in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, chosen, max_age=A_YEAR, httponly=True, samesite="lax", secure=the_desk(request).own.https
        )
    return answer


@router.get("/people")
def everybody(request: Request, who: Admin, before: int | None = Query(None, ge=1, le=2**63 - 1)) -> Response:
    """Accounts and the audit log."""
    desk = the_desk(request)
    traces = users.read_audit(desk.store, before=before, limit=100)
    return page(
        request,
        "people.html",
        who,
        users=users.list_users(desk.store),
        traces=traces,
        roles=[role.value for role in Role],
        said="",
    )


@router.post("/people")
def change(request: Request, who: Admin, form: Sent) -> Response:
    """A new account, or a change to one."""
    desk = the_desk(request)
    now, name, password, role = desk.clock(), form.one("name"), form.one("password"), form.one("role")
    try:
        if form.one("act") == "add":
            people.add_user(desk.store, name, password, role, now=now, by=who.name, address=peer(request))
        else:
            users.change_user(
                desk.store, name, now=now, by=who.name, address=peer(request),
                password_hash=people.hash_password(password) if password else None, role=people.read_role(role).value,
                active=form.one("active") == "1",
            )  # fmt: skip
    except ConfigError as error:
        traces = users.read_audit(desk.store, limit=100)
        listed = users.list_users(desk.store)
        return page(
            request,
            "people.html",
            who,
            status=422,
            users=listed,
            traces=traces,
            roles=[one.value for one in Role],
            said=str(error),
        )
    return RedirectResponse("/people", status_code=303)
