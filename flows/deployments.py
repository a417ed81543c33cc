"""The schedule as a table: which flow runs when, with what parameters; `sholu serve` and `deploy/prefect.yaml` both say just this.

No Prefect here: the table is data, `flows/runner.py` hands it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TIMEZONE = "Asia/Almaty"
"""UTC+5 since 1 March 2024; the time zone database decides."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One row: a flow under a name, its schedule (cron; None: by hand only), and what a second run does meanwhile."""

    name: str
    entrypoint: str
    description: str
    cron: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    collision: Literal["CANCEL_NEW", "ENQUEUE"] = "CANCEL_NEW"

    @property
    def flow(self) -> str:
        return self.name.split("/")[0]


DEPLOYMENTS = (
    Deployment(
        "collect/every-15-minutes",
        "flows.collect:collect_flow",
        "Polls the sources whose turn it is, reads what is new, flags and stores it. Run by hand with other parameters at any time.",
        cron="*/15 * * * *",
        parameters={"only_due": True},
        tags=("sholu", "collect"),
    ),
)
