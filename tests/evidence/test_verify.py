"""`sholu verify`: whatever is flipped, taken out or slipped in is named in a sentence, and a whole store is said to be whole."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from domain.errors import StoreError
from domain.settings import Settings
from storage.maintenance import Retention, retire
from storage.proof import count_records, verify_store
from storage.store import Store, open_store
from storage.verdicts import Ballot, Decision, decide, undo
from tests.evidence.conftest import NOW, Site, look_again
from tests.flows.conftest import filler
from tests.storage.conftest import a_capture, a_read, a_source, an_entry


def faults(store: Store) -> list[str]:
    return [f"{problem.where}: {problem.sentence}" for problem in verify_store(store)]


LIVED: list[bytes] = []
"""The store of ``lived``, made once: it takes seconds, and each test spoils its own copy."""


@pytest.fixture
def lived(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A store in which everything has happened: pages read, one edited and then gone, decided, undone."""
    if not LIVED:
        LIVED.append(live(request.getfixturevalue("filled"), request.getfixturevalue("site")))
    home = tmp_path / "lived"
    home.mkdir()
    (home / "sholu.db").write_bytes(LIVED[0])
    return Settings(home=home, _env_file=None)  # type: ignore[call-arg]  # not a setting: type checkers see only those


@pytest.fixture
def store(lived: Settings) -> Iterator[Store]:
    with closing(open_store(lived.database)) as opened:
        yield opened


