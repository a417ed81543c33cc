"""Kazakh endings follow the sounds before them; forms that cannot be are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.engine import kazakh
from rules.engine.latin import cyrillic_candidates


def accepted(word: str, form: str, stems: list[kazakh.Stem] | None = None) -> bool:
    return any(
        form.startswith(stem.text) and kazakh.accept(stem.text, form[len(stem.text) :], stem.kind) >= 0
        for stem in stems or kazakh.noun_stems(word)
    )


RIGHT = {
    "бала": "балалар балалардың балаларымызға баламды баласына баласында баламен балада баладағы балаша",
    "мектеп": "мектептер мектебі мектебінде мектепке мектептен мектеппен мектептегілерге",
    "халық": "халқы халқының халыққа халықтың халықпен халықтар",
    "орын": "орны орнында орынға орындар",
    "сот": "соттар сотқа соттың соты сотында сотпен соттан соттағы",
    "үкім": "үкімі үкімін үкімге үкімдер үкімнен үкіммен",
    "адам": "адамдар адамдарға адамның адамнан адаммен адамы адаммын",
    "партия": "партиясы партиясының партияға партиялар партиядан партиясынан",
    "бюллетень": "бюллетеньдер бюллетеньдерді бюллетені бюллетеньге",
    "израиль": "израильде израильдің израильге",
    "минск": "минскіде минскіден минскінің",
    "митинг": "митингке митингіге митингінің митингтер митингіде митингі",
    "заң": "заңды заңның заңнан заңы заңдар заңға заңмен",
    "сөз": "сөздер сөздің сөзге сөзі сөзбен сөзден",
}
WRONG = {
    "үкім": "үкімет үкіметі үкімлер үкімға",
    "сот": "сотлар соттер сотге сотдан сотшы сотталды",
    "бала": "балатар балалер балаге баланған",
    "атом": "атомат атомлар",
    "халық": "халықаралық халқ халқлар",
    "орын": "орынбасар орнға",
}


@pytest.mark.parametrize(("word", "form"), [(word, form) for word, forms in RIGHT.items() for form in forms.split()])
def test_a_possible_form_is_accepted(word: str, form: str) -> None:
    assert accepted(word, form)


@pytest.mark.parametrize(("word", "form"), [(word, form) for word, forms in WRONG.items() for form in forms.split()])
def test_another_word_or_a_broken_form_is_refused(word: str, form: str) -> None:
    assert not accepted(word, form)


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("шығу", "шықты шығып шыққан шығады шықпады шығуға шыққандар шығарды шығатын шықса"),
        ("ұстау", "ұстады ұстап ұсталды ұстаған ұсталған ұсталғандар ұстамады ұстауға ұстайды"),
        ("сайлау", "сайлады сайланды сайлауда сайлауға сайлаған"),
        ("тап", "тауып табады тапты табылды тапқан"),
        ("оқы", "оқыды оқиды оқып оқыған оқу"),
        (["талап", "ету"][1], "етті еткен етеді етіп етпеді етуде етілді"),
    ],
)
def test_a_verb_is_found_in_its_forms(verb: str, forms: str) -> None:
    missing = [form for form in forms.split() if not accepted(verb, form, kazakh.verb_stems(verb))]
    assert missing == []


def test_a_possessed_last_word_is_found_in_the_plural_and_in_cases() -> None:
    stems = kazakh.possessed_stems("акциясы")
    for form in ("акциясы", "акциясына", "акциясында", "акциясын", "акциялары", "акцияларына", "акцияларынан"):
        assert accepted("акциясы", form, stems), form
    assert not accepted("акциясы", "акциясыға", stems)


def test_the_locative_is_told_apart_from_other_cases() -> None:
    assert kazakh.accept("алматы", "да", kazakh.NOUN) == kazakh.LOCATIVE
    assert kazakh.accept("алматы", "дағы", kazakh.NOUN) == kazakh.LOCATIVE
    assert kazakh.accept("алматы", "ны", kazakh.NOUN) == 0


KAZAKH = "абғдежзйкқлмнңоөпрстуұүшыіәе"


@given(st.text(alphabet=KAZAKH, min_size=3, max_size=12))
def test_every_sample_form_is_accepted_and_the_word_itself_always_is(word: str) -> None:
    assert accepted(word, word)
    assert all(accepted(word, form) for form in kazakh.sample_forms(word))


@given(st.text(alphabet=KAZAKH, min_size=1, max_size=10), st.text(alphabet=KAZAKH, max_size=25), st.integers(0, 5))
def test_no_word_breaks_the_endings(stem: str, ending: str, kind: int) -> None:
    assert kazakh.accept(stem, ending, kind) in {-1, 0, 1}


def test_endings_never_mix_harmonies() -> None:
    assert accepted("қала", "қалаларда")
    assert not accepted("қала", "қалаларде")
    assert not accepted("қала", "қалалерда")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüñşğıáóúńǵý'", max_size=40))
def test_transliteration_stays_bounded(word: str) -> None:
    stems = {"митинг", "алматы", "жаңаөзен", "а", "сайлау"}
    beginnings = {stem[:size] for stem in stems for size in range(1, len(stem) + 1)}
    found = cyrillic_candidates(word, beginnings, stems)
    assert len(found) <= 96
    assert all(any(candidate.startswith(stem) for stem in stems) for candidate in found)
