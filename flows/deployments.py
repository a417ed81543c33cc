"""The schedule as a table: which flow runs when, with what parameters; `sholu serve` and `deploy/prefect.yaml` say just this.

No Prefect here: the table is data. `flows/runner.py` hands it over, `flows/prefect_file.py` writes it down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

TIMEZONE = "Asia/Almaty"
"""UTC+5 since 1 March 2024; the time zone database decides."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One row: a flow under a name, its schedule (cron; None: by hand only), and what a second run does meanwhile.

    ``every`` is the time between two slots of the schedule: after down time only the last slot missed is made up for, and a run
    that starts when the next slot has come already leaves the work to that one.
    """

    name: str
    entrypoint: str
    description: str
    cron: str | None = None
    every: timedelta = timedelta(days=1)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    collision: Literal["CANCEL_NEW", "ENQUEUE"] = "CANCEL_NEW"

    @property
    def flow(self) -> str:
        return self.name.split("/", 1)[0]

    @property
    def short(self) -> str:
        return self.name.split("/", 1)[1]


DEPLOYMENTS = (
    Deployment(
        "collect/every-15-minutes",
        "flows.collect:collect_flow",
        "Polls the sources whose turn it is, reads what is new, flags and stores it. Run it by hand at any time.",
        cron="*/15 * * * *",
        every=timedelta(minutes=15),
        parameters={"only_due": True},
        tags=("sholu", "collect"),
        # Not CANCEL_NEW: somebody's run by hand during a pass of the schedule waits for it and is not thrown away.
        collision="ENQUEUE",
    ),
    Deployment(
        "digest/daily",
        "flows.digest:digest_flow",
        "Sends the daily digest to every reader whose hour has come. Run by hand for a day, a reader or dry: nothing goes twice.",
        cron="0 8 * * *",
        parameters={"due_only": True},
        tags=("sholu", "digest"),
        collision="ENQUEUE",
    ),
    Deployment(
        "digest/waiting-mail",
        "flows.digest:digest_flow",
        "Tries again what the mail server put off, and serves readers who asked for an hour of their own.",
        cron="10,40 * * * *",
        every=timedelta(minutes=30),
        parameters={"due_only": True},
        tags=("sholu", "digest"),
    ),
    Deployment(
        "reflag/by-hand",
        "flows.reflag:reflag_flow",
        "Judges stored items by the present rules: first dry, then with “dry run” off. The artifact says what changes and why.",
        tags=("sholu", "reruns"),
        collision="ENQUEUE",
    ),
    Deployment(
        "reextract/by-hand",
        "flows.reextract:reextract_flow",
        "Reads stored pages again, with no network: first dry, then with “dry run” switched off. Former versions are kept.",
        tags=("sholu", "reruns"),
        collision="ENQUEUE",
    ),
    Deployment(
        "maintain/nightly",
        "flows.maintain:maintain_flow",
        "Backs up, drops what is old (never what was flagged or decided), mends the search index and looks the store through.",
        cron="30 3 * * *",
        tags=("sholu", "maintain"),
        collision="ENQUEUE",
    ),
    Deployment(
        "watch/hourly",
        "flows.watch:watch_flow",
        "Looks whether the service itself is well; alarms are mailed once. Also started when a run fails or is missed.",
        cron="7 * * * *",
        every=timedelta(hours=1),
        tags=("sholu", "alarms"),
        collision="ENQUEUE",
    ),
)


def row_of(flow: str) -> Deployment:
    """The row of a flow."""
    return next(row for row in DEPLOYMENTS if row.flow == flow)
