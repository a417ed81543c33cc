"""Writes the table of deployments as `deploy/prefect.yaml`, for workers; `python -m flows.prefect_file` renews it."""

from __future__ import annotations

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


def written() -> str:
    """The file's text."""
    table: dict[str, Any] = {
        "name": "sholu",
        # Workers run where the program is installed: nothing is fetched from anywhere.
        "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "{{ $SHOLU_HOUSE }}"}}],
        "deployments": [_row(row) for row in DEPLOYMENTS],
    }
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


def write(file: Path = FILE) -> None:
    """Renew the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written(), encoding="utf-8")


if __name__ == "__main__":
    write()
