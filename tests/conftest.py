"""What all tests share: where the labelled material is (if it is here at all) and a fixed clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says what else the machine is doing, and nothing of the program.
settings.register_profile("sholu", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sholu")

HOUSE = Path(__file__).resolve().parent.parent
SHARED = HOUSE.parent / "shared"


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def shared(*parts: str) -> Path:
    """The path of labelled material beside the project; skips the test where a user's machine does not have it."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} of the labelled material, which is not on this machine")
    return path
