"""Writes the table of deployments as `deploy/prefect.yaml`, for workers; `python -m flows.prefect_file` renews it.

``--lanes 20 --at-most 1000 --to FILE`` writes another one, for many workers: every slot of `collect` starts as many runs as there are
lanes, and each takes a share of the sources whose turn it is (docs/scaling.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from domain.settings import HOUSE
from flows.deployments import DEPLOYMENTS, TIMEZONE, Deployment

FILE = HOUSE / "deploy" / "prefect.yaml"
POOL = "sholu"
HEAD = f"""\
# The schedule for workers: the same table as `sholu serve` has (flows/deployments.py), written by `python -m flows.prefect_file`.
# Do not edit it here: a test compares the two. How it is used: docs/running.md, "More machines".
#   prefect work-pool create --type process {POOL}
#   prefect --no-prompt deploy --all --prefect-file deploy/prefect.yaml
#   prefect worker start --pool {POOL}
"""


def written(*, lanes: int = 1, at_most: int | None = None) -> str:
    """The file's text; with several ``lanes`` as many runs of `collect` at once, each for at most so many sources."""
    table: dict[str, Any] = {
        "name": "sholu",
        # Workers run where the program is installed: nothing is fetched from anywhere.
        "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "{{ $SHOLU_HOUSE }}"}}],
        "deployments": [_row(row) for row in DEPLOYMENTS],
    }
    if lanes > 1:
        _widen(table["deployments"][[row.flow for row in DEPLOYMENTS].index("collect")], lanes, at_most)
    return HEAD + yaml.safe_dump(table, sort_keys=False, allow_unicode=True, width=120)


def _row(row: Deployment) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": row.short,
        # By module, not by file: as a file its folder comes first on the path, and flows/digest.py hides the package `digest`.
        "entrypoint": row.entrypoint,
        "description": row.description,
        "tags": list(row.tags),
        "parameters": dict(row.parameters),
        "enforce_parameter_schema": True,
        "concurrency_limit": {"limit": 1, "collision_strategy": row.collision},
        "work_pool": {"name": POOL},
    }
    if row.cron:
        made["schedules"] = [{"cron": row.cron, "timezone": TIMEZONE, "active": True}]
    return made


def _widen(collect: dict[str, Any], lanes: int, at_most: int | None) -> None:
    """Make the row of `collect` one of several runs at once: the same cron once a lane, each with its number and its share."""
    collect["concurrency_limit"]["limit"] = lanes
    collect["schedules"] = [
        {**schedule, "slug": f"lane-{lane}", "parameters": {"lane": lane} | ({"at_most": at_most} if at_most else {})}
        for schedule in collect["schedules"]
        for lane in range(1, lanes + 1)
    ]


def write(file: Path = FILE, *, lanes: int = 1, at_most: int | None = None) -> None:
    """Renew the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written(lanes=lanes, at_most=at_most), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the deployments for Prefect workers.")
    parser.add_argument("--lanes", type=int, default=1, help="runs of `collect` at once, one a worker")
    parser.add_argument("--at-most", type=int, default=1000, help="sources in the share of one run")
    parser.add_argument("--to", type=Path, default=FILE)
    given = parser.parse_args()
    write(given.to, lanes=given.lanes, at_most=given.at_most)
