"""What a command does not need is not imported: asked of the interpreter, not of a clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


def imported_by(code: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has loaded after this code."""
    asked = f"import sys\n{code}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
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
