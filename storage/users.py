"""People of the desk: accounts, sessions, refused logins and the audit log; passwords come here already hashed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from domain.errors import ConfigError
from storage.schema.review import audit_log, login_failures, sessions, users
from storage.store import Store
from storage.verdicts import write_audit

KEEP_FAILURES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class User:
    """An account of the desk; ``password_hash`` is "" for one known only by a proxy's header."""

    id: int
    name: str
    display_name: str
    password_hash: str
    role: str
    language: str
    active: bool
    created_at: datetime
    last_login: datetime | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of the audit log."""

    id: int
    at: datetime
    who: str
    what: str
    subject: str
    detail: dict[str, Any]
    address: str


def any_user(store: Store) -> bool:
    """Whether an active account exists: from the first one on, everybody must log in."""
    with store.read() as connection:
        return connection.execute(select(users.c.id).where(users.c.active.is_(True)).limit(1)).first() is not None


def load_user(store: Store, name: str) -> User | None:
    """The account of this name, active or not."""
    with store.read() as connection:
        row = connection.execute(select(users).where(users.c.name == name)).first()
    return None if row is None else _user(row)


def list_users(store: Store) -> list[User]:
    with store.read() as connection:
        return [_user(row) for row in connection.execute(select(users).order_by(users.c.name))]


def add_user(store: Store, *, name: str, password_hash: str, role: str, now: datetime, by: str = "", address: str = "") -> User:
    """A new account; raises ConfigError when the name is taken."""
    with store.begin() as connection:
        if connection.execute(select(users.c.id).where(func.lower(users.c.name) == name.lower())).first() is not None:
            raise ConfigError(f"there is a user {name!r} already; choose another name, or set a new password for this one")
        connection.execute(
            insert(users).values(
                name=name,
                display_name=name,
                password_hash=password_hash,
                role=role,
                language="",
                active=True,
                created_at=now,
                settings={},
            )
        )
        write_audit(connection, who=by or name, what="user-added", subject=name, detail={"role": role}, address=address, now=now)
        row = connection.execute(select(users).where(users.c.name == name)).one()
    return _user(row)


def change_user(
    store: Store, name: str, *, now: datetime, by: str, address: str = "",
    password_hash: str | None = None, role: str | None = None, active: bool | None = None,
) -> None:  # fmt: skip
    """A new password, role or state. All sessions of the user end; the last active admin keeps the role (ConfigError)."""
    given = {"password_hash": password_hash, "role": role, "active": active}
    values = {key: value for key, value in given.items() if value is not None}
    with store.begin() as connection:
        row = connection.execute(select(users).where(users.c.name == name)).first()
        if row is None:
            raise ConfigError(f"there is no user {name!r}")
        loses = row.role == "admin" and row.active and (role not in {None, "admin"} or active is False)
        admins = select(func.count()).select_from(users).where(users.c.role == "admin", users.c.active.is_(True))
        if loses and connection.execute(admins).scalar_one() <= 1:
            raise ConfigError(f"{name} is the only administrator left; make another one first")
        connection.execute(update(users).where(users.c.name == name).values(**values))
        connection.execute(delete(sessions).where(sessions.c.user_id == row.id))
        told = {key: value for key, value in values.items() if key != "password_hash"} | (
            {"password": "new"} if password_hash else {}
        )
        write_audit(connection, who=by, what="user-changed", subject=name, detail=told, address=address, now=now)


def begin_session(store: Store, *, token: str, user: User, until: datetime, address: str, now: datetime) -> None:
    """Remember a login; of the token only the hash is kept. Sessions that ended long ago are swept here."""
    with store.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.until < now))
        connection.execute(
            insert(sessions).values(
                token_sha256=_digest(token), user_id=user.id, created_at=now, last_seen=now, until=until, csrf="", address=address
            )
        )
        connection.execute(update(users).where(users.c.id == user.id).values(last_login=now))
        write_audit(connection, who=user.name, what="login", subject=user.name, detail={}, address=address, now=now)


def session_user(store: Store, token: str, *, now: datetime) -> User | None:
    """The active user of a session that has not ended."""
    query = (
        select(users).join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_sha256 == _digest(token), sessions.c.until > now, users.c.active.is_(True))
    )  # fmt: skip
    with store.read() as connection:
        row = connection.execute(query).first()
    return None if row is None else _user(row)


def end_session(store: Store, token: str, *, who: str, now: datetime, address: str) -> None:
    with store.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.token_sha256 == _digest(token)))
        write_audit(connection, who=who, what="logout", subject=who, detail={}, address=address, now=now)


def note_failure(store: Store, *, name: str, address: str, now: datetime) -> None:
    """A refused login, for the limit and for the audit log."""
    with store.begin() as connection:
        connection.execute(delete(login_failures).where(login_failures.c.at < now - KEEP_FAILURES))
        connection.execute(insert(login_failures).values(name=name, address=address, at=now))
        write_audit(connection, who=name, what="login-refused", subject=name, detail={}, address=address, now=now)


def recent_failures(store: Store, *, name: str, address: str, since: datetime) -> tuple[int, int]:
    """Refused logins since then: under this name from anywhere, and from this address under any name."""
    count = select(func.count()).select_from(login_failures).where(login_failures.c.at >= since)
    with store.read() as connection:
        by_name = connection.execute(count.where(login_failures.c.name == name)).scalar_one()
        by_address = connection.execute(count.where(login_failures.c.address == address)).scalar_one()
    return by_name, by_address


def audit(
    store: Store, *, who: str, what: str, subject: str, now: datetime, address: str = "", detail: dict[str, object] | None = None
) -> None:
    """A line of the audit log of its own: an export, a download, a rule tried."""
    with store.begin() as connection:
        write_audit(connection, who=who, what=what, subject=subject, detail=detail or {}, address=address, now=now)


def read_audit(store: Store, *, before: int | None = None, who: str = "", what: str = "", limit: int = 100) -> list[Trace]:
    """The audit log, the latest line first, from below the id ``before`` on."""
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit_log.c.id < before)
    if who:
        query = query.where(audit_log.c.who == who)
    if what:
        query = query.where(audit_log.c.what == what)
    with store.read() as connection:
        return [
            Trace(row.id, row.at, row.who, row.what, row.subject, row.detail, row.address) for row in connection.execute(query)
        ]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _user(row: Any) -> User:
    return User(
        row.id, row.name, row.display_name, row.password_hash, row.role, row.language, row.active, row.created_at, row.last_login
    )
