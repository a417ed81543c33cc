"""What a database's refusal means in words for the person who can mend it; nothing is opened or written here."""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Each line: what the driver's message holds, and the sentence. The first that fits is said.
SQLITE_SAYS: tuple[tuple[str, str], ...] = (
    (
        "file is not a database",
        (
            "The file {address} is not a database or is damaged; it was left as it is. Restore a back-up (`sholu "
            "restore`), or move it away to begin anew."
        ),
    ),
    (
        "malformed",
        (
            "The database {address} is damaged; nothing more was written. Run `sholu db check`, then restore a back-up "
            "(`sholu restore`)."
        ),
    ),
    (
        "database or disk is full",
        "The disk that holds the database {address} is full; what was not yet stored was undone. Free some space and run again.",
    ),
    (
        "disk i/o error",
        (
            "The disk that holds the database {address} does not take or give data (full, over quota or failing); what "
            "was not yet stored was undone. Check the disk and run again."
        ),
    ),
    (
        "readonly",
        "The database {address} may only be read by this user; allow writing to the file and its folder, or set SHOLU_HOME.",
    ),
    (
        "database is locked",
        (
            "The database {address} is in use by another program that did not let go; wait for it to end, or find it with "
            "`sholu doctor`, and run again."
        ),
    ),
    (
        "unable to open",
        "The database {address} cannot be opened; check that the folder exists and that this user may write to it.",
    ),
    (
        "no such table",
        "The database {address} lacks a table, so it is not whole; restore a back-up, or move it away to begin anew.",
    ),
)
POSTGRES_SAYS: tuple[tuple[str, str], ...] = (
    ("password authentication failed", "PostgreSQL at {address} refuses the user or the password; correct SHOLU_DATABASE_URL."),
    ("no password supplied", "PostgreSQL at {address} wants a password; write it in SHOLU_DATABASE_URL."),
    (
        "does not exist",
        (
            "PostgreSQL answers, but has no such database, user or table ({address}): {detail}. Create it, or correct "
            "SHOLU_DATABASE_URL."
        ),
    ),
    (
        "permission denied",
        (
            "PostgreSQL at {address} does not allow this user to do that: {detail}. Grant the right, or use the owner of "
            "the database."
        ),
    ),
    ("read-only", "PostgreSQL at {address} may only be read (a standby, or set so); use the primary server."),
    (
        "no space left",
        "The disk of PostgreSQL at {address} is full; what was not yet stored was undone. Free some space and run again.",
    ),
    (
        "could not extend",
        "The disk of PostgreSQL at {address} is full; what was not yet stored was undone. Free some space and run again.",
    ),
    ("too many", "PostgreSQL at {address} takes no more connections; raise max_connections or stop other programs."),
    (
        "lock timeout",
        "The database {address} is in use by another program that did not let go; wait for it to end and run again.",
    ),
    ("deadlock", "Two programs waited for each other in {address}; what was not yet stored was undone. Run again."),
    ("starting up", "PostgreSQL at {address} is just starting; run again in a moment."),
    (
        "shutting down",
        "PostgreSQL at {address} is being shut down; what was not yet stored was undone. Run again when it is back.",
    ),
    (
        "terminating connection",
        "PostgreSQL at {address} ended the connection; what was not yet stored was undone. Run again when it is back.",
    ),
    (
        "server closed the connection",
        "PostgreSQL at {address} ended the connection; what was not yet stored was undone. Run again when it is back.",
    ),
    (
        "connection is lost",
        "PostgreSQL at {address} ended the connection; what was not yet stored was undone. Run again when it is back.",
    ),
    (
        "connection",
        (
            "PostgreSQL at {address} cannot be reached: {detail}. Check that it runs and that host and port in "
            "SHOLU_DATABASE_URL are right."
        ),
    ),
    ("resolve", "PostgreSQL at {address} cannot be reached: {detail}. Check the host in SHOLU_DATABASE_URL."),
)
PASSWORDS = re.compile(r"(://[^:/@\s]*:)[^@\s]+@|(password=)\S+", re.IGNORECASE)


def damaged(address: str, found: str) -> str:
    """What to say of an SQLite file that opens but is not sound; ``found`` is the database's own finding."""
    detail = " ".join(found.replace("*** in database main ***", "").split())[:200]
    return (
        f"The database {address} is damaged ({detail}); it was left as it is. "
        "See `sholu db check`, and restore a back-up (`sholu restore`)."
    )


def sentence(error: SQLAlchemyError | sqlite3.Error, address: str) -> str:
    """One sentence that names ``address`` (which holds no password) and says what to do; never SQL, never the values of a row."""
    if isinstance(error, PoolTimeout):
        return f"The database {address} is busy: no connection came free in time; run again, or lower the number of workers."
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    detail = _first_line(cause)
    table = SQLITE_SAYS if isinstance(cause, sqlite3.Error) else POSTGRES_SAYS
    for mark, said in table:
        if mark in detail.lower():
            return said.format(address=address, detail=detail)
    what = f"{detail} ({type(cause).__name__})"
    return f"The database {address} refused: {what}. Run `sholu db check`; if it finds nothing, this is a fault of Sholu."


def _first_line(cause: BaseException) -> str:
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    said = lines[0] if lines else type(cause).__name__
    # psycopg lists every address it tried; the last line of such a list holds the reason.
    if len(lines) > 1 and said.endswith((":", "following:")):
        said = lines[1].lstrip("- ")
    return PASSWORDS.sub(r"\1\2***", said)[:300].rstrip(".")
