"""Who may enter: passwords (argon2), the limit on trying them, accounts made and changed; sessions are in ``sessions``."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from domain.errors import ConfigError, SholuError
from review.sessions import Role
from storage import users
from storage.store import Store
from storage.users import User

WINDOW: Final = timedelta(minutes=15)
# A person mistypes a few times; a program tries thousands. From one address or for one name, within the window:
TRIES_BY_ADDRESS: Final = 20
TRIES_BY_NAME: Final = 10
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 200  # argon2 takes any length, and its time grows with it


class LoginRefused(SholuError):
    """Name and password do not belong together; never says which of the two is wrong."""


class TooManyTries(SholuError):
    """So many refused logins that the desk stops looking at passwords for a while."""


@cache
def hasher() -> PasswordHasher:
    """RFC 9106's second recommended set of parameters (64 MiB, 3 passes), the library's default."""
    return PasswordHasher()


@cache
def _nobody() -> str:
    """A hash to check against when the name is unknown, so that the answer takes as long as for a known one."""
    return hasher().hash("nobody has this password")


def check_password(store: Store, name: str, password: str, *, address: str, now: datetime) -> User:
    """The user of this name and password; raises LoginRefused or TooManyTries. Refusals are counted and logged."""
    by_name, by_address = users.recent_failures(store, name=name[:200], address=address, since=now - WINDOW)
    if by_name >= TRIES_BY_NAME or by_address >= TRIES_BY_ADDRESS:
        raise TooManyTries(f"Too many refused logins. Wait {int(WINDOW.total_seconds() // 60)} minutes and try again.")
    user = users.load_user(store, name) if name else None
    known = user is not None and user.active and bool(user.password_hash)
    matches = _matches(user.password_hash if user is not None and known else _nobody(), password)
    if user is None or not known or not matches:
        users.note_failure(store, name=name[:200], address=address, now=now)
        raise LoginRefused("This name and password do not belong together.")
    return user


def hash_password(password: str) -> str:
    """The argon2 hash to store; raises ConfigError for a password too short to be one."""
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigError(f"the password is too short: at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise ConfigError(f"the password is too long: at most {LONGEST_PASSWORD} characters")
    return hasher().hash(password)


def check_name(name: str) -> str:
    """The name of a new user, tidied; raises ConfigError for one that could not be told apart or shown."""
    tidy = " ".join(name.split())
    if not 1 <= len(tidy) <= 64 or not tidy.isprintable():
        raise ConfigError("a user's name has 1 to 64 visible characters")
    return tidy


def add_user(store: Store, name: str, password: str, role: str, *, now: datetime, by: str = "", address: str = "") -> User:
    """A new account. The first one must be an administrator, or nobody could make the others. Raises ConfigError."""
    chosen = read_role(role)
    if chosen is not Role.ADMIN and not any(user.active and user.role == Role.ADMIN for user in users.list_users(store)):
        raise ConfigError("the first user must be an administrator (role admin)")
    return users.add_user(
        store, name=check_name(name), password_hash=hash_password(password), role=chosen.value, now=now, by=by, address=address
    )


def read_role(role: str) -> Role:
    """A role by its name; raises ConfigError."""
    try:
        return Role(role)
    except ValueError as error:
        raise ConfigError(f"there is no role {role!r}; it is reader, reviewer or admin") from error


def _matches(password_hash: str, password: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return hasher().verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
