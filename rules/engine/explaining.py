"""The full account of one verdict, for ``sholu rules explain``: every match, what anchored or hid it, how points came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain.errors import ConfigError
from domain.values import Flagging
from rules.engine import english, kazakh, russian
from rules.engine.languages import cyrillic_mode, latin_mode
from rules.engine.matching import FIELDS, Occurrence, document_hint
from rules.engine.rulebook import Rulebook
from rules.engine.scoring import Case, in_window
from rules.engine.words import fold, is_cyrillic


@dataclass(frozen=True, slots=True)
class Match:
    """A place where a headword or name stands; ``side`` 1 is ours, -1 elsewhere, 0 unknown, ``hidden_by`` "" where it counts."""

    field: str
    start: int
    end: int
    text: str
    term: str
    alias: str
    language: str
    entity: bool
    side: int
    anchor: str
    how: str
    factor: float
    hidden_by: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict with everything that led to it; ``silent`` are rules that did not apply, with the reason."""

    flagging: Flagging
    language: str
    matches: tuple[Match, ...]
    silent: tuple[tuple[str, str], ...]


def explain(
    rulebook: Rulebook,
    *,
    title: str,
    text: str,
    language: str | None = None,
    published: datetime | date | None = None,
    source_country: str | None = None,
) -> Explanation:
    """Flag a document and tell all of it."""
    flagging = rulebook.flag(title=title, text=text, language=language, published=published, source_country=source_country)
    page = rulebook.read(title, text, language, source_country)
    case = rulebook.case(page, published, source_country)
    ordered = sorted(page.occurrences, key=lambda one: (one.field, one.start, -one.end, one.entry.id))
    matches = tuple(_match(case, one) for one in ordered)
    spoke = {ruling.rule for ruling in flagging.rulings}
    silent = tuple((rule_id, _silence(rulebook, rule_id, case)) for rule_id in rulebook.rules if rule_id not in spoke)
    return Explanation(flagging, _languages(title, text, language), matches, silent)


def _match(case: Case, one: Occurrence) -> Match:
    anchor = case.anchor(one) if not one.hidden_by else None
    by = "" if anchor is None or not anchor.side else anchor.by.entry.id if anchor.by is not None else "source"
    return Match(
        field=FIELDS[one.field],
        start=one.start,
        end=one.end,
        text=case.page.written(one),
        term=one.entry.id,
        alias=one.alias.text,
        language=one.alias.language,
        entity=one.entry.is_entity,
        side=0 if anchor is None else anchor.side,
        anchor=by,
        how="" if anchor is None else anchor.how,
        factor=0.0 if anchor is None else round(anchor.factor, 2),
        hidden_by=one.hidden_by,
    )


def _silence(rulebook: Rulebook, rule_id: str, case: Case) -> str:
    rule = rulebook.rules[rule_id]
    if not in_window(case.day, rule.since, rule.until):
        return f"holds only for documents published from {rule.since or 'ever'} to {rule.until or 'now'}"
    if rule.languages and case.page.language not in rule.languages:
        return f"holds only for documents in {' or '.join(rule.languages)}"
    if rule.requires and not any(case.by_term.get(term) for term in rule.requires):
        return f"requires one of {', '.join(rule.requires)}, and none stands in the document"
    if not any(case.by_term.get(term) for signal in rule.signals for term in signal.any):
        return "none of its triggers stands in the document"
    return "its triggers stand in the document, but without the company or the anchor they need"


def _languages(title: str, text: str, language: str | None) -> str:
    hint = document_hint(title, text, language)
    whole = f"{title}\n{text}"
    modes = [mode for mode in (cyrillic_mode(whole, hint), latin_mode(whole, hint)) if mode]
    return f"{hint or 'unknown'} (Cyrillic words as {modes[0]})" if len(modes) > 1 else hint or "unknown"


def forms_of(word: str, rulebook: Rulebook | None = None) -> dict[str, tuple[str, ...]]:
    """What a headword (flags after a colon) expands to in each language whose script it is in; Kazakh forms are a sample of many.

    With a rulebook also ``found as``: the ids under which the word, as written, is found.
    """
    text, _, flags = word.partition(":")
    text, flags = text.strip(), flags.strip()
    words = text.split()
    if not words:
        raise ConfigError(
            "is no word; write one as it would stand in a lexicon, such as protest:nv", file="command line", key=repr(word)
        )
    found: dict[str, tuple[str, ...]] = {}
    if is_cyrillic(text):
        named = words[0][:1].isupper()
        if not named or russian.is_known(words[-1]):
            found["ru"] = _russian(words, flags)
        if named:
            parts = russian.person_forms(words) if len(words) > 1 else [russian.name_forms(words[0])]
            found["ru, as a name"] = (
                tuple(" / ".join(sorted(part)) for part in parts) if len(parts) > 1 else tuple(sorted(parts[0]))
            )
        folded = [fold(part) for part in words]
        sample = kazakh.sample_forms(folded[-1], verb="v" in flags, possessed=len(words) > 1)
        found["kk (sample)"] = tuple(" ".join([*folded[:-1], form]) for form in sample)
    else:
        plain = [fold(part) for part in words]
        first = "v" in flags and len(plain) > 1
        at = 0 if first else len(plain) - 1
        found["en"] = tuple(" ".join([*plain[:at], form, *plain[at + 1 :]]) for form in english.word_forms(plain[at], flags))
    if rulebook is not None:
        ids = [
            one.entry.id for language in ("en", "ru", "kk", "kk-Latn") for one in rulebook.read("", text, language).occurrences
        ]
        found["found as"] = tuple(dict.fromkeys(ids))
    return found


def _russian(words: list[str], flags: str) -> tuple[str, ...]:
    if len(words) == 1:
        return tuple(sorted(russian.common_forms(words[0], flags)))
    parts = russian.phrase_forms(words, flags)
    return tuple(" / ".join(sorted(part)) if len(part) > 1 else next(iter(part)) for part in parts)
