"""Flaggings as rows and back again: the form in which reasons are kept; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy.engine import Row

from domain.values import Flagging, Part, Ruling, Span

SPAN_NAMES = tuple(each.name for each in fields(Span))
EMPTY: tuple[object, ...] = ("", 0.0, ())


def grade(flagging: Flagging) -> int:
    """2 flagged, 1 near miss, 0 clear."""
    return 2 if flagging.flagged else int(flagging.near_miss)


def terms(flagging: Flagging) -> Iterable[tuple[str, str]]:
    """What an item can be filtered by, as (kind, value), each once."""
    found: dict[tuple[str, str], None] = {}
    found.update((("theme", value), None) for value in flagging.themes)
    found.update((("entity", value), None) for value in flagging.entities)
    found.update((("place", value), None) for value in flagging.places)
    found.update((("region", value), None) for value in flagging.regions)
    # The rules and signals an item stands in its queue for: those that flagged, or those that nearly did where none has.
    counted = [ruling for ruling in flagging.rulings if ruling.flagged or (ruling.near_miss and not flagging.flagged)]
    found.update((("rule", ruling.rule), None) for ruling in counted)
    found.update(
        (("signal", f"{ruling.rule}/{part.signal}"), None) for ruling in counted for part in ruling.parts if part.points > 0
    )
    found.update((("alone", value), None) for value in flagging.alone)
    return found


def flagging_row(item_id: int, version_id: int, flagging: Flagging) -> dict[str, Any]:
    """A flagging as columns; fields at their default are left out of the JSON."""
    return {
        "item_id": item_id,
        "version_id": version_id,
        "rules_version": flagging.rules_version,
        "score": flagging.score,
        "threshold": flagging.threshold,
        "flagged": flagging.flagged,
        "near_miss": flagging.near_miss,
        "themes": list(flagging.themes),
        "entities": list(flagging.entities),
        "places": list(flagging.places),
        "regions": list(flagging.regions),
        "spans": [{name: value for name in SPAN_NAMES if (value := getattr(span, name)) not in EMPTY} for span in flagging.spans],
        "rulings": [_ruling_json(ruling) for ruling in flagging.rulings],
    }


def flagging_from(row: Row[Any]) -> Flagging:
    """The Flagging of a row of ``flaggings``."""
    return Flagging(
        score=row.score,
        threshold=row.threshold,
        flagged=row.flagged,
        near_miss=row.near_miss,
        themes=tuple(row.themes),
        entities=tuple(row.entities),
        places=tuple(row.places),
        regions=tuple(row.regions),
        spans=tuple(_span(each) for each in row.spans),
        rulings=tuple(_ruling(each) for each in row.rulings),
        rules_version=row.rules_version,
    )


def _ruling_json(ruling: Ruling) -> dict[str, Any]:
    parts = [{"signal": part.signal, "points": part.points, "spans": list(part.spans), "why": part.why} for part in ruling.parts]
    return {"rule": ruling.rule, "theme": ruling.theme, "score": ruling.score, "threshold": ruling.threshold, "parts": parts}


def _span(given: Mapping[str, Any]) -> Span:
    whole: dict[str, Any] = {"field": "", "start": 0, "end": 0, "text": "", "term": "", **given}
    return Span(**whole)


def _ruling(given: Mapping[str, Any]) -> Ruling:
    parts = tuple(Part(part["signal"], part["points"], tuple(part["spans"]), part["why"]) for part in given["parts"])
    return Ruling(given["rule"], given["theme"], given["score"], given["threshold"], parts)
