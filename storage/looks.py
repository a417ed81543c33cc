"""Whether any later look is due, asked at the end of every run; what a look is and what it finds is in ``storage.rechecks``."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, text

from storage.schema.types import Moment
from storage.store import Store

# A due time further away than any look was written by a clock that had jumped ahead.
LONGEST = timedelta(days=30)
# Where nobody knows any more which machine named an address: taken for a public one, so that it cannot lead inside.
UNKNOWN_MACHINE = "0.0.0.0"  # noqa: S104  # nothing is bound to it

_WAIT = text("""
    SELECT EXISTS (SELECT 1 FROM rechecks WHERE state = 'waiting' AND (due <= :now OR due > :latest))
        OR EXISTS (
            SELECT 1 FROM items WHERE grade = 2 AND url LIKE 'http%'
            AND NOT EXISTS (SELECT 1 FROM rechecks WHERE rechecks.item_id = items.id)
        )
""").bindparams(bindparam("now", type_=Moment), bindparam("latest", type_=Moment))


def looks_wait(store: Store, *, now: datetime) -> bool:
    """Whether a flagged item's look is due, or one has none planned yet: a question of one statement, and mostly answered with no."""
    with store.read() as connection:
        return bool(connection.execute(_WAIT, {"now": now, "latest": now + LONGEST}).scalar_one())
