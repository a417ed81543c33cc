"""Each occurrence belongs to the country its own sentence, then what precedes it, says; the source alone counts little."""

from __future__ import annotations

import pytest

from rules.engine.explaining import explain
from rules.engine.rulebook import Rulebook


def side(rulebook: Rulebook, text: str, language: str = "en", *, title: str = "", country: str | None = None) -> tuple[int, str]:
    told = explain(rulebook, title=title, text=text, language=language, source_country=country)
    match = next(match for match in told.matches if match.term == "act")
    return match.side, match.anchor


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Hundreds rallied in Almaty against Russia's war.", "en", (1, "almaty")),
        ("Hundreds rallied in Bishkek against Kazakhstan.", "en", (-1, "bishkek")),
        ("In Almaty, far from Bishkek, a rally began.", "en", (1, "almaty")),
        ("Relatives of people held in Xinjiang protested outside the consulate in Almaty.", "en", (1, "almaty")),
        ("Kazakhstan watches as thousands rally in Bishkek.", "en", (-1, "bishkek")),
        ("A rally in the southern city of Almaty drew Russia's attention.", "en", (1, "almaty")),
        ("Протест против России прошёл в Алматы: митинг был мирным.", "ru", (1, "almaty")),
        ("В Бишкеке прошёл митинг, Казахстан закрыл границу.", "ru", (-1, "bishkek")),
        ("Митинг против Казахстана в Бишкеке.", "ru", (-1, "bishkek")),
        ("Ресейге қарсы митинг Алматыда өтті.", "kk", (1, "almaty")),
        ("Бішкекте митинг өтті, Қазақстан шекараны жапты.", "kk", (-1, "bishkek")),
        ("Жаңаөзендегі ереуіл туралы Ресей айтты.", "kk", (1, "zhanaozen")),
        ("За митинг против войны в России оштрафовали студентку из Алматы.", "ru", (1, "almaty")),
        ("A student from Almaty was fined for a rally against the war in Russia.", "en", (1, "almaty")),
        ("Ресейдегі соғысқа қарсы митинг туралы Алматы тұрғыны айтты.", "kk", (1, "almaty")),
        ("Police broke up a rally in Bishkek, Kazakh media reported.", "en", (-1, "bishkek")),
        ("A rally was held in Bishkek, Almaty and Zhanaozen.", "en", (1, "almaty")),
        ("An activist born in Almaty joined a rally that Bishkek had banned.", "en", (-1, "bishkek")),
        ("An activist born in Bishkek joined a rally in Almaty.", "en", (1, "almaty")),
        ("A native of Almaty was held after a rally in Bishkek.", "en", (-1, "bishkek")),
        ("Митинг собрал в Бишкеке и уроженца Алматы.", "ru", (-1, "bishkek")),
        ("Родившаяся в Алматы студентка вышла на митинг, Бишкек молчит.", "ru", (-1, "bishkek")),
        ("Бішкек митингіне Алматыда туған студент шықты.", "kk", (-1, "bishkek")),
        ("Алматыдағы митингіге Бішкекте туған студент шықты.", "kk", (1, "almaty")),
    ],
)
def test_a_place_of_the_event_beats_other_names(rulebook: Rulebook, text: str, language: str, expected: tuple[int, str]) -> None:
    assert side(rulebook, text, language) == expected


def test_the_sentence_before_decides_where_its_own_is_silent(rulebook: Rulebook) -> None:
    assert side(rulebook, "Police closed roads in Almaty. The rally began at noon.") == (1, "almaty")
    assert side(rulebook, "Almaty is calm. Bishkek is not. The rally began at noon.") == (-1, "bishkek")


def test_the_head_decides_where_the_last_sentences_are_silent(rulebook: Rulebook) -> None:
    silent = "Nothing was said. " * 5
    assert side(rulebook, f"Almaty woke early. {silent}The rally began at noon.") == (1, "almaty")
    assert side(rulebook, f"{silent}The rally began at noon.", title="Bishkek wakes") == (-1, "bishkek")


