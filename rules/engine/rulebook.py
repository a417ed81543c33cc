"""The rulebook in force: loads a folder (through a cache), and says of each document whether it deserves a person, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from domain.values import Flagging, Ruling
from rules.engine.anchoring import Anchors, settle
from rules.engine.cache import read_cache, write_cache
from rules.engine.compiling import compile_tables
from rules.engine.definitions import Definitions, Entity, Rule
from rules.engine.folder import load_definitions
from rules.engine.lookup import Codes, Lookup
from rules.engine.matching import TEXT, TITLE, Beginnings, Occurrence, Page, document_hint, find_occurrences, find_words
from rules.engine.packed import folder_key
from rules.engine.scoring import Case, Evidence, judge
from rules.engine.sentences import Layout
from rules.engine.tables import CODE_BITS, Tables

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
        self.entities: Mapping[str, Entity] = {entity.id: entity for entity in definitions.entities}
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in definitions.rules}
        self.lookup = Lookup(tables)
        self._triggers = [(rule, frozenset(term for signal in rule.signals for term in signal.any)) for rule in definitions.rules]
        tied = {self.country, "strong"}
        signals = [signal for rule in definitions.rules for signal in rule.signals]
        # Words without which no rule can give a point: triggers that need the country, those that do not, the country's names.
        self._telling = self._first_words(self._entries_of({term for signal in signals for term in signal.any}))
        self._free = self._first_words(
            self._entries_of({term for signal in signals if signal.anchor not in tied for term in signal.any})
        )
        self._home = self._first_words({number for number, entry in enumerate(tables.entries) if entry.side > 0})
        named = {number for number, entry in enumerate(tables.entries) if entry.is_entity or entry.decoy}
        self._all = Beginnings(tables.starts())
        self._named = Beginnings(tables.starts(self._first_words(named)))

    def _entries_of(self, terms: set[str]) -> set[int]:
        return {number for number, entry in enumerate(self.tables.entries) if not terms.isdisjoint(entry.terms)}

    def _first_words(self, entries: set[int]) -> frozenset[int]:
        """The words with which names and headwords of these entries begin."""
        aliases = self.tables.aliases
        words = {
            word for word, singles in self.tables.singles.items() if any(aliases[alias].entry in entries for alias in singles)
        }
        for word, seconds in self.tables.phrases.items():
            if any(aliases[rest[-1]].entry in entries for rests in seconds.values() for rest in rests):
                words.add(word)
        return frozenset(words)

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
        page, telling = self._read(title, text, language, source_country, everything=False)
        if not page.occurrences:
            return self._clear((), (), ())
        rulings: list[Ruling] = []
        evidence = Evidence(page)
        if telling:
            rulings = self._judge(self.case(page, published, source_country), evidence)
        return self._verdict(page, rulings, evidence)

    def read(self, title: str, text: str, language: str | None, source_country: str | None = None) -> Page:
        """Everything found in a document, hidden matches too."""
        return self._read(title, text, language, source_country, everything=True)[0]

    def _read(
        self, title: str, text: str, language: str | None, source_country: str | None, *, everything: bool
    ) -> tuple[Page, bool]:
        title, text = title[:LONGEST_TEXT], text[:LONGEST_TEXT]
        hint = document_hint(title, text, language)
        in_title = find_words(self.lookup, title, hint)
        in_text = find_words(self.lookup, text, hint)
        layouts = (Layout(title, one=True), Layout(text))
        page = Page((title, text), layouts, [], (hint or "").split("-")[0])
        if not in_title and not in_text:
            return page, False
        home = self.at_home(source_country) or page.language in self.definitions.home_languages
        may_tell = self._may_tell({codes for each in (*in_title, *in_text) for codes in each.codes}, at_home=home)
        begun = self._all if may_tell or everything else self._named
        page.occurrences = [
            *find_occurrences(self.tables, begun, page, TITLE, in_title),
            *find_occurrences(self.tables, begun, page, TEXT, in_text),
        ]
        settle(page, self.definitions.anchors, at_home=self.at_home(source_country))
        return page, may_tell

    def _may_tell(self, kinds: set[Codes], *, at_home: bool) -> bool:
        """Whether any rule can give a point at all: most documents of a newspaper name neither the country nor a lone trigger."""
        words = {code >> CODE_BITS for codes in kinds for code in codes}
        if not words.isdisjoint(self._free):
            return True
        return (at_home or not words.isdisjoint(self._home)) and not words.isdisjoint(self._telling)

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
                for term in one.entry.terms:
                    by_term.setdefault(term, []).append(one)
        day = published.astimezone(UTC).date() if isinstance(published, datetime) and published.tzinfo else published
        if isinstance(day, datetime):
            day = day.date()
        may_anchor = anchors.at_home or anchors.home_language or "watched" in by_term
        return Case(page, anchors, by_term, may_anchor, day, self.country)

    def _judge(self, case: Case, evidence: Evidence) -> list[Ruling]:
        have = case.by_term.keys()
        defaults = self.definitions.defaults
        rulings = (judge(rule, case, defaults, evidence) for rule, triggers in self._triggers if not have.isdisjoint(triggers))
        return [ruling for ruling in rulings if ruling is not None]

    def _verdict(self, page: Page, rulings: list[Ruling], evidence: Evidence) -> Flagging:
        visible = [one for one in page.occurrences if one.entry.is_entity and not one.hidden_by]
        visible.sort(key=lambda one: (one.field, one.start))
        entities = tuple(dict.fromkeys(one.entry.id for one in visible))
        places = tuple(dict.fromkeys(one.entry.id for one in visible if one.entry.strong and one.entry.side > 0))
        regions = tuple(dict.fromkeys(one.entry.region for one in visible if one.entry.id in places and one.entry.region))
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
