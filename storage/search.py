"""Ask the full-text index; which words a question looks for is in ``storage.words``, the index in ``storage.search_index``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, bindparam, false, text

from storage.schema.items import items
from storage.words import Sought, placed, sought, words

# A question longer than this is somebody's article pasted into the box.
MOST_WORDS = 30
PIECES = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


Spelled = Mapping[str, tuple[str, ...]]  # by the beginning of a word, all words of an index that begin so


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a question: words in any of their forms, or a phrase in quotes, word for word."""

    forms: tuple[Sought, ...] = ()
    phrase: tuple[str, ...] = ()


@lru_cache(maxsize=256)  # a page asks the same of every title and text it shows
def question(asked: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """``asked`` as pieces that must be there and pieces that must not: quotes mean word for word, a minus excludes."""
    wanted: list[Piece] = []
    unwanted: list[Piece] = []
    for minus, quoted, bare in PIECES.findall(asked):
        piece = Piece(phrase=tuple(words(quoted))) if quoted else Piece(forms=tuple(map(sought, words(bare))))
        if piece.forms or piece.phrase:
            (unwanted if minus else wanted).append(piece)
    return tuple(wanted[:MOST_WORDS]), tuple(unwanted[:MOST_WORDS])


def found_in(text: str, asked: str) -> list[tuple[int, int]]:
    """Where the words ``asked`` for stand in ``text`` (begin, end), by the same forms and phrases as the index is asked with."""
    wanted, _ = question(asked)
    forms = [form for piece in wanted for form in piece.forms]
    standing = list(placed(text))
    told = [word for _, _, word in standing]
    fitting = {word for word in set(told) if any(form.fits(word) for form in forms)}
    hits = {place for place, word in enumerate(told) if word in fitting}
    for phrase in (piece.phrase for piece in wanted if piece.phrase):
        for place, word in enumerate(told):
            if word == phrase[0] and tuple(told[place : place + len(phrase)]) == phrase:
                hits.update(range(place, place + len(phrase)))
    return list(dict.fromkeys(standing[place][:2] for place in sorted(hits)))


def beginnings(asked: str) -> tuple[str, ...]:
    """The beginnings of words a question looks for, each once."""
    wanted, unwanted = question(asked)
    return tuple(dict.fromkeys(each for piece in (*wanted, *unwanted) for form in piece.forms for each in form.prefixes))


def sqlite_match(asked: str, spelled: Spelled | None = None) -> str:
    """The question in the language of FTS5; ``""`` where nothing is left to look for. A beginning that is ``spelled`` out is asked for
    by the words given for it."""
    wanted, unwanted = question(asked)
    if not wanted:
        return ""
    held = spelled or {}
    asked_for = " AND ".join(_sqlite_piece(piece, held) for piece in wanted)
    return f"({asked_for})" + "".join(f" NOT {_sqlite_piece(piece, held)}" for piece in unwanted)


def postgres_query(asked: str) -> str:
    """The question in the language of ``to_tsquery('simple', …)``; ``""`` where nothing is left to look for."""
    wanted, unwanted = question(asked)
    if not wanted:
        return ""
    return " & ".join([*map(_postgres_piece, wanted), *(f"!{_postgres_piece(piece)}" for piece in unwanted)])


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


# Every word is quoted, so that none of a question is ever taken for an operator; words hold letters and digits only.
def _sqlite_piece(piece: Piece, spelled: Spelled) -> str:
    if piece.phrase:
        return "(" + " + ".join(f'"{word}"' for word in piece.phrase) + ")"
    return "(" + " AND ".join(f"({' OR '.join(_sqlite_forms(each, spelled))})" for each in piece.forms) + ")"


def _sqlite_forms(sought: Sought, spelled: Spelled) -> list[str]:
    words = {*sought.exact, *(word for each in sought.prefixes for word in spelled.get(each, ()))}
    return [*(f'"{word}"' for word in sorted(words)), *(f'"{each}" *' for each in sought.prefixes if each not in spelled)]


def _postgres_piece(piece: Piece) -> str:
    if piece.phrase:
        return "(" + " <-> ".join(f"'{word}'" for word in piece.phrase) + ")"
    said = (
        " | ".join([*(f"'{word}'" for word in sorted(each.exact)), *(f"'{word}':*" for word in each.prefixes)])
        for each in piece.forms
    )
    return "(" + " & ".join(f"({one})" for one in said) + ")"
