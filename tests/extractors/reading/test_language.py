"""The six languages we read are told apart, and their neighbours do not pass for them; the sentences are our own."""

from __future__ import annotations

import gzip
import json

import pytest

from extractors.language import detect_language
from tests.conftest import shared

SENTENCES = [
    ("en", "Police detain protesters in the oil town"),
    ("ru", "Полиция задержала участников митинга на площади"),
    ("ru", "Алматы"),
    ("kk", "Полиция алаңдағы митингіге қатысушыларды ұстады"),
    ("kk", "Алматыда митинг өтті"),
    ("kk", "Президент жарлыққа қол қойды"),
    ("kk", "Оқушылар мен ұстаздар наразылыққа шықты"),
    ("kk-Latn", "Politsia alańdaǵy mıtıngke qatysýshylardy ustady"),
    ("kk-Latn", "Politsiia alañdağy mitingke qatysuşylardy ūstady dep habarlady"),
    ("ky", "Бишкекте митинг өттү"),
    ("ky", "Президент жаңы мыйзамга кол койду"),
    ("uz", "Politsiya maydondagi miting ishtirokchilarini qo‘lga oldi, deb xabar berdi"),
    ("uz", "Полиция майдондаги митинг иштирокчиларини ушлади, деб хабар берди Ўзбекистон ОАВ"),
    ("und", "Поліція затримала учасників мітингу на площі, повідомили правозахисники"),
    ("und", "Міліцыя затрымала ўдзельнікаў мітынгу на плошчы"),
    ("und", "Пулис иштирокчиёни гирдиҳамоиро дар майдон боздошт кард"),
    ("und", "Полис мәйдандагы митингта катнашучыларны тоткарлады, дип хәбәр итәләр"),
    ("und", "Полиција је ухапсила учеснике митинга на тргу"),
    ("und", "Цагдаа талбай дээр жагсаал хийсэн хүмүүсийг баривчилжээ"),
    ("und", "Polis meydandaki gösteriye katılanları gözaltına aldı"),
    ("und", "Polis meydanda mitinq iştirakçılarını saxladı, hüquq müdafiəçiləri bildirib"),
    ("und", "Polisiýa meýdançadaky ýygnaga gatnaşanlary tussag etdi"),
    ("und", "Полиция майдандағы митингке қатнасқанларды услады ҳәм"),
    ("und", "La police a arrêté des manifestants sur la place"),
    ("und", "警方在广场逮捕了抗议者"),
    ("und", "12345 !!!"),
    ("und", ""),
]


@pytest.mark.parametrize(("language", "sentence"), SENTENCES)
def test_a_sentence_is_in_its_language(language, sentence):
    assert detect_language(sentence) == language


def test_what_the_source_says_settles_only_what_is_in_doubt():
    assert detect_language("Алматы. Астана", "kk") == "kk"
    assert detect_language("Полиция задержала участников митинга на площади", "kk") == "ru"


def test_addresses_and_handles_are_no_words_of_a_language():
    assert (
        detect_language("Митинг прошёл мирно https://t.me/some_long_english_channel_name @handle www.example.com/the/of/and")
        == "ru"
    )


@pytest.mark.slow
def test_labelled_documents_are_in_the_language_their_label_says():
    labelled = "".join(shared("gold", f"{name}.jsonl").read_text(encoding="utf-8") for name in ("en", "ru", "kk"))
    rows = [json.loads(line) for line in labelled.splitlines()]
    with gzip.open(shared("gold", "background.jsonl.gz"), "rt", encoding="utf-8") as lines:
        rows += [json.loads(line) for line in lines]
    right = sum(detect_language(f"{row['title'] or ''}\n{row['text'] or ''}") == row["lang"] for row in rows)
    assert right / len(rows) >= 0.995


def test_one_word_of_many_signs_does_not_outvote_the_text():
    """Rules are those of a language: ten q in a title would have turned an English article into Kazakh, and no rule would see it."""
    text = "A rally was held in Almaty. The people went home in the evening, a resident said."
    assert detect_language(f"A rally was held in Almaty {'q' * 120}\n{text}") == "en"
    russian = "Митинг прошёл в Алматы, сообщили жители города, задержанных не было."
    assert detect_language(f"Митинг {'ұ' * 120}\n{russian}") == "ru"
    kazakh = "Алматыда митинг өтті, деп хабарлады қала тұрғындары, ешкім ұсталған жоқ"
    assert detect_language(f"Митинг {'ы' * 120} {'ё' * 99}\n{kazakh}") == "kk"
