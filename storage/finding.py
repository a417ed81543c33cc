"""The full-text index as a table that a list joins, asked in the way that is quick however often a word was written; pages are cut in ``queues``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    bindparam,
    column,
    false,
    func,
    select,
    table,
    text,
    true,
)

from storage.search import Spelled, beginnings, postgres_query, sqlite_match

# Texts that PostgreSQL expects to hold a word, up to which the word is rare; it expects two to four times as many as there are, and
# reads ten thousand hits in about the time in which it walks as many items as a page of a filter needs.
RARE = 40_000
# Words of the index that may stand for one beginning; where more begin so, SQLite is asked for the beginning itself.
MOST_SPELLED = 200
# The index's own words, each as often as it stands somewhere: the only kind of this table in which a word is reached without
# counting the texts that hold the word before it (https://www.sqlite.org/fts5.html#the_fts5vocab_virtual_table_module).
WORDS_TABLE = text("CREATE VIRTUAL TABLE IF NOT EXISTS temp.item_words USING fts5vocab('main', 'item_search', 'instance')")
NEXT_WORD = text("SELECT term FROM temp.item_words WHERE term >= :least LIMIT 1")


@dataclass(frozen=True, slots=True)
class Way:
    """How the index is best asked for some words, which the database itself does not see."""

    rare: bool = False  # all hits first, then the rest of the question; for PostgreSQL
    spelled: Spelled = field(default_factory=dict)  # the words that begin so; for SQLite


def way_to(connection: Connection, asked: str, *, narrowed: bool) -> Way:
    """The quick way to ask for some words; ``narrowed`` says whether a hit must hold to more than the words."""
    if connection.dialect.name == "sqlite":
        return Way(spelled=spelled_out(connection, asked))
    return Way(rare=narrowed and _is_rare(connection, asked))


def spelled_out(connection: Connection, asked: str) -> Spelled:
    """By each beginning a question looks for, the words of SQLite's index that begin so.

    Asked for a beginning, FTS5 reads every hit before it gives the newest, half a million of them for a word in half of a million
    texts. Asked for words, it walks from the newest and stops when the page is full.
    """
    looked_for = beginnings(asked)
    if looked_for:
        connection.execute(WORDS_TABLE)
    spelled = {}
    for beginning in looked_for:
        words = list(islice(_words_from(connection, beginning), MOST_SPELLED + 1))
        # None where the index cuts words in another place than we do, too.
        if 0 < len(words) <= MOST_SPELLED:
            spelled[beginning] = tuple(words)
    return spelled


def _words_from(connection: Connection, beginning: str) -> Iterator[str]:
    least = beginning
    while (word := connection.execute(NEXT_WORD, {"least": least}).scalar()) is not None and word.startswith(beginning):
        yield word
        least = f"{word}\x01"  # the least there can be above it; the same word would be met as often as it was written


def _is_rare(connection: Connection, asked: str) -> bool:
    """Whether PostgreSQL is to ask the index of words before anything else.

    It takes any beginning of a word for at least half a hundredth of all texts, and so hopes to fill the page of a filter soon by
    walking the items from the newest; for a word that is rarer it walks nearly all of them. Its guess is good enough to tell such
    words from frequent ones, for which the walk is short.
    """
    index = found("postgresql", asked, Way())
    query = select(index.key).where(index.condition).compile(dialect=connection.dialect)
    told = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {query}", query.params).scalar_one()
    return bool(told[0]["Plan"]["Plan Rows"] <= RARE)


@dataclass(frozen=True, slots=True)
class Found:
    """The full-text index as a table to join: a search walks it from its newest end, and stops when the page is full.

    Of a rare word on PostgreSQL the table holds all hits, found beforehand.
    """

    table: FromClause
    key: ColumnElement[int]
    condition: ColumnElement[bool]


def found(dialect: str, asked: str, way: Way) -> Found:
    """The index, asked for some words."""
    if dialect == "sqlite":
        index = table("item_search", column("rowid", BigInteger))
        match = sqlite_match(asked, way.spelled)
        condition: Any = text("item_search MATCH :asked").bindparams(bindparam("asked", match, unique=True))
        return Found(index, index.c.rowid, condition if match else false())
    index = table("item_search", column("item_id", BigInteger), column("words"))
    match = postgres_query(asked)
    condition = index.c.words.op("@@")(func.to_tsquery("simple", match))
    if way.rare and match:
        # MATERIALIZED keeps the planner from turning this into a walk again.
        # In order, so that the walk may end with the page (from PostgreSQL 17 on the order is seen outside).
        hits = select(index.c.item_id).where(condition).order_by(index.c.item_id.desc()).cte("hits").prefix_with("MATERIALIZED")
        return Found(hits, hits.c.item_id, true())
    return Found(index, index.c.item_id, condition if match else false())
