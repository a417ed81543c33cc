"""The digest's words in English, Russian and Kazakh, and how it writes numbers, days and hours; the words are in ``locale/*.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from domain.phrases import Catalogue, load_phrases, spoken
from domain.yamlfile import load_yaml

LANGUAGES: Final = ("en", "ru", "kk")
LOCALE: Final = Path(__file__).resolve().parent / "locale"


@cache
def catalogue(language: str) -> Catalogue:
    """All phrases of a language by key."""
    return load_phrases(LOCALE / f"{language}.yaml")


def say(language: str, key: str, **values: object) -> str:
    """The phrase in the language; in English where the language lacks it, the last part of the key where English does, too."""
    phrase = catalogue(language).get(key) or catalogue("en").get(key) or key.rpartition(".")[2].replace("-", " ")
    return spoken(phrase, language, values)


def reason_shown(language: str, reason: str) -> str:
    """Why a source was not seen, in the reader's language as far as we have its sentences; what we lack stays English."""
    for english, ours in reasons(language).items():
        reason = reason.replace(english, ours)
    return reason


@cache
def reasons(language: str) -> Mapping[str, str]:
    """The sentences of ``extractors/failures.py`` in another language; none for English, in which they are written."""
    path = LOCALE / f"reasons.{language}.yaml"
    data: Mapping[str, str] = load_yaml(path).data if path.exists() else {}
    return data


def day_shown(language: str, day: date, *, weekday: bool = False, year: bool = True) -> str:
    """A day in words: 22 November 2026; with ``weekday`` Sunday, 22 November 2026; without ``year`` 22 November."""
    month = say(language, "months").split()[day.month - 1]
    if not year:
        return say(language, "day.short", day=str(day.day), month=month)
    words = say(language, "day", day=str(day.day), month=month, year=str(day.year))
    return f"{say(language, 'weekdays').split()[day.weekday()]}, {words}" if weekday else words


def since_shown(language: str, moment: datetime, zone: ZoneInfo, today: date) -> str:
    """From when on, as a phrase: since 17:08 yesterday. Its own phrases, because prepositions and cases differ by language."""
    local = moment.astimezone(zone)
    days = (today - local.date()) // timedelta(days=1)
    if days in (0, 1):
        return say(language, "since.today" if days == 0 else "since.yesterday", time=f"{local:%H:%M}")
    return say(language, "since.day", day=day_shown(language, local.date(), year=abs(days) > 300))


def moment_shown(language: str, moment: datetime, zone: ZoneInfo, today: date) -> str:
    """A time as a reader at breakfast thinks of it: today 05:40, yesterday 22:10, 19 November."""
    local = moment.astimezone(zone)
    days = (today - local.date()) // timedelta(days=1)
    if days in (0, 1):
        return f"{say(language, 'today' if days == 0 else 'yesterday')} {local:%H:%M}"
    return day_shown(language, local.date(), year=abs(days) > 300)
