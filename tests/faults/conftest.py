"""A site with two sources, and programs that work on it until the test is over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.settings import Settings
from tests.faults.programs import Program
from tests.flows.conftest import Site, filler, rules, settings, site
from tests.storage.conftest import postgres_folder, postgres_template

__all__ = ["Site", "postgres_folder", "postgres_template", "rules", "settings", "site"]


@pytest.fixture
def newsroom(settings: Settings, site: Site) -> Settings:
    """Two sources of seven articles each, one twice in its feed and one that both carry; nothing waits for a pause."""
    site.feed("/one.xml", *[(f"Rally {n} in Almaty", f"/news/one-{n}") for n in range(6)], ("Carried by both", "/news/both"))
    site.feed(
        "/two.xml",
        *[(f"Weather {n}", f"/news/two-{n}") for n in range(6)],
        ("Weather 0", "/news/two-0?utm_source=rss"),
        host="127.0.3.2",
    )
    for n in range(6):
        site.article(f"/news/one-{n}", f"Rally {n} in Almaty", filler(f"A rally of group {n} was held in Almaty"))
        site.article(f"/news/two-{n}", f"Weather {n}", filler(f"Weather number {n}"))
    site.article("/news/both", "Carried by both", filler("Both papers carry this"))
    site.article("/news/two-0?utm_source=rss", "Weather 0", filler("Weather number 0"))
    return settings


@pytest.fixture
def program(newsroom: Settings, tmp_path: Path) -> Iterator[Any]:
    """Makes a Program on a home (and database) of its own; what still runs at the end is ended."""
    made: list[Program] = []

    def make(name: str = "home", database: str = "") -> Program:
        environment = {
            "PATH": os.environ["PATH"],
            "SHOLU_HOME": str(tmp_path / name),
            "SHOLU_SOURCES": str(newsroom.sources),
            "SHOLU_RULES": str(newsroom.rules),
            "SHOLU_ALLOW_ADDRESSES": "127.0.0.0/8",
            "SHOLU_HOST_PAUSE": "0",
            "SHOLU_WORKERS": "1",
            "PREFECT_HOME": str(tmp_path / "no-prefect"),
            "HOME": str(tmp_path),
        } | ({"SHOLU_DATABASE_URL": database} if database else {})
        made.append(Program(tmp_path / name, environment))
        return made[-1]

    yield make
    for each in made:
        for process in each.started:
            if process.is_alive():
                process.kill()
                process.join(30)
