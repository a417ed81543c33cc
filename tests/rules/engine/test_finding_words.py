"""Words are found in every form and script, with offsets into the stored text; nothing else is."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_rulebook import LEXICON, Folder

from rules.engine.lookup import MOST_REMEMBERED
from rules.engine.rulebook import Rulebook
from rules.engine.words import APOSTROPHES, WORD, cut, fold, normal_forms, plain_forms

Terms = Callable[..., list[tuple[str, str]]]


@pytest.mark.parametrize(
    ("text", "language", "written", "term"),
    [
        ("Участники митингов разошлись.", "ru", "митингов", "act"),
        ("Нефтяники бастуют третий день.", "ru", "бастуют", "act"),
        ("Бастующие вышли к акимату.", "ru", "Бастующие", "act"),
        ("На акциях протеста было спокойно.", "ru", "акциях протеста", "act"),
        ("Она протестовала", "ru", "", ""),
        ("Hundreds rallied on Sunday.", "en", "rallied", "act"),
        ("The protesters' hunger strikes go on.", "en", "hunger strikes", "act"),
        ("They want to sit in the car.", "en", "", ""),
        ("A sit\u2010in began.", "en", "sit\u2010in", "act"),
        ("Мұнайшылар ереуілдерін тоқтатты.", "kk", "ереуілдерін", "act"),
        ("Азаматтар митингіге шықты.", "kk", "митингіге", "act"),
        ("Наразылық акцияларында полиция болды.", "kk", "Наразылық акцияларында", "act"),
        ("Үкімет басшысы сөйледі.", "kk", "", ""),
        ("Акиматом принято решение.", "ru", "", ""),
        ("Almatyda mıtıngige shyqty", "kk-Latn", "mıtıngige", "act"),
        ("Jurt mitingige şıqtı", "kk-Latn", "mitingige", "act"),
    ],
)
def test_a_headword_is_found_in_its_forms_and_nothing_else_is(
    terms: Terms, text: str, language: str, written: str, term: str
) -> None:
    found = [pair for pair in terms(text, language) if pair[1] not in {"police", "almaty"}]
    assert found == ([(written, term)] if written else [])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("в Жанаозене", "Жанаозене"),
        ("из Жанаозена", "Жанаозена"),
        ("перед Жанаозеном", "Жанаозеном"),
        ("в Алма-Ате", "Алма-Ате"),
        ("в Алматы", "Алматы"),
        ("по Уральску", "Уральску"),
        ("в Мангистауской области", "Мангистауской области"),
        ("Жанболату Мамаю", "Жанболату Мамаю"),
        ("Мамая Жанболата", "Мамая Жанболата"),
        ("Жанболата Бекетовича Мамая", "Жанболата Бекетовича Мамая"),
        ("Айгуль Утеповой", "Айгуль Утеповой"),
        ("Демократическому выбору Казахстана", "Демократическому выбору Казахстана"),
    ],
)
def test_a_russian_name_is_found_in_every_case(terms: Terms, text: str, written: str) -> None:
    assert written in [pair[0] for pair in terms(f"Сообщают {text} сегодня.", "ru")]


@pytest.mark.parametrize("form", ["Жаңаөзенде", "Жаңаөзеннен", "Жаңаөзендегі", "Жаңаөзенге", "Жаңаөзеннің", "Жаңаөзенді"])
def test_a_kazakh_name_is_found_with_its_endings(terms: Terms, form: str) -> None:
    assert terms(f"Кеше {form} мұнайшылар жиналды.", "kk") == [(form, "zhanaozen")]


@pytest.mark.parametrize(
    "spelling",
    ["Jańaózende", "Jañaözende", "Zhanaozende", "Jangaozende", "Jan'ao'zende"],
)
def test_latin_kazakh_is_found_in_every_living_spelling(terms: Terms, spelling: str) -> None:
    assert (spelling, "zhanaozen") in terms(f"Keshe {spelling} jurt jınaldy jáne tarady.", "kk-Latn")


@pytest.mark.parametrize(
    ("headword", "text", "written"),
    [
        ("талап ет:v", "Jurt jaýap talap etti", "talap etti"),  # a fixed word of a phrase is spelt too
        ("100 қадам", "Memleket 100 qadam jarııalady", "100 qadam"),  # digits have no script
        ("бюллетень", "Saılaý bıýlleteni basyldy", "bıýlleteni"),  # the soft sign has no Latin letter
        ("бюллетень", "Saılaý bıýlletenderi basyldy", "bıýlletenderi"),
        ("саяси тұтқын", "Birneshe sayasy tútqyn hat jazdy", "sayasy tútqyn"),  # digraph spelling: y is и, ú is ұ
        ("реформа", "Jәne reforma turaly mәlimdedi", "reforma"),
        ("сайлау", "Búgin saı\u0306laý ótti", "saı\u0306laý"),  # й as ı with a breve
        ("наразылық шеруі", "Bügin narazılıq şeruı ötti", "narazılıq şeruı"),
    ],
)
def test_phrases_numbers_and_soft_signs_are_found_in_latin_script(folder: Folder, headword: str, text: str, written: str) -> None:
    folder.write("lexicon/all.yaml", f'{LEXICON}- {{id: latin, kk: ["{headword}"]}}\n')
    page = folder.load().read("", text, "kk-Latn")
    assert written in [page.written(one) for one in page.occurrences if one.entry.id == "latin"]


def test_russian_families_are_not_a_town_and_a_kazakh_town_is(terms: Terms) -> None:
    assert terms("Более ста семей получили жильё.", "ru") == []
    assert terms("Помощь 100 семей. Семей получили её.", "ru") == []
    assert terms("Бұл күні Семейде жиын өтті.", "kk") == [("Семейде", "semey")]


def test_soft_hyphens_stress_marks_and_mixed_alphabets_do_not_hide_a_word(terms: Terms) -> None:
    assert terms("В Жана\u00adозене на ми\u0301тинге", "ru") == [("Жана\u00adозене", "zhanaozen"), ("ми\u0301тинге", "act")]
    mixed = "В Aлмaты нa митингe"  # Latin a and e
    assert [term for _, term in terms(mixed, "ru")] == ["almaty", "act"]


def test_decomposed_text_is_found_with_offsets_into_itself(rulebook: Rulebook) -> None:
    text = unicodedata.normalize("NFD", "Кеше Жаңаөзендегі мұнайшылар: полицияй. Казахстанский митинг.")
    page = rulebook.read("", text, "kk")
    written = {page.written(one) for one in page.occurrences}
    assert unicodedata.normalize("NFD", "Жаңаөзендегі") in written
    assert all(text[one.start : one.end] == page.written(one) for one in page.occurrences)


def test_an_acronym_needs_its_capitals_and_may_carry_endings(terms: Terms) -> None:
    assert terms("Сторонники ДВК и двк.", "ru") == [("ДВК", "dvk")]
    assert terms("ДВК-ның жақтастары", "kk")[0] == ("ДВК", "dvk")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ертең сайлау өтеді.", True),
        ("Сайлау ертең өтеді.", True),
        ("«Сайлау» деген сөз.", True),
        ("САЙЛАУ-2026 БАСТАЛДЫ, САЙЛАУ КҮНІ", True),
        ("Мұны Сайлау Батыров айтты.", False),
    ],
)
def test_a_common_word_that_is_a_name_too_counts_in_small_letters_or_opening_a_sentence(
    folder: Folder, text: str, found: bool
) -> None:
    folder.write("lexicon/all.yaml", LEXICON + '- {id: vote, kk: ["сайлау:l"]}\n')
    occurrences = folder.load().read("", text, "kk").occurrences
    assert any(one.entry.id == "vote" for one in occurrences) is found


def test_a_word_of_many_thousand_letters_costs_nothing(rulebook: Rulebook) -> None:
    flagging = rulebook.flag(title="", text="митинг" * 50_000 + " " + "а\u0301" * 50_000, language="ru")
    assert not flagging.flagged


def test_remembered_words_are_bounded(rulebook: Rulebook) -> None:
    modes = ("ru", "en")
    memory = rulebook.lookup.memory(modes)
    memory.update((f"слово{number}", ()) for number in range(MOST_REMEMBERED + 1))
    assert len(rulebook.lookup.memory(modes)) == 0


@given(st.text(max_size=200))
def test_words_are_cut_without_loss_of_place(text: str) -> None:
    for found in WORD.finditer(text):
        assert text[found.start() : found.end()] == found.group()
        assert plain_forms(found.group())


@given(st.text(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюяёәғқңөұүһі", min_size=1, max_size=20))
def test_normal_forms_do_not_depend_on_composition_or_case(word: str) -> None:
    assert normal_forms(unicodedata.normalize("NFD", word)) == normal_forms(word)
    assert fold(word.upper()) == fold(word)


def test_turkish_letters_are_not_folded_into_each_other() -> None:
    assert fold("ISIĞ") == "isiğ"
    assert fold("İstanbul") == "istanbul"
    assert fold("ı") != fold("i")


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(f"{APOSTROPHES}\u0301\u00ad\u200b_-\n аa1")), max_size=80))
def test_a_text_is_cut_into_words_and_what_stands_between(text: str) -> None:
    parts = cut(text)
    assert "".join(parts) == text
    assert parts[1::2] == WORD.findall(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The Kazakh city of Almaty and Bishkek.", "en"),
        ("A car rally reached Almaty, police said.", "en"),
        ("Акция протеста в Алма-Ате и Бишкеке.", "ru"),
        ("ДВК объявил голодовку. Мамай молчит.", "ru"),
        ("Алматыда ереуіл болды, Ресейде де.", "kk"),
        ("Жертвы матча в Мангистауской области.", "ru"),
    ],
)
def test_the_names_shown_of_a_page_do_not_depend_on_whether_a_rule_may_speak(
    rulebook: Rulebook, text: str, language: str
) -> None:
    page = rulebook.read("", text, language)
    named = [one.entry.id for one in page.occurrences if one.entry.is_entity and not one.hidden_by]
    assert rulebook.flag(title="", text=text, language=language).entities == tuple(dict.fromkeys(named))


def test_a_line_of_a_million_full_stops_holds_nobody_up(rulebook: Rulebook) -> None:
    text = "Police watched a protest in Almaty" + "." * 900_000 + " Another protest."
    assert rulebook.flag(title="", text=text, language="en").flagged
