"""Fill a database with items, flags and verdicts in bulk, to see how the desk does with very many (used by bench/desk.py).

python bench/desk_data.py sqlite:////tmp/large.db --items 1000000 --verdicts 200000
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, Table, text

from domain.values import Ownership, Rung, RungKind, Source
from storage import search_index
from storage.runs import begin_run
from storage.schema.items import flaggings, item_sources, item_terms, item_versions, items
from storage.schema.review import current_verdicts, verdicts
from storage.sources import sync_sources
from storage.store import Store, open_store

FLAGGED_SHARE, NEAR_SHARE = 0.05, 0.05
YEARS = 3
BATCH = 5_000
THEMES = ("protest", "repression", "reform", "election")
RULES = ("protest.act", "protest.strike", "repression.trial", "repression.detention", "reform.law", "election.vote")
SIGNALS = ("act in the country", "act with police", "people with a demand")
REGIONS = tuple(f"KZ-{number}" for number in (10, 11, 15, 19, 23, 27, 31, 33, 35, 39, 43, 47, 55, 59, 61, 62, 63, 71, 75, 79))
# Words of no meaning, as many as a newspaper uses often; the first are met far more often than the last, as in any language.
SYLLABLES = (
    "ka",
    "ra",
    "ta",
    "men",
    "shi",
    "lo",
    "do",
    "ver",
    "no",
    "zha",
    "sty",
    "pol",
    "gor",
    "tau",
    "bek",
    "mir",
    "sol",
    "nur",
    "az",
    "kel",
)
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
FILLED = ["items", "item_versions", "item_sources", "flaggings", "item_terms", "item_search"]
# What PostgreSQL keeps besides tables and their keys, as statements that make it and statements that drop it.
SECONDARY = text("""
    SELECT indexdef AS made, format('DROP INDEX %I', indexname) AS dropped, 1 AS turn FROM pg_indexes
     WHERE tablename = ANY(:tables) AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = format('%I', indexname)::regclass)
    UNION ALL
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
           format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), 0 FROM pg_constraint
     WHERE contype = 'f' AND conrelid::regclass::text = ANY(:tables)
     ORDER BY turn, made
""")


def words() -> list[str]:
    chance = random.Random(1)
    return sorted({"".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(20_000)})


Voice = Callable[[], tuple[str, list[str]]]  # says the language and the words of one item, six of them its title


def babble(chance: random.Random) -> Voice:
    """Words of no meaning in any of three languages."""
    vocabulary = words()
    chance.shuffle(vocabulary)
    # Added up once: choices() would add up 20,000 weights for every text.
    weights = list(accumulate(1 / (rank + 5) for rank in range(len(vocabulary))))
    return lambda: (chance.choice(("ru", "ru", "kk", "en")), chance.choices(vocabulary, cum_weights=weights, k=36))


def fill(store: Store, *, count: int, verdict_count: int, voice: Voice | None = None) -> None:
    """Items of three years, five in a hundred flagged and five near misses, each with a text that can be searched."""
    chance = random.Random(count)
    voice = voice or babble(chance)
    outlets = [
        Source(f"outlet-{number}", f"Outlet {number}", "https://outlet.example", (Rung(RungKind.FEED, f"https://{number}.example/rss"),),
               ("ru",), "KZ", None, list(Ownership)[number % 4])
        for number in range(150)
    ]  # fmt: skip
    sync_sources(store, outlets, now=NOW)
    run = begin_run(store, kind="collect", now=NOW, parameters={})
    step = timedelta(days=365 * YEARS) / count
    with _indexed_afterwards(store):
        for start in range(1, count + 1, BATCH):
            ids = range(start, min(start + BATCH, count + 1))
            rows = [_item(item_id, *voice(), NOW - step * (count - item_id), run, chance) for item_id in ids]
            _write(store, rows)
    _judge(store, verdict_count, chance)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # PostgreSQL's own autovacuum does both within minutes; waiting for it would measure when it came.
        connection.execute(text("ANALYZE" if store.dialect == "sqlite" else "VACUUM ANALYZE"))


@contextmanager
def _indexed_afterwards(store: Store) -> Iterator[None]:
    """On PostgreSQL, indexes and foreign keys are made again after the rows, word for word as they were: five times as fast."""
    if store.dialect == "sqlite":
        yield
        return
    with store.begin() as connection:
        before = connection.execute(SECONDARY, {"tables": FILLED}).all()
        for row in before:
            connection.exec_driver_sql(row.dropped)
    yield
    with store.begin() as connection:
        for row in before:
            connection.exec_driver_sql(row.made)
        assert connection.execute(SECONDARY, {"tables": FILLED}).all() == before


def _put(store: Store, connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Rows into a table; by COPY where there is one, each value as the table's own column type gives it to the driver."""
    if not rows:
        return
    if store.dialect == "sqlite":
        connection.execute(table.insert(), rows)
        return
    dialect = store.engine.dialect
    names = list(rows[0])
    given = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value) for name in names]
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([bind(row[name]) for bind, name in zip(given, names, strict=True)])


