"""Flaggings as plain JSON values and back; what is stored and what ``sholu flag`` prints are the same shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.values import Flagging, Part, Ruling, Span


def flagging_to_plain(flagging: Flagging) -> dict[str, Any]:
    """A flagging as dicts, lists, text and numbers; defaults of spans are left out to keep rows small."""
    return {
        "score": flagging.score,
        "threshold": flagging.threshold,
        "flagged": flagging.flagged,
        "near_miss": flagging.near_miss,
        "themes": list(flagging.themes),
        "entities": list(flagging.entities),
        "places": list(flagging.places),
        "regions": list(flagging.regions),
        "spans": [span_to_plain(span) for span in flagging.spans],
        "rulings": [ruling_to_plain(ruling) for ruling in flagging.rulings],
        "rules_version": flagging.rules_version,
    }


def flagging_from_plain(data: Mapping[str, Any]) -> Flagging:
    """The flagging that ``flagging_to_plain`` wrote; raises KeyError or TypeError where it is none."""
    return Flagging(
        score=float(data["score"]),
        threshold=float(data["threshold"]),
        flagged=bool(data["flagged"]),
        near_miss=bool(data["near_miss"]),
        themes=tuple(data["themes"]),
        entities=tuple(data["entities"]),
        places=tuple(data["places"]),
        regions=tuple(data["regions"]),
        spans=tuple(Span(**span) for span in data["spans"]),
        rulings=tuple(_ruling(ruling) for ruling in data["rulings"]),
        rules_version=str(data["rules_version"]),
    )


def span_to_plain(span: Span) -> dict[str, Any]:
    plain: dict[str, Any] = {"field": span.field, "start": span.start, "end": span.end, "text": span.text, "term": span.term}
    for key in ("rule", "signal", "points", "anchor", "why"):
        value = getattr(span, key)
        if value:
            plain[key] = value
    return plain


def ruling_to_plain(ruling: Ruling) -> dict[str, Any]:
    return {
        "rule": ruling.rule,
        "theme": ruling.theme,
        "score": ruling.score,
        "threshold": ruling.threshold,
        "parts": [
            {"signal": part.signal, "points": part.points, "spans": list(part.spans), "why": part.why} for part in ruling.parts
        ],
    }


def _ruling(data: Mapping[str, Any]) -> Ruling:
    parts = tuple(Part(part["signal"], float(part["points"]), tuple(part["spans"]), part["why"]) for part in data["parts"])
    return Ruling(data["rule"], data["theme"], float(data["score"]), float(data["threshold"]), parts)
