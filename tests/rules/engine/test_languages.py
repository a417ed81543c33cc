"""Which language a paragraph is read in: short headlines, Latin Kazakh in its spellings, letters an old converter left behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.engine.languages import ENGLISH, LATIN_KAZAKH, cyrillic_mode, document_language, latin_mode, stretches


@pytest.mark.parametrize(
    "text",
    [
        "Almatyda mıtıng ótti",
        "Túrkistanda ákim saılaýy",
        "Bügın Maŋǧystau oblysynyŋ jūmysşylary jinaldy",
        "Qırğızstanda narazılıq şeruı ötti",
        "Konstitusiyagha ózgerister engizu turaly referendum Qazaqstannyng barlyq ónirinde ótti",
        "Búl turaly partiya tóraghasy mәlim etti, dep habarlaidy tilshi",
        "Zhurnalist zheti zhylga sottaldy, ariptesteri ony sozi ushin zhazalandy deidi",
        "Ongtustik astanada bar-zhogy 30 paiyz sailaushy dauys bergen",
        "Juyrda olargha «beybit jiyn ótkizu tәrtibin» búzghany ýshin aiyppúl salyndy",
    ],
)
def test_latin_kazakh_is_known_in_every_spelling(text: str) -> None:
    assert latin_mode(text, None) == LATIN_KAZAKH
    assert document_language(text) == LATIN_KAZAKH


@pytest.mark.parametrize(
    "text",
    [
        "Afghan fighters were shipped from the Agha Khan's gardens",
        "Egypt kept a ship in Benin, Aqaba and Qatar",
        "The party split over shipping and equipment",
        "Iraq and Qatar sent men to Nanyang",
        "Zhang Zhou of Zhejiang met Zhaksylyk of Zhambyl, Heidi said",
        "An appeals court in Taldyqorghan upheld prison terms for five men",
        "Taldyqorghan court jails blogger",
    ],
)
def test_english_with_foreign_names_stays_english(text: str) -> None:
    assert latin_mode(text, None) == ENGLISH
    assert document_language(text) == ENGLISH


def test_english_words_in_a_cyrillic_paragraph_stay_english() -> None:
    assert latin_mode("«Oyan, Qazaqstan» қозғалысы митинг өткізді, деп жазды The Guardian.", None) == ENGLISH


LINES = (
    "",
    "Полиция задержала пятерых на площади Республики.",
    "Наразылық акциясына жүздеген адам қатысты, деп хабарлады тілші.",
    "Police detained five people in Almaty on Monday.",
    "Qazaqstanda narazylyq aktsiyasy ötti, jüzdegen adam qatysty.",
    "2026 — 22:10",
    "Мітинг біля суду тривав дві години.",
)


@given(st.lists(st.sampled_from(LINES), max_size=8), st.sampled_from([None, "ru", "kk", "kk-Latn", "en", "uk", "ky"]))
def test_rows_of_paragraphs_are_looked_up_as_each_paragraph_alone_would_be(lines: list[str], hint: str | None) -> None:
    text = "\n".join(lines)
    found = []
    for start, written, (cyrillic, latin) in stretches(text, hint):
        assert text[start : start + len(written)] == written
        found += [(line, cyrillic, latin) for line in written.split("\n") if line]
    assert [line for line, _, _ in found] == [line for line in lines if line]
    for line, cyrillic, latin in found:  # of a paragraph without such letters no word is looked up so
        assert cyrillic == cyrillic_mode(line, hint) or not any("\u0400" <= letter <= "\u052f" for letter in line)
        assert latin == latin_mode(line, hint) or not any(letter.isascii() and letter.isalpha() for letter in line)
