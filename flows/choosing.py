"""Which stored items somebody means: a source or a language that is none is refused, for "0 items" would sound like an answer."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from difflib import get_close_matches
from typing import get_args

from domain.errors import ConfigError
from domain.values import Language
from storage.shelf import Filter
from storage.sources import stored_sources
from storage.store import Store

LANGUAGES: tuple[str, ...] = get_args(Language)


def chosen_items(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    sources: Collection[str] = (),
    languages: Collection[str] = (),
    grades: tuple[int, ...] = (),
) -> Filter:
    """Items first seen from ``since`` until before ``until``, of these sources, languages and grades; empty means all.

    Raises ConfigError for a source of which nothing was ever stored, one that left the list included, and for a word that is no
    language the program tells apart.
    """
    refuse_unknown_sources(store, sources)
    for wanted in languages:
        _refuse_unknown(wanted, LANGUAGES, "language", "there is no language", f"it is one of {', '.join(LANGUAGES)}")
    return Filter(grades=grades, seen_since=since, seen_until=until, source_ids=tuple(sources), languages=tuple(languages))


def refuse_unknown_sources(store: Store, sources: Collection[str]) -> None:
    """Raises ConfigError for the first source of which nothing was ever read."""
    known = [source.id for source in stored_sources(store)] if sources else []
    for wanted in sources:
        _refuse_unknown(wanted, known, "source", "nothing was ever read of a source", "`sholu sources list` shows them")


def _refuse_unknown(wanted: str, known: Collection[str], key: str, what: str, where: str) -> None:
    if wanted in known:
        return
    near = get_close_matches(wanted, known, n=1)
    raise ConfigError(f"{what} {wanted!r}; " + (f"did you mean {near[0]}?" if near else where), file="command line", key=key)
