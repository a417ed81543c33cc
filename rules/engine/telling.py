"""Which rules may give a document points at all, told from the terms its words may bring, before anybody asks where they stand.

A term is a bit, the terms of a document are one number: asking all signals of all rules costs some ten microseconds, and of
mixed news six documents in seven end here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from rules.engine.definitions import Definitions, Rule
from rules.engine.scoring import in_window

# What must stand in a document for a signal to give a point, a bit of each number that is not 0: trigger, company, further company.
Need = tuple[int, int, int]


class Telling:
    """The needs of all rules of a rulebook; ``bits`` gives each term they ask for its bit."""

    def __init__(self, definitions: Definitions) -> None:
        self.bits: dict[str, int] = {}
        self._watched, self._foreign = self._of(["watched"]), self._of(["foreign"])
        tied = {definitions.country, "strong"}
        # Rule, one of these, and what its signals need: those that ask nothing of the country, those tied to it, to others.
        self._rules: list[tuple[Rule, int, tuple[tuple[Need, ...], ...]]] = []
        for rule in definitions.rules:
            kinds: tuple[dict[Need, None], ...] = ({}, {}, {})
            for signal in rule.signals:
                kind = 1 if signal.anchor in tied else 2 if signal.anchor == "foreign" else 0
                kinds[kind][self._of(signal.any), self._of(signal.with_any), self._of(signal.and_with)] = None
            for signal in (*rule.signals, *rule.penalties):  # what takes points away is asked for, too, but cannot begin to speak
                self._of((*signal.any, *signal.with_any, *signal.and_with, *signal.not_with))
            self._rules.append((rule, self._of(rule.requires), tuple(map(tuple, kinds))))

    def _of(self, terms: Iterable[str]) -> int:
        found = 0
        for term in terms:
            found |= self.bits.setdefault(term, 1 << len(self.bits))
        return found

    def rules(self, terms: int, *, at_home: bool, language: str, day: date | None) -> list[Rule]:
        """The rules that hold for a document and may speak where words may bring these terms.

        ``at_home`` says that source or language tie it to the country.
        """
        asked = (True, at_home or bool(terms & self._watched), bool(terms & self._foreign))
        return [
            rule
            for rule, required, kinds in self._rules
            if (not required or terms & required)
            and (not rule.languages or language in rule.languages)
            and in_window(day, rule.since, rule.until)
            and any(_met(needs, terms) for needs, applies in zip(kinds, asked, strict=True) if applies)
        ]


def _met(needs: tuple[Need, ...], terms: int) -> bool:
    for trigger, company, also in needs:  # noqa: SIM110  # a generator takes twice as long, and this is asked of every document
        if terms & trigger and (not company or terms & company) and (not also or terms & also):
            return True
    return False
