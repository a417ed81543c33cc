"""The desk's words in English, Russian and Kazakh, and how it writes numbers and times; the words are in ``locale/*.yaml``.

Plain YAML and not gettext: an analyst who never compiled a catalogue can mend a sentence, and one test can see that the
three languages say the same things (docs/decisions/0060).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from domain.phrases import Catalogue, load_phrases, spoken

LANGUAGES: Final = {"en": "English", "ru": "Русский", "kk": "Қазақша"}
LOCALE: Final = Path(__file__).resolve().parent / "locale"


@cache
def catalogue(language: str) -> Catalogue:
    """All phrases of one language by their key."""
    return load_phrases(LOCALE / f"{language}.yaml")


def say(language: str, key: str, **values: object) -> str:
    """The phrase in the language (in English where the language lacks it, the key itself where English lacks it too)."""
    phrase = catalogue(language).get(key) or catalogue("en").get(key) or key
    return phrase if not values and isinstance(phrase, str) else spoken(phrase, language, values)


def knows(language: str, key: str) -> bool:
    """Whether there is such a phrase: names of themes and reasons come from data, which may hold more than we know."""
    return key in catalogue(language)


def reader_name(language: str, extractor: str) -> str:
    """What found a text, as its version keeps it: our own ways of reading in the language, a library by its name."""
    way, _, version = extractor.rpartition(" ")
    key = f"extractor.{way.replace(' ', '-')}"
    return say(language, key, version=version) if version.isdigit() and knows(language, key) else extractor


def pick_language(chosen: str | None, accept: str) -> str:
    """The language to speak: the one chosen, else the first we know of the browser's list, else English."""
    if chosen in LANGUAGES:
        return chosen or "en"
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        ranked.append((-quality, place, tag.split("-")[0].lower()))
    return next((tag for _, _, tag in sorted(ranked) if tag in LANGUAGES), "en")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as shown: in the desk's zone for the eye, in UTC for the record."""

    iso: str
    local: str
    utc: str


def moment(when: datetime, zone: ZoneInfo, now: datetime) -> Moment:
    """A time for a person: the hour for today, the day for this year, the whole date otherwise; UTC beside it."""
    here = when.astimezone(zone)
    today = now.astimezone(zone)
    clock = here.strftime("%H:%M")
    if here.date() == today.date():
        local = clock
    elif here.year == today.year:
        local = f"{here:%d.%m} {clock}"
    else:
        local = f"{here:%d.%m.%Y} {clock}"
    utc = when.astimezone(UTC)
    return Moment(utc.isoformat(timespec="seconds"), local, f"{utc:%Y-%m-%d %H:%M:%S} UTC · {here:%Y-%m-%d %H:%M} {zone.key}")


Say = Callable[..., str]
