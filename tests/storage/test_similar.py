"""Groups of equal texts: who joins whom, whatever the order of coming."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, select

from storage.entries import PendingEntry
from storage.items import save_results
from storage.results import Read
from storage.runs import begin_run
from storage.schema.items import sketch_hashes
from storage.shelf import clusters, list_items
from storage.similar import LOOKED_UP, forget_before, likeness, signed
from storage.store import Store
from tests.storage.conftest import a_document, a_flagging

Take = Callable[..., tuple[PendingEntry, ...]]


def sketches(seed: int, *shares: float) -> list[tuple[int, ...]]:
    """Bottom-48 sketches of texts of 300 shingles, each sharing that share of them with the first."""
    rng = random.Random(seed)
    first = [rng.getrandbits(64) for _ in range(300)]
    made = [first] + [
        first[: int(300 * share)] + [rng.getrandbits(64) for _ in range(300 - int(300 * share))] for share in shares
    ]
    return [tuple(sorted(text)[:48]) for text in made]


def groups(store: Store) -> list[list[str]]:
    found: dict[int, list[str]] = {}
    for item in list_items(store):
        found.setdefault(item.extra["cluster_id"], []).append(item.key)
    assert all(cluster == min(ids) for cluster, ids in clusters(store, list(found)).items())
    return sorted(sorted(keys) for keys in found.values())


def save(store: Store, run_id: int, pending: PendingEntry, key: str, sketch: tuple[int, ...], at: datetime) -> None:
    document = a_document(key, published=at)
    save_results(store, run_id, [Read(pending, key, document, a_flagging(document), sketch=sketch)], now=at)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::3])
def test_groups_do_not_depend_on_the_order_of_coming(
    store: Store, run_id: int, take: Take, now: datetime, order: tuple[int, ...]
) -> None:
    # b is like a, c is like b but hardly like a: one group, whoever comes first; d is another text.
    a, b = sketches(1, 0.8)
    rng = random.Random(5)
    c = tuple(sorted([*b[:36], *(rng.getrandbits(62) for _ in range(12))]))
    (d,) = sketches(2)
    for place, pending in zip(order, take(*range(4)), strict=True):
        save(store, run_id, pending, "abcd"[place], (a, b, c, d)[place], now)
    assert groups(store) == [["a", "b", "c"], ["d"]]


def test_a_text_of_last_month_is_not_the_same_news(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (a,) = sketches(3)
    one, two = take(1, 2)
    save(store, run_id, one, "now", a, now)
    save(store, run_id, two, "then", a, now - timedelta(days=30))
    assert groups(store) == [["now"], ["then"]]


def test_a_headline_is_too_short_to_be_compared(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (a,) = sketches(4)
    for number, pending in enumerate(take(1, 2)):
        save(store, run_id, pending, str(number), a[:10], now)
    assert groups(store) == [["0"], ["1"]]


def test_a_rewritten_text_is_looked_up_by_its_new_words(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (old,), (new,) = sketches(5), sketches(6)
    save(store, run_id, take(1)[0], "a", old, now)
    second = begin_run(store, kind="collect", now=now, parameters={})
    (pending,) = take(1, summary="changed")
    document = a_document("a", "Wholly rewritten.")
    save_results(store, second, [Read(pending, "a", document, a_flagging(document), sketch=new)], now=now)
    save(store, second, take(2)[0], "b", new, now)
    save(store, second, take(3)[0], "c", old, now)
    assert groups(store) == [["a", "b"], ["c"]]


def test_what_is_too_old_to_meet_news_is_no_longer_looked_up(store: Store, run_id: int, take: Take, now: datetime) -> None:
    (a,) = sketches(7)
    one, two = take(1, 2)
    save(store, run_id, one, "old", a, now - timedelta(days=20))
    save(store, run_id, two, "new", a, now)
    assert forget_before(store, now - timedelta(days=15)) == 1
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(sketch_hashes)).scalar_one() == LOOKED_UP


def test_light_rewrites_are_told_from_other_texts() -> None:
    a, light, half, other = sketches(8, 0.9, 0.4, 0.0)
    assert likeness(a, a) == 1.0
    assert likeness(a, light) > 0.6
    assert likeness(a, half) < 0.45
    assert likeness(a, other) == 0.0
    assert likeness((), ()) == 0.0


def test_hashes_of_64_bits_fit_both_databases() -> None:
    assert signed(2**64 - 1) == -1
    assert signed(2**63 - 1) == 2**63 - 1
    assert signed(-5) == -5
