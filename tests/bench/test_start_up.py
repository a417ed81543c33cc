"""What a command does not need is not imported: asked of the interpreter, not of a clock."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import cli.at_once
from cli.at_once import SWITCHES, done_at_once
from cli.main import PARTS, made_app
from tests.conftest import HOUSE

HEAVY = (
    "prefect",
    "sqlalchemy",
    "trafilatura",
    "feedparser",
    "aiohttp",
    "alembic",
    "pydantic",
    "lxml",
    "fastapi",
    "courlan",
    "pymorphy3",
    "rules.engine.rulebook",
)


def imported_by(code: str, packages: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of the packages a fresh interpreter has loaded after this code."""
    asked = f"import sys\n{code}\nprint(*(name for name in {packages!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=HOUSE, capture_output=True, text=True, check=True)
    return set(done.stdout.strip().splitlines()[-1].split()) if done.stdout.strip() else set()


def test_help_imports_nothing_heavy() -> None:
    code = "from typer.testing import CliRunner\nfrom cli.main import made_app\nassert CliRunner().invoke(made_app(), ['--help']).exit_code == 0"
    assert imported_by(code) == set()


def test_flagging_imports_neither_prefect_nor_the_database_nor_the_network() -> None:
    code = "import rules.engine.stream, cli.rulebook"
    assert imported_by(code) == {"rules.engine.rulebook"}


def test_a_plain_run_imports_no_parser_and_no_prefect_before_it_needs_one() -> None:
    assert imported_by("import flows.steps").isdisjoint(
        {"prefect", "trafilatura", "feedparser", "alembic", "lxml", "courlan", "pymorphy3", "rules.engine.rulebook"}
    )


def test_the_desk_imports_neither_trafilatura_nor_prefect() -> None:
    pytest.importorskip("fastapi")
    assert imported_by("import review.app").isdisjoint({"prefect", "trafilatura", "feedparser"})


def test_a_document_is_flagged_without_prefect_the_database_or_a_parser_being_loaded() -> None:
    code = (
        "import json\nfrom typer.testing import CliRunner\nfrom cli.main import made_app\n"
        "line = json.dumps({'id': '1', 'title': '', 'text': 'A rally was held in Almaty', 'lang': 'en'})\n"
        "done = CliRunner().invoke(made_app('flag'), ['flag', '-'], input=line)\nassert done.exit_code == 0, done.output"
    )
    assert imported_by(code).isdisjoint(
        {"prefect", "sqlalchemy", "alembic", "trafilatura", "feedparser", "aiohttp", "lxml", "fastapi"}
    )


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_command_line_knows_the_commands_it_is_asked_for(part: str) -> None:
    for command in PARTS[part]:
        app = made_app(command)
        named = {each.name for each in app.registered_commands}
        named |= {group.typer_instance.info.name for group in app.registered_groups if group.typer_instance}
        assert named == set(PARTS[part])


def test_a_scheduled_run_loads_no_reader_of_command_lines() -> None:
    assert imported_by("import cli.main, flows.steps, cli.logs", ("typer", "pydantic", "rich")) == set()


@pytest.mark.parametrize("words", [["run", "--due"], ["run", "--plain", "--json", "--dry-run", "--force"], ["run"]])
def test_a_run_with_switches_only_is_the_same_with_and_without_typer(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def noted(**given: object) -> int:
        asked.append(given)
        return 3

    monkeypatch.setattr(cli.at_once, "run_sources", noted)
    assert done_at_once(words) == 3
    assert CliRunner().invoke(made_app("run"), words).exit_code == 3
    short, long = asked
    unsaid = {"sources": (), "since": None, "at_most": None} | dict.fromkeys(SWITCHES.values(), False)
    assert unsaid | short == long


def test_every_switch_of_a_run_is_known_without_typer() -> None:
    command = typer.main.get_command(made_app("run")).commands["run"]  # type: ignore[attr-defined]
    assert set(SWITCHES) == {name for each in command.params if each.is_flag for name in each.opts}


@pytest.mark.parametrize(
    "words", [["run", "--source", "x"], ["run", "--help"], ["run", "--jsn"], ["items", "--json"], [], ["--version"]]
)
def test_anything_else_is_left_to_typer(words: list[str]) -> None:
    assert done_at_once(words) is None
