"""The rulebook in force: loads a folder (through a cache), and says of each document whether it deserves a person, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from domain.values import Flagging, Ruling
from rules.engine.anchoring import Anchors, settle
from rules.engine.cache import collector_at_rest, read_cache, write_cache
from rules.engine.compiling import compile_tables
from rules.engine.definitions import Definitions, Entity, Rule
from rules.engine.folder import load_definitions
from rules.engine.lookup import Lookup
from rules.engine.matching import TEXT, TITLE, Occurrence, Page, document_hint, find_occurrences, find_words
from rules.engine.packed import folder_key
from rules.engine.scoring import Case, Evidence, judge
from rules.engine.sentences import Layout
from rules.engine.tables import Tables
from rules.engine.telling import Telling

LONGEST_TEXT: Final = 1_000_000  # letters; what lies behind is not read, so that one document cannot hold up a run


def load_rulebook(folder: Path, cache: Path | None = None) -> Rulebook:
    """Load a rules folder; raises ConfigError naming file, line and key where it is wrong.

    ``cache`` is a folder for the compiled form: used where it fits the files as they are now, else made anew.
    """
    key = folder_key(folder)
    if cache is not None:
        kept = read_cache(cache, key)
        if kept is not None:
            return Rulebook(*kept, version=key[:12])
    with collector_at_rest():
        definitions = load_definitions(folder)
        tables = compile_tables(definitions)
        if cache is not None:
            write_cache(cache, key, definitions, tables)
    return Rulebook(definitions, tables, version=key[:12])


class Rulebook:
    """A compiled rulebook; nothing in it changes once it is made (its look-up only remembers words)."""

    def __init__(self, definitions: Definitions, tables: Tables, *, version: str) -> None:
        self.definitions = definitions
        self.tables = tables
        self.version = version
        self.country = definitions.country
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in definitions.rules}
        self._telling = Telling(definitions)
        self.lookup = Lookup(tables, self._telling.bits)
        # Of each entry the terms that some rule asks for.
        self._asked = {entry.id: tuple(filter(self._telling.bits.__contains__, entry.terms)) for entry in tables.entries}

    @cached_property
    def entities(self) -> Mapping[str, Entity]:
        """All of them by id; read from the compiled form when first asked for."""
        return {entity.id: entity for entity in self.definitions.entities}

    def flag(
        self,
        *,
        title: str,
        text: str,
        language: str | None = None,
        published: datetime | date | None = None,
        source_country: str | None = None,
    ) -> Flagging:
        """The verdict on one document, with its reasons; the same input always gives the same."""
        day = _day(published)
        page, telling = self._read(title, text, language, source_country, day)
        if not page.occurrences:
            return self._clear((), (), ())
        evidence = Evidence(page)
        rulings = self._judge(telling, self.case(page, day, source_country), evidence) if telling else []
        return self._verdict(page, rulings, evidence)

    def read(self, title: str, text: str, language: str | None, source_country: str | None = None) -> Page:
        """Everything found in a document, hidden matches too."""
        return self._read(title, text, language, source_country, None, everything=True)[0]

    def _read(
        self,
        title: str,
        text: str,
        language: str | None,
        source_country: str | None,
        day: date | None,
        *,
        everything: bool = False,
    ) -> tuple[Page, list[Rule]]:
        title, text = title[:LONGEST_TEXT], text[:LONGEST_TEXT]
        hint = document_hint(title, text, language)
        in_title = find_words(self.lookup, title, hint)
        in_text = find_words(self.lookup, text, hint)
        page = Page((title, text), (Layout(title, one=True), Layout(text)), [], (hint or "").split("-")[0])
        if not in_title and not in_text:
            return page, []
        terms = 0
        for paragraph in (*in_title, *in_text):
            terms |= paragraph.terms
        at_home = self.at_home(source_country)
        telling = self._telling.rules(
            terms, at_home=at_home or page.language in self.definitions.home_languages, language=page.language, day=day
        )
        everything = everything or bool(telling)
        page.occurrences = [
            *find_occurrences(self.tables, page, TITLE, in_title, everything=everything),
            *find_occurrences(self.tables, page, TEXT, in_text, everything=everything),
        ]
        settle(page, self.definitions.anchors, at_home=at_home)
        return page, telling

    def at_home(self, source_country: str | None) -> bool:
        return source_country is not None and source_country.lower() == self.country

    def case(self, page: Page, published: datetime | date | None, source_country: str | None) -> Case:
        """A document made ready for the rules."""
        anchors = Anchors.of(
            page,
            self.definitions.anchors,
            at_home=self.at_home(source_country),
            home_language=page.language in self.definitions.home_languages,
        )
        by_term: dict[str, list[Occurrence]] = {}
        for one in page.occurrences:
            if not one.hidden_by:
                for term in self._asked[one.entry.id]:
                    by_term.setdefault(term, []).append(one)
        may_anchor = anchors.at_home or anchors.home_language or "watched" in by_term
        return Case(page, anchors, by_term, may_anchor, _day(published), self.country)

    def _judge(self, telling: list[Rule], case: Case, evidence: Evidence) -> list[Ruling]:
        rulings = (judge(rule, case, self.definitions.defaults, evidence) for rule in telling)
        return [ruling for ruling in rulings if ruling is not None]

    def _verdict(self, page: Page, rulings: list[Ruling], evidence: Evidence) -> Flagging:
        visible = [one for one in page.occurrences if one.entry.is_entity and not one.hidden_by]
        entities = tuple(dict.fromkeys(one.entry.id for one in visible))
        places = tuple(dict.fromkeys(one.entry.id for one in visible if one.entry.strong and one.entry.side > 0))
        regions = tuple(dict.fromkeys(one.entry.region for one in visible if one.entry.region and one.entry.id in places))
        if not rulings:
            return self._clear(entities, places, regions)
        for one in visible:
            evidence.add(one)
        rulings.sort(key=lambda ruling: (-ruling.score / ruling.threshold, ruling.rule))
        leading = rulings[0]
        flagged = any(ruling.flagged for ruling in rulings)
        near = not flagged and any(ruling.near_miss for ruling in rulings)
        told = [ruling.theme for ruling in rulings if (ruling.flagged if flagged else ruling.near_miss)]
        return Flagging(
            score=leading.score,
            threshold=leading.threshold,
            flagged=flagged,
            near_miss=near,
            themes=tuple(dict.fromkeys(told)),
            entities=entities,
            places=places,
            regions=regions,
            spans=tuple(evidence.spans),
            rulings=tuple(rulings),
            rules_version=self.version,
        )

    def _clear(self, entities: tuple[str, ...], places: tuple[str, ...], regions: tuple[str, ...]) -> Flagging:
        return Flagging(
            0.0, self.definitions.defaults.threshold, False, False, (), entities, places, regions, (), (), self.version
        )


def _day(published: datetime | date | None) -> date | None:
    """The day a document is of, by the world's clock."""
    if isinstance(published, datetime):
        return (published.astimezone(UTC) if published.tzinfo else published).date()
    return published