def live(filled: Settings, site: Site) -> bytes:
    site.article("/a1", "Rally in Almaty", filler("A rally was held in Almaty"), "A paragraph that was not there before.")
    look_again(filled, timedelta(hours=1))
    site.put("/a1", "x", status=410)
    look_again(filled, timedelta(hours=24))
    with closing(open_store(filled.database)) as store:
        with store.read() as connection:
            flagged_id = connection.execute(text("SELECT item_id FROM rechecks LIMIT 1")).scalar_one()
        decide(store, Ballot((flagged_id,), "reviewer", Decision.RELEVANT, note="мой"), now=NOW)
        undo(store, "reviewer", now=NOW + timedelta(minutes=1))
        decide(store, Ballot((flagged_id,), "reviewer", Decision.UNSURE), now=NOW + timedelta(minutes=2))
    with closing(sqlite3.connect(filled.home / "sholu.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (filled.home / "sholu.db").read_bytes()


def test_a_store_nobody_touched_is_whole(lived: Settings, store: Store) -> None:
    assert faults(store) == []
    with store.read() as connection:
        subjects = set(connection.execute(text("SELECT subject FROM chain")).scalars())
    assert subjects == {"capture", "version", "flagging", "verdict", "recheck", "run"}


TAMPERING = {
    "a flag's score": ("UPDATE flaggings SET score = score + 1 WHERE id = 1", "flagging 1"),
    "a flag's evidence": ("UPDATE flaggings SET spans = '[]' WHERE flagged", "flagging "),
    "a flag slipped out": ("DELETE FROM flaggings WHERE id = 2", "flagging 2"),
    "a note of a person": ("UPDATE verdicts SET note = 'other' WHERE id = 1", "verdict 1"),
    "who decided": ("UPDATE verdicts SET reviewer = 'somebody' WHERE id = 3", "verdict 3"),
    "an outcome of the ledger": ("UPDATE outcomes SET reason = 'all well' WHERE rowid = 1", "run 1"),
    "an outcome taken out": ("DELETE FROM outcomes WHERE rowid = 1", "run 1"),
    "the sums of the ledger": ("UPDATE run_sources SET new = new + 1, seen = seen + 1", "run 1"),
    "how a run ended": ("UPDATE runs SET status = 'failed' WHERE id = 1", "run 1"),
    "a disappearance made unseen": ("UPDATE rechecks SET state = 'same' WHERE label = '24h'", "recheck 2"),
    "a title": ("UPDATE item_versions SET title = 'Feast in Almaty' WHERE id = 1", "version 1"),
    "a text with its hash": ("UPDATE item_versions SET text = 'x', sha256 = 'x' WHERE id = 1", "version 1"),
    "which page a text was read from": ("UPDATE item_versions SET capture_id = 2 WHERE id = 1", "version 1"),
    "when a text was first seen": ("UPDATE item_versions SET seen_at = '2020-01-01 00:00:00.000000' WHERE id = 1", "version 1"),
    "a body of a page": ("UPDATE blobs SET data = x'28b52ffd' WHERE id = 1", "body 1"),
    "a body taken away": ("UPDATE captures SET blob_id = NULL WHERE id = 1", "capture 1"),
    "a body of nobody": ("INSERT INTO blobs (id, sha256, size, data) VALUES (99, 'x', 0, x'')", "body 99"),
    "the title an item shows": ("UPDATE items SET title = 'Feast' WHERE id = 1", "item 1"),
    "a link with all after it made anew": ("UPDATE chain SET digest = 'x' WHERE seq = 2", "link 2"),
    "a capture and its link": ("DELETE FROM chain WHERE seq = 1", "link 2"),
    "no JSON any more": ("UPDATE captures SET headers = '[[' WHERE id = 2", "capture 2"),
    "no text any more": ("UPDATE item_versions SET text = x'ff00' WHERE id = 2", "version 2"),
    "no time any more": ("UPDATE verdicts SET at = 'yesterday' WHERE id = 1", "verdict 1"),
    "a link before the first": ("INSERT INTO chain VALUES (-3, 'capture', 77, 'x', 'x')", "capture 77"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_whatever_is_tampered_with_is_named(lived: Settings, store: Store, what: str) -> None:
    statement, where = TAMPERING[what]
    with sqlite3.connect(lived.home / "sholu.db") as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(statement).rowcount > 0
    connection.close()
    found = faults(store)
    assert any(where in fault for fault in found), found


FLIPS = 300 if int(os.environ.get("SHOLU_FAULT_KILLS", "0")) >= 100 else 60


def contents(path: Path) -> dict[str, list[Any]]:
    """What is kept as evidence, byte by byte."""
    names = ("blobs", "captures", "item_versions", "flaggings", "verdicts", "rechecks", "chain", "outcomes", "run_sources")
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


@pytest.mark.slow
def test_any_flipped_byte_of_the_file_that_alters_evidence_is_found(lived: Settings, store: Store, tmp_path: Path) -> None:
    """Bytes at random in the file itself: the database's own structure, texts, times, JSON, hashes, compressed pages."""
    with closing(sqlite3.connect(lived.home / "sholu.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = (lived.home / "sholu.db").read_bytes()
    before = contents(lived.home / "sholu.db")
    path, random_place = tmp_path / "flipped.db", random.Random(6)
    # Most of a small database is indexes and room: two flips in three go where a value of the evidence stands.
    values = sorted(
        {value for held in before.values() for row in held for value in row if isinstance(value, bytes) and len(value) > 6}
    )
    altered = 0
    for number in range(FLIPS):
        value = random_place.choice(values)
        found_at = whole.find(value)
        place = (
            found_at + random_place.randrange(len(value))
            if number % 3 and found_at > 0
            else random_place.randrange(100, len(whole))
        )
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << random_place.randrange(8))]) + whole[place + 1 :])
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        try:
            after: object = contents(path)
        except (sqlite3.Error, ValueError):
            after = "unreadable"
        try:
            with closing(open_store(f"sqlite:///{path}", migrate=False)) as opened:
                found = faults(opened)
        except StoreError as error:
            found = [str(error)]
        # Columns nothing is proven of are not evidence: which run stored a row, when a former text was last seen.
        if evidence_of(after) != evidence_of(before):
            altered += 1
            assert found, f"byte {place} was flipped and nothing was found: {differences(before, after)}"
    assert altered > FLIPS // 4


def differences(before: Any, after: Any) -> list[Any]:
    return [
        (name, [pair for pair in zip(before[name], after[name], strict=False) if pair[0] != pair[1]])
        for name in before
        if before[name] != after[name]
    ]


def evidence_of(held: object) -> object:
    if not isinstance(held, dict):
        return held
    unproven = {
        "captures": (1,),
        "item_versions": (15, 18),
        "flaggings": (15,),
        "rechecks": (3, 10),
        "outcomes": (8,),
        "run_sources": (4, 14),
    }
    rows_of = held | {"rechecks": [row for row in held["rechecks"] if row[4] != b"waiting"]}  # a plan is no evidence yet
    return {
        name: [tuple(value for place, value in enumerate(row) if place not in unproven.get(name, ())) for row in rows]
        for name, rows in rows_of.items()
    }


def test_what_retention_drops_is_told_from_what_was_taken_out(address: str, now: datetime) -> None:
    from domain.values import Counts, PollKind, SourceReport
    from storage.captures import save_captures
    from storage.entries import Body, take_entries
    from storage.items import save_results
    from storage.runs import add_reports, begin_run, end_run
    from storage.sources import PollState, sync_sources
    from tests.storage.conftest import a_flagging

    with closing(open_store(address)) as store:
        sync_sources(store, [a_source("azattyq")], now=now)
        run_id = begin_run(store, kind="collect", now=now, parameters={})
        taken = take_entries(store, run_id, [Body("azattyq", [an_entry(1), an_entry(2)], PollState("azattyq"))], now=now)[
            0
        ].pending
        ids = save_captures(store, run_id, [a_capture(each.entry.url, each.entry.url.encode(), now) for each in taken])
        reads = [a_read(each, capture_id=capture_id, flagging=None) for each, capture_id in zip(taken, ids, strict=True)]
        save_results(store, run_id, reads, now=now)
        add_reports(store, run_id, [SourceReport("azattyq", PollKind.OK, "", "feed", 2, Counts(new=2))], now=now)
        end_run(store, run_id, now=now, status="done")
        with store.begin() as connection:
            connection.execute(text("UPDATE items SET grade = 0"))
        assert a_flagging is not None
        dropped = retire(store, Retention(captures=1, ledger=1, entries=0), now=now + timedelta(days=500))
        assert (dropped.captures, dropped.ledger_lines > 0) == (2, True)
        assert [fault for fault in faults(store) if "item" not in fault] == []
        with store.begin() as connection:
            connection.execute(text("DELETE FROM chain WHERE subject = 'retired'"))
        assert any("run 1" in fault for fault in faults(store))


def test_a_head_noted_elsewhere_finds_a_history_written_anew(lived: Settings, store: Store, tmp_path: Path) -> None:
    """Who owns the machine can write a whole new chain; not one that ends in the hash somebody else has noted."""
    noted = sholu(lived, "verify", "--json")
    head = json.loads(noted.stdout.splitlines()[-1])["head"]
    assert noted.returncode == 0
    assert sholu(lived, "verify", "--head", head).returncode == 0
    seq = int(head.split(":")[0])
    other = sholu(lived, "verify", "--head", f"{seq}:{'0' * 64}")
    assert (other.returncode, f"link {seq}" in other.stderr) == (1, True)
    assert sholu(lived, "verify", "--head", "nonsense").returncode == 2


def sholu(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"SHOLU_HOME": str(settings.home), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_in_sentences_what_it_found_and_ends_with_1(lived: Settings, store: Store) -> None:
    done = sholu(lived, "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Everything is as it was stored" in done.stdout
    with store.begin() as connection:
        connection.execute(text("UPDATE item_versions SET title = 'Feast' WHERE id = 1"))
    done = sholu(lived, "verify")
    assert done.returncode == 1
    assert "version 1: is not what it was when it was stored" in done.stderr


def test_a_file_damaged_in_its_structure_is_a_finding_and_stays_as_it_is(lived: Settings, store: Store) -> None:
    store.close()
    path = lived.home / "sholu.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = bytearray(path.read_bytes())
    whole[8192:12288] = b"\xff" * 4096
    path.write_bytes(whole)
    done = sholu(lived, "verify")
    assert done.returncode == 1, done.stderr
    assert "damaged" in done.stderr
    assert path.read_bytes() == bytes(whole)


@pytest.mark.slow
def test_at_least_200_records_a_second_are_verified(sqlite_template: Path, tmp_path: Path, now: datetime) -> None:
    """Said in records, not in seconds of this machine: 3,000 pages of 20 kB must not take a minute of CPU."""
    from storage.captures import save_captures
    from storage.runs import begin_run

    shutil.copy(sqlite_template, tmp_path / "sholu.db")
    with closing(open_store(f"sqlite:///{tmp_path / 'sholu.db'}")) as store:
        run_id = begin_run(store, kind="collect", now=now, parameters={})
        random_bytes = random.Random(1)
        for start in range(0, 3000, 200):
            pages = [random_bytes.randbytes(10_000).hex().encode() for _ in range(200)]
            save_captures(
                store, run_id, [a_capture(f"https://example.org/{start + n}", page, now) for n, page in enumerate(pages)]
            )
        began = time.process_time()
        assert faults(store) == []
        assert count_records(store) / (time.process_time() - began) > 200
