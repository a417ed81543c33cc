"""The one tree of errors; each message is a sentence for the person who can mend it.

SholuError
├── ConfigError        what we or the user wrote is wrong: names file, line and key; the run does not start (exit 2)
├── StoreError         the database refuses, is missing, locked, full, corrupt, older or newer: names the address (exit 4)
│   └── ValueRefused   one value of what was given; the database itself is well, and takes the rest
├── FetchError         a request did not yield: names the address; ``kind`` says how, ``retry`` whether trying again may help
│   └── AddressRefused the address is one we never connect to
├── ReadError          bytes that are not what they should be: a feed, a sitemap, a page; names the address
└── MailError          the mail server refuses or cannot be reached: names the server (exit 5)

An expected failure of one source is caught at the edge and becomes an Outcome, so that counts add up.
"""

from __future__ import annotations

from pathlib import Path


class SholuError(Exception):
    """Base of all errors a person can mend; ``str()`` is the sentence to show."""

    exit_code = 1


class ConfigError(SholuError):
    """A setting or a data file is wrong; nothing has been run."""

    exit_code = 2

    def __init__(self, message: str, *, file: Path | str = "", line: int = 0, key: str = "") -> None:
        where = f"{file}:{line}" if file and line else str(file)
        super().__init__(": ".join(part for part in (where, key, message) if part))
        self.file, self.line, self.key = str(file), line, key


class StoreError(SholuError):
    """The database cannot do what was asked."""

    exit_code = 4


class ValueRefused(StoreError):
    """The database refuses a value, whose source pays for it alone: what else was to be kept with it is kept."""


class FetchError(SholuError):
    """A request did not yield a body.

    ``kind`` is one of: unreachable, timeout, tls, refused, too-large, redirect, status, protocol, robots, moved.
    """

    def __init__(
        self, url: str, reason: str, *, kind: str, retry: bool = False, status: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason} ({url})")
        self.url, self.reason, self.kind, self.retry = url, reason, kind, retry
        self.status, self.retry_after = status, retry_after


class AddressRefused(FetchError):
    """The address (or the one it resolves or redirects to) is private or otherwise never connected to."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason, kind="refused")


class ReadError(SholuError):
    """Bytes that could not be read as what they claim to be; ``media_type`` and ``size`` (bytes) say what came, where that is known."""

    def __init__(self, url: str, reason: str, *, kind: str = "unreadable") -> None:
        super().__init__(f"{reason} ({url})")
        self.url, self.reason, self.kind = url, reason, kind
        self.media_type, self.size = "", 0


class MailError(SholuError):
    """The mail server did not take a message."""

    exit_code = 5
