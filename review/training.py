"""A decided item as a line to learn from: the text, what people said, what the rules had said; nothing about who said it. Pure."""

from __future__ import annotations

from typing import Any

from storage.queues import Listed


def training_row(item: Listed, text: str, held: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Label 1 for relevant, 0 for not; the signals that gave points are the features the rules saw. Reviewers are counted, not named."""
    flagging = item.flagging
    signals = {
        f"{ruling.rule}/{part.signal}": part.points
        for ruling in (flagging.rulings if flagging else ())
        for part in ruling.parts
        if part.points
    }
    return {
        "id": item.id, "label": int(item.review == "relevant"), "reasons": sorted({why for _, _, why in held if why}),
        "reviewers": len(held), "title": item.title, "text": text, "language": item.language, "url": item.url,
        "source": item.source_id, "published": item.published.isoformat() if item.published else None, "themes": list(item.themes),
        "score": item.score, "threshold": item.threshold, "grade": item.grade, "signals": signals, "rules_version": item.rules_version,
        "version": item.version, "cluster": item.cluster_id,
    }  # fmt: skip
