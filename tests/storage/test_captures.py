"""Bytes as received: kept once, proven by their hash, linked in the evidence chain."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import delete, func, select, text, update

from domain.errors import StoreError
from storage import chain
from storage.captures import load_capture, save_captures
from storage.chain_check import verify_chain
from storage.entries import PendingEntry
from storage.items import save_results
from storage.runs import begin_run, end_run
from storage.schema.evidence import blobs, captures
from storage.schema.evidence import chain as links
from storage.schema.items import item_versions
from storage.store import Store, open_store
from tests.storage.conftest import a_capture, a_read

Take = Callable[..., tuple[PendingEntry, ...]]


def test_a_capture_comes_back_as_it_was_received(store: Store, run_id: int, now: datetime) -> None:
    received = a_capture("https://example.org/1", bytes(range(256)) * 40, now, redirects=("https://example.org/a",))
    (capture_id,) = save_captures(store, run_id, [received])
    assert load_capture(store, capture_id) == received


def test_an_empty_body_is_kept_too(store: Store, run_id: int, now: datetime) -> None:
    (capture_id,) = save_captures(store, run_id, [a_capture("https://example.org/1", b"", now)])
    assert load_capture(store, capture_id).body == b""


def test_an_empty_body_whose_packing_was_altered_is_refused(store: Store, run_id: int, now: datetime) -> None:
    (saved,) = save_captures(store, run_id, [a_capture("https://example.org/nothing", b"", now)])
    assert load_capture(store, saved).body == b""
    with store.begin() as connection:
        connection.execute(update(blobs).values(data=b"\x28\xb5\xaf\xfd\x20\x00\x01\x00\x00"))
    with pytest.raises(StoreError, match="an empty body was kept as something else"):
        load_capture(store, saved)


def test_equal_bytes_are_kept_once_however_often_they_came(store: Store, run_id: int, now: datetime) -> None:
    received = [a_capture(f"https://example.org/{number}", b"<html>" * 100, now) for number in range(5)]
    assert len(set(save_captures(store, run_id, received))) == 5
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(blobs)).scalar_one() == 1


def test_bytes_dropped_by_retention_are_kept_anew_when_they_come_again(store: Store, run_id: int, now: datetime) -> None:
    page = "https://example.org/page"
    (first,) = save_captures(store, run_id, [a_capture(page, b"the same page", now)])
    with store.begin() as connection:
        connection.execute(update(captures).values(blob_id=None))
        connection.execute(delete(blobs))
    later = now + timedelta(hours=1)
    again, other = save_captures(store, run_id, [a_capture(page, b"the same page", later), a_capture(page, b"another", later)])
    assert load_capture(store, again).body == b"the same page"
    assert load_capture(store, other).body == b"another"
    with pytest.raises(StoreError, match="dropped by retention"):
        load_capture(store, first)


def test_a_batch_saved_twice_is_there_once(store: Store, run_id: int, now: datetime) -> None:
    received = [a_capture(f"https://example.org/{number}", b"%d" % number, now) for number in range(3)]
    ids = save_captures(store, run_id, received)
    assert save_captures(store, run_id, [*received, received[0]]) == [*ids, ids[0]]
    later = replace(received[0], fetched_at=now + timedelta(hours=1))
    assert save_captures(store, run_id, [later])[0] not in ids


def test_a_body_that_rotted_is_refused(store: Store, run_id: int, now: datetime) -> None:
    good = a_capture("https://example.org/1", b"good", now)
    (capture_id,) = save_captures(store, run_id, [good])
    with store.begin() as connection:
        other = connection.execute(select(blobs.c.data)).scalar_one()
        connection.execute(update(blobs).values(data=other[:-1] + bytes([other[-1] ^ 1])))
    with pytest.raises(StoreError, match=f"capture {capture_id}"):
        load_capture(store, capture_id)
    with pytest.raises(StoreError, match="no capture 99"):
        load_capture(store, 99)


def a_chain(store: Store, run_id: int, now: datetime, take: Take) -> None:
    almaty = timezone(timedelta(hours=5))
    received = [
        a_capture(f"https://example.org/\ud800{n}", b"%d" % n, (now + timedelta(microseconds=n)).astimezone(almaty))
        for n in range(6)
    ]
    ids = save_captures(store, run_id, received)
    save_results(store, run_id, [a_read(each, capture_id=ids[0]) for each in take(1, 2, 3)], now=now)
    end_run(store, run_id, now=now, status="done")


def test_a_chain_nobody_touched_is_whole(store: Store, run_id: int, now: datetime, take: Take) -> None:
    a_chain(store, run_id, now, take)
    assert list(verify_chain(store)) == []
    with store.read() as connection:
        rows = connection.execute(select(links).order_by(links.c.seq)).all()
    assert [row.seq for row in rows] == list(range(1, 14))  # six captures, three versions, three flaggings, the run
    # … and anyone can follow it with nothing but a hash function
    said = f"{'0' * 64}\n1 capture {rows[0].subject_id} {rows[0].digest}"
    assert rows[0].link == hashlib.sha256(said.encode()).hexdigest()


FORGERIES = {
    "a header is changed": (update(captures).where(captures.c.id == 2).values(status=404), "capture 2"),
    "a time is changed": (
        update(captures).where(captures.c.id == 2).values(fetched_at=text("'2020-01-01 00:00:00'")),
        "capture 2",
    ),
    "a text is changed": (update(item_versions).where(item_versions.c.number == 1).values(text="other"), "version 1"),
    "a record is taken out": (delete(captures).where(captures.c.id == 3), "link 3"),
    "a link is taken out": (delete(links).where(links.c.seq == 4), "link 5"),
    "the end is cut off": (delete(links).where(links.c.seq > 7), "run 1"),
    "a link is rewritten": (update(links).where(links.c.seq == 5).values(digest="0" * 64), "link 5"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_whatever_is_forged_is_named(store: Store, run_id: int, now: datetime, take: Take, forgery: str) -> None:
    a_chain(store, run_id, now, take)
    statement, where = FORGERIES[forgery]
    with store.begin() as connection:
        connection.execute(statement)
    assert where in [problem.where for problem in verify_chain(store)]


def test_a_record_slipped_in_is_named(store: Store, run_id: int, now: datetime, take: Take) -> None:
    a_chain(store, run_id, now, take)
    with store.begin() as connection:
        row = dict(connection.execute(select(captures).where(captures.c.id == 1)).mappings().one())
        connection.execute(captures.insert().values(row | {"id": 50, "url_asked": "https://example.org/never"}))
    assert [(problem.where, problem.sentence.split(":")[0]) for problem in verify_chain(store)] == [
        ("capture 50", "has no link in the chain")
    ]


def test_writers_at_once_leave_one_chain(address: str, now: datetime) -> None:
    def write(number: int) -> None:
        mine = open_store(address)
        run = begin_run(mine, kind="collect", now=now, parameters={})
        for step in range(10):
            save_captures(mine, run, [a_capture(f"https://example.org/{number}/{step}/{n}", b"%d" % n, now) for n in range(3)])
        mine.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = open_store(address)
    assert list(verify_chain(store)) == []
    with store.read() as connection:
        assert connection.execute(select(func.max(links.c.seq))).scalar_one() == 120
    store.close()


def test_the_first_link_follows_from_nothing() -> None:
    assert chain.BEGINNING == "0" * 64
    assert chain.next_link(chain.BEGINNING, 1, "capture", 1, "d") != chain.next_link(chain.BEGINNING, 1, "version", 1, "d")
