"""The list of sources as it was read last: one that did not change since is not parsed and checked again.

Nearly every run begins with the list of the run before, and reading 10,000 stanzas of YAML takes as long as polling 2,000 feeds.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from domain.values import Ownership, Rung, RungKind, Source, SourceState

SUFFIXES: Final = (".yaml", ".yml", ".opml", ".txt")  # what is read from a folder; anything else in it is left alone
NAME: Final = "sources.json"
HOUSE: Final = Path(__file__).resolve().parent.parent
READERS: Final = (
    "extractors/catalogue.py",
    "extractors/stanzas.py",
    "extractors/opml.py",
    "extractors/kept_list.py",
    "domain/values.py",
)
"""The code that decides what a list means: when it changes, what was read before is read again."""


def known_sources(path: Path, cache: Path) -> tuple[Source, ...]:
    """As ``extractors.catalogue.load_sources``, errors included; what was read is kept in the folder ``cache`` under the hash of its files."""
    try:
        key = _hash(path)
    except OSError:
        key = ""  # the catalogue says what is wrong
    kept = _kept(cache / NAME, key)
    if kept is not None:
        return kept
    from extractors.catalogue import load_sources

    found = load_sources(path)
    # Hashed again: what is kept under a hash was read from files that had it before and after.
    with suppress(OSError):  # a folder that cannot be written costs time, and nothing else
        if key and key == _hash(path):
            _keep(cache / NAME, key, found)
    return found


def files_of(path: Path) -> list[Path]:
    """The files of a list: the file itself, or those of the folder that are lists."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))


def _hash(path: Path) -> str:
    """What the meaning of the list follows from: names and bytes of its files, and the code that reads it."""
    told = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape"))
    for file in (*files_of(path), *(HOUSE / name for name in READERS)):
        body = file.read_bytes()
        told.update(f"\0{file.name}\0{len(body)}\0".encode("utf-8", "surrogateescape"))
        told.update(body)
    return told.hexdigest()


def _kept(file: Path, key: str) -> tuple[Source, ...] | None:
    if not key:
        return None
    try:
        # Read as text by the key first: one of another list is not taken apart.
        text = file.read_text(encoding="utf-8")
        return tuple(_source(row) for row in json.loads(text[len(key) :])) if text.startswith(key) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None  # not there, cut short or of another shape: the list itself is read


def _keep(file: Path, key: str, sources: tuple[Source, ...]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_text(key + json.dumps([_row(source) for source in sources]), encoding="utf-8")
    part.replace(file)  # whole or not at all: another run may be reading it


def _row(source: Source) -> list[Any]:
    return [
        source.id,
        source.title,
        source.home,
        [[rung.kind.value, rung.url] for rung in source.rungs],
        source.languages,
        source.country,
        source.region,
        source.ownership.value if source.ownership else None,
        source.state.value,
        source.verified.isoformat() if source.verified else None,
        source.verified_by,
        source.rhythm.total_seconds(),
        source.note,
    ]


_KINDS: Final = {kind.value: kind for kind in RungKind}
_STATES: Final = {state.value: state for state in SourceState}


def _source(row: list[Any]) -> Source:
    key, title, home, rungs, languages, country, region, ownership, state, verified, by, rhythm, note = row
    return Source(
        key,
        title,
        home,
        tuple(Rung(_KINDS[kind], url) for kind, url in rungs),
        tuple(languages),
        country,
        region,
        Ownership(ownership) if ownership else None,
        _STATES[state],
        date.fromisoformat(verified) if verified else None,
        by,
        timedelta(seconds=rhythm),
        note,
    )
