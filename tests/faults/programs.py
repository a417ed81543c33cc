"""Runs of the program as processes that can be killed, and the rows a store must end with whatever happened to it.

A module and not the conftest: what a process of its own is to run must be found there under one name, and several folders have a conftest.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import create_engine, text

HOUSE = Path(__file__).parents[2]
KILLS = int(os.environ.get("SHOLU_FAULT_KILLS", "6"))
"""Kills on SQLite, and a fifth of it on PostgreSQL: a few in CI, `SHOLU_FAULT_KILLS=100 pytest tests/faults` for the whole."""

# The forked processes have imported everything: a kill then falls into the work and not into imports.
_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(
    ["cli.main", "flows.steps", "storage.check", "storage.migrations.run", "alembic.command", "psycopg"]
)


def _as_a_process(arguments: list[str], environment: dict[str, str], log: str) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(HOUSE)
    sys.argv = ["sholu", *arguments]
    from cli.main import main

    main()
    sys.stdout.flush()


@dataclass
class Program:
    """`sholu` on one home: started, waited for, killed; ``said`` is what its last process printed."""

    home: Path
    environment: dict[str, str]
    number: int = 0
    started: list[BaseProcess] = field(default_factory=list)

    def start(self, *arguments: str, **more: str) -> BaseProcess:
        self.number += 1
        self.home.mkdir(parents=True, exist_ok=True)
        given = (list(arguments or ("run", "--plain")), self.environment | more, str(self.log))
        process = _forkserver.Process(target=_as_a_process, args=given)
        process.start()
        self.started.append(process)
        return process

    def __call__(self, *arguments: str, **more: str) -> int:
        """Run to the end; the exit code."""
        process = self.start(*arguments, **more)
        process.join(120)
        assert process.exitcode is not None, f"still running after two minutes: {self.said}"
        return process.exitcode

    def kill_after(self, seconds: float) -> bool:
        """Start a run and kill -9 it; whether it was still at work then."""
        process = self.start()
        time.sleep(seconds)
        alive = process.is_alive()
        with suppress(ProcessLookupError):
            os.kill(process.pid or 0, 9)
        process.join(30)
        return alive

    @property
    def log(self) -> Path:
        return self.home.parent / f"{self.home.name}-{self.number}.log"

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


# What must be the same after any misfortune. Not in it: numbers of rows, times, and who came first of two that carry an article.
ROWS = {
    "items": (
        "SELECT key, title, language, published, published_from, body_from, grade, score, threshold, themes, review, version, "
        "(SELECT min(other.key) FROM items other WHERE other.cluster_id = items.cluster_id) FROM items"
    ),
    "versions": (
        "SELECT items.key, number, sha256, item_versions.title, text, item_versions.language, extractor, cut, diff, authors FROM item_versions "
        "JOIN items ON items.id = item_versions.item_id"
    ),
    "flaggings": (
        "SELECT items.key, number, flaggings.score, flagged, near_miss, flaggings.themes, places, regions, spans, rulings FROM flaggings "
        "JOIN items ON items.id = flaggings.item_id JOIN item_versions ON item_versions.id = flaggings.version_id"
    ),
    "outlets": "SELECT items.key, item_sources.source_id, item_sources.entry_key FROM item_sources JOIN items ON items.id = item_id",
    "terms": "SELECT items.key, kind, value, item_terms.grade FROM item_terms JOIN items ON items.id = item_id",
    "entries": (
        "SELECT entries.source_id, entries.key, entries.url, entries.guid, entries.state, entries.tries, given.key FROM entries "
        "LEFT JOIN items given ON given.id = entries.item_id"
    ),
    # A page fetched by a run that was killed is fetched again: a second capture of the same bytes, which are kept once.
    "captures": "SELECT DISTINCT url_asked, status, captures.sha256, size FROM captures JOIN blobs ON blobs.id = blob_id",
    "bodies": "SELECT sha256, size FROM blobs",
    "looks": "SELECT items.key, label, state FROM rechecks JOIN items ON items.id = item_id",
    "poll states": "SELECT source_id, rung, etag, body_sha256, failures, entries_last FROM poll_states",
}


def rows(address: str) -> dict[str, list[str]]:
    """The rows of a store, comparable between stores."""
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as connection:
            return {name: sorted(str(tuple(row)) for row in connection.execute(text(query))) for name, query in ROWS.items()}
    finally:
        engine.dispose()


def sqlite_of(program: Program) -> str:
    return f"sqlite:///{program.home / 'sholu.db'}"
