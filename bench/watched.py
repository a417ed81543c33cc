"""A database of sources whose last poll is known, beside `bench/quiet_server.py`: every next poll is answered with 304 (Not Modified)."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.server import hosts, quiet_feed, tag_of
from domain.values import Rung, RungKind, Source
from extractors.catalogue import written_stanzas
from storage.sources import PollState, save_poll_states, sync_sources
from storage.store import open_store


def watched(count: int, port: int, network: str = "127") -> list[Source]:
    """As many sources as asked for, each at an address of its own."""
    found = []
    for host in hosts(count, network):
        feed = f"http://{host}:{port}/feed.xml"
        found.append(Source(f"s-{host}", f"Source {host}", f"http://{host}:{port}/", (Rung(RungKind.FEED, feed),), ("en",), "KZ"))
    return found


def write_list(file: Path, sources: list[Source]) -> None:
    """The sources in our own format, as a person keeps them."""
    file.write_text(written_stanzas(sources), encoding="utf-8")


def make_known(address: str, sources: list[Source], *, changed: int = 0) -> None:
    """Enter the sources as polled an hour ago, with the ETag their feed has now; of ``changed`` of them, spread evenly, with another.

    Their turn has come. A changed one has an article that is not known yet.
    """
    now = datetime.now(UTC)
    hour_ago = now - timedelta(hours=1)
    fresh = {number * len(sources) // changed for number in range(changed)}
    with closing(open_store(address)) as store:
        sync_sources(store, sources, now=hour_ago)
        save_poll_states(
            store,
            [
                PollState(
                    source.id,
                    etag='"of old"' if number in fresh else tag_of(quiet_feed(source.home.split("/")[2])).decode(),
                    last_polled=hour_ago,
                    last_ok=hour_ago,
                    last_new=hour_ago,
                    last_kind="ok",
                    entries_last=1,
                    next_due=now,
                    interval_s=900.0,
                )
                for number, source in enumerate(sources)
            ],
        )
