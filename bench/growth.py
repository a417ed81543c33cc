"""How the cost grows: with the sources watched, with the items stored, with the pages of the desk; nothing may be worse than linear."""

from __future__ import annotations

import hashlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from bench import desk_data
from bench.jobs import said
from bench.stand import HOUSE, PLAIN, SHOLU, Stand, standing
from bench.tables import Table
from bench.watched import make_known, watched, write_list
from domain.values import (
    BodyFrom,
    Capture,
    Counts,
    DateFrom,
    Document,
    Entry,
    OutcomeKind,
    Ownership,
    PollKind,
    Rung,
    RungKind,
    Source,
    SourceReport,
)
from extractors.sketch import sketch
from flows.storing import CAPTURE_BATCH, RESULT_BATCH
from rules.engine.rulebook import Rulebook, load_rulebook
from storage.captures import save_captures
from storage.entries import Body, take_entries
from storage.items import save_results
from storage.results import Read
from storage.runs import add_reports, begin_run, end_run
from storage.sources import PollState, sync_sources
from storage.store import Store, in_batches, open_store

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
OUTLETS = 150
A_RUN = 1_000  # items of one run
WORDS = 300  # words of an article
MARKUP = 9_000  # characters of a page besides its article, no two alike: raw pages shrink to a fifth, 12 to 20 kB


def by_sources(sizes: Sequence[int]) -> Table:
    """Polls where nothing changed, of ever more sources: CPU, memory, statements; and a worker that takes 50 of them."""
    rows = []
    for count in sizes:
        with standing("quiet", "--feeds", str(count)) as stand:
            sources = watched(count, stand.port)
            write_list(stand.sources, sources)
            stand.home.mkdir()
            make_known(f"sqlite:///{stand.home}/sholu.db", sources)
            stand.ready()
            one = stand.run(f"sholu run, {count:,} sources, nothing changed", *PLAIN)
            counted = stand.run("", sys.executable, "-m", "bench.counted", *PLAIN[1:])
            share = stand.run(f"a share of 50 of {count:,} sources", *PLAIN, "--due", "--at-most", "50")
        statements = said(counted, "statements")
        rows.append(
            (
                f"{count:,}",
                round(one.cpu, 2),
                round(1000 * one.cpu / count, 2),
                round(one.peak / 1e6),
                statements,
                round(share.cpu, 2),
                said(one, "failed"),
            )
        )
    heads = ("sources", "CPU s", "ms a poll", "peak MB", "statements", "idle --due --at-most 50, CPU s", "failed")
    return Table(
        "sources",
        "Growth with the sources: a pass where nothing changed",
        heads,
        tuple(rows),
        "The idle one finds that nobody's turn has come: what a worker pays to look.",
    )


