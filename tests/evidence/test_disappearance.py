"""What the desk shows of a flagged page that disappeared: an entry in its history, what was lost, and what came in its place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.settings import Settings
from review.app import create_app
from review.settings import DeskSettings
from storage.store import Store
from tests.evidence.conftest import NOW, Site, look_again
from tests.review.conftest import Person

HOUR = timedelta(hours=1)


@pytest.fixture
def person(filled: Settings, store: Store) -> Person:
    def no_rules() -> None:
        return None

    app = create_app(store, filled, no_rules, own=DeskSettings(_env_file=None), clock=lambda: NOW)  # type: ignore[call-arg, arg-type]
    return Person(app)


def test_a_disappearance_stands_in_the_history_with_its_diff_and_what_the_server_said(
    filled: Settings, site: Site, flagged_id: int, person: Person
) -> None:
    site.put("/a1", "<h1>Withdrawn</h1>", status=410)
    look_again(filled, HOUR)
    page = person.see(f"/item/{flagged_id}")
    assert f'href="/item/{flagged_id}/gone/1h"' in page
    assert "<strong>gone</strong>" in page
    assert "410 · " in page
    lost = person.see(f"/item/{flagged_id}/gone/1h")
    assert "A rally was held in Almaty" in lost.replace("</del>", "").replace("<del>", "")
    assert "gone for good (410)" in lost
    assert person.get(f"/item/{flagged_id}/gone/24h").status_code == 404


def test_gone_at_two_looks_is_one_disappearance_and_a_return_is_told(
    filled: Settings, site: Site, flagged_id: int, person: Person
) -> None:
    kept = site.pages["/a1"]
    site.put("/a1", "nothing", status=404)
    look_again(filled, HOUR)
    look_again(filled, 24 * HOUR)
    assert person.see(f"/item/{flagged_id}").count("<strong>gone</strong>") == 1
    site.pages["/a1"] = kept
    look_again(filled, timedelta(days=7))
    page = person.see(f"/item/{flagged_id}")
    assert page.index("<strong>there again</strong>") < page.index("<strong>gone</strong>")
