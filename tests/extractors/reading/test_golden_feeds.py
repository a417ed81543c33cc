"""Each of the 194 real feeds is read or refused with a reason; how many entries each has is in ``tests/golden/feeds.json``.

Rewritten by ``python -m tests.extractors.reading.test_golden_feeds`` and reviewed as a diff; the texts of the feeds are not kept.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from domain.errors import ReadError
from extractors.feeds import read_feed
from tests.conftest import HOUSE, SHARED, shared

GOLDEN = HOUSE / "tests" / "golden" / "feeds.json"


def read_all(folder: Path) -> dict[str, int | str]:
    """Entries by file, or the kind of refusal."""
    found: dict[str, int | str] = {}
    for path in sorted(folder.iterdir()):
        if path.name == "MANIFEST.jsonl":
            continue
        try:
            feed = read_feed(
                path.read_bytes(),
                url=f"https://example.org/{path.name}",
                source_id="golden",
                now=datetime(2026, 11, 22, tzinfo=UTC),
            )
        except ReadError as error:
            found[path.name] = error.kind
        else:
            assert len({entry.key for entry in feed.entries}) == len(feed.entries), path.name
            found[path.name] = len(feed.entries)
    return found


def test_every_real_feed_yields_the_entries_it_had():
    found = read_all(shared("feeds"))
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(read_all(SHARED / "feeds"), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
