"""Taking typed values out of one YAML file; what is not what it should be is refused with file, line and key. Knows nothing of rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

from domain.yamlfile import Key, YamlFile
from rules.engine.definitions import (
    Where,
)

T = TypeVar("T")


class Reader:
    """Takes typed values out of one YAML file and refuses, with the line, what is not what it should be."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file

    def where(self, path: tuple[Key, ...]) -> Where:
        return Where(str(self.file.path), self.file.line(*path))

    def mapping(self, value: Any, path: tuple[Key, ...], known: Iterable[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.file.refuse(f"a mapping (key: value) is needed here, not {_kind(value)}", *path)
        known = tuple(known)
        for key in value:
            if key not in known:
                raise self.file.refuse(f"the key {key!r} is not known here; known are {', '.join(known)}", *path, key)
        return value

    def sequence(self, value: Any, path: tuple[Key, ...]) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.file.refuse(f"a list is needed here, not {_kind(value)}", *path)
        return value

    def text(self, value: Any, path: tuple[Key, ...], *, empty: bool = False) -> str:
        if not isinstance(value, str):
            raise self.file.refuse(f"text is needed here, not {_kind(value)}; put it in quotes", *path)
        text = unicodedata.normalize("NFC", value).strip()
        if not text and not empty:
            raise self.file.refuse("the text is empty", *path)
        return text

    def texts(self, value: Any, path: tuple[Key, ...]) -> tuple[str, ...]:
        return tuple(self.text(item, (*path, at)) for at, item in enumerate(self.sequence(value, path)))

    def flag(self, value: Any, path: tuple[Key, ...]) -> bool:
        if not isinstance(value, bool):
            raise self.file.refuse(f"true or false is needed here, not {_kind(value)}", *path)
        return value

    def number(self, value: Any, path: tuple[Key, ...], low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.file.refuse(f"a number from {low:g} to {high:g} is needed here, not {_kind(value)}", *path)
        return float(value)

    def choice(self, value: Any, path: tuple[Key, ...], choices: Iterable[str]) -> str:
        text = self.text(value, path)
        choices = sorted(choices)
        if text not in choices:
            raise self.file.refuse(f"{text!r} is not one of {', '.join(choices)}", *path)
        return text

    def pattern(self, value: Any, path: tuple[Key, ...], pattern: re.Pattern[str], what: str) -> str:
        text = self.text(value, path)
        if len(text) > 200 or not pattern.fullmatch(text):
            raise self.file.refuse(f"{text[:80]!r} is not {what}", *path)
        return text

    def day(self, value: Any, path: tuple[Key, ...]) -> str:
        text = self.text(value, path)
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise self.file.refuse(f"{text!r} is not a date like 2022-01-05", *path) from error

    def optional(
        self, mapping: Mapping[str, Any], key: str, path: tuple[Key, ...], take: Callable[[Any, tuple[Key, ...]], T], default: T
    ) -> T:
        return take(mapping[key], (*path, key)) if key in mapping else default

    def required(self, mapping: Mapping[str, Any], key: str, path: tuple[Key, ...]) -> Any:
        if key not in mapping:
            raise self.file.refuse(f"the key {key!r} is missing", *path, key)
        return mapping[key]


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    return "a list" if isinstance(value, list) else "a mapping"
