"""The entities of Kazakhstan as data: whole, in order, each name in its script, and found as people write it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.engine.rulebook import Rulebook, load_rulebook
from tests.conftest import HOUSE

FOLDER = HOUSE / "rules" / "kazakhstan"
FILES = sorted((FOLDER / "entities").glob("*.yaml"))
# ISO 3166-2:KZ as of November 2022: 17 regions and 3 cities.
REGIONS = {f"KZ-{number}" for number in (10, 11, 15, 19, 23, 27, 31, 33, 35, 39, 43, 47, 55, 59, 61, 62, 63, 71, 75, 79)}
LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ]")
CYRILLIC = re.compile(r"[Ѐ-ӿ]")
KAZAKH_ONLY = re.compile(r"[ӘәҒғҚқҢңӨөҰұҮүҺһІі]")
# What Kazakh texts may write in Latin letters: brands and codes.
BRANDS = {"party", "movement", "media", "company", "ngo", "institution", "site", "event", "city"}


def entities() -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in FILES:
        for entity in yaml.safe_load(file.read_text(encoding="utf-8")):
            yield file, entity


ALL = [entity for _, entity in entities()]
BY_ID = {entity["id"]: entity for entity in ALL}


def names(entity: dict[str, Any], language: str) -> Iterator[dict[str, Any]]:
    for key in ("names", "surnames"):
        for name in entity.get(key, {}).get(language, []):
            yield {"text": name} if isinstance(name, str) else name


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Rulebook:
    return load_rulebook(FOLDER, tmp_path_factory.mktemp("rulebook"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_keeps_its_entities_in_the_order_of_their_ids(file: Path) -> None:
    ids = [entity["id"] for entity in yaml.safe_load(file.read_text(encoding="utf-8"))]
    assert ids == sorted(ids)


def test_an_id_stands_for_one_entity() -> None:
    assert [one for one, times in Counter(entity["id"] for entity in ALL).items() if times > 1] == []


def test_there_are_as_many_entities_and_names_as_were_once_reached() -> None:
    ours = [entity for entity in ALL if not entity.get("foreign")]
    aliases = Counter(language for entity in ours for language in ("en", "ru", "kk") for _ in names(entity, language))
    assert len(ALL) >= 1_600
    assert len(ours) >= 1_100
    assert sum(aliases.values()) >= 6_400
    assert min(aliases.values()) >= 1_700
    assert sum(entity["type"] == "person" for entity in ours) >= 250


def test_every_entity_has_a_name_in_each_of_the_three_languages() -> None:
    # A law or a group may be known in two; a person, a place or a party is written of in all three.
    known = {"person", "city", "region", "district", "party"}
    ours = [entity for entity in ALL if entity["type"] in known and not entity.get("foreign")]
    bare = [one["id"] for one in ours if not all(one["names"].get(language) for language in ("en", "ru", "kk"))]
    assert bare == []


def test_all_twenty_divisions_of_2022_are_there_and_no_other_code_is_used() -> None:
    used = {entity["region"] for entity in ALL if "region" in entity}
    assert used == REGIONS
    divisions = [entity for entity in ALL if entity["type"] in {"region", "city"} and entity.get("part_of") == "kazakhstan"]
    assert {entity["region"] for entity in divisions} == REGIONS


def test_what_lies_in_a_place_lies_in_its_region() -> None:
    for entity in ALL:
        parent = entity.get("part_of")
        if parent is None:
            continue
        assert parent in BY_ID, f"{entity['id']} is part of {parent!r}, which is nowhere"
        above = BY_ID[parent].get("region")
        assert above is None or entity.get("region") in {None, above}, (
            f"{entity['id']} lies in {entity.get('region')}, {parent} in {above}"
        )
        assert bool(BY_ID[parent].get("foreign")) == bool(entity.get("foreign")), (
            f"{entity['id']} and {parent} lie in two countries"
        )


def test_an_english_name_is_written_in_latin_letters() -> None:
    assert [name["text"] for entity in ALL for name in names(entity, "en") if CYRILLIC.search(name["text"])] == []


def test_a_russian_name_begins_in_russian_letters_or_is_not_inflected() -> None:
    # «партия Байтақ», «офис партии Nur Otan»: the Russian head is inflected, what follows stays as it is.
    strange = [
        (entity["id"], name["text"])
        for entity in ALL
        for name in names(entity, "ru")
        if (KAZAKH_ONLY.search(name["text"].split()[0]) or LATIN.search(name["text"].split()[0]))
        and name.get("inflect") != "none"
        and name.get("only") != "exact"
    ]
    assert strange == []


def test_a_kazakh_name_is_written_in_cyrillic_unless_it_is_a_brand() -> None:
    strange = [
        (entity["id"], name["text"])
        for entity in ALL
        for name in names(entity, "kk")
        if not CYRILLIC.search(name["text"]) and entity["type"] not in BRANDS
    ]
    assert strange == []


def test_no_name_mixes_the_two_scripts_within_a_word() -> None:
    mixed = [
        (entity["id"], word)
        for entity in ALL
        for language in ("en", "ru", "kk")
        for name in names(entity, language)
        for word in re.findall(r"\w+", name["text"])
        if LATIN.search(word) and CYRILLIC.search(word)
    ]
    assert mixed == []


def test_no_name_is_given_twice_or_in_two_spellings_of_space() -> None:
    for entity in ALL:
        for language in ("en", "ru", "kk"):
            texts = [name["text"] for name in names({"names": entity["names"]}, language)]
            assert len(texts) == len(set(texts)), entity["id"]
            assert all(text == " ".join(text.split()) for text in texts), entity["id"]


def test_a_wikidata_id_says_how_it_is_known() -> None:
    marked = [entity for entity in ALL if "wikidata" in entity]
    assert all(re.fullmatch(r"Q[1-9]\d*", entity["wikidata"]) and entity.get("wikidata_how") for entity in marked)
    assert len({entity["wikidata"] for entity in marked}) == len(marked)


def test_every_name_is_compiled_and_no_decoy_of_the_same_length_hides_ours(book: Rulebook) -> None:
    tables = book.tables
    # A decoy with `shadow_for` hides only what it names there, so an entity may bear the same name.
    decoys = {alias.text.casefold(): tables.entries[alias.entry] for alias in tables.aliases if tables.entries[alias.entry].decoy}
    compiled = {(tables.entries[alias.entry].id, alias.language, alias.text) for alias in tables.aliases}
    for entity in ALL:
        terms = {entity["id"], f"type:{entity['type']}", *entity.get("tags", [])}
        for language in ("en", "ru", "kk"):
            for name in names(entity, language):
                assert (entity["id"], language, name["text"]) in compiled
                if not entity.get("foreign") and entity.get("anchors") is not False:
                    decoy = decoys.get(name["text"].casefold())
                    hidden = decoy is not None and (not decoy.shadow_for or terms & set(decoy.shadow_for))
                    assert not hidden, f"{name['text']} of {entity['id']} is a decoy too"


FOUND = [
    ("ru", "Алматинцы собрались на площади, а карагандинцы и жители Алма-Аты подписали письмо.", {"almaty", "karaganda"}),
    ("ru", "В Семее, Усть-Каменогорске и Кульсарах ждут решения.", {"semey", "oskemen", "kulsary"}),
    (
        "ru",
        "Нефтяники Озенмунайгаза в Жанаозене и рабочие West Oil Software в Жетыбае.",
        {"ozenmunaigas", "zhanaozen", "westoil", "zhetybay"},
    ),
    ("ru", "Жанболата Мамая и Маргариту задержали у здания КНБ в Астане.", {"zhanbolat_mamay", "knb", "astana"}),
    ("ru", "Сторонников ДВК и «Көше партиясы» судят в Темиртау.", {"dvk", "koshe", "temirtau"}),
    (
        "ru",
        "Активистку партии «Алга, Казахстан» оштрафовали в Северо-Казахстанской области.",
        {"alga_kazakhstan", "r_north_kazakhstan"},
    ),
    ("ru", "Участников Кантара, осуждённых в Талдыкоргане, амнистировали.", {"qantar", "taldykorgan"}),
    (
        "ru",
        "Думану Мухаметкариму вынесли приговор в Конаеве, Марата Жыланбаева этапировали.",
        {"duman_mukhammedkarim", "konaev", "marat_zhylanbayev"},
    ),
    ("ru", "Мажилисмены и маслихаты Мангистауской области.", {"mazhilis", "maslikhat", "r_mangystau"}),
    (
        "ru",
        "В Ташкенте, Нукусе и Бишкеке прошли акции, сообщили в Госдуме.",
        {"f_uz_cities", "f_karakalpakstan", "f_kg_cities", "fo_state_duma"},
    ),
    ("ru", "Митинг на площади Республики в Алматы.", {"sq_republic_almaty", "almaty"}),
    (
        "ru",
        "Многодетные матери пришли к офису партии Amanat и на площадь Ынтымақ в Жанаозене.",
        {"nur_otan_office", "sq_yntymaq_zhanaozen"},
    ),
    ("en", "Toqaev spoke in Nur-Sultan before the Mazhilis.", {"tokayev", "astana", "mazhilis"}),
    (
        "en",
        "Relatives stood outside the Chinese consulate in Almaty with Serikzhan Bilash.",
        {"consulate_china_almaty", "serikzhan_bilash"},
    ),
    (
        "en",
        "Workers of Tengizchevroil in Kulsary, Atyrau Region, and miners in Qaraghandy.",
        {"tengizchevroil", "kulsary", "r_atyrau", "karaganda"},
    ),
    (
        "en",
        "Hundreds came to Yntymaq Square in Zhanaozen, to Aqtobe and Oskemen.",
        {"sq_yntymaq_zhanaozen", "zhanaozen", "aktobe", "oskemen"},
    ),
    (
        "en",
        "Shoqan Valikhanov Square in central Almaty, where Aron Atabek was named.",
        {"sq_valikhanov", "almaty", "aron_atabek"},
    ),
    ("en", "GKNB officers in Kyrgyzstan detained Ata-Jurt deputies.", {"fo_gknb", "f_kg", "fo_ata_jurt"}),
    ("kk", "Жаңаөзендік мұнайшылар Маңғыстау облысының әкімдігі алдында тұр.", {"zhanaozen", "akimat_mangystau"}),
    ("kk", "Жанболат Мамайды Алматыда ұстады, Тоқаевтың бұйрығымен.", {"zhanbolat_mamay", "almaty", "tokayev"}),
    ("kk", "Шымкенттіктер мен өскемендіктер Астанаға келді.", {"shymkent", "oskemen", "astana"}),
    ("kk", "ҚДТ-ның және «Көше партиясының» белсенділері сотталды.", {"dvk", "koshe"}),
    ("kk", "Қаңтар оқиғасында қаза тапқандардың туыстары Республика алаңына жиналды, Алматы.", {"qantar", "sq_republic_almaty"}),
    ("kk", "Ақтауда және Оралда шеру болды, Қостанайлықтар келді.", {"aktau", "oral", "kostanay"}),
    ("kk", "Almatıda belsendiler, Jańaózende munaıshylar.", {"almaty", "zhanaozen"}),
]


@pytest.mark.parametrize(("language", "text", "wanted"), FOUND, ids=[text[:40] for _, text, _ in FOUND])
def test_entities_are_recognised_as_people_write_them(book: Rulebook, language: str, text: str, wanted: set[str]) -> None:
    assert wanted <= set(book.flag(title="", text=text, language=language).entities)


NOT_OURS = [
    ("ru", "Более ста семей получили жильё.", "semey"),
    ("ru", "Рудный концентрат вывезли на склад.", "rudny"),
    ("ru", "Того, кто виноват, накажут.", "f_tg"),
    ("ru", "В Петропавловске-Камчатском прошло землетрясение.", "petropavl"),
    ("ru", "Вадим ни при чём.", "vadim_ni"),
    ("en", "The oral hearing was postponed.", "oral"),
    ("en", "East Turkestan flags were seen in Istanbul.", "turkistan"),
    ("en", "Ata-Jurt deputies met in Bishkek.", "atajurt"),
    ("en", "GKNB officers searched the house.", "knb"),
    ("kk", "Қытай астанасы Бейжіңде жиын өтті.", "astana"),
    ("kk", "Айыпталушыны ақтау туралы шешім шықты.", "aktau"),
    ("kk", "Биыл қаңтар айында күн суық болады.", "qantar"),
    ("kk", "Жағада үлкен үй тұр, теңіз көрінеді.", "ulken"),
    ("kk", "Жағада үлкен үй тұр, теңіз көрінеді.", "tengiz"),
    ("kk", "Ата-ана баласын мектепке алып келді, жол алға бастайды.", "alga_town"),
]


@pytest.mark.parametrize(
    ("language", "text", "wrong"), NOT_OURS, ids=[f"{wrong}-{at}" for at, (_, _, wrong) in enumerate(NOT_OURS)]
)
def test_a_word_that_only_looks_like_a_name_is_left_alone(book: Rulebook, language: str, text: str, wrong: str) -> None:
    assert wrong in book.entities
    assert wrong not in book.flag(title="", text=text, language=language).entities


def test_regions_are_told_by_the_division_of_2022(book: Rulebook) -> None:
    told = book.flag(title="", text="Забастовки в Семее, Талдыкоргане и Жезказгане.", language="ru")
    assert set(told.regions) == {"KZ-10", "KZ-33", "KZ-62"}
