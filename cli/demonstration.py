"""`sholu demo`: the main job against the made-up news site of `demo/`, in a database of its own, with no network."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from cli.output import complain, console, print_json, runnable
from domain.environment import Hidden
from domain.settings import Settings, load_settings

PORT = 8719  # the desk's while the demo is kept


def demonstrate(*, keep: bool, json: bool) -> int:
    """Serve the site, read it twice (one article changes in between), mail the digest, show it all; returns the exit code.

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
        mail = mailed_digest(settings)
        if json:
            print_json(first.summary())
        else:
            show_report(first, hints=False)
            out.print(
                f"\nPolled again: {second.counts.new} new, {second.counts.updated} updated: one article was rewritten in between."
            )
            if mail is not None:
                out.print(
                    f"The digest was mailed to a mailbox on this machine: {mail} for a mail program, {mail.stem}.html beside it for a browser."
                )
            out.print(
                runnable(
                    f"Look next: `sholu demo --keep` opens the review desk on what was found; with SHOLU_HOME={home} every command is about the demo."
                )
            )
        if keep:
            open_desk(settings)
    # The outlet that refuses us is there on purpose: anything else that was not seen is a fault.
    return 0 if len(first.unseen) <= 1 and first.counts.new and first.flagged_items and mail is not None else 1


def mailed_digest(settings: Settings) -> Path | None:
    """Send the day's digest to a mail server of the demo's own, and keep the mail as it arrived, its HTML beside it; returns where,
    None where it did not arrive."""
    from demo.mailbox import Mailbox
    from flows.digest_steps import send_digest

    with Mailbox() as box:
        own = {"smtp_url": Hidden(box.address), "mail_from": "Sholu <sholu@demo.example>", "recipients": None}
        own["desk_address"] = f"http://127.0.0.1:{PORT}"
        asked = settings.changed(**own)
        report = send_digest(asked, to=("reader@demo.example",), clock=lambda: datetime.now(UTC))
    if report.exit_code or not box.mails:
        complain(report.closing())
        return None
    path = settings.home / "digest.eml"
    path.write_bytes(box.mails[0])
    page = message_from_bytes(box.mails[0], _class=EmailMessage, policy=SMTP).get_body(("html",))
    if page is not None:
        path.with_suffix(".html").write_text(page.get_content(), encoding="utf-8")
    return path


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