def _item(item_id: int, language: str, told: list[str], moment: datetime, run: int, chance: random.Random) -> dict[str, Any]:
    draw = chance.random()
    grade = 2 if draw < FLAGGED_SHARE else 1 if draw < FLAGGED_SHARE + NEAR_SHARE else 0
    title, body = " ".join(told[:6]), " ".join(told[6:])
    theme, rule = chance.randrange(len(THEMES)), chance.choices(RULES, (30, 20, 20, 15, 10, 5))[0]
    signals = chance.sample(SIGNALS, 2)
    outlet = f"outlet-{chance.randrange(150)}"
    base = {
        "version": 1,
        "language": language,
        "published": moment,
        "published_from": "feed",
        "body_from": "page",
        "url": f"https://x.example/{item_id}",
    }
    span = {
        "field": "text",
        "start": 0,
        "end": len(told[6]),
        "text": told[6],
        "term": "act",
        "rule": rule,
        "signal": signals[0],
        "points": 4.0,
    }
    parts = [{"signal": signal, "points": 4.0, "spans": [0], "why": ""} for signal in signals]
    return {
        "id": item_id, "grade": grade, "moment": moment, "title": title, "text": body, "run": run, "outlet": outlet, "base": base,
        "score": (0.0, 4.0, 8.0)[grade], "theme": THEMES[theme], "rule": rule, "signals": signals, "spans": [span],
        "rulings": [{"rule": rule, "theme": THEMES[theme], "score": (0.0, 4.0, 8.0)[grade], "threshold": 6.0, "parts": parts}],
        "places": [f"place-{chance.randrange(60)}"], "entities": [f"person-{int(chance.paretovariate(1)) % 400}"], "region": chance.choice(REGIONS),
    }  # fmt: skip


