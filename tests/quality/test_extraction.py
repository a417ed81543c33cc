"""How well the text of articles is found, by the measure of the article extraction benchmark itself; floors only rise."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest

from bench.material import f1, shares
from domain.errors import ReadError
from domain.values import Entry
from extractors.pages import read_page
from tests.conftest import HOUSE, shared

FLOORS = HOUSE / "tests" / "quality" / "floors.json"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The text read from each of the 301 pages by its file, or "refused: kind"."""
    found: dict[str, str] = {}
    for row in map(json.loads, shared("pages", "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()):
        url = row["url"] or "https://example.org/a/story"
        entry = Entry("replay", row["file"], url, "", row["title"] or "", published=NOW)
        body = gzip.decompress(shared("pages", row["file"]).read_bytes())
        try:
            found[row["file"]] = read_page(body, content_type="text/html; charset=utf-8", url=url, entry=entry, now=NOW).text
        except ReadError as error:
            found[row["file"]] = f"refused: {error.kind}"
    return found


@pytest.mark.slow
def test_extraction_reaches_its_floor_on_the_benchmark_pages(texts):
    truth = json.loads(shared("pages", "benchmark", "ground-truth.json").read_text(encoding="utf-8"))
    reached = f1([shares(page.get("articleBody", ""), texts[f"benchmark/html/{name}.html.gz"]) for name, page in truth.items()])
    floor = json.loads(FLOORS.read_text(encoding="utf-8"))["extraction"]["benchmark_f1"]
    assert reached >= floor, f"F1 {reached:.4f} is below the floor {floor}"


@pytest.mark.slow
def test_no_real_page_is_taken_for_a_wall_or_a_list(texts):
    """A wrong refusal costs a reader an article, so the floor is all of them."""
    assert not [file for file, text in texts.items() if text.startswith("refused: ")]


@pytest.mark.slow
def test_no_flag_changes_where_a_page_was_read_cheaply(texts, monkeypatch):
    """The cheap first reading saves two thirds of the cost; it must never decide whether a person sees an article."""
    from domain.settings import HOUSE as house
    from extractors import pages
    from rules.engine.rulebook import load_rulebook

    rulebook = load_rulebook(house / "rules" / "kazakhstan")
    monkeypatch.setattr(pages, "first_reading", lambda *_: None)
    changed = []
    for row in map(json.loads, shared("pages", "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()):
        url = row["url"] or "https://example.org/a/story"
        entry = Entry("replay", row["file"], url, "", row["title"] or "", published=NOW)
        body = gzip.decompress(shared("pages", row["file"]).read_bytes())
        full = read_page(body, content_type="text/html; charset=utf-8", url=url, entry=entry, now=NOW)
        cheap, whole = (
            rulebook.flag(title=full.title, text=text, language=full.language) for text in (texts[row["file"]], full.text)
        )
        if (cheap.flagged, cheap.themes) != (whole.flagged, whole.themes):
            changed.append((row["file"], cheap.score, whole.score, cheap.themes, whole.themes))
    assert not changed
