"""A newsroom that publishes by one call, and a real mail server on loopback that misbehaves as it is told."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.settings import Settings
from domain.values import Flagging, Part, PollKind, Ruling, Source, SourceReport, Span
from flows.digest_report import DigestReport
from flows.digest_steps import send_digest
from storage.entries import Body, take_entries
from storage.items import save_results
from storage.reflagging import Judged, save_judgements, stored_documents
from storage.results import Read
from storage.runs import add_reports, begin_run, end_run
from storage.shelf import Filter
from storage.sources import PollState, save_poll_states, sync_sources
from storage.store import Store, open_store
from storage.verdicts import Ballot, Decision, decide
from tests.storage.conftest import a_document, a_source, an_entry, postgres_folder, postgres_template  # noqa: F401 - fixtures of the test on PostgreSQL

MORNING = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # 08:00 in Almaty
DAY = timedelta(days=1)


def a_flag(title: str, text: str, words: tuple[str, ...], **given: Any) -> Flagging:
    """A flagging whose spans are these words where they stand in the text (or else the title)."""
    theme = given.pop("theme", "protest")
    points = 2.0 if given.pop("flagged", True) else 1.0
    spans = []
    for word in words:
        where, whole = ("text", text) if word in text else ("title", title)
        start = whole.index(word)
        spans.append(Span(where, start, start + len(word), word, f"term-{word}", f"kz.{theme}", "signal", points))
    parts = (Part("signal", points, tuple(range(len(spans))), "why"),)
    facts: dict[str, Any] = {"entities": (), "places": (), "regions": (), "rules_version": "rules-1"}
    return Flagging(
        score=points, threshold=1.5, flagged=points > 1.5, near_miss=points < 1.5, themes=(theme,) if points > 1.5 else (),
        spans=tuple(spans), rulings=(Ruling(f"kz.{theme}", theme, points, 1.5, parts),), **(facts | given),
    )  # fmt: skip


class Newsroom:
    """A store and the shortest ways to put news into it."""

    def __init__(self, store: Store, sources: tuple[Source, ...]) -> None:
        self.store, self.sources, self.number = store, sources, 0
        sync_sources(store, sources, now=MORNING - 30 * DAY)

    def publish(self, title: str, text: str = "", *, at: datetime, **given: Any) -> int:
        """Store an article at a time; ``flag`` are keywords of ``a_flag``. Returns the item's id."""
        self.number += 1
        source = given.pop("source", self.sources[0].id)
        sketch = tuple(range(100, 148)) if given.pop("sketch", False) else ()
        key = given.pop("key", f"https://example.org/{self.number}")
        text = text or f"Hundreds held a rally number {self.number}. They went home."
        flag = {"words": ("rally",) if "rally" in text + title else (text.split()[0],)} | given.pop("flag", {})
        document = a_document(self.number, text, title=title, url=key, **({"language": "en", "published": at} | given))
        run = begin_run(self.store, kind="collect", now=at, parameters={})
        (pending,) = take_entries(
            self.store, run, [Body(source, [an_entry(key, source, url=key, title=title)], PollState(source))], now=at
        )[0].pending
        (outcome,) = save_results(
            self.store, run, [Read(pending, key, document, a_flag(title, text, **flag), sketch=sketch)], now=at
        )
        end_run(self.store, run, now=at, status="done")
        assert outcome.item_id is not None
        return outcome.item_id

    def reflag(self, item_id: int, *, flagged: bool, at: datetime, version: str = "rules-2", **given: Any) -> None:
        """New rules say something else of a stored item."""
        (stored,) = stored_documents(self.store, Filter(ids=(item_id,)))
        word = stored.text.split()[0]
        flagging = a_flag(stored.title, stored.text, (word,), flagged=flagged, rules_version=version, **given)
        run = begin_run(self.store, kind="reflag", now=at, parameters={})
        save_judgements(self.store, run, [Judged(stored, flagging)], now=at)
        end_run(self.store, run, now=at, status="done")

    def decide(self, item_id: int, decision: Decision, *, at: datetime) -> None:
        decide(self.store, Ballot((item_id,), "aigerim", decision), now=at)

    def polled(self, at: datetime, *, failed: tuple[str, ...] = (), quiet: tuple[str, ...] = ()) -> None:
        """All sources were polled: how each stands afterwards."""
        run = begin_run(self.store, kind="collect", now=at, parameters={})
        states, reports = [], []
        for source in self.sources:
            kind = PollKind.FAILED if source.id in failed else PollKind.QUIET if source.id in quiet else PollKind.OK
            reason = {PollKind.FAILED: "The server did not answer", PollKind.QUIET: "nothing newer than 2026-11-01"}.get(kind, "")
            ok = None if source.id in failed else at
            states.append(PollState(source.id, last_polled=at, last_ok=ok, last_kind=kind.value, last_reason=reason))
            reports.append(SourceReport(source.id, kind, reason))
        save_poll_states(self.store, states)
        add_reports(self.store, run, reports, now=at)
        end_run(self.store, run, now=at, status="done")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "sholu.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def room(empty_database: Path, tmp_path: Path) -> Iterator[Newsroom]:
    shutil.copy(empty_database, tmp_path / "sholu.db")
    store = open_store(f"sqlite:///{tmp_path / 'sholu.db'}")
    made = Newsroom(store, tuple(a_source(name) for name in ("azattyq", "vlast", "khabar", "tengri", "orda")))
    made.polled(MORNING - timedelta(hours=1))
    yield made
    store.close()