def _write(store: Store, rows: list[dict[str, Any]]) -> None:
    with store.begin() as connection:

        def put(table: Table, made: list[dict[str, Any]]) -> None:
            _put(store, connection, table, made)

        put(items, [{
            "id": row["id"], "key": f"k{row['id']}", "source_id": row["outlet"], "first_seen": row["moment"], "run_id": row["run"], "version_id": row["id"],
            "changed_at": row["moment"], "title": row["title"], "moment": row["moment"], "grade": row["grade"], "score": row["score"], "threshold": 6.0,
            "flagging_id": row["id"] if row["grade"] else None, "rules_version": "bench", "themes": [row["theme"]] if row["grade"] == 2 else [],
            "review": "open", "cluster_id": row["id"], **row["base"],
        } for row in rows])  # fmt: skip
        put(item_versions, [{
            "id": row["id"], "item_id": row["id"], "number": 1, "sha256": f"{row['id']:064x}", "title": row["title"], "text": row["text"],
            "authors": [], "extractor": "bench", "cut": False, "fetched_at": row["moment"], "seen_at": row["moment"], "run_id": row["run"],
            **{name: value for name, value in row["base"].items() if name != "version"},
        } for row in rows])  # fmt: skip
        put(item_sources, [{
            "item_id": row["id"], "source_id": row["outlet"], "url": row["base"]["url"], "entry_key": f"k{row['id']}", "first_seen": row["moment"],
        } for row in rows])  # fmt: skip
        judged = [row for row in rows if row["grade"]]
        put(flaggings, [{
            "id": row["id"], "item_id": row["id"], "version_id": row["id"], "rules_version": "bench", "score": row["score"], "threshold": 6.0,
            "flagged": row["grade"] == 2, "near_miss": row["grade"] == 1, "themes": [row["theme"]], "entities": row["entities"] + row["places"],
            "places": row["places"], "regions": [row["region"]], "spans": row["spans"], "rulings": row["rulings"], "at": row["moment"], "run_id": row["run"],
        } for row in judged])  # fmt: skip
        put(
            item_terms,
            [
                {"item_id": row["id"], "grade": row["grade"], "moment": row["moment"], "kind": kind, "value": value}
                for row in rows
                for kind, value in _terms(row)
            ],
        )
        search_index.replace_in_index(
            store, connection, [], [search_index.row(row["id"], row["title"], row["text"]) for row in rows]
        )


def _terms(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "place", row["places"][0]
    yield "entity", row["entities"][0]
    if row["grade"]:
        yield "theme", row["theme"]
        yield "region", row["region"]
        yield "rule", row["rule"]
        for signal in row["signals"]:
            yield "signal", f"{row['rule']}/{signal}"
    if row["grade"] == 2:
        yield "alone", row["rule"]


def _judge(store: Store, count: int, chance: random.Random) -> None:
    """Verdicts by four people: the flagged items first (all but the newest tenth), then near misses; some are judged twice."""
    with store.read() as connection:
        flagged = list(connection.execute(text("SELECT id FROM items WHERE grade = 2 ORDER BY moment")).scalars())
        near = list(connection.execute(text("SELECT id FROM items WHERE grade = 1 ORDER BY moment")).scalars())
    judged = (flagged[: int(len(flagged) * 0.9)] + near) * 3
    made, held, reviews = [], {}, {}
    for number, item_id in enumerate(judged[:count], 1):
        at = NOW - timedelta(minutes=2) * (count - number)
        reviewer = f"reviewer-{chance.randrange(4)}"
        decision = (
            chance.choices(("relevant", "not-relevant", "unsure"), (6, 3, 1))[0]
            if item_id not in reviews or chance.random() < 0.1
            else reviews[item_id]
        )
        made.append({"id": number, "item_id": item_id, "version_id": item_id, "flagging_id": item_id, "reviewer": reviewer, "act": "decide",
                     "decision": decision, "blind": True, "seconds": chance.uniform(3, 30), "batch": f"b{number}", "at": at})  # fmt: skip
        held[item_id, reviewer] = {"item_id": item_id, "reviewer": reviewer, "verdict_id": number, "decision": decision, "reason": "", "blind": True,
                                   "settles": False, "at": at}  # fmt: skip
        reviews[item_id] = decision if reviews.get(item_id, decision) == decision else "disputed"
    for table, rows in ((verdicts, made), (current_verdicts, list(held.values()))):
        for start in range(0, len(rows), BATCH):
            with store.begin() as connection:
                _put(store, connection, table, rows[start : start + BATCH])
    changed = list(reviews.items())
    for start in range(0, len(changed), BATCH):
        with store.begin() as connection:
            connection.execute(
                text("UPDATE items SET review = :review, reviewed_at = moment WHERE id = :id"),
                [{"id": item_id, "review": review} for item_id, review in changed[start : start + BATCH]],
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--verdicts", type=int, default=2_000)
    given = parser.parse_args()
    begun = time.monotonic()
    store = open_store(given.address)
    fill(store, count=given.items, verdict_count=given.verdicts)
    store.close()
    print(f"{given.items:,} items and {given.verdicts:,} verdicts in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
