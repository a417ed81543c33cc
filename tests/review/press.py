"""A small press of our own for the desk's tests and pictures: sentences written for it, flagged by the real rulebook, stored by storage."""

from __future__ import annotations

import hashlib
import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.settings import HOUSE
from domain.values import (
    BodyFrom,
    Capture,
    Counts,
    DateFrom,
    Document,
    Entry,
    Ownership,
    PollKind,
    Rung,
    RungKind,
    Source,
    SourceReport,
    SourceState,
)
from storage.captures import save_captures
from storage.entries import Body, take_entries
from storage.items import save_results
from storage.results import Read
from storage.runs import add_reports, begin_run, end_run
from storage.sources import PollState, sync_sources
from storage.store import Store

RULES = HOUSE / "rules" / "kazakhstan"


def source(name: str, title: str, ownership: Ownership, *languages: str, hours: int = 24) -> Source:
    home = f"https://{name}.example"
    rungs = (Rung(RungKind.FEED, f"{home}/feed.xml"), Rung(RungKind.SITEMAP, f"{home}/news.xml"))
    return Source(
        name, title, home, rungs, languages, "KZ", None, ownership, SourceState.WORKING, date(2026, 11, 1), "the tests",
        timedelta(hours=hours), "",
    )  # fmt: skip


SOURCES = (
    source("dala", "Dala Habar", Ownership.STATE, "ru", "kk", hours=6),
    source("kokjiek", "Kökjiek", Ownership.INDEPENDENT, "ru", "kk"),
    source("steppe-wire", "Steppe Wire", Ownership.FOREIGN, "en", hours=12),
    source("tanba", "Таңба", Ownership.EXILE, "kk", "ru"),
    source("oral-news", "Oral Sözi", Ownership.INDEPENDENT, "kk", hours=48),
)

# (outlet, language, title, paragraphs); written for the tests, no outlet ever printed them.
STORIES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("steppe-wire", "en", "Oil workers strike in Zhanaozen over unpaid wages", (
        "More than three hundred oil workers went on strike in Zhanaozen on Monday and gathered before the company's office.",
        "They demand unpaid wages and the return of colleagues who were dismissed in October. Police detained two activists near the square.",
        "The akim of the town came out to the crowd and promised an answer by Friday.")),
    ("kokjiek", "ru", "В Уральске жители перекрыли дорогу и требуют компенсаций", (
        "Около двухсот жителей Уральска перекрыли дорогу у моста и потребовали выплатить компенсации после паводка.",
        "На место прибыла полиция. Несколько участников акции протеста задержаны, сообщили очевидцы.",
        "В акимате заявили, что с людьми встретится заместитель акима.")),
    ("dala", "ru", "Задержаны участники несанкционированного митинга в Алматы", (
        "В Алматы полиция задержала участников несанкционированного митинга на площади Республики.",
        "По данным департамента полиции, в отделение доставлены двенадцать человек.",)),
    ("tanba", "kk", "Алматыда рұқсатсыз митингіге шыққандар ұсталды", (
        "Алматыда Республика алаңында рұқсатсыз митингіге шыққан он екі адамды полиция ұстады.",
        "Наразылыққа қатысушылар саяси тұтқындарды босатуды талап етті.",)),
    ("tanba", "kk", "Астанада аналар Еңбек министрлігінің алдына жиналды", (
        "Астанада көпбалалы аналар Еңбек министрлігінің алдына жиналып, жәрдемақыны көтеруді талап етті.",
        "Наразылық акциясына қырыққа жуық адам қатысты.",)),
    ("steppe-wire", "en", "Kazakh parliament adopts law on peaceful assemblies", (
        "The parliament of Kazakhstan adopted amendments to the law on peaceful assemblies in the second reading on Thursday.",
        "Human rights defenders in Astana say that the notification procedure remains a permit in all but name.",)),
    ("kokjiek", "ru", "Суд в Актау приговорил активиста к трём годам", (
        "Суд в Актау приговорил гражданского активиста к трём годам ограничения свободы за участие в запрещённой организации.",
        "Правозащитники называют дело политически мотивированным. Адвокат подаст апелляцию.",)),
    ("dala", "ru", "Объявлена дата выборов в Мажилис", (
        "Центральная избирательная комиссия Казахстана объявила дату внеочередных выборов в Мажилис.",
        "Партии должны подать списки кандидатов до конца месяца.",)),
    ("oral-news", "kk", "Оралда тұрғындар су тарифінің өсуіне наразы", (
        "Оралда тұрғындар су тарифінің өсуіне наразылық білдіріп, әкімдік алдына шықты.",
        "Әкімдік өкілдері тұрғындармен кездесті.",)),
    ("steppe-wire", "en", "Car rally reaches Aktau", (
        "The car rally from Almaty reached Aktau on Sunday after nine days in the steppe.",
        "The winners will be honoured at the central stadium.",)),
    ("dala", "ru", "В Костанае открыли новую школу", (
        "В Костанае открыли школу на шестьсот мест. На церемонии выступил аким области.",)),
    ("kokjiek", "ru", "Цены на картофель выросли", ("Цены на картофель в Караганде выросли на десять процентов за месяц.",)),
    ("oral-news", "kk", "Наурыз мерекесі тойланды", ("Атырауда Наурыз мерекесі кеңінен тойланды.",)),
    ("steppe-wire", "en", "Activist held after single picket in Astana", (
        "Police in Astana detained an activist who held a single picket outside the prosecutor's office.",
        "He stood with an empty sheet of paper for eleven minutes. The court fined him the next day.",)),
)  # fmt: skip