@dataclass
class Mailbox:
    """What a server took, in order, and how it is to behave. Each misdeed is asked in turn and may answer or do what it likes.

    ``at_rcpt``/``at_mail``/``at_data`` get (server, address or envelope) and return an answer, or None to behave.
    """

    port: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)
    connections: int = 0
    at_mail: Callable[[Any, str], str | None] | None = None
    at_rcpt: Callable[[Any, str], str | None] | None = None
    at_data: Callable[[Any, Envelope], str | None] | None = None
    after_data: Callable[[Any, Envelope], str | None] | None = None
    greeting: Callable[[], str | None] | None = None
    logins: list[tuple[str, str]] = field(default_factory=list)

    def mails(self, address: str = "") -> list[EmailMessage]:
        return [
            message_from_bytes(body, _class=EmailMessage, policy=SMTP_POLICY)
            for to, body in self.taken
            if not address or to == address
        ]


class _Handler:
    def __init__(self, box: Mailbox) -> None:
        self.box = box

    async def handle_MAIL(self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.box.at_mail and (answer := self.box.at_mail(server, address)):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        self.box.tries.append(address)
        if self.box.at_rcpt and (answer := self.box.at_rcpt(server, address)):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.box.at_data and (answer := self.box.at_data(server, envelope)):
            return answer
        assert isinstance(envelope.content, bytes)
        self.box.taken.append((envelope.rcpt_tos[0], envelope.content))
        if self.box.after_data and (answer := self.box.after_data(server, envelope)):
            return answer
        return "250 taken"


def hang_up(server: Any, *_: Any) -> str:
    """Break the line at once, without a word."""
    server.transport.abort()
    return "451 never heard"


class _Server(SMTP):
    """aiosmtpd's protocol with a greeting that may be a refusal."""

    def __init__(self, box: Mailbox, **given: Any) -> None:
        super().__init__(_Handler(box), hostname="mail.test", ident="test", **given)
        self.box = box

    async def _handle_client(self) -> None:
        self.box.connections += 1
        if self.box.greeting and (words := self.box.greeting()):
            self._writer.write(f"{words}\r\n".encode())
            self._writer.close()
            return
        await super()._handle_client()


@pytest.fixture
def post_office() -> Iterator[Callable[..., Mailbox]]:
    """Makes mail servers on loopback; keywords go to aiosmtpd."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers: list[asyncio.AbstractServer] = []

    def opened(port: int = 0, context: Any = None, **given: Any) -> Mailbox:
        box = Mailbox()

        async def serve() -> asyncio.AbstractServer:
            return await loop.create_server(lambda: _Server(box, loop=loop, **given), "127.0.0.1", port, ssl=context)

        server = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
        servers.append(server)
        box.port = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        return box

    yield opened

    async def close() -> None:
        for server in servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    asyncio.run_coroutine_threadsafe(close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def box(post_office: Callable[..., Mailbox]) -> Mailbox:
    return post_office()


RECIPIENTS = """
- address: anna@example.org
  name: Anna
- address: bolat@example.org
- address: chris@example.org
"""


@pytest.fixture
def settings(tmp_path: Path, box: Mailbox) -> Settings:
    (tmp_path / "recipients.yaml").write_text(RECIPIENTS, encoding="utf-8")
    return Settings(
        home=tmp_path, recipients=tmp_path / "recipients.yaml", smtp_url=f"smtp://127.0.0.1:{box.port}", mail_from="Sholu <sholu@news.example>",
        rules=tmp_path / "no-rules", smtp_timeout=3.0, digest_patience=0.0, _env_file=None,
    )  # type: ignore[call-arg]  # not a setting: type checkers see only those  # fmt: skip


@dataclass
class Clock:
    """A clock that stands still until it is set or slept on."""

    now: datetime = MORNING
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Send = Callable[..., DigestReport]


@pytest.fixture
def send(settings: Settings, clock: Clock, room: Newsroom) -> Send:
    """Runs the digest as the schedule does; keywords are those of ``send_digest``, and of settings where it has none such."""

    def sent(**given: Any) -> DigestReport:
        asked = {name: given.pop(name) for name in ("day", "to", "dry_run", "due_only") if name in given}
        return send_digest(settings.changed(**given), clock=clock, sleep=clock.sleep, **asked)

    return sent


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


__all__ = ["MORNING", "Clock", "Mailbox", "Newsroom", "Send", "a_flag", "hang_up", "html_of", "replace", "text_of"]
