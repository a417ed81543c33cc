"""Sketches find light rewrites, tell other texts apart, and are the same numbers everywhere."""

from __future__ import annotations

import random
from zlib import crc32

import pytest

from extractors.sketch import SIZE, similarity, sketch

WORDS = [
    "акимат",
    "площадь",
    "полиция",
    "активист",
    "суд",
    "зарплата",
    "рабочий",
    "завод",
    "закон",
    "министр",
    "депутат",
    "выборы",
    "протест",
    "петиция",
    "штраф",
    "дело",
    "город",
    "область",
]


def text(seed: int, length: int = 300) -> str:
    chosen = random.Random(seed)
    return " ".join(chosen.choice(WORDS) + str(chosen.randrange(40)) for _ in range(length))


def test_a_sketch_is_the_same_in_every_process():
    assert sketch("Митинг прошёл в Алматы сегодня") == sketch("митинг ПРОШЕЛ,  в Алматы: сегодня!")
    assert sketch("one two three four") == (60524223, 1188566544)


def plainly(text: str) -> tuple[int, ...]:
    """The definition, a shingle at a time: CRC-32, then the end of MurmurHash3, the smallest kept."""
    words = text.split()
    hashes = set()
    for place in range(max(1, len(words) - 2)):
        number = crc32(" ".join(words[place : place + 3]).encode())
        number ^= number >> 16
        number = number * 0x85EBCA6B & 0xFFFFFFFF
        number ^= number >> 13
        number = number * 0xC2B2AE35 & 0xFFFFFFFF
        hashes.add(number ^ number >> 16)
    return tuple(sorted(hashes)[:SIZE])


@pytest.mark.parametrize("length", [1, 2, 3, 4, 40, 190, 200, 3_000])
def test_the_numbers_are_those_of_the_definition_however_they_are_computed(length):
    assert sketch(text(7, length)) == plainly(text(7, length))
    assert sketch("слово " * length) == plainly("слово " * length)


def test_a_sketch_keeps_at_most_its_size_and_nothing_of_nothing():
    assert len(sketch(text(1))) == SIZE
    assert sketch(" ... ") == ()
    assert similarity((), sketch("a b c")) == 0.0


def test_the_same_text_is_alike_and_another_is_not():
    assert similarity(sketch(text(1)), sketch(text(1))) == 1.0
    assert similarity(sketch(text(1)), sketch(text(2))) < 0.1


def test_a_light_rewrite_stays_alike():
    words = text(3).split()
    words[100:105] = ["другие", "слова"]
    assert similarity(sketch(" ".join(words)), sketch(text(3))) > 0.85


def test_the_estimate_is_near_the_share_of_common_shingles():
    errors = []
    for seed in range(30):
        words = text(seed).split()
        cut = 30 + seed * 8
        half = " ".join(words[:cut])
        errors.append(similarity(sketch(half), sketch(" ".join(words))) - (cut - 2) / (len(words) - 2))
    assert abs(sum(errors) / len(errors)) < 0.05
