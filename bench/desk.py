"""How long the desk's pages take with few and with very many items, and the query plans that say why.

    python bench/desk_data.py sqlite:////tmp/small.db --items 10000 --verdicts 2000
    python bench/desk_data.py sqlite:////tmp/large.db --items 1000000 --verdicts 200000
    python bench/desk.py sqlite:////tmp/small.db sqlite:////tmp/large.db [--plans]

The desk runs in this process, and the databases take turns, page by page and time by time. Measured is the CPU time of a whole answer,
template and all; on PostgreSQL with that of the server's processes, where it runs on this machine. The least of several is what the page
needs (noise only ever adds); the ratio should be at most 2. The last column is the same ratio by the clock.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

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


class Watched(NamedTuple):
    """What a page took, in milliseconds."""

    cpu: float
    clock: float


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
        "search among flagged, word in half of all": f"/?queue=all&grade=flagged&q={everywhere}",
        "search among flagged, rare word": f"/?queue=all&grade=flagged&q={rare}",
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


def desk_over(store: Store, home: Path) -> TestClient:
    """The desk over a store, its summary made."""
    statistics.make_summary(store, now=NOW)
    app = create_app(store, Settings(home=home), Empty, own=DeskSettings(_env_file=None), clock=lambda: NOW)
    return TestClient(app, base_url="http://localhost")


def spent(store: Store) -> float:
    """CPU seconds of this process and, where they can be seen, of the database's that serve it."""
    total = time.process_time()
    if store.dialect == "postgresql":
        with store.read() as connection:
            asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            pids = connection.execute(text(asked)).scalars().all()
        for pid in pids:
            counted = Path(f"/proc/{pid}/schedstat")
            total += int(counted.read_text().split()[0]) / 1e9 if counted.exists() else 0.0
    return total


def answered(store: Store, client: TestClient, path: str) -> Watched:
    """One answer of the desk."""
    cpu, clock = spent(store), time.perf_counter()
    answer = client.get(path)
    clock = time.perf_counter() - clock
    assert answer.status_code == 200, (path, answer.text[:300])
    return Watched((spent(store) - cpu) * 1000, clock * 1000)


def measured(stores: Sequence[Store], home: Path) -> dict[str, list[Watched]]:
    """The least of each page on each store."""
    asked = [(store, desk_over(store, home), pages(store)) for store in stores]
    found = {}
    for name in asked[0][2]:
        rounds = [[answered(store, client, paths[name]) for store, client, paths in asked] for _ in range(TIMES)]
        found[name] = [Watched(*map(min, zip(*one, strict=True))) for one in zip(*rounds, strict=True)]
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
    stores = [open_store(address) for address in given.addresses]
    sizes = []
    for store in stores:
        with store.read() as connection:
            items, said = (connection.execute(text(f"SELECT count(*) FROM {one}")).scalar_one() for one in ("items", "verdicts"))
        sizes.append(f"{items:,} items, {said:,} verdicts")
        for name, wanted in PLANNED.items() if given.plans else ():
            print(f"{name} on {store.dialect} with {items:,} items:\n{plan(store, wanted)}")
    with tempfile.TemporaryDirectory() as home:
        found = measured(stores, Path(home))
    print("| page | " + " | ".join(sizes) + " | ratio | by the clock |")
    print("|---|" + "---:|" * (len(sizes) + 2))
    for name, times in found.items():
        ratios = [f"{last / first:.2f}" for first, last in zip(times[0], times[-1], strict=True)]
        print(" | ".join([f"| {name}", *(f"{one.cpu:.1f} ms" for one in times), *ratios]) + " |")
    for store in stores:
        store.close()


if __name__ == "__main__":
    main()
