"""The bytes of a record whose SHA-256 stands in the evidence chain: everything about it that must be provable later; pure.

Each is JSON in UTF-8 with its keys in alphabetical order and no blanks, so that anyone holding the record can make the same
bytes again: `sholu evidence` writes them as files, and `sha256sum` gives the digest of the chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from domain.values import Capture
from storage.schema.types import storable, write_json

CAPTURE = (
    "url_asked",
    "url_answered",
    "fetched_at",
    "status",
    "media_type",
    "request_headers",
    "headers",
    "redirects",
    "server_address",
    "certificate",
    "sha256",
)
# Not in it: fetched_at, which moves when a text returns (the capture has its time).
VERSION = (
    "item_id",
    "number",
    "sha256",
    "url",
    "language",
    "published",
    "published_from",
    "authors",
    "extractor",
    "body_from",
    "cut",
    "capture_id",
    "seen_at",
    "diff",
)
FLAGGING = (
    "item_id",
    "version_id",
    "rules_version",
    "score",
    "threshold",
    "flagged",
    "near_miss",
    "themes",
    "entities",
    "places",
    "regions",
    "spans",
    "rulings",
    "at",
)
VERDICT = (
    "item_id",
    "version_id",
    "flagging_id",
    "reviewer",
    "act",
    "decision",
    "reason",
    "note",
    "undoes",
    "blind",
    "sample_id",
    "seconds",
    "batch",
    "at",
)
RECHECK = ("item_id", "label", "state", "tries", "done_at", "capture_id", "version_id", "reason")
RUN = ("kind", "slot", "status", "reason", "rules_version", "started_at", "ended_at")
LINE = ("source_id", "subject", "kind", "url", "reason", "flagged", "item_id")
COUNTS = ("seen", "new", "updated", "unchanged", "duplicate", "skipped", "failed", "flagged")
SUM = ("source_id", "kind", "reason", "entries", *COUNTS)
_SUM_IN_ORDER = tuple(sorted(SUM))


def capture_record(capture: Capture) -> str:
    """All that is kept of a capture; the body stands in it by its hash."""
    return _written({name: getattr(capture, name) for name in CAPTURE})


def record(names: tuple[str, ...], row: Mapping[Any, Any]) -> str:
    """A row of one of our tables, reduced to ``names``; the same before it is written and after it was read."""
    return _written({name: row.get(name) for name in names})


def run_record(run: Mapping[Any, Any], sums: Iterable[Mapping[Any, Any]], lines: Iterable[Mapping[Any, Any]]) -> str:
    """A closed run with its ledger: a sum a source, and the hash of its lines, one for each entry that did not stay as it was."""
    told = sorted(record(LINE, line) for line in lines)
    added = sorted((_sum(each) for each in sums), key=lambda each: str(each["source_id"]))
    hashed = hashlib.sha256("\n".join(told).encode()).hexdigest()
    facts = _plain({name: run.get(name) for name in RUN}) | {"sources": added, "lines": len(told), "lines_sha256": hashed}
    return write_json({name: facts[name] for name in sorted(facts)})


def _sum(row: Mapping[Any, Any]) -> dict[str, Any]:
    """``_plain`` of a line of the ledger, which is text and whole numbers: of thousands of them it is made straight."""
    return {name: storable(value) if isinstance(value := row[name], str) else value for name in _SUM_IN_ORDER}


def digest(written: str) -> str:
    """The hash that stands in the chain."""
    return hashlib.sha256(written.encode()).hexdigest()


def _written(facts: Mapping[Any, Any]) -> str:
    return write_json(_plain(facts))


def _plain(value: Any) -> Any:
    """As JSON has it, the same from either database: PostgreSQL orders keys its own way and writes 1e22 as an integer.

    Asked of every value of every record: the kinds there are most of come first, and ``match`` would ask each in turn.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value  # signs that no database takes are replaced once all is written
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(value[name]) for name in sorted(value)}
    return value
