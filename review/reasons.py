"""Why words are marked and points were given, in the reader's language: the rules' account of it, taken apart and said anew. Pure.

Flaggings keep the account in English, as it was said on the day (``rules.engine.scoring``). What is not known here, because another
rulebook or a later program wrote it, is shown as it stands: a foreign sentence is better than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.values import Span
from review.wording import Say

# The engine's fixed words and the phrase that says them.
FIXED: Final[Mapping[str, str]] = {
    "in the title": "because.title",
    "stands with it": "because.company",
    "anchors it": "because.anchors",
    "the source is of the country": "because.source",
    "only its language is of the country": "because.language",
}
# Where what ties it to the country stands.
WHERE: Final[Mapping[str, str]] = {
    "in the sentence": "where.sentence",
    "in the sentence, beside another country": "where.disputed",
    "in a sentence before": "where.previous",
    "in the head": "where.head",
    "in the dateline": "where.dateline",
    "in passing, in a text headed by another country": "where.passing",
    "in a text about another country": "where.about-other",
    "in a text headed by another country": "where.headed-other",
}
WITH: Final = re.compile(r"with (?P<terms>.+) in (?:one (?P<unit>sentence|paragraph|document)|(?P<n>\d+) words)")
TIED: Final = re.compile(r"anchored by (?P<by>\S+) (?P<where>.+)")
AGAIN: Final = re.compile(r"occurrence (?P<n>\d+), counts less")
FACTOR: Final = re.compile(r"×\d\.\d+")


@dataclass(frozen=True, slots=True)
class Teller:
    """Says why in one language; ``name`` gives the name of an entity or a term, ``signal`` that of a signal."""

    say: Say
    name: Callable[[str], str]
    signal: Callable[[str], str]

    def why(self, why: str, beside: Mapping[str, str]) -> str:
        """An account in the reader's language; ``beside`` are, by term, the words of the text that stood with the trigger."""
        return "; ".join(self._bit(bit, beside) for bit in why.split("; ")) if why else ""

    def of_spans(self, over: Sequence[int], spans: Sequence[Span]) -> str:
        """Why these words are marked, a sentence a span."""
        said = []
        for index in over:
            span = spans[index]
            head = self.signal(span.signal) if span.signal else self.name(span.term)
            # Only a sentence that says "with …" names what stood beside; looking for it walks all spans.
            why = self.why(span.why, beside(span, spans) if "with " in span.why else {}) or (
                self.say("anchored", place=self.name(span.anchor)) if span.anchor else ""
            )
            points = f" {span.points:+g}" if span.points else ""
            said.append(": ".join(part for part in (f"{head}{points}", why) if part))
        return "; ".join(dict.fromkeys(said))

    def _bit(self, bit: str, beside: Mapping[str, str]) -> str:
        if bit in FIXED:
            return self.say(FIXED[bit])
        if found := WITH.fullmatch(bit):
            words = ", ".join(
                self.say("quoted", words=beside[one]) if one in beside else self.name(one) for one in found["terms"].split(", ")
            )
            reach = self.say(f"reach.{found['unit']}") if found["unit"] else self.say("reach.words", n=int(found["n"]))
            return self.say("because.with", words=words, reach=reach)
        if found := TIED.fullmatch(bit):
            where = self.say(WHERE[found["where"]]) if found["where"] in WHERE else found["where"]
            return self.say("because.tied", place=self.name(found["by"]), where=where)
        if found := AGAIN.fullmatch(bit):
            return self.say("because.again", n=int(found["n"]))
        return bit


def beside(trigger: Span, spans: Sequence[Span]) -> dict[str, str]:
    """By term, the words that stood with a trigger when its signal gave points: the nearest of each that the signal marked."""
    near: dict[str, Span] = {}
    for one in spans:
        # The rarest first: of the spans of a long text few stood with anything.
        if one.why == "stands with it" and (one.field, one.rule, one.signal) == (trigger.field, trigger.rule, trigger.signal):
            known = near.get(one.term)
            if known is None or abs(one.start - trigger.start) < abs(known.start - trigger.start):
                near[one.term] = one
    return {term: span.text for term, span in near.items()}
