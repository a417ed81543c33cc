"""Makes the pictures of docs/review.md: the desk over our small press, photographed in Chromium.

python -m tests.review.screenshots [folder]
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.settings import HOUSE, Settings
from review.app import create_app
from review.settings import DeskSettings
from storage import samples, statistics, verdicts
from storage.queues import ItemFilter, Queue, list_items
from storage.store import Store, open_store
from storage.verdicts import Ballot, Decision
from tests.review.browser import chromium, chromium_path, served
from tests.review.press import load_press, load_rules

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tests.review.conftest import NOW, Clock

# name, path, what to do before, width, height, dark, language
SHOTS: tuple[tuple[str, str, str, int, int, bool, str], ...] = (
    ("inbox", "/", "", 1200, 760, False, "en"),
    ("inbox-reason", "/", "jn", 1200, 700, False, "en"),
    ("item", "/item/1", "", 1160, 700, False, "en"),
    ("inbox-dark-kk", "/", "j", 1200, 700, True, "kk"),
    ("phone-ru", "/", "", 390, 760, False, "ru"),
    ("rules", "/rules", "", 1200, 640, False, "en"),
    ("pictures", "/pictures", "", 1200, 900, False, "en"),
    ("sources", "/sources", "", 1200, 560, False, "en"),
    ("blind", "/blind", "", 1200, 560, False, "en"),
)


def work_through(store: Store) -> None:
    """A few weeks of decisions by two people, so that figures have something to say."""
    listed = list_items(store, ItemFilter(queue=Queue.ALL), limit=400, grouped=False).items
    for number, item in enumerate(item for item in listed if item.grade == 2):
        if number < 8:
            continue
        said = Decision.NOT_RELEVANT if item.source_id == "dala" or number % 9 == 0 else Decision.RELEVANT
        at = item.moment + timedelta(hours=3)
        for reviewer in ("reviewer", "Bolat") if number % 4 == 0 else ("reviewer",):
            mine = Decision.UNSURE if reviewer == "Bolat" and number % 20 == 0 else said
            reason = "other-meaning" if mine is Decision.NOT_RELEVANT else ""
            verdicts.decide(store, Ballot((item.id,), reviewer, mine, reason, blind=True, seconds=8.0 + number % 7), now=at)
    drawn = samples.draw(
        store, size=20, since=NOW - timedelta(days=30), until=NOW, by="reviewer", now=NOW - timedelta(days=2), seed=3
    )
    for _ in range(14):
        waiting = samples.next_in_samples(store, "reviewer")
        if waiting is None:
            break
        ballot = Ballot((waiting.item_id,), "reviewer", Decision.NOT_RELEVANT, "other", blind=True, sample_id=drawn)
        verdicts.decide(store, ballot, now=NOW - timedelta(days=1))


def photograph(folder: Path) -> list[Path]:
    """All pictures, written into the folder."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory() as home:
        store = open_store(f"sqlite:///{home}/sholu.db")
        rulebook = load_rules(Path(tempfile.gettempdir()) / "sholu-tests-rules")
        load_press(store, NOW, rulebook, repeat=21)
        work_through(store)
        statistics.make_summary(store, now=NOW)
        app = create_app(store, Settings(home=Path(home)), lambda: rulebook, own=DeskSettings(_env_file=None), clock=Clock())
        app.state.desk.names.ready()
        with served(app) as address, sync_playwright() as playwright, chromium(playwright) as browser:
            for name, path, keys, width, height, dark, language in SHOTS:
                made.append(
                    _photograph(browser, address, folder / f"desk-{name}.png", path, keys, (width, height), dark, language)
                )
        store.close()
    return made


def _photograph(
    browser: Any, address: str, file: Path, path: str, keys: str, size: tuple[int, int], dark: bool, language: str
) -> Path:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        locale=language,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address + path)
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(150)
    page.screenshot(path=str(file))
    context.close()
    return file


if __name__ == "__main__":
    if chromium_path() is None:
        sys.exit("There is no Chromium on this machine; install it, or name it in SHOLU_CHROMIUM.")
    for path in photograph(Path(sys.argv[1]) if len(sys.argv) > 1 else HOUSE / "docs" / "images"):
        print(f"{path} ({path.stat().st_size:,} bytes)")
