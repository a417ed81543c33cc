"""The small rulebook, loaded once, and a folder of it to change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_rulebook import Folder

from rules.engine.rulebook import Rulebook


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "rules")


@pytest.fixture(scope="session")
def rulebook(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    return Folder(tmp_path_factory.mktemp("rulebook") / "rules").load()


@pytest.fixture
def terms(rulebook: Rulebook) -> Callable[..., list[tuple[str, str]]]:
    """What counts in a text, as (written, id), in order."""

    def found(text: str, language: str | None = None, *, title: str = "", country: str | None = None) -> list[tuple[str, str]]:
        page = rulebook.read(title, text, language, country)
        visible = sorted((one for one in page.occurrences if not one.hidden_by), key=lambda one: (one.field, one.start))
        return [(page.written(one), one.entry.id) for one in visible]

    return found
