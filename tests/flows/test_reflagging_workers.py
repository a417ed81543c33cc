"""Reflagging with worker processes: the same verdicts in the same order as without."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.settings import Settings
from flows.reflagging import CHUNK, judged_in_parcels
from rules.engine.rulebook import load_rulebook
from storage.reflagging import Stored

TEXTS = (
    ("en", "Police watched a protest in Almaty, where dozens demanded the release of detained activists."),
    ("ru", "В Алма-Ате на акции протеста задержали активистов."),
    ("kk", "Алматыда ереуіл болды, полиция белсенділерді ұстады."),
    ("en", "The library opens at nine."),
)


def test_two_workers_say_what_one_process_says(settings: Settings) -> None:
    def stored(number: int) -> Stored:
        language, text = TEXTS[number % len(TEXTS)]
        return Stored(number, number, "", text, language, datetime(2026, 3, 1, tzinfo=UTC), "kz", "one", "", None)

    given = [stored(number) for number in range(CHUNK + 3)]
    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    alone, spread = (
        [each for parcel in judged_in_parcels(rulebook, settings, given, workers) for each in parcel] for workers in (1, 2)
    )
    assert spread == alone
    assert [each.stored for each in spread] == given
    assert {each.flagging.flagged for each in spread} == {True, False}
