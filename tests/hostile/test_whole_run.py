"""The whole job against the hostile world: each case alone, and all in one run with healthy sources between them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from domain.settings import Settings
from domain.values import PollKind, SourceReport
from flows.shards import Shard
from flows.steps import collect, collect_shard
from flows.world import CollectOptions, World
from tests.conftest import HOUSE
from tests.flows.conftest import RULEBOOK
from tests.hostile.server import WHOLE, Case, load_cases
from tests.hostile.server import World as Hostile

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MOST_SECONDS = 60
MOST_MEMORY = 300_000_000
HEALTHY_EVERY = 4
CASES = load_cases(WHOLE)


@dataclass(frozen=True)
class Ended:
    """What a run made of one source: the report, how its entries ended, and the titles and texts stored of it."""

    report: SourceReport
    kinds: frozenset[str]
    stored: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]


def source_id(one: Case) -> str:
    return f"{one.group}-{one.name}"


def listed(address: str, name: str) -> str:
    home = "/".join(address.split("/")[:3])
    return f"- id: {name}\n  title: {name}\n  home: {home}/\n  feed: {json.dumps(address)}\n  languages: [en]\n"


def write_rules(folder: Path) -> Path:
    for name, text in RULEBOOK.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def query(home: Path, sql: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(home / "sholu.db")) as connection:
        return connection.execute(sql, values).fetchall()


def ended(home: Path, report: SourceReport) -> Ended:
    outcomes = query(home, "SELECT kind, reason FROM outcomes WHERE source_id = ?", report.source_id)
    kinds = {kind for kind, _ in outcomes}
    if not outcomes:
        kinds = {"refused"} if report.kind is PollKind.FAILED else {"empty"}
    stored = query(
        home,
        "SELECT v.title, v.text FROM item_versions v JOIN items i ON i.id = v.item_id WHERE i.source_id = ?",
        report.source_id,
    )
    return Ended(report, frozenset(kinds), tuple(stored), tuple(dict.fromkeys(reason for _, reason in outcomes)))


async def _one_at_a_time(cases: Sequence[Case], folder: Path) -> tuple[dict[str, Ended], list[str]]:
    async with Hostile(cases) as hostile:
        sources = folder / "sources.yaml"
        sources.write_text("".join(listed(hostile.feed(one), source_id(one)) for one in cases), encoding="utf-8")
        settings = Settings(
            home=folder,
            sources=sources,
            rules=write_rules(folder / "rules"),
            allow_addresses="127.0.0.1/32",
            workers=1,
            host_pause=0.0,
            deadline=5.0,
            source_seconds=12.0,
            _env_file=None,
        )  # type: ignore[call-arg]  # not a setting: type checkers see only those

        async def alone(world: World, shards: Sequence[Shard]) -> list[list[SourceReport]]:
            reports = []
            for source in [source for shard in shards for source in shard.sources]:
                began = time.monotonic()
                async with asyncio.timeout(MOST_SECONDS):
                    reports.append(await collect_shard(world, Shard(source.id, (source,))))
                if (took := time.monotonic() - began) > 5:
                    print(f"{source.id}: {took:.0f} s")
            return reports

        report = await collect(settings, CollectOptions(), clock=lambda: NOW, run_shards=alone)
        return {each.source_id: ended(folder, each) for each in report.sources}, list(hostile.hits)


@pytest.fixture(scope="module", params=[group for group in WHOLE if group != "mail"])
def met(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, Ended], list[str]]:
    """All cases of a group, met one after the other by the whole job; those of mail are, too, in ``test_mail``."""
    folder = tmp_path_factory.mktemp(request.param)
    cases = [one for one in CASES if one.group == request.param]
    logging.getLogger("sholu").setLevel(logging.CRITICAL)
    return request.param, folder, *asyncio.run(_one_at_a_time(cases, folder))


@pytest.mark.slow
def test_each_case_alone_ends_as_with_a_right_client(met: tuple[str, Path, dict[str, Ended], list[str]]) -> None:
    group, _, found, hits = met
    wrong = [said for one in CASES if one.group == group for said in complaints(one, found[source_id(one)])]
    assert not wrong, "\n".join(wrong)
    assert hits == [], "a machine of the private network was connected to"


def complaints(one: Case, found: Ended) -> list[str]:
    """What is not as it should be, a sentence each."""
    name = source_id(one)
    said: list[str] = []
    if not found.kinds <= one.right:
        said.append(
            f"{name}: it {one.does}: {sorted(found.kinds)} in place of {sorted(one.right)} ({found.report.reason}; {found.reasons[:2]})"
        )
    everything = "\n".join(f"{title}\n{text}" for title, text in found.stored)
    said += [f"{name}: {words!r} is lost: {everything[:300]!r}" for words in one.holds if words not in everything]
    said += [f"{name}: {words!r} came through" for words in one.lacks if words in everything]
    if one.items is not None and len(found.stored) != one.items:
        said.append(
            f"{name}: {len(found.stored)} articles in place of {one.items}: {found.kinds} {found.report.reason} {found.reasons}"
        )
    for text in (found.report.reason, *found.reasons):
        if len(text) > 1_000 or "fault in Sholu" in text or "the parser failed" in text or "parser died" in text:
            said.append(f"{name}: {text[:400]}")
    if "refused" in found.kinds and not found.report.reason:
        said.append(f"{name}: refused without a word")
    return said


@pytest.mark.slow
def test_the_ledger_of_every_case_adds_up(met: tuple[str, Path, dict[str, Ended], list[str]]) -> None:
    _, folder, found, _ = met
    rows = query(folder, "SELECT source_id, seen, new + updated + unchanged + duplicate + skipped + failed FROM run_sources")
    assert {row[0] for row in rows} == set(found)
    assert [row for row in rows if row[1] != row[2]] == []
    lines = dict(query(folder, "SELECT source_id, count(*) FROM outcomes GROUP BY source_id"))
    assert [row for row in rows if row[1] != lines.get(row[0], 0)] == []
    for each in found.values():
        for title, text in each.stored:
            for written in (title, text):
                assert not [sign for sign in written if sign in "\x00\u202e\u202d\u2066\u2067" or "\ud800" <= sign <= "\udfff"]


class Meter(threading.Thread):
    """Samples the memory of a process and all that it starts, ten times a second; ``most`` is the largest sum seen."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.most, self.over = psutil.Process(pid), 0, threading.Event()
        self.parts: tuple[int, ...] = ()

    def run(self) -> None:
        while not self.over.wait(0.1):
            sizes: list[int] = []
            with suppress(psutil.NoSuchProcess):
                sizes += [each.memory_info().rss for each in (self.process, *self.process.children(recursive=True))]
            if sum(sizes) > self.most:
                self.most, self.parts = sum(sizes), tuple(size // 1_000_000 for size in sizes)


@dataclass(frozen=True)
class Whole:
    """A run of the command itself: its exit code, what it printed last, and the most memory its processes took."""

    code: int
    summary: dict[str, Any]
    memory: int
    parts: tuple[int, ...]
    seconds: float


def sholu_run(folder: Path, sources: str, rules: Path, **settings: str) -> Whole:
    folder.mkdir(parents=True)
    (folder / "sources.yaml").write_text(sources, encoding="utf-8")
    given = {"home": str(folder), "sources": str(folder / "sources.yaml"), "rules": str(rules), **settings}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOLU_")}
    environment |= {f"SHOLU_{name.upper()}": value for name, value in given.items()}
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "run", "--json"],
        cwd=HOUSE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        meter = Meter(process.pid)
        meter.start()
        out, err = process.communicate(timeout=500)
        meter.over.set()
    lines = [line for line in out.splitlines() if line.startswith("{")]
    assert lines, err[-2_000:]
    return Whole(process.returncode, json.loads(lines[-1]), meter.most, meter.parts, time.monotonic() - started)


