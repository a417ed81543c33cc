"""Groups of equal texts: which items say the same in (nearly) the same words; the sketch of a text is made elsewhere."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select, update

from storage.rows import insert_rows
from storage.schema.items import items, sketch_hashes, sketches
from storage.store import MANY, Store, in_batches

# Share of 3-word shingles two texts must have in common to be one text. Light rewrites score above 0.6, true accounts of one
# event by two outlets mostly under 0.3 (they are a story, not a copy).
SAME_TEXT = 0.5
# A text comes round within days; two weeks take in weekly papers.
WINDOW = timedelta(days=14)
# Of the sketch only the smallest hashes are looked up: two texts that share half of their shingles share none of eight with
# probability 0.5^8 = 0.4 %; all 48 would be six times the rows for nothing.
LOOKED_UP = 8
# Fewer shingles than this (a headline) say nothing.
LEAST = 16
# A hash carried by more items than this is a phrase under every article of an outlet; only its latest carriers are compared.
CARRIERS = 100


@dataclass(frozen=True, slots=True)
class Sketched:
    """An item just stored or rewritten, with the sketch of its text (64-bit hashes, any order)."""

    item_id: int
    moment: datetime
    hashes: tuple[int, ...]


def likeness(one: Sequence[int], other: Sequence[int], size: int = 48) -> float:
    """The share of shingles two texts have in common, estimated from their bottom-``size`` sketches (ascending)."""
    if one == other:
        return 1.0 if one else 0.0  # word for word, as an agency's text mostly is
    mine, others = set(one), set(other)
    lowest = sorted(mine | others)[:size]
    if not lowest:
        return 0.0
    return len(mine.intersection(others, lowest)) / len(lowest)


def signed(value: int) -> int:
    """A 64-bit hash as both databases can keep it."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value


def group(store: Store, connection: Connection, fresh: Sequence[Sketched]) -> None:
    """Index the sketches of ``fresh`` and join each item to the groups it is like; a group's id is its smallest item id.

    Groups are the connected parts of "likeness of at least SAME_TEXT within WINDOW", so they do not depend on the order in which
    items come. What does: the ids of the items and thus of the groups; and an item whose text changed keeps its old group too.
    Needs a transaction begun with ``ordered=True``: two writers would not see each other's items.
    """
    mine = {each.item_id: each for each in fresh if len(each.hashes) >= LEAST}
    if not mine:
        return
    known = {key: tuple(sorted(map(signed, each.hashes))) for key, each in mine.items()}
    _index(store, connection, mine, known)
    carriers = _carriers(connection, {value for hashes in known.values() for value in hashes[:LOOKED_UP]})
    candidates = {
        key: {other for value in hashes[:LOOKED_UP] for other in carriers.get(value, ())} - {key} for key, hashes in known.items()
    }
    all_of_them = _load(connection, set().union(*candidates.values()) - mine.keys())
    all_of_them.update((key, Sketched(key, each.moment, known[key])) for key, each in mine.items())
    # Each pair once, from whichever of the two it was met.
    met = {(min(key, other), max(key, other)) for key, found in candidates.items() for other in found if other in all_of_them}
    pairs = [(one, other) for one, other in sorted(met) if _are_one_text(all_of_them[one], all_of_them[other])]
    if pairs:
        _join(connection, pairs)


def _are_one_text(one: Sketched, other: Sketched) -> bool:
    return abs(one.moment - other.moment) <= WINDOW and likeness(one.hashes, other.hashes) >= SAME_TEXT


def forget_before(store: Store, moment: datetime) -> int:
    """Drop the looked-up hashes of items too old to meet a new one (their groups stay); returns how many items."""
    with store.begin(ordered=True) as connection:
        old = connection.execute(select(sketches.c.item_id).where(sketches.c.moment < moment)).scalars().all()
        for batch in in_batches(list(old), MANY):
            connection.execute(delete(sketch_hashes).where(sketch_hashes.c.item_id.in_(batch)))
            connection.execute(delete(sketches).where(sketches.c.item_id.in_(batch)))
    return len(old)


def _index(store: Store, connection: Connection, mine: Mapping[int, Sketched], known: Mapping[int, tuple[int, ...]]) -> None:
    for batch in in_batches(list(mine), MANY):
        connection.execute(delete(sketch_hashes).where(sketch_hashes.c.item_id.in_(batch)))
    new = store.insert(sketches)
    whole = new.on_conflict_do_update(
        index_elements=["item_id"], set_={"moment": new.excluded.moment, "hashes": new.excluded.hashes}
    )
    rows = [{"item_id": key, "moment": each.moment, "hashes": array("q", known[key]).tobytes()} for key, each in mine.items()]
    for batch in in_batches(rows):
        connection.execute(whole, batch)
    looked_up = [(value, key) for key, hashes in known.items() for value in sorted(set(hashes))[:LOOKED_UP]]
    insert_rows(connection, sketch_hashes, looked_up)


def _carriers(connection: Connection, hashes: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for batch in in_batches(sorted(hashes), MANY):
        query = select(sketch_hashes.c.hash, sketch_hashes.c.item_id).where(sketch_hashes.c.hash.in_(batch))
        for value, item_id in connection.execute(query):
            found[value].append(item_id)
    return {value: sorted(carriers)[-CARRIERS:] for value, carriers in found.items()}


def _load(connection: Connection, ids: set[int]) -> dict[int, Sketched]:
    found: dict[int, Sketched] = {}
    for batch in in_batches(sorted(ids), MANY):
        for row in connection.execute(select(sketches).where(sketches.c.item_id.in_(batch))):
            hashes = array("q")
            hashes.frombytes(row.hashes)
            found[row.item_id] = Sketched(row.item_id, row.moment, tuple(hashes))
    return found


def _join(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    ids = sorted({item_id for pair in pairs for item_id in pair})
    of: dict[int, int] = {}
    for batch in in_batches(ids, MANY):
        of.update(connection.execute(select(items.c.id, items.c.cluster_id).where(items.c.id.in_(batch))).tuples().all())
    root = {cluster: cluster for cluster in of.values()}

    def find(cluster: int) -> int:
        while root[cluster] != cluster:
            cluster = root[cluster]
        return cluster

    for one, other in pairs:
        low, high = sorted((find(of[one]), find(of[other])))
        root[high] = low
    moves = [{"b_from": cluster, "cluster_id": smallest} for cluster in sorted(root) if (smallest := find(cluster)) != cluster]
    if moves:
        connection.execute(update(items).where(items.c.cluster_id == bindparam("b_from")), moves)
