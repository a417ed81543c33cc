"""Ask the full-text index; how words are cut is in ``storage.words``, how the index is kept in ``storage.search_index``."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, bindparam, false, text

from storage.schema.items import items
from storage.words import stem, words

# A question longer than this is somebody's article pasted into the box.
MOST_WORDS = 30
PIECES = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


def question(asked: str) -> tuple[list[list[str]], list[list[str]]]:
    """``asked`` as phrases that must be there and phrases that must not: quotes hold words together, a minus excludes."""
    wanted: list[list[str]] = []
    unwanted: list[list[str]] = []
    for minus, quoted, bare in PIECES.findall(asked):
        phrase = [stem(word) for word in words(quoted or bare)]
        if phrase:
            (unwanted if minus else wanted).append(phrase)
    return wanted[:MOST_WORDS], unwanted[:MOST_WORDS]


def sqlite_match(asked: str) -> str:
    """The question in the language of FTS5; ``""`` where nothing is left to look for."""
    wanted, unwanted = question(asked)
    if not wanted:
        return ""
    # Every stem is quoted, so no word of the question is ever an operator; the star lets longer forms match.
    said = [" + ".join(f'"{word}"' for word in phrase) + " *" for phrase in wanted]
    excluded = "".join(" NOT (" + " + ".join(f'"{word}"' for word in phrase) + ")" for phrase in unwanted)
    return f"({' AND '.join(f'({one})' for one in said)}){excluded}"


def postgres_query(asked: str) -> str:
    """The question in the language of ``to_tsquery('simple', …)``; ``""`` where nothing is left to look for."""
    wanted, unwanted = question(asked)
    if not wanted:
        return ""
    said = ["(" + " <-> ".join([*(f"'{word}'" for word in phrase[:-1]), f"'{phrase[-1]}':*"]) + ")" for phrase in wanted]
    return " & ".join(said + ["!(" + " <-> ".join(f"'{word}'" for word in phrase) + ")" for phrase in unwanted])


def matching(dialect: str, asked: str) -> ColumnElement[bool]:
    """A condition on ``items``: those whose title or text holds what is asked for; none of them, if nothing askable is asked."""
    if dialect == "sqlite":
        match = sqlite_match(asked)
        found = text("SELECT rowid FROM item_search WHERE item_search MATCH :asked")
    else:
        match = postgres_query(asked)
        found = text("SELECT item_id FROM item_search WHERE words @@ to_tsquery('simple', :asked)")
    if not match:
        return false()
    return items.c.id.in_(found.bindparams(bindparam("asked", match, unique=True)).columns(items.c.id).scalar_subquery())
