"""What `sholu doctor` looks at, a function a subject; each says in a sentence what it found and what to do."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from domain.errors import SholuError
from domain.settings import Settings, load_settings, settings_slips

BOUNDS = {"prefect": ("3.8.8", "3.9"), "sqlalchemy": ("2.0.58", "2.1"), "fastapi": ("0.139", "0.151")}
"""Versions in which schedules are known to fire; outside them they silently never do."""

DISK_LOW = 1_000_000_000  # bytes: a few weeks of captures of a hundred sources
BUILT = datetime(2026, 11, 1, tzinfo=UTC)  # a clock before this program was written is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report; ``grade`` is good, note or bad."""

    what: str
    grade: str
    sentence: str


def examine() -> list[Finding]:
    """Run every examination; what fails becomes a finding, never an error."""
    findings = list(_versions())
    try:
        settings = load_settings()
    except SholuError as error:
        return [*findings, Finding("settings", "bad", str(error))]
    for what, look in (
        ("settings", _settings),
        ("database", _database),
        ("sources", _sources),
        ("rules", _rules),
        ("mail", _mail),
        ("disk", _disk),
        ("clock", _clock),
        ("schedule", _schedule),
    ):
        findings.extend(_looked(what, look, settings))
    return findings


def _looked(what: str, look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    try:
        return list(look(settings))
    except (SholuError, OSError) as error:
        return [Finding(what, "bad", str(error))]


def _versions() -> Iterator[Finding]:
    yield Finding(
        "python",
        "good" if (3, 11) <= sys.version_info[:2] <= (3, 13) else "bad",
        f"{platform.python_version()} (3.11 to 3.13 will do)",
    )
    for package, (low, high) in BOUNDS.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            yield Finding(package, "bad", "is not installed; run `make run`, which installs the locked packages")
            continue
        inside = _key(low) <= _key(found) < _key(high)
        yield Finding(
            package,
            "good" if inside else "bad",
            f"{found}" if inside else f"{found}: must be at least {low} and below {high}, or schedules never fire",
        )


def _key(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _settings(settings: Settings) -> Iterator[Finding]:
    from review.settings import desk_slips

    for sentence in (*settings_slips(), *desk_slips()):
        yield Finding("settings", "bad", sentence)
    if settings.contact:
        yield Finding("contact", "good", f"publishers can reach you at {settings.contact}")
    else:
        yield Finding("contact", "note", "SHOLU_CONTACT is not set: publishers who see our requests cannot reach you")


def _database(settings: Settings) -> Iterator[Finding]:
    from storage.check import check_store
    from storage.store import open_store

    with closing(open_store(settings.database)) as store:
        problems = list(check_store(store, deep=False))
        if problems:
            yield Finding(
                "database",
                "bad",
                f"{store.address}: {len(problems)} problems, the first: {problems[0].sentence} (sholu db check)",
            )
        else:
            yield Finding("database", "good", f"{store.address}: up to date and sound")


def _sources(settings: Settings) -> Iterator[Finding]:
    from extractors.catalogue import load_sources

    sources = load_sources(settings.sources)
    languages = sorted({language for source in sources for language in source.languages})
    verified = sum(1 for source in sources if source.verified)
    yield Finding(
        "sources",
        "good",
        f"{len(sources)} in {', '.join(languages) or 'languages nobody has named'}; {verified} verified by somebody ({settings.sources})",
    )


def _rules(settings: Settings) -> Iterator[Finding]:
    from rules.engine.rulebook import load_rulebook

    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    yield Finding(
        "rules",
        "good",
        f"version {rulebook.version}: {len(rulebook.entities)} entities, {len(rulebook.rules)} rules ({settings.rules})",
    )


def _mail(settings: Settings) -> Iterator[Finding]:
    from digest.message import read_sender
    from digest.send import read_server
    from flows.digest_steps import load_rules, vocabulary_of, wanted_recipients

    if settings.smtp_url is None:
        yield Finding("mail", "note", "SHOLU_SMTP_URL is not set: the digest can be shown (sholu digest --dry-run) but not sent")
        return
    server = read_server(settings.smtp_url.get_secret_value(), ca=settings.smtp_ca)
    sender = read_sender(settings.mail_from)
    try:
        with socket.create_connection((server.host, server.port), timeout=5):
            yield Finding("mail", "good", f"{server.shown} answers; mail is from {sender.address}")
    except OSError as error:
        yield Finding("mail", "bad", f"{server.shown} does not answer ({error.strerror or error}); see SHOLU_SMTP_URL")
    readers = wanted_recipients(settings, (), vocabulary_of(load_rules(settings)))
    if readers:
        yield Finding("readers", "good", f"{len(readers)} get the digest ({settings.recipients})")
    else:
        yield Finding("readers", "note", "nobody gets the digest by itself: SHOLU_RECIPIENTS names no file")


def _disk(settings: Settings) -> Iterator[Finding]:
    place = next(path for path in (settings.home.absolute(), *settings.home.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    yield Finding("disk", "good" if free > DISK_LOW else "bad", f"{free / 1e9:.1f} GB free at {settings.home}")


def _clock(_settings: Settings) -> Iterator[Finding]:
    now = datetime.now(UTC)
    yield Finding(
        "clock",
        "good" if now > BUILT else "bad",
        f"{now:%Y-%m-%d %H:%M} UTC" + ("" if now > BUILT else ": that is before this program was written; set the clock"),
    )


def _schedule(_settings: Settings) -> Iterator[Finding]:
    from cli.prefect_api import api_answers, shown_address

    if not shown_address():
        yield Finding(
            "schedule", "note", "no Prefect server is configured: `sholu serve` brings one, or use cron with `sholu run --due`"
        )
    elif api_answers():
        yield Finding("schedule", "good", f"the Prefect server at {shown_address()} answers")
    else:
        yield Finding(
            "schedule",
            "bad",
            f"the Prefect server at {shown_address()} does not answer; `sholu serve` starts one, PREFECT_API_URL says where",
        )
