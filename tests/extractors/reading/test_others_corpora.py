"""Collections of odd feeds that others keep, where they lie beside the project: read without a crash or a hang."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.errors import ReadError
from extractors.feeds import read_feed
from extractors.pool import ParserPool
from tests.conftest import shared

NOW = datetime(2026, 11, 22, tzinfo=UTC)
# feedparser's own test cases, those of feed-rs and fastfeedparser, and the feed validator's, by the beginning of their names.
COLLECTIONS = ("feedparser__", "feed-rs__", "fastfeedparser__", "feedvalidator__")


@pytest.mark.slow
@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_a_collection_of_odd_feeds_is_read_without_a_crash_or_a_hang(collection: str) -> None:
    files = sorted(shared("feeds").glob(f"{collection}*"))
    if not files:
        pytest.skip(f"no files {collection}* beside the project")
    read = 0
    async with ParserPool(1, seconds=20) as pool:
        for file in files:
            try:
                await pool.run(read_feed, file.read_bytes(), url=f"https://a.example/{file.name}", source_id="s", now=NOW)
                read += 1
            except ReadError as error:
                assert error.kind not in ("crash", "timeout", "memory"), f"{file.name}: {error}"  # noqa: PT017
    assert read > 0.5 * len(files), "most of them are feeds"
