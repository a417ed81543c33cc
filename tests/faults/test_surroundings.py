"""Dead names, a clock that jumps, a Prefect server that is away, secrets that must not show: what is around the program."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.settings import Settings
from flows.steps import CollectOptions, collect
from storage.check import check_store
from storage.proof import verify_store
from storage.store import open_store
from tests.faults.programs import Program, rows, sqlite_of
from tests.faults.test_databases import in_a_sentence
from tests.flows.conftest import Site

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


def run(settings: Settings, now: datetime, *, due: bool = False) -> int:
    return asyncio.run(collect(settings, CollectOptions(due_only=due), clock=lambda: now)).exit_code


@pytest.mark.parametrize("jump", [timedelta(days=3650), timedelta(days=-3650)])
def test_a_clock_that_jumps_ten_years_and_back_stops_nothing(newsroom: Settings, site: Site, jump: timedelta) -> None:
    site.put("/news/one-3", "later", status=503)
    run(newsroom, NOW)
    run(newsroom, NOW + jump)
    site.article(
        "/news/one-3",
        "Rally 3 in Almaty",
        "A rally of group 3 was held in Almaty, and residents told reporters what they had seen. " * 5,
    )
    # Back in the present: sources come round by their own rhythm again, and what waited is read, not in ten years.
    for days in (1, 2):
        assert run(newsroom, NOW + timedelta(days=days), due=True) == 0
    address = f"sqlite:///{newsroom.home / 'sholu.db'}"
    found = rows(address)
    assert len(found["items"]) == 13
    assert not any("'pending'" in row for row in found["entries"])
    assert not any("'waiting'" in row for row in found["looks"] if "'24h'" in row), "later looks come in time as well"
    with closing(open_store(address)) as store:
        assert list(check_store(store)) == []
        assert list(verify_store(store)) == []


@pytest.mark.slow
def test_names_that_cannot_be_looked_up_are_no_network_and_the_next_run_heals(
    program: Callable[..., Program], tmp_path: Path
) -> None:
    made = program("home")
    dead = tmp_path / "dead.txt"
    dead.write_text("http://nowhere.invalid/feed.xml\nhttp://neither.invalid/feed.xml\n", encoding="utf-8")
    assert made("run", "--plain", SHOLU_SOURCES=str(dead)) == 3
    assert "no network" in made.said
    assert made() == 0, made.said
    assert len(rows(sqlite_of(made))["items"]) == 13


@pytest.mark.slow
def test_a_prefect_server_that_is_away_is_named_and_the_work_is_done_without_it(program: Callable[..., Program]) -> None:
    made = program("home")
    assert made("run", PREFECT_API_URL="http://127.0.0.1:9/api") == 0, made.said
    assert "http://127.0.0.1:9/api" in made.said
    assert "does not answer" in made.said
    assert len(rows(sqlite_of(made))["items"]) == 13


CANARY = "kanareika-7f3a91"


@pytest.mark.slow
def test_no_password_is_ever_shown_logged_or_stored(program: Callable[..., Program], tmp_path: Path) -> None:
    """A canary in every secret there is, through success, refusals, doctor and faults; then every byte written is looked through."""
    made = program("home")
    secrets = {
        "SHOLU_SMTP_URL": f"smtp://user:{CANARY}@127.0.0.1:9",
        "SHOLU_CONTACT": "desk@example.org",
    }
    databases = [
        "",
        f"postgresql://sholu:{CANARY}@127.0.0.1:9/sholu",
        f"postgresql://sholu:{CANARY}@nowhere.invalid/sholu",
        f"postgresql:/sholu:{CANARY}@127.0.0.1/sholu",
        f"mysql://sholu:{CANARY}@127.0.0.1/sholu",
        f"postgresql://sholu:{CANARY}@127.0.0.1:notaport/sholu",
    ]
    for database in databases:
        given = secrets | ({"SHOLU_DATABASE_URL": database} if database else {})
        for command in (
            ("run", "--plain"),
            ("doctor",),
            ("verify",),
            ("backup", str(tmp_path / f"b{made.number}")),
            ("digest", "--dry-run"),
        ):
            code = made(*command, **given)
            assert CANARY not in made.said, (database, command)
            assert code != 0 or not database or command[0] == "doctor", (database, command, made.said)
    made("run", "--plain", SHOLU_SMTP_URL=f"smtp://user:{CANARY}@[", SHOLU_DATABASE_URL="")
    assert CANARY not in made.said
    written = [path for path in (tmp_path / "home").rglob("*") if path.is_file()] + list(tmp_path.glob("b*"))
    assert any(path.suffix == ".db" for path in written)
    for path in written:
        assert CANARY.encode() not in path.read_bytes(), path


def test_a_settings_mistake_does_not_show_the_secret_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from domain.errors import ConfigError
    from domain.settings import load_settings

    monkeypatch.setenv("SHOLU_CONNECTIONS", "many")
    monkeypatch.setenv("SHOLU_DATABASE_URL", f"postgresql://u:{CANARY}@h/d")
    with pytest.raises(ConfigError) as raised:
        load_settings(_env_file=None)
    assert CANARY not in str(raised.value)
    assert CANARY not in repr(os.environ.get("SHOLU_CONNECTIONS"))


@pytest.mark.slow
def test_a_fault_of_our_own_keeps_its_details_without_secrets(program: Callable[..., Program], tmp_path: Path) -> None:
    made = program("home")
    assert made(SHOLU_SMTP_URL=f"smtp://u:{CANARY}@h") == 0, made.said
    in_a_sentence(made.said.strip().splitlines()[-1] + ".")
