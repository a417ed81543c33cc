"""A rulebook that is read late: refused as early as ever, and the same in all it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from domain.errors import ConfigError
from rules.engine.cache import Later
from rules.engine.late import LateRulebook, open_rulebook
from rules.engine.rulebook import load_rulebook

HOUSE = Path(__file__).resolve().parent.parent.parent
SAYS = {"title": "Rally in Almaty", "text": "Protesters rallied in Almaty; police detained ten activists.", "language": "en"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as they are, in a copy nobody edits meanwhile."""
    copied = tmp_path_factory.mktemp("house") / "rules"
    shutil.copytree(HOUSE / "rules" / "kazakhstan", copied)
    return copied


@pytest.fixture(scope="module")
def cache(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = tmp_path_factory.mktemp("cache")
    load_rulebook(folder, kept)
    return kept


def test_a_rulebook_opened_late_says_what_one_loaded_at_once_says(folder: Path, cache: Path) -> None:
    late = open_rulebook(folder, cache)
    assert isinstance(late, LateRulebook)
    assert not late.is_read
    at_once = load_rulebook(folder, cache)
    assert late.version == at_once.version
    assert not late.is_read, "its version is known without reading it"
    assert late.flag(**SAYS) == at_once.flag(**SAYS)  # type: ignore[arg-type]
    assert late.flag(**SAYS).flagged  # type: ignore[arg-type]
    assert late.entities.keys() == at_once.entities.keys()


def test_what_is_kept_is_what_was_compiled_and_judging_reads_no_entity_and_no_word_of_it(folder: Path, cache: Path) -> None:
    kept = load_rulebook(folder, cache)
    assert kept.flag(**SAYS).flagged  # type: ignore[arg-type]
    for part in (kept.definitions.entities, kept.definitions.lexicon):
        assert isinstance(part, Later)
        assert "_made" not in vars(part)
    compiled = load_rulebook(folder)
    assert kept.definitions == compiled.definitions
    assert json.dumps(kept.tables.to_plain()) == json.dumps(compiled.tables.to_plain())


def test_a_broken_folder_is_refused_when_it_is_opened(folder: Path, cache: Path, tmp_path: Path) -> None:
    broken = tmp_path / "rules"
    shutil.copytree(folder, broken)
    first = next((broken / "rules").glob("*.yaml"))
    first.write_text(first.read_text(encoding="utf-8") + "\n- id: broken\n  colour: green\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        open_rulebook(broken, cache)


def test_a_damaged_cache_is_seen_when_it_is_opened(folder: Path, cache: Path, tmp_path: Path) -> None:
    copied = tmp_path / "cache"
    shutil.copytree(cache, copied)
    for kept in copied.glob("rules-*.zst"):
        kept.write_bytes(kept.read_bytes()[:-1])
    assert not isinstance(open_rulebook(folder, copied), LateRulebook)
    assert isinstance(open_rulebook(folder, copied), LateRulebook), "it was compiled and kept again"
