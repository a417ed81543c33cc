"""How long the desk's pages take with few and with very many items, and the query plans that say why.

    python bench/desk_data.py sqlite:////tmp/small.db --items 10000 --verdicts 2000
    python bench/desk_data.py sqlite:////tmp/large.db --items 1000000 --verdicts 200000
    python bench/desk.py sqlite:////tmp/small.db sqlite:////tmp/large.db [--plans]

The desk runs in this process; the time is the CPU's for a whole answer, template and all (on PostgreSQL the clock's, because
the database works elsewhere). The least of several is what the page needs (noise only ever adds); the ratio should be at most 2.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
import warnings
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from domain.settings import Settings
from review.app import create_app
from review.settings import DeskSettings
from storage import queues, statistics
from storage.queues import ItemFilter, Queue
from storage.store import Store, open_store

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TIMES = 9
PLANNED = {
    "inbox": ItemFilter(queue=Queue.NEW),
    "decided": ItemFilter(queue=Queue.DECIDED),
    "by place": ItemFilter(queue=Queue.ALL, terms=(("place", "place-3"),)),
    "search": ItemFilter(queue=Queue.ALL, words="kara"),
}


class Empty:
    """A rulebook without a name in it: names of entities are looked up in memory and cost nothing to speak of."""

    def __init__(self) -> None:
        self.entities: dict[str, Any] = {}
        self.rules: dict[str, Any] = {}


def pages(store: Store) -> dict[str, str]:
    """The pages of the issue, on things that exist in the database: a common and a rare word, an item in the middle."""
    everywhere, common, rare = searched(store)
    with store.read() as connection:
        item = connection.execute(
            text("SELECT id FROM items WHERE grade = 2 ORDER BY moment DESC LIMIT 1 OFFSET 20")
        ).scalar_one()
        old = connection.execute(text("SELECT id FROM items WHERE grade = 2 ORDER BY moment LIMIT 1 OFFSET 20")).scalar_one()
    return {
        "inbox": "/",
        "inbox, near misses": "/?queue=near",
        "decided": "/?queue=decided",
        "flagged, by theme": "/?queue=all&grade=flagged&theme=reform",
        "all by place": "/?queue=all&place=place-3",
        "all by outlet": "/?queue=all&outlet=outlet-7",
        "item, new": f"/item/{item}",
        "item, old": f"/item/{old}",
        "search, word in half of all items": f"/?queue=all&q={everywhere}",
        "search, common word": f"/?queue=all&q={common}",
        "search, rare word": f"/?queue=all&q={rare}",
        "search among flagged": f"/?queue=all&grade=flagged&q={everywhere}",
        "rules": "/rules",
        "one rule": "/rules/protest.act",
        "second reading": "/second",
        "pictures, 30 days": "/pictures",
    }


def searched(store: Store) -> tuple[str, str, str]:
    """A word of more than half of all items, one of about one in twenty, and a rare one; a title has a sixth of an item's words."""
    with store.read() as connection:
        titles = " ".join(connection.execute(text("SELECT title FROM items ORDER BY id LIMIT 3000")).scalars()).split()
    counted = Counter(word for word in titles if len(word) > 5)
    ordered = sorted(counted, key=lambda word: counted[word])
    common = next(word for word in ordered if counted[word] >= 3_000 / 20 / 6)
    return ordered[-1], common, ordered[0]


def measured(store: Store, home: Path) -> dict[str, float]:
    """The least time of each page in milliseconds."""
    statistics.make_summary(store, now=NOW)
    app = create_app(store, Settings(home=home), Empty, own=DeskSettings(_env_file=None), clock=lambda: NOW)
    client = TestClient(app, base_url="http://localhost")
    found = {}
    clock = time.process_time if store.dialect == "sqlite" else time.perf_counter
    for name, path in pages(store).items():
        spent = []
        for _ in range(TIMES):
            begun = clock()
            answer = client.get(path)
            spent.append((clock() - begun) * 1000)
            assert answer.status_code == 200, (path, answer.text[:300])
        found[name] = min(spent)
    return found


def plan(store: Store, wanted: ItemFilter) -> str:
    """How the database finds a page of a list."""
    query = queues.keys_query(store.dialect, wanted, before=None, limit=31, grouped=True)
    made = query.compile(dialect=store.engine.dialect)
    given: Any = tuple(made.params[name] for name in made.positiontup or ()) if made.positional else made.params
    explain = "EXPLAIN QUERY PLAN " if store.dialect == "sqlite" else "EXPLAIN "
    with store.read() as connection:
        rows = connection.exec_driver_sql(explain + str(made), given).all()
    return "\n".join(f"    {row[-1]}" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("addresses", nargs="+", help="from the smallest database to the largest")
    parser.add_argument("--plans", action="store_true")
    given = parser.parse_args()
    columns = []
    for address in given.addresses:
        store = open_store(address)
        with store.read() as connection:
            counts = [connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in ("items", "verdicts")]
        with tempfile.TemporaryDirectory() as home:
            columns.append((counts, measured(store, Path(home))))
        if given.plans:
            for name, wanted in PLANNED.items():
                print(f"{name} on {re.sub('//.*', '', address)} with {counts[0]:,} items:\n{plan(store, wanted)}")
        store.close()
    print("| page | " + " | ".join(f"{items:,} items, {said:,} verdicts" for (items, said), _ in columns) + " | ratio |")
    print("|---|" + "---:|" * (len(columns) + 1))
    for name in columns[0][1]:
        times = [found[name] for _, found in columns]
        print(f"| {name} | " + " | ".join(f"{spent:.1f} ms" for spent in times) + f" | {times[-1] / times[0]:.2f} |")


if __name__ == "__main__":
    main()