class Press:
    """Made-up articles, each with a page of its own: words as often as in a language, now and then one that the rules know."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.chance = random.Random(7)
        self.words = desk_data.words()
        self.chance.shuffle(self.words)
        self.weights = list(accumulate(1 / (rank + 5) for rank in range(len(self.words))))
        self.rulebook = rulebook
        self.telling = [
            "A rally against the law was held in Almaty",
            "Residents of Astana protested",
            "The court in Karaganda jailed an activist",
        ]

    def text(self, number: int) -> tuple[str, str]:
        """Title and text; one article in twenty says something the rules look for."""
        told = self.chance.choices(self.words, cum_weights=self.weights, k=WORDS)
        if number % 20 == 0:
            told.insert(20, f". {self.chance.choice(self.telling)} .")
        return " ".join(told[:7]).capitalize(), " ".join(told)

    def page(self, title: str, text: str) -> bytes:
        noise = "".join(
            f'<li class="c-{self.chance.getrandbits(40):x}"><a href="/n/{self.chance.getrandbits(60):x}">{self.chance.choice(self.words)}</a></li>'
            for _ in range(MARKUP // 60)
        )
        return f"<html><head><title>{title}</title></head><body><ul>{noise}</ul><article><h1>{title}</h1><p>{text}</p></article></body></html>".encode()


def outlets() -> list[Source]:
    """Where the made-up articles come from."""
    kinds = list(Ownership)
    return [
        Source(f"outlet-{n}", f"Outlet {n}", f"https://o{n}.example/", (Rung(RungKind.FEED, f"https://o{n}.example/rss"),), ("en",), "KZ", None, kinds[n % 4])
        for n in range(OUTLETS)
    ]  # fmt: skip


def store_more(store: Store, press: Press, start: int, count: int) -> float:
    """Store articles with all that belongs to them, in runs of a thousand; returns seconds of CPU, making them up not counted."""
    return sum(one_run(store, press, range(at, min(at + A_RUN, start + count))) for at in range(start, start + count, A_RUN))


def one_run(store: Store, press: Press, numbers: range) -> float:
    """A run that finds these articles, in batches as `flows/world.py` makes them; returns seconds of CPU of storing."""
    now = NOW + timedelta(minutes=numbers.start / 10)
    texts = {number: press.text(number) for number in numbers}
    bodies = {number: press.page(*told) for number, told in texts.items()}
    judged = {
        number: press.rulebook.flag(title=title, text=text, language="en", source_country="KZ")
        for number, (title, text) in texts.items()
    }
    sketches = {number: sketch(text) for number, (_, text) in texts.items()}
    begun = time.process_time()
    run = begin_run(store, kind="collect", now=now, parameters={})
    found: dict[str, list[Entry]] = {}
    for number in numbers:
        entry = an_entry(number, texts[number][0], now)
        found.setdefault(entry.source_id, []).append(entry)
    pending = [
        each
        for source_id, entries in found.items()
        for each in take_entries(store, run, [Body(source_id, entries, PollState(source_id, last_polled=now))], now=now)[
            0
        ].pending
    ]
    captured = {}
    for batch in in_batches(pending, CAPTURE_BATCH):
        pages = [a_capture(each.entry.url, bodies[int(each.entry.guid)], now) for each in batch]
        captured.update(zip((each.id for each in batch), save_captures(store, run, pages), strict=True))
    counts: dict[str, Counts] = {}
    for batch in in_batches(pending, RESULT_BATCH):
        results = []
        for each in batch:
            number, url = int(each.entry.guid), each.entry.url
            document = Document(url, *texts[number], "en", now, DateFrom.FEED, (), "bench", BodyFrom.PAGE)
            capture = captured[each.id]
            results.append(Read(each, url, document, judged[number], capture, now, sketches[number]))
        for each, ended in zip(batch, save_results(store, run, results, now=now), strict=True):
            source_id = each.entry.source_id
            mine = Counts(new=ended.kind is OutcomeKind.NEW, flagged=ended.flagged)
            counts[source_id] = counts.get(source_id, Counts()) + mine
    reports = [SourceReport(key, PollKind.OK, "", "feed", len(found[key]), each) for key, each in counts.items()]
    add_reports(store, run, reports, now=now)
    end_run(store, run, now=now, status="done")
    return time.process_time() - begun


def an_entry(number: int, title: str, now: datetime) -> Entry:
    """What the feed of its outlet says of an article."""
    outlet = number % OUTLETS
    url = f"https://o{outlet}.example/{number}"
    return Entry(f"outlet-{outlet}", f"k{number}", url, str(number), title, published=now, published_from=DateFrom.FEED)


def a_capture(url: str, body: bytes, now: datetime) -> Capture:
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Server", "bench"), ("ETag", f'"{len(body)}"'))
    return Capture(url, url, now, 200, headers, "text/html", body, hashlib.sha256(body).hexdigest(), "192.0.2.1")


def by_items(sizes: Sequence[int]) -> Table:
    """A store filled through the program's own functions, and what it costs to add, back up, check and verify at each size."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place, standing(None) as stand:
        file = Path(place) / "sholu.db"
        press = Press(load_rulebook(HOUSE / "rules" / "kazakhstan", stand.home / "cache"))
        at = 0
        with closing(open_store(f"sqlite:///{file}")) as store:
            sync_sources(store, outlets(), now=NOW)
        for size in sizes:
            with closing(open_store(f"sqlite:///{file}")) as store:
                store_more(store, press, at, size - at - A_RUN)
                each = 1000 * store_more(store, press, size - A_RUN, A_RUN) / A_RUN
            at = size
            rows.append((f"{size:,}", round(each, 2), *upkeep(stand, file, size)))
    heads = (
        "items",
        "ms to store one",
        "kB each",
        "MB",
        "back-up CPU s",
        "migration CPU s",
        "db check CPU s",
        "its peak MB",
        "list one, CPU s",
        "check",
    )
    note = f"Storing: CPU of the last {A_RUN:,} up to that size: entries, captures, versions, flags, search index, near-duplicates, chain and ledger."
    return Table("items", "Growth with the items stored, captures included (SQLite)", heads, tuple(rows), note)