def test_the_country_of_the_source_counts_at_a_discount(rulebook: Rulebook) -> None:
    assert side(rulebook, "The rally began at noon.", country="KZ") == (1, "source")
    assert side(rulebook, "The rally began at noon.", country="KG") == (0, "")
    near = rulebook.flag(title="", text="The rally began.", language="en", source_country="kz")
    assert near.score == rulebook.definitions.anchors.source * 3


def test_an_outlets_name_anchors_nothing(rulebook: Rulebook) -> None:
    assert side(rulebook, "The rally began at noon, Almaty Times reports.") == (0, "")


def test_a_sentence_of_ours_deep_in_a_text_about_elsewhere_is_a_mention(rulebook: Rulebook) -> None:
    foreign = "Bishkek counts its votes. The count is slow. Nobody slept. People waited. "
    told = explain(rulebook, title="Bishkek votes", text=f"{foreign}A rally began in Almaty.", language="en")
    act = next(match for match in told.matches if match.term == "act")
    assert (act.side, act.anchor, act.factor) == (1, "almaty", rulebook.definitions.anchors.passing)
    told = explain(rulebook, title="Bishkek votes", text=f"{foreign}Almaty was calm. A rally began.", language="en")
    act = next(match for match in told.matches if match.term == "act")
    assert (act.side, act.anchor, act.factor) == (1, "almaty", rulebook.definitions.anchors.passing)
    told = explain(rulebook, title="", text="A rally began in Almaty. Nobody slept. Bishkek is calm.", language="en")
    assert next(match for match in told.matches if match.term == "act").factor == rulebook.definitions.anchors.sentence


def test_the_head_of_a_long_text_says_little_of_what_stands_far_below(rulebook: Rulebook) -> None:
    near, far = ("Almaty grew. " + "Nobody knew why. " * count + "A rally was remembered." for count in (10, 60))
    factors = []
    for text in (near, far):
        told = explain(rulebook, title="", text=text, language="en")
        factors.append(next(match for match in told.matches if match.term == "act").factor)
    weights = rulebook.definitions.anchors
    assert factors == [weights.head, weights.passing]


def test_what_stands_in_another_clause_is_farther_than_its_words(rulebook: Rulebook) -> None:
    assert side(rulebook, "Bishkek police stopped a long and very loud rally; Almaty watched.") == (-1, "bishkek")
    assert side(rulebook, "Bishkek slept; a long and very loud rally of students passed by Almaty.") == (1, "almaty")
    assert side(rulebook, "Bishkek slept, rally leaders left Almaty.") == (1, "almaty")


@pytest.mark.parametrize("opening", ["ALMATY. AGENCY — ", "ALMATY (AP) -- ", "ALMATY — ", "Almaty (Agency) — "])
def test_a_dateline_is_no_better_than_the_source(rulebook: Rulebook, opening: str) -> None:
    told = explain(rulebook, title="", text=f"{opening}A rally began at noon in the capital.", language="en")
    act = next(match for match in told.matches if match.term == "act")
    assert (act.side, act.factor) == (1, rulebook.definitions.anchors.source)
    assert side(rulebook, f"{opening}A rally began in Bishkek.") == (-1, "bishkek")


def test_a_surname_counts_only_near_its_country_or_its_full_name(rulebook: Rulebook) -> None:
    def counts(text: str) -> bool:
        page = rulebook.read("", text, "ru")
        return any(one.entry.id == "mamay" and not one.hidden_by for one in page.occurrences)

    assert not counts("Хан Мамай собрал войско. Мамаев курган.")
    assert counts("В Алматы судят активистов. Мамай отказался говорить.")
    assert counts("Мамай отказался говорить. Позже Жанболат Мамай ушёл.")


def test_an_ambiguous_name_needs_company(rulebook: Rulebook) -> None:
    def counts(text: str, country: str | None = None) -> bool:
        page = rulebook.read("", text, "en", country)
        return any(one.entry.id == "oral" and not one.hidden_by for one in page.occurrences)

    assert not counts("Oral exams start today.")
    assert not counts("An oral hearing in Almaty.")
    assert counts("From Almaty to Oral by train.")
    assert counts("Police in Oral closed a road.", "KZ")
