"""What a robots.txt lets us read (RFC 9309, by protego): bytes in, rules out; the client fetches it and keeps it for the run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protego import Protego

AGENT = "sholu"
MAX_ROBOTS = 512_000
"""Bytes that are read of a robots.txt; RFC 9309 asks for at least 500 KiB, the rest is cut off."""
_AGENT_LINE = re.compile(r"[ \t]*user[- ]?agent[ \t]*:?[ \t]*([^#]*)", re.IGNORECASE)
_TOKEN = re.compile(r"[a-z_-]+|\*")
_OTHER = "User-agent: some-other-robot"


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one robots.txt that are meant for us; ``delay`` in seconds as it asks, ``None`` where it does not."""

    rules: Protego | None
    delay: float | None

    def allows(self, url: str) -> bool:
        return self.rules is None or bool(self.rules.can_fetch(url, AGENT))


ALLOW_ALL = Robots(None, None)


def read_robots(body: bytes) -> Robots:
    """Read a robots.txt; what cannot be read of it is no rule."""
    from protego import Protego  # imported with the first robots.txt: feeds are asked for without one

    text = body[:MAX_ROBOTS].decode("utf-8-sig", "replace")
    rules = Protego.parse("\n".join(_ours(line) for line in re.split(r"\r\n|\r|\n", text)))
    delay = rules.crawl_delay(AGENT)
    return Robots(rules, float(delay) if delay is not None else None)


def _ours(line: str) -> str:
    """The line, a user-agent line reduced to "*", us, or one name for all others.

    protego keeps a set of rules for each name, so that a file of 12,000 names and as many rules costs it minutes; and it looks
    for the names inside ours, where RFC 9309 wants the product token compared whole.
    """
    found = _AGENT_LINE.match(line)
    if not found:
        return line
    token = _TOKEN.match(found[1].strip().lower())
    if token is None or token[0] not in (AGENT, "*"):
        return _OTHER
    return f"User-agent: {token[0]}"
