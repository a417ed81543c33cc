"""The command line as a person at a terminal has it: real processes on a store filled by the main job."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.settings import Settings
from tests.evidence.conftest import filled
from tests.flows.conftest import Site, rules, settings, site

__all__ = ["Site", "filled", "rules", "settings", "site"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command answered: its exit code, and what stands on the two outputs, spaces and line ends made one space."""

    code: int
    out: str
    complaint: str
    lines: tuple[str, ...]

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


Shell = Callable[..., Said]


@pytest.fixture
def sholu(filled: Settings, tmp_path: Path) -> Shell:
    """Run `sholu` with these words in an empty folder, on the filled store."""
    place = tmp_path / "desk"
    place.mkdir()
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "COLUMNS": "200",
        "SHOLU_HOME": str(filled.home),
        "SHOLU_SOURCES": str(filled.sources),
        "SHOLU_RULES": str(filled.rules),
        "SHOLU_ALLOW_ADDRESSES": filled.allow_addresses,
    }

    def run(*words: str, given: str = "", **variables: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            cwd=place,
            env=environment | variables,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Said(
            done.returncode, " ".join(done.stdout.split()), " ".join(done.stderr.split()), tuple(done.stdout.splitlines())
        )

    return run
