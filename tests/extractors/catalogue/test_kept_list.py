"""The list of sources kept from the run before: always what reading the files themselves would give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import ConfigError
from extractors import kept_list
from extractors.catalogue import load_sources
from extractors.kept_list import NAME, known_sources
from tests.conftest import HOUSE

SHIPPED = HOUSE / "sources"
LOADED = (
    "import sys; from pathlib import Path; from extractors.kept_list import known_sources; "
    "known_sources(Path(sys.argv[1]), Path(sys.argv[2])); print('yaml' in sys.modules)"
)


def parsed(listed: Path, cache: Path) -> bool:
    """Whether a fresh process had to parse the list."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(listed), str(cache)], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    return done.stdout.strip() == "True"


def test_what_is_kept_is_what_the_files_say_and_is_read_without_a_parser(tmp_path: Path) -> None:
    assert parsed(SHIPPED, tmp_path)
    assert not parsed(SHIPPED, tmp_path)
    assert known_sources(SHIPPED, tmp_path) == load_sources(SHIPPED)


def test_every_change_of_the_list_is_seen(tmp_path: Path) -> None:
    folder, cache = tmp_path / "lists", tmp_path / "cache"
    folder.mkdir()
    (folder / "a.txt").write_text("https://a.example/rss\n", encoding="utf-8")
    for change in (
        lambda: None,
        lambda: (folder / "a.txt").write_text("https://b.example/rss\n", encoding="utf-8"),  # of the same length
        lambda: (folder / "c.txt").write_text("https://c.example/rss\n", encoding="utf-8"),
        lambda: (folder / "c.txt").rename(folder / "d.txt"),
        (folder / "a.txt").unlink,
    ):
        change()
        for _ in range(2):
            assert known_sources(folder, cache) == load_sources(folder)
    (folder / "d.txt").write_text("no address\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"d\.txt:1: an address begins with"):
            known_sources(folder, cache)
    (folder / "d.txt").unlink()
    with pytest.raises(ConfigError, match="no file of sources"):
        known_sources(folder, cache)
    with pytest.raises(ConfigError, match="no such file or folder"):
        known_sources(tmp_path / "nowhere.txt", cache)


@pytest.mark.parametrize(
    "broken", ["", "{", "[[1]]", "KEY", "KEY[[1]]", 'KEY[["a","b","c",[["no","d"]],[],null,null,null,"listed",null,"",1,""]]']
)
def test_a_kept_list_that_is_broken_is_passed_over(tmp_path: Path, broken: str) -> None:
    expected = known_sources(SHIPPED, tmp_path)
    file = tmp_path / NAME
    file.write_text(broken.replace("KEY", file.read_text(encoding="utf-8")[:64]), encoding="utf-8")
    assert known_sources(SHIPPED, tmp_path) == expected


def test_a_change_of_the_code_that_reads_lists_reads_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known_sources(SHIPPED, tmp_path)
    before = (tmp_path / NAME).read_text(encoding="utf-8")[:64]
    monkeypatch.setattr(kept_list, "READERS", kept_list.READERS[1:])
    known_sources(SHIPPED, tmp_path)
    assert (tmp_path / NAME).read_text(encoding="utf-8")[:64] != before


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    assert known_sources(SHIPPED, tmp_path / "cache") == load_sources(SHIPPED)
