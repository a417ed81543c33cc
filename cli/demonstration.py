"""`sholu demo`: the main job against the made-up news site of `demo/`, in a database of its own, with no network."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

from cli.output import console, print_json, runnable
from domain.settings import Settings, load_settings

PORT = 8719  # the desk's while the demo is kept


def demonstrate(*, keep: bool, json: bool) -> int:
    """Serve the site, read it twice (one article changes in between), show what was found; returns the exit code.

    The demo's outlets include one that refuses us and one that is quiet: that the run says so is part of what is shown.
    """
    from cli.collect import show_report
    from cli.logs import set_up_logs
    from cli.progress import shown_progress
    from demo.site import DemoSite
    from flows.steps import collect
    from flows.world import CollectOptions

    out = console()
    home = demo_home(load_settings().home)
    with DemoSite(now=datetime.now(UTC)) as site:
        site.write_sources(home / "sources.yaml")
        settings = load_settings(
            home=home, sources=home / "sources.yaml", allow_addresses="127.0.0.0/8", host_pause=0.0, database_url=None
        )
        set_up_logs(home)
        if not json:
            out.print(f"A made-up news site of {len(site.sources)} outlets is served on this machine; its database is {home}.")
        with shown_progress() as tell:
            first = asyncio.run(collect(settings, CollectOptions(), clock=lambda: datetime.now(UTC), tell=tell))
        second = asyncio.run(collect(settings, CollectOptions(), clock=lambda: datetime.now(UTC)))
        if json:
            print_json(first.summary())
        else:
            show_report(first)
            out.print(
                f"\nPolled again: {second.counts.new} new, {second.counts.updated} updated: one article was rewritten in between."
            )
            out.print(runnable("Look next: `sholu demo --keep` opens the review desk on what was found."))
        if keep:
            open_desk(settings)
    # The outlet that refuses us is there on purpose: anything else that was not seen is a fault.
    return 0 if len(first.unseen) <= 1 and first.counts.new and first.flagged_items else 1


def demo_home(home: Path) -> Path:
    """A fresh folder for the demo beside the real data, which it never touches."""
    place = home / "demo"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def open_desk(settings: Settings) -> None:
    """The review desk on the demo's database, until Ctrl-C."""
    from review.serve import serve

    console().print(f"The review desk on the demo: http://127.0.0.1:{PORT} (Ctrl-C ends it)")
    serve(settings, host="127.0.0.1", port=PORT)