@pytest.mark.slow
def test_all_cases_in_one_run_cost_healthy_sources_nothing(tmp_path: Path) -> None:
    rules = write_rules(tmp_path / "rules")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.serve", "--feeds"],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            feeds: list[tuple[str, str]] = []
            for line in server.stdout:
                group, name, address = line.rstrip("\n").split("\t")[:3]
                if group == "ready":
                    base = address
                    break
                feeds.append((f"{group}-{name}", address))
            good = "".join(listed(f"{base}/healthy/good-{number}", f"good-{number}") for number in range(len(feeds)))
            between: list[str] = []
            for number, (name, address) in enumerate(feeds):
                between.append(listed(address, name))
                if number % HEALTHY_EVERY == 0:
                    between.append(listed(f"{base}/healthy/feed-{number}", f"healthy-{number}"))
            given = {"allow_addresses": "127.0.0.1/32", "host_pause": "0", "deadline": "6", "source_seconds": "8"}
            floor = sholu_run(tmp_path / "good", good, rules, **given)
            assert floor.code == 0, floor.summary["message"]
            whole = sholu_run(tmp_path / "all", "".join(between), rules, **given)
            hits = json.loads(urllib.request.urlopen(f"{base}/hits").read())
        finally:
            server.terminate()
    print(
        f"memory: good {floor.memory / 1e6:.0f} MB, all {whole.memory / 1e6:.0f} MB {whole.parts}; {floor.seconds:.0f} s and {whole.seconds:.0f} s"
    )
    assert whole.code == 1, "most sources could not be read, and that is said"
    assert hits == [], "a machine of the private network was connected to"
    sources = {each["id"]: each for each in whole.summary["sources"]}
    assert len(sources) == len(feeds) + len(range(0, len(feeds), HEALTHY_EVERY))
    healthy = [each for name, each in sources.items() if name.startswith("healthy-")]
    assert [each for each in healthy if (each["outcome"], each["new"], each["failed"]) != ("ok", 1, 0)] == []
    assert [each for each in sources.values() if "fault in Sholu" in each["reason"]] == []
    assert (
        sum(whole.summary[kind] for kind in ("new", "updated", "unchanged", "duplicate", "skipped", "failed"))
        == whole.summary["seen"]
    )
    assert whole.memory - floor.memory < MOST_MEMORY
