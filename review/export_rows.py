"""Items as rows of a table that a spreadsheet may open without harm; the routes that send them are in ``pages.exports``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from domain.shown import web_address
from domain.values import Flagging
from review.marks import evidence
from storage.queues import Listed

COLUMNS: Final = (
    "id", "title", "url", "outlet", "ownership", "language", "published_utc", "first_seen_utc", "themes", "places", "entities",
    "regions", "score", "threshold", "grade", "rules", "evidence", "state", "decisions", "tags", "version", "cluster", "rules_version",
)  # fmt: skip
GRADE_NAMES: Final = {2: "flagged", 1: "near", 0: "clear", -1: "unjudged"}
LONGEST_CELL: Final = 32_000  # Excel takes 32,767 characters
# What a spreadsheet takes for a formula (OWASP: = + - @, tab, carriage return), and full-width forms of the same signs.
FORMULA: Final = re.compile(r"^[\s\u0000-\u0020\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]")
NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def safe_cell(value: Any) -> Any:
    """A value that no spreadsheet computes: text that would be read as a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return value
    text = NOT_IN_XML.sub("\ufffd", value)
    text = text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
    return f"'{text}" if FORMULA.match(text) or (text[:1] in "\t\r\n" and text) else text


def row(item: Listed, *, held: Iterable[tuple[str, str, str]] = (), tags: Iterable[str] = ()) -> dict[str, Any]:
    """An item as named values, in the order of COLUMNS; lists are lists."""
    flagging = item.flagging
    shown = evidence(item.title, item.text, flagging)
    return {
        "id": item.id, "title": item.title, "url": item.url, "outlet": item.source_title, "ownership": item.ownership or "",
        "language": item.language, "published_utc": _iso(item.published), "first_seen_utc": _iso(item.first_seen),
        "themes": list(item.themes), "places": list(flagging.places) if flagging else [],
        "entities": list(flagging.entities) if flagging else [], "regions": list(flagging.regions) if flagging else [],
        "score": item.score, "threshold": item.threshold, "grade": GRADE_NAMES.get(item.grade, str(item.grade)),
        "rules": _rules(flagging), "evidence": "".join(piece.text for piece in shown.pieces) if shown else "", "state": item.review,
        "decisions": [{"reviewer": who, "decision": said, "reason": why} for who, said, why in held], "tags": list(tags),
        "version": item.version, "cluster": item.cluster_id, "rules_version": item.rules_version,
    }  # fmt: skip


def flat(values: Mapping[str, Any]) -> list[Any]:
    """The row for a table: lists joined by semicolons, every cell safe."""
    return [safe_cell(_joined(values[name])) for name in COLUMNS]


def linkable(url: str) -> bool:
    """Whether an address may become a link in what we export."""
    return bool(web_address(url))


def _joined(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(_words(one) for one in value)
    return value


def _words(one: Any) -> str:
    if isinstance(one, dict):
        return " ".join(str(part) for part in (one["reviewer"], one["decision"], one["reason"]) if part)
    return str(one)


def _rules(flagging: Flagging | None) -> list[str]:
    return [ruling.rule for ruling in flagging.rulings if ruling.flagged] if flagging else []


def _iso(when: datetime | None) -> str:
    return when.isoformat(timespec="seconds") if when else ""
