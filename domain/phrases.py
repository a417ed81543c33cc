"""Phrases by language as the desk and the digest keep them: plain YAML, plurals after CLDR, numbers as all three languages write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from domain.yamlfile import load_yaml

Phrase = str | Mapping[str, str]
Catalogue = Mapping[str, Phrase]


def load_phrases(path: Path) -> Catalogue:
    """All phrases of one language by their key; a phrase with plurals is a mapping from plural form to words."""
    data: Catalogue = load_yaml(path).data
    return data


def plural_form(language: str, number: int) -> str:
    """The CLDR plural category of a whole number: Russian has one, few and many; English and Kazakh one and other."""
    if language == "ru":
        if number % 10 == 1 and number % 100 != 11:
            return "one"
        return "few" if number % 10 in {2, 3, 4} and number % 100 not in {12, 13, 14} else "many"
    return "one" if number == 1 else "other"


def spoken(phrase: Phrase, language: str, values: Mapping[str, object]) -> str:
    """The phrase with its values filled in, in the plural form that ``n`` asks for."""
    if not isinstance(phrase, str):
        number = values.get("n", 0)
        phrase = phrase.get(plural_form(language, number if isinstance(number, int) else 0)) or phrase["other"]
    shown = {name: number_shown(value) if isinstance(value, int) else value for name, value in values.items()}
    return phrase.format(**shown) if values else phrase


def number_shown(number: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")
