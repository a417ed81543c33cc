"""What is flagged in Kazakh Cyrillic is flagged in the Latin spellings that are alive, too: the rules' own examples, rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.engine.rulebook import Rulebook, load_rulebook
from tests.conftest import HOUSE

CYRILLIC = "абвгғдежзийкқлмнңоөпрстуұүфхһыіэәёцчшщъьюя"
SPELLINGS = {
    "acutes of 2018": "a b v g ǵ d e j z ı ı k q l m n ń o ó p r s t ý u ú f h h y i e á ıo ts ch sh shsh - - ıý ıa",
    "umlauts of 2021": "a b v g ğ d e j z i i k q l m n ñ o ö p r s t u ū ü f h h y ı e ä io ts ch ş ş - - iu ia",
    "no marks at all": "a b v g g d e zh z i i k q l m n ng o o p r s t u u u f kh h y i e a io ts ch sh shsh - - iu ia",
}
LEAST_SHARE = 0.9  # of those flagged in Cyrillic; some words run together where marks are left out


def rewritten(text: str, spelling: str) -> str:
    letters = dict(zip(CYRILLIC, (part.strip("-") for part in SPELLINGS[spelling].split()), strict=True))
    return "".join(
        letters.get(letter, letter) if letter == letter.lower() else letters.get(letter.lower(), letter).capitalize()
        for letter in text
    )


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    return load_rulebook(Path(HOUSE / "rules" / "kazakhstan"), tmp_path_factory.mktemp("rulebook"))


@pytest.mark.parametrize("spelling", list(SPELLINGS))
def test_kazakh_examples_are_flagged_in_latin_script_as_well(book: Rulebook, spelling: str) -> None:
    examples = [
        one
        for rule in book.definitions.rules
        if not rule.since
        for one in rule.examples
        if one.language == "kk" and one.expect == "flag" and not one.known_miss
    ]
    missed = [
        rewritten(f"{one.title} {one.text}", spelling)
        for one in examples
        if not book.flag(title=rewritten(one.title, spelling), text=rewritten(one.text, spelling)).flagged
    ]
    assert len(examples) >= 40
    assert len(missed) / len(examples) <= 1 - LEAST_SHARE, missed