TOWNS = (
    "Aktobe",
    "Atyrau",
    "Kokshetau",
    "Taraz",
    "Karaganda",
    "Kostanay",
    "Kyzylorda",
    "Pavlodar",
    "Petropavl",
    "Semey",
    "Shymkent",
    "Turkistan",
)
WORDS = (
    "bridge", "autumn", "letter", "market", "window", "teacher", "engine", "harvest", "corridor", "signal", "winter", "village", "kitchen", "garden",
    "mountain", "station", "paper", "morning", "silver", "harbour", "blanket", "doctor", "ticket", "lantern", "river", "orchard", "button", "saddle",
)  # fmt: skip


def many_stories(count: int) -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """Stories of strikes, each told in words of its own, so that no two pass for the same text."""
    chance = random.Random(7)
    made = []
    for number in range(count):
        town, told = TOWNS[number % len(TOWNS)], " ".join(chance.choices(WORDS, k=60))
        title = f"Workers strike in {town}: {chance.choice(WORDS)} {number}"
        made.append(
            ("steppe-wire", "en", title, (f"Workers went on strike in {town} and demand {chance.choice(WORDS)} {number}.", told))
        )
    return tuple(made)


def load_press(
    store: Store,
    now: datetime,
    rulebook: Any,
    *,
    repeat: int = 1,
    stories: tuple[tuple[str, str, str, tuple[str, ...]], ...] = STORIES,
) -> list[int]:
    """Store the stories (``repeat`` times over as many days, each telling a little different), and say how the sources stand."""
    from extractors.sketch import sketch

    sync_sources(store, SOURCES, now=now)
    run = begin_run(store, kind="collect", now=now, parameters={}, rules_version=rulebook.version)
    reads: list[Read] = []
    per_source: dict[str, list[tuple[Entry, Document, int]]] = {}
    for round_ in range(repeat):
        for place, (outlet, language, title, paragraphs) in enumerate(stories):
            at = now - timedelta(days=round_, hours=1 + place, minutes=7 * place)
            url = f"https://{outlet}.example/{round_}/{place}"
            told = title if round_ == 0 else f"{title} ({round_ + 1})"
            text = "\n".join(paragraphs) if round_ == 0 else "\n".join([*paragraphs, f"№ {round_ + 1}."])
            body = f"<html><title>{told}</title><p>{text}</p></html>".encode()
            capture = Capture(
                url, url, at + timedelta(minutes=3), 200, (("Content-Type", "text/html; charset=utf-8"), ("Server", "example")), "text/html", body,
                hashlib.sha256(body).hexdigest(), "203.0.113.7", "", (("User-Agent", "Sholu"),),
            )  # fmt: skip
            entry = Entry(outlet, url, url, url, told, "", "", at, DateFrom.FEED, None, (), language)
            document = Document(url, told, text, language, at, DateFrom.FEED, ("A. Writer",), "own", BodyFrom.PAGE)
            per_source.setdefault(outlet, []).append((entry, document, save_captures(store, run, [capture])[0]))
    for outlet, told_stories in per_source.items():
        state = PollState(
            outlet,
            last_polled=now,
            last_ok=now,
            last_new=now - timedelta(hours=1),
            last_kind="ok",
            last_reason="read",
            entries_last=len(told_stories),
        )
        taken = take_entries(store, run, [Body(outlet, [entry for entry, _, _ in told_stories], state)], now=now)[0]
        by_url = {pending.entry.url: pending for pending in taken.pending}
        for entry, document, capture_id in told_stories:
            flagging = rulebook.flag(
                title=document.title,
                text=document.text,
                language=document.language,
                published=document.published,
                source_country="KZ",
            )
            reads.append(
                Read(by_url[entry.url], document.url, document, flagging, capture_id, document.published, sketch(document.text))
            )
        report = SourceReport(
            outlet, PollKind.OK, "read", f"https://{outlet}.example/feed.xml", len(told_stories), Counts(new=len(told_stories))
        )
        add_reports(store, run, [report], now=now)
    save_results(store, run, reads, now=now)
    end_run(store, run, now=now, status="done")
    return [read.pending.id for read in reads]


def load_rules(cache: Path) -> Any:
    from rules.engine.rulebook import load_rulebook

    return load_rulebook(RULES, cache)
