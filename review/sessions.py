"""Who is at the desk: signed sessions, the proxy's header, tokens against forged forms; passwords are in ``people``."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from domain.errors import ConfigError
from review.settings import DeskSettings, Network

COOKIE: Final = "sholu_desk"
KEY_FILE: Final = "desk.key"


class Role(StrEnum):
    """What a person may do; each role may do all that the ones before it may."""

    READER = "reader"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Session:
    """What the signed cookie says: a random id, the user ("" before login) and a mark of the password it was made with."""

    id: str
    user: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person at the desk in one request."""

    name: str
    role: Role | None
    session: Session
    csrf: str
    fresh: bool  # the cookie is to be set with the answer
    local: bool = False  # the one local user, who never logs in

    def may(self, needed: str) -> bool:
        return self.role is not None and self.role.may(Role(needed))


class Sealer:
    """Signs and reads sessions and form tokens with one secret."""

    def __init__(self, secret: str, hours: float) -> None:
        self._secret = secret.encode()
        self._seconds = int(hours * 3600)
        self._serializer = URLSafeTimedSerializer(secret, salt="sholu.desk.session")

    def seal(self, session: Session) -> str:
        sealed: str | bytes = self._serializer.dumps([session.id, session.user, session.mark])
        return sealed if isinstance(sealed, str) else sealed.decode()

    def open(self, cookie: str | None) -> Session | None:
        """The session in a cookie; None where it is missing, forged or too old."""
        if not cookie or len(cookie) > 2_000:
            return None
        try:
            found = self._serializer.loads(cookie, max_age=self._seconds)
        except BadSignature:
            return None
        if not isinstance(found, list) or len(found) != 3 or not all(isinstance(part, str) for part in found):
            return None
        return Session(*found)

    def token(self, session: Session) -> str:
        """The token every form of this session carries; another site cannot know it."""
        return hmac.new(self._secret, f"csrf:{session.id}:{session.user}".encode(), hashlib.sha256).hexdigest()

    def holds(self, session: Session, token: str) -> bool:
        return hmac.compare_digest(self.token(session).encode(), token.encode())

    def mark(self, password_hash: str) -> str:
        """A mark of a password: a session made with an older password, or of a removed user, is no session."""
        return hmac.new(self._secret, f"mark:{password_hash}".encode(), hashlib.sha256).hexdigest()[:16]


def new_session(user: str = "", mark: str = "") -> Session:
    return Session(secrets.token_urlsafe(16), user, mark)


def load_secret(settings: DeskSettings, home: Path) -> str:
    """The signing key: the one set, else the one kept in the home folder, made at the first start (readable by us only)."""
    if settings.secret is not None and settings.secret.get_secret_value():
        value = settings.secret.get_secret_value()
        if len(value) < 16:
            raise ConfigError("the key is too short: at least 16 characters", file="environment or .env", key="SHOLU_DESK_SECRET")
        return value
    path = home / KEY_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
        value = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the key that signs sessions cannot be kept here: {error}", file=path) from error
    if len(value) < 16:
        raise ConfigError("this file should hold the key that signs sessions; delete it and a new one is made", file=path)
    return value


def proxied_user(headers: Mapping[str, str], peer: str, header: str, proxies: Sequence[Network]) -> str | None:
    """The user a trusted proxy names; None where the header is not used, is empty, or comes from somebody else."""
    if not header:
        return None
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return None
    if not any(address in network for network in proxies):
        return None
    name = headers.get(header.lower(), "").strip()
    return name if 0 < len(name) <= 64 and name.isprintable() else None
