"""A store filled by the main job from the small site of the flows' tests, and the steps that look again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from domain.settings import Settings
from flows.rechecking import RecheckReport, recheck
from flows.report import RunReport
from flows.steps import collect
from flows.world import CollectOptions
from storage.store import Store, open_store
from tests.flows.conftest import Site, rules, settings, site
from tests.storage.conftest import address, postgres_folder, postgres_template, sqlite_template

__all__ = ["Site", "address", "postgres_folder", "postgres_template", "rules", "settings", "site", "sqlite_template"]

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


def run(settings: Settings, now: datetime = NOW) -> RunReport:
    return asyncio.run(collect(settings, CollectOptions(), clock=lambda: now))


def look_again(settings: Settings, after: timedelta) -> RecheckReport:
    return asyncio.run(recheck(settings, clock=lambda: NOW + after))


@pytest.fixture
def filled(settings: Settings, site: Site) -> Settings:
    """One flagged item ("Rally in Almaty", /a1) and two that are not; the site goes on answering."""
    assert run(settings).counts.new == 3
    return settings


@pytest.fixture
def store(filled: Settings) -> Iterator[Store]:
    with closing(open_store(filled.database)) as opened:
        yield opened


@pytest.fixture
def flagged_id(store: Store) -> int:
    from storage.shelf import FLAGGED, Filter, list_items

    return next(iter(list_items(store, Filter(grades=(FLAGGED,))))).id
