"""Who asks, and may they: FastAPI's dependencies for visitors, roles and forms."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from domain.errors import SholuError
from review.desk import Desk, the_desk
from review.people import LoginRefused, TooManyTries, check_password
from review.sessions import COOKIE, Role, Session, Visitor, new_session, proxied_user
from storage import users

MOST_FIELDS = 2_000  # a bulk decision names at most a page of items; this is ten times as many


class LoginNeeded(SholuError):
    """Nobody is logged in; the page sends to the login."""


class NotAllowed(SholuError):
    """The visitor's role does not reach this far."""


class Forged(SholuError):
    """A form without this session's token: sent by another site, or from a page older than the session."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form whose token was right."""

    fields: tuple[tuple[str, str], ...]

    def one(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.fields if key == name), default)

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]


def direct(request: Request) -> str:
    """The address that holds the connection: the visitor's, or the proxy's before the desk."""
    return request.client.host if request.client else ""


def peer(request: Request) -> str:
    """The visitor's address, for limits and logs: what a known proxy says of it, else the address that holds the connection."""
    held = direct(request)
    try:
        known = any(ipaddress.ip_address(held) in network for network in the_desk(request).own.proxies)
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        return str(ipaddress.ip_address(forwarded)) if known and forwarded else held
    except ValueError:
        return held


def visitor(request: Request) -> Visitor:
    """The person asking: a proxy's user, a session's user, or (on an own machine without accounts) the one local user."""
    desk = the_desk(request)
    session = desk.sealer.open(request.cookies.get(COOKIE))
    if desk.own.proxy_header:
        name = proxied_user(request.headers, direct(request), desk.own.proxy_header, desk.own.proxies)
        return _proxied(desk, name, session)
    if not users.any_user(desk.store):
        name = desk.own.reviewer
        kept = session if session is not None and session.user == name else None
        return _made(desk, name, Role.ADMIN, kept or new_session(name), fresh=kept is None, local=True)
    if session is not None and session.user:
        user = users.session_user(desk.store, session.id, now=desk.clock())
        if user is not None and user.name == session.user and session.mark == desk.sealer.mark(user.password_hash):
            return _made(desk, user.name, Role(user.role), session, fresh=False)
    if session is not None and not session.user:
        return _made(desk, "", None, session, fresh=False)
    return _made(desk, "", None, new_session(), fresh=True)


def nobody(request: Request) -> Visitor:
    """A visitor of whom nothing is known, for a page that tells of an error."""
    return _made(the_desk(request), "", None, new_session(), fresh=False)


def _proxied(desk: Desk, name: str | None, session: Session | None) -> Visitor:
    if name is None:
        return _made(desk, "", None, new_session(), fresh=False)
    user = users.load_user(desk.store, name)
    role = Role(user.role) if user is not None else Role(desk.own.proxy_role)
    if user is not None and not user.active:
        return _made(desk, "", None, new_session(), fresh=False)
    kept = session if session is not None and session.user == name else None
    return _made(desk, name, role, kept or new_session(name), fresh=kept is None)


def _made(desk: Desk, name: str, role: Role | None, session: Session, *, fresh: bool, local: bool = False) -> Visitor:
    return Visitor(name, role, session, desk.sealer.token(session), fresh, local)


Anyone = Annotated[Visitor, Depends(visitor)]


def needs(role: Role) -> Callable[[Request, Visitor], Visitor]:
    """The dependency that lets in visitors of at least this role."""

    def check(request: Request, who: Anyone) -> Visitor:
        found = who if who.role is not None else _by_password(request, who)
        if found.role is None:
            raise LoginNeeded("Log in to go on.")
        if not found.role.may(role):
            raise NotAllowed(f"This is for the role {role.value}; you are {found.name} with the role {found.role.value}.")
        return found

    return check


def _by_password(request: Request, who: Visitor) -> Visitor:
    """Feed readers and scripts cannot fill in a login page: what is only read also takes name and password (HTTP Basic)."""
    desk = the_desk(request)
    header = request.headers.get("authorization", "")
    if request.method != "GET" or not header.lower().startswith("basic ") or desk.own.proxy_header:
        return who
    try:
        name, _, password = base64.b64decode(header[6:].strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return who
    try:
        user = check_password(desk.store, name, password, address=peer(request), now=desk.clock())
    except LoginRefused:
        return who
    return Visitor(user.name, Role(user.role), who.session, who.csrf, fresh=False)


Reader = Annotated[Visitor, Depends(needs(Role.READER))]
Reviewer = Annotated[Visitor, Depends(needs(Role.REVIEWER))]
Admin = Annotated[Visitor, Depends(needs(Role.ADMIN))]


async def checked_form(request: Request) -> Form:
    """The form of a POST, once it is sure that it was sent from a page of ours."""
    desk = the_desk(request)
    _same_site(request.headers)
    data = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=1_000_000)
    who = await run_in_threadpool(visitor, request)
    given = request.headers.get("x-csrf-token") or data.get("csrf")
    if not isinstance(given, str) or not desk.sealer.holds(who.session, given):
        raise Forged(
            "This page is older than your session, or the form came from elsewhere. Nothing was changed; reload the page and try again."
        )
    fields = tuple((name, _text(value)) for name, value in data.multi_items() if name != "csrf")
    return Form(fields)


def _same_site(headers: Mapping[str, str]) -> None:
    """Browsers say where a form comes from; believed when they do, and the token is asked for in any case."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forged("This form was sent from another site. Nothing was changed.")


def _text(value: Any) -> str:
    return "" if isinstance(value, UploadFile) else str(value)


Sent = Annotated[Form, Depends(checked_form)]
# For routes that need a reader, but not to know which.
READS = [Depends(needs(Role.READER))]

__all__ = [
    "READS",
    "Admin",
    "Anyone",
    "Forged",
    "Form",
    "LoginNeeded",
    "NotAllowed",
    "Reader",
    "Reviewer",
    "Sent",
    "TooManyTries",
    "peer",
]
