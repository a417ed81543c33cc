"""Reading rules, their signals and examples out of their YAML files; whether their terms exist is checked in ``folder.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from domain.yamlfile import Key
from rules.engine.definitions import (
    LANGUAGES,
    Defaults,
    Example,
    Rule,
    Signal,
)
from rules.engine.taking import Reader

ID: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_EXAMPLE_LANGUAGES: Final = ("en", "ru", "kk", "kk-Latn")

_SIGNAL_KEYS: Final = (
    "name", "any", "with", "and_with", "within", "not_with", "not_within", "anchor", "title", "points", "cap", "once",
    "from", "until",
)  # fmt: skip
_RULE_KEYS: Final = (
    "id", "theme", "threshold", "title_threshold", "from", "until", "requires", "languages", "signals", "penalties", "flag",
    "ignore", "todo", "note",
)  # fmt: skip


def read_rule(reader: Reader, item: Any, path: tuple[Key, ...], country: str, defaults: Defaults) -> Rule:
    data = reader.mapping(item, path, _RULE_KEYS)
    identity = reader.pattern(reader.required(data, "id", path), (*path, "id"), ID, "an id of small letters, digits, _ . and -")
    theme = reader.pattern(reader.required(data, "theme", path), (*path, "theme"), ID, "a theme of small letters")
    signals = _read_signals(reader, reader.required(data, "signals", path), (*path, "signals"), country, penalty=False)
    if not signals:
        raise reader.file.refuse("a rule needs at least one signal", *path, "signals")
    since, until = _read_window(reader, data, path)
    threshold = reader.number(data["threshold"], (*path, "threshold"), 0.25, 1000) if "threshold" in data else defaults.threshold
    return Rule(
        id=identity,
        theme=theme,
        threshold=threshold,
        title_threshold=(
            reader.number(data["title_threshold"], (*path, "title_threshold"), 0.25, 1000)
            if "title_threshold" in data
            else min(threshold, defaults.title_threshold)
        ),
        signals=signals,
        where=reader.where(path),
        penalties=_read_signals(reader, data.get("penalties"), (*path, "penalties"), country, penalty=True),
        requires=reader.texts(data.get("requires"), (*path, "requires")),
        languages=tuple(
            reader.choice(language, (*path, "languages", at), LANGUAGES)
            for at, language in enumerate(reader.sequence(data.get("languages"), (*path, "languages")))
        ),
        since=since,
        until=until,
        examples=tuple(
            _read_example(reader, example, (*path, key, at), key, since)
            for key in ("flag", "ignore", "todo")
            for at, example in enumerate(reader.sequence(data.get(key), (*path, key)))
        ),
        note=reader.optional(data, "note", path, reader.text, ""),
    )


def _read_window(reader: Reader, data: Mapping[str, Any], path: tuple[Key, ...]) -> tuple[str, str]:
    since, until = reader.optional(data, "from", path, reader.day, ""), reader.optional(data, "until", path, reader.day, "")
    if since and until and since > until:
        raise reader.file.refuse(f"the window ends ({until}) before it begins ({since})", *path, "until")
    return since, until


def _read_signals(reader: Reader, value: Any, path: tuple[Key, ...], country: str, *, penalty: bool) -> tuple[Signal, ...]:
    signals = tuple(
        _read_signal(reader, item, (*path, at), country, penalty=penalty) for at, item in enumerate(reader.sequence(value, path))
    )
    names: set[str] = set()
    for at, signal in enumerate(signals):
        if signal.name in names:
            raise reader.file.refuse(f"the signal {signal.name!r} is given twice", *path, at, "name")
        names.add(signal.name)
    return signals


def _read_signal(reader: Reader, item: Any, path: tuple[Key, ...], country: str, *, penalty: bool) -> Signal:
    data = reader.mapping(item, path, _SIGNAL_KEYS)
    triggers = reader.texts(reader.required(data, "any", path), (*path, "any"))
    if not triggers:
        raise reader.file.refuse("any needs at least one tag or id", *path, "any")
    low, high = (-1000.0, -0.25) if penalty else (0.25, 1000.0)
    points = reader.number(reader.required(data, "points", path), (*path, "points"), low, high)
    if points * 4 != int(points * 4):
        raise reader.file.refuse(f"points are multiples of a quarter, not {points:g}", *path, "points")
    since, until = _read_window(reader, data, path)
    anchor = data.get("anchor", "none")
    return Signal(
        name=reader.text(reader.required(data, "name", path), (*path, "name")),
        any=triggers,
        points=points,
        with_any=reader.texts(data.get("with"), (*path, "with")),
        and_with=reader.texts(data.get("and_with"), (*path, "and_with")),
        within=_read_within(reader, data, "within", path),
        not_with=reader.texts(data.get("not_with"), (*path, "not_with")),
        not_within=_read_within(reader, data, "not_within", path),
        anchor="none"
        if anchor is None
        else reader.choice(anchor, (*path, "anchor"), (country, "strong", "weak", "foreign", "none")),
        title=reader.optional(data, "title", path, reader.flag, False),
        cap=reader.number(data["cap"], (*path, "cap"), 0.25, 1000) if "cap" in data else 0.0,
        once=reader.optional(data, "once", path, reader.flag, penalty),
        since=since,
        until=until,
    )


def _read_within(reader: Reader, data: Mapping[str, Any], key: str, path: tuple[Key, ...]) -> str:
    value = data.get(key, "sentence")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(reader.number(value, (*path, key), 1, 200)))
    return reader.choice(value, (*path, key), ("sentence", "paragraph", "document"))


def _read_example(reader: Reader, item: Any, path: tuple[Key, ...], kind: str, since: str) -> Example:
    keys = (*_EXAMPLE_LANGUAGES, "title", "source_country", "published", "why", "this_rule", "expect")
    data = reader.mapping(item, path, keys)
    given = [language for language in _EXAMPLE_LANGUAGES if language in data]
    if len(given) != 1:
        raise reader.file.refuse(f"an example has exactly one of {', '.join(_EXAMPLE_LANGUAGES)}", *path)
    language = given[0]
    expect = "ignore" if kind == "ignore" else "flag"
    if "expect" in data:
        if kind != "todo":
            raise reader.file.refuse("expect is only for todo examples", *path, "expect")
        expect = reader.choice(data["expect"], (*path, "expect"), ("flag", "ignore"))
    text = reader.text(data[language] if data[language] is not None else "", (*path, language), empty=True)
    title = reader.optional(data, "title", path, reader.text, "")
    if not text and not title:
        raise reader.file.refuse("an example needs a text or a title", *path, language)
    return Example(
        language=language,
        text=text,
        expect=expect,
        title=title,
        source_country=reader.optional(data, "source_country", path, reader.text, ""),
        published=reader.optional(data, "published", path, reader.day, since),
        this_rule=reader.optional(data, "this_rule", path, reader.flag, False),
        known_miss=kind == "todo",
        why=reader.optional(data, "why", path, reader.text, ""),
        line=reader.file.line(*path),
    )