def made_older(file: Path) -> None:
    """Take a store back to what the first release had, so that every migration since has all of its rows to see to."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in (
            "DROP TABLE feed_pieces",
            "DROP INDEX ix_item_sources_capture_id",
            "ALTER TABLE item_sources DROP COLUMN capture_id",
            "ALTER TABLE entries DROP COLUMN capture_id",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            connection.execute(statement)


def upkeep(stand: Stand, file: Path, size: int) -> tuple[float | int | str, ...]:
    """Size of a store on disk, and CPU of backing it up, bringing it up to date, proving it, and looking up the newest item."""
    env = {"SHOLU_DATABASE_URL": f"sqlite:///{file}"}
    copy = file.with_name(f"copy-{size}.db")
    backup = stand.run(f"sholu backup, {size:,} items", SHOLU, "backup", str(copy), **env)
    check = stand.run(f"sholu db check, {size:,} items", SHOLU, "db", "check", **env)
    listed = stand.run("", SHOLU, "items", "--limit", "1", "--json", **env)
    made_older(copy)
    migrated = stand.run(f"sholu db migrate, {size:,} items", SHOLU, "db", "migrate", SHOLU_DATABASE_URL=f"sqlite:///{copy}")
    copy.unlink(missing_ok=True)
    held = file.stat().st_size
    sound = "sound" if check.status == migrated.status == 0 else "NOT sound"
    return (
        round(held / size / 1000, 1),
        round(held / 1e6),
        round(backup.cpu, 1),
        round(migrated.cpu, 1),
        round(check.cpu, 1),
        round(check.peak / 1e6),
        round(listed.cpu, 2),
        sound,
    )


def by_desk(sizes: Sequence[int]) -> Table:
    """Pages of the desk at ever more items (`bench/desk.py`); the last column is the largest over the smallest."""
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place:
        addresses = [f"sqlite:///{place}/desk-{size}.db" for size in sizes]
        for size, address in zip(sizes, addresses, strict=True):
            subprocess.run(
                [sys.executable, "-m", "bench.desk_data", address, "--items", str(size), "--verdicts", str(size // 5)],
                cwd=HOUSE,
                check=True,
                capture_output=True,
            )
        done = subprocess.run(
            [sys.executable, "-m", "bench.desk", *addresses], cwd=HOUSE, check=True, capture_output=True, text=True
        )
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("|")]
    rows = tuple((line[0], *(float(cell.removesuffix(" ms")) for cell in line[1:])) for line in lines[2:])
    return Table("desk", "Growth of the desk's pages with the items stored, CPU ms a page", ("page", *lines[0][1:]), rows)


def by_names() -> Table:
    """Rules with ever more names (`bench/rules_speed.py`)."""
    done = subprocess.run(
        [sys.executable, "bench/rules_speed.py", "--documents", "200", "--stream", "400"],
        cwd=HOUSE,
        check=True,
        capture_output=True,
        text=True,
    )
    lines = [re.sub(r"\s{2,}", "  ", line.strip()) for line in done.stdout.splitlines() if line.strip()]
    return Table("rules", "Rules: speed, and growth with the names known", ("found",), tuple((line,) for line in lines))
