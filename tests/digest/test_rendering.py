"""The mail as readers get it: what clients show, under their limits, safe from what titles bring along, and never silent."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from digest.evidence import sentence
from digest.message import POLICY, digest_message, message_id, read_sender
from digest.naming import Names
from digest.plain import one_line
from digest.render import ROOM, Rendered, render
from digest.select import Frame, corrections_of, select
from digest.stories import grouped
from digest.values import Digest
from digest.wording import LANGUAGES, catalogue, reason_shown, reasons, since_shown
from domain.shown import web_address
from domain.telling import Carrier, Figures, Recipient, Sight, Tellable, Told, Unseen
from domain.values import Ownership
from extractors import client, failures
from tests.digest.conftest import MORNING, Clock, Mailbox, Newsroom, Send, a_flag, html_of, text_of

DAY = timedelta(days=1)
READER = Recipient("anna@example.org", "Anna")
SIGHT = Sight(MORNING - DAY, 10, 9, (Unseen("x", "Source <X>", False, "The server forbids it (403)", None),), 2, 1)
FIGURES = Figures(tuple((date(2026, 11, 9) + n * DAY, n * 3 % 11) for n in range(14)), 7)
ALLOWED_TAGS = frozenset(["html", "head", "meta", "title", "body", "table", "tbody", "tr", "td", "div", "span", "a", "b", "br"])
ALLOWED_ATTRIBUTES = frozenset(
    [
        "lang",
        "charset",
        "name",
        "content",
        "class",
        "role",
        "width",
        "height",
        "align",
        "valign",
        "cellpadding",
        "cellspacing",
        "border",
        "bgcolor",
        "style",
        "href",
    ]
)
# Shown by Outlook, Gmail, Apple Mail, Yahoo, Thunderbird and the large Russian services alike, or harmless where passed over (max-width).
ALLOWED_STYLES = frozenset(
    [
        "margin",
        "padding",
        "background-color",
        "width",
        "max-width",
        "font-family",
        "font-size",
        "line-height",
        "color",
        "letter-spacing",
        "font-weight",
        "text-decoration",
        "text-align",
        "border-bottom",
        "border-left",
    ]
)


def item(number: int, title: str = "", text: str = "", **given: Any) -> Tellable:
    title = title or f"Title {number}"
    text = text or f"Hundreds held a rally number {number}. They went home."
    flag = given.pop("flag", {})
    word = given.pop("word", "rally")
    url = given.pop("url", f"https://example.org/{number}")
    outlet = given.pop("outlet", "Vlast")
    moment = given.pop("moment", MORNING - timedelta(hours=1))
    facts: dict[str, Any] = {
        "language": "en", "first_flagged": MORNING, "version": 1, "flagging_id": number, "flagged": True, "review": "open", "gone": False,
        "cluster_id": number, "carriers": (Carrier(outlet.lower(), outlet, Ownership.STATE, url, moment),),
    }  # fmt: skip
    return Tellable(number, url, title, text, moment=moment, flagging=a_flag(title, text, (word,), **flag), **(facts | given))


def a_digest(*items: Tellable, sight: Sight = SIGHT, recipient: Recipient = READER) -> Digest:
    frame = Frame(date(2026, 11, 22), MORNING - DAY, MORNING, recipient)
    return select(frame, items, told_clusters={}, sight=sight, figures=FIGURES, kind=Names().kind)


class Constructs(HTMLParser):
    """Collects every tag, attribute, style and address of a mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.styles: set[str] = set()
        self.values: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "href":
                self.links.append(value or "")
            if name == "style":
                for each in filter(None, ((value or "").split(";"))):
                    key, _, said = each.partition(":")
                    self.styles.add(key.strip())
                    self.values.append(said.strip())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_holds_only_what_mail_clients_show(language: str) -> None:
    recipient = Recipient("anna@example.org", language=language)
    hostile = item(
        2, "<script>alert(1)</script><img src=x onerror=y>", '"><style>a{position:fixed}</style> rally', url="javascript:alert(1)"
    )
    made = render(
        a_digest(item(1), hostile, recipient=recipient),
        Names(),
        desk="https://desk.example.org",
        unsubscribe="mailto:leave@example.org",
    )
    assert made.html is not None
    found = Constructs(made.html)
    assert found.tags <= ALLOWED_TAGS
    assert found.attributes <= ALLOWED_ATTRIBUTES
    assert found.styles <= ALLOWED_STYLES
    assert not [
        value for value in found.values if "url(" in value or "var(" in value or "!" in value or "-" in value.split("px")[0][:1]
    ]
    assert all(link.startswith(("https://example.org/", "https://desk.example.org")) for link in found.links)
    assert "<script" not in made.html
    assert made.html.count('<b class="mark"') == 2


def test_a_digest_of_hundreds_fits_into_a_mail_and_says_what_it_left_out() -> None:
    many = [
        item(number, f"Story {number:04} " + "слово " * 20, "Сотни людей вышли на rally. " + "Ещё. " * 200)
        for number in range(600)
    ]
    made = render(a_digest(*many), Names(), desk="https://desk.example.org")
    assert made.html is not None
    assert ROOM * 0.9 < len(made.html.encode()) <= ROOM < 100_000
    told = set(re.findall(r"Story (\d{4})", made.html))
    left = re.search(r"(\d+) more stories are at the desk", made.html)
    assert left is not None
    assert len(told) + int(left[1]) == 600
    assert set(re.findall(r"Story (\d{4})", made.text)) == told


def test_a_somewhat_long_day_keeps_every_story_and_only_loses_quotations() -> None:
    made = render(a_digest(*(item(number, f"Story {number:04}") for number in range(90))), Names())
    assert made.html is not None
    assert len(set(re.findall(r"Story (\d{4})", made.html))) == 90
    assert "more stories" not in made.html


HOSTILE = [
    "Title\r\nBcc: victim@example.org\r\n\r\nbody",
    ".\r\n.\r\nQUIT",
    ".a title with a leading dot",
    "x" * 1_000_000,
    "abc \u202egpj.exe\u202c and \u2066more\u2069",
    "nul \x00 escape \x1b[31m \x85 \u2028 half \ud800",
    "{{ 7 * 7 }} {% raise %} {0} %s",
    "",
]


@pytest.mark.parametrize("title", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_hostile_titles_arrive_as_words_and_nothing_else(
    title: str, room: Newsroom, send: Send, box: Mailbox, clock: Clock
) -> None:
    room.publish(title, at=clock.now - timedelta(hours=1))
    room.publish("The story after it", at=clock.now - timedelta(hours=2))
    assert send(to=("anna@example.org",)).exit_code == 0
    ((_, body),) = box.taken
    (mail,) = box.mails()
    assert mail["Bcc"] is None
    assert list(box.tries) == ["anna@example.org"]
    assert len(body) < 60_000
    text, html = text_of(mail), html_of(mail)
    for part in (text, html):
        assert "The story after it" in part
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x0c\x0e-\x1f\x85]", part)
    shown = one_line(title.replace("\ud800", "\ufffd"))  # as the store keeps what no database takes
    assert " ".join(shown.replace("\x00", "\ufffd").split()) in " ".join(text.split()).replace("\ufffd", " ") or "half" in text
    assert "49" not in shown


def test_every_line_of_the_mail_is_short_and_ascii(room: Newsroom, send: Send, box: Mailbox, clock: Clock) -> None:
    room.publish("Қазақша " * 50, "Алаңда rally өтті.", at=clock.now - timedelta(hours=1), language="kk")
    send(to=("anna@example.org",), digest_language="kk")
    ((_, body),) = box.taken
    assert all(len(line) <= 998 for line in body.split(b"\r\n"))
    assert body.isascii()


def test_the_headers_are_those_a_list_owes_its_readers() -> None:
    sender = read_sender("Шолу <sholu@news.example>", list_id="sholu.news.example", unsubscribe="mailto:leave@news.example")
    body = digest_message(Rendered("Subject", "text", "<p>html</p>"), READER, sender, slot="2026-11-22", now=MORNING)
    from email import message_from_bytes

    mail: Any = message_from_bytes(body, policy=POLICY)
    assert mail["List-Id"] == "Sholu <sholu.news.example>"
    assert mail["List-Unsubscribe"] == "<mailto:leave@news.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == MORNING
    assert mail["Message-ID"] == message_id(sender, "digest", "2026-11-22", READER.address)
    assert mail["From"].addresses[0].display_name == "Шолу"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    others = {message_id(sender, "digest", slot, to) for slot in ("2026-11-22", "2026-11-23") for to in ("a@b.org", "c@d.org")}
    assert len(others) == 4


def test_a_template_that_fails_leaves_a_digest_in_plain_text_with_the_reason(
    tmp_path: Path, room: Newsroom, send: Send, box: Mailbox, clock: Clock
) -> None:
    room.publish("The story of the day", at=clock.now - timedelta(hours=1))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "digest.html.j2").write_text("{{ view.nothing_of_the_kind }}", encoding="utf-8")
    assert send(to=("anna@example.org",), digest_templates=tmp_path / "own").exit_code == 0
    (mail,) = box.mails()
    assert mail.get_body(("html",)) is None
    text = " ".join(text_of(mail).split())
    assert "This digest comes as plain text, because its usual form could not be made: UndefinedError" in text
    assert "The story of the day" in text


def test_when_both_templates_fail_the_digest_is_still_told(tmp_path: Path) -> None:
    for name in ("html", "txt"):
        (tmp_path / f"digest.{name}.j2").write_text("{% for %}", encoding="utf-8")
    made = render(a_digest(item(1, "The story of the day")), Names(), templates=tmp_path)
    assert made.html is None
    assert "TemplateSyntaxError" in made.trouble
    assert "- The story of the day" in made.text
    assert "https://example.org/1" in made.text
    assert "Source <X>: The server forbids it (403)" in made.text


def test_the_three_catalogues_say_the_same_things() -> None:
    keys = {language: set(catalogue(language)) for language in LANGUAGES}
    assert keys["en"] == keys["ru"] == keys["kk"]
    for key in keys["en"]:
        names = {
            language: {name for phrase in _forms(catalogue(language)[key]) for name in re.findall(r"{(\w+)}", phrase)}
            for language in LANGUAGES
        }
        assert names["en"] == names["ru"] == names["kk"], key
    for language in LANGUAGES:
        assert len(str(catalogue(language)["months"]).split()) == 12
        assert len(str(catalogue(language)["weekdays"]).split()) == 7


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_every_reason_the_program_gives_is_known_in_the_readers_language(language: str) -> None:
    known = reasons(language)
    for sentence_given in (*failures._SAYS.values(), *failures._CONNECT.values()):
        assert sentence_given in known, sentence_given
    spoken = Path(failures.__file__).read_text(encoding="utf-8") + Path(client.__file__).read_text(encoding="utf-8")
    assert [english for english in known if english not in spoken] == []
    told = reason_shown(language, "The server forbids it (403); http://example.org/feed: The request took too long")
    assert not re.search("[A-Za-z]{3,}", told.replace("http://example.org/feed", ""))


@pytest.mark.parametrize(
    ("language", "hours", "said"),
    [
        ("en", 3, "since today 05:00"),
        ("en", 20, "since yesterday 12:00"),
        ("ru", 20, "с 12:00 вчерашнего дня"),
        ("ru", 80, "с 19 ноября"),
        ("kk", 20, "кешегі 12:00 мезетінен бері"),
        ("kk", 80, "19 қараша күнінен бері"),
    ],
)
def test_since_when_is_said_in_the_case_the_language_wants(language: str, hours: int, said: str) -> None:
    zone = ZoneInfo("Asia/Almaty")
    assert since_shown(language, MORNING - timedelta(hours=hours), zone, MORNING.astimezone(zone).date()) == said


def test_how_many_of_what_is_counted_as_the_language_counts() -> None:
    assert render(a_digest(item(1)), Names()).subject == "Sholu, 22 November: 1 protest"
    russian = replace(READER, language="ru")
    assert render(replace(a_digest(item(1)), recipient=russian), Names()).subject == "Шолу, 22 ноября: протест\u00a0— 1"


def _forms(phrase: Any) -> list[str]:
    return [phrase] if isinstance(phrase, str) else list(phrase.values())


def test_the_sentence_is_the_weightiest_and_its_words_are_marked_where_they_stand() -> None:
    text = "It rained. In Aktau forty workers struck at the gate! Nobody came."
    found = sentence("Title", text, a_flag("Title", text, ("workers", "struck")))
    assert found is not None
    assert found.text == "In Aktau forty workers struck at the gate!"
    assert [words for words, mark in found.pieces if mark] == ["workers", "struck"]


def test_words_that_do_not_stand_where_they_should_are_not_marked() -> None:
    text = "In Aktau forty workers struck."
    flagging = a_flag("Title", text, ("workers",))
    assert sentence("Title", text.replace("forty", "fifty-five"), flagging) is None


def test_a_long_sentence_is_cut_around_its_words() -> None:
    text = "слово " * 300 + "митинг " + "слово " * 300
    found = sentence("T", text, a_flag("T", text, ("митинг",)))
    assert found is not None
    assert len(found.text) <= 380
    assert (found.cut_before, found.cut_after) == (True, True)
    assert ("митинг", True) in found.pieces


def kind(entity_id: str) -> str:
    return {"almaty": "place", "aktau": "place", "kz": "country", "union": "organisation", "ministry": "other"}[entity_id]


def happening(number: int, *entities: str, word: str = "rally", moment: datetime = MORNING, **flag: Any) -> Tellable:
    places = tuple(one for one in entities if kind(one) in {"place", "country"})
    return item(number, word=word, text=f"A {word}.", moment=moment, flag={"entities": entities, "places": places, **flag})


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (happening(1, "aktau", "union"), happening(2, "aktau", "union", word="strike"), True),
        (happening(1, "aktau"), happening(2, "aktau"), False),
        (happening(1, "aktau", "ministry"), happening(2, "aktau", "ministry"), False),
        (happening(1, "kz", "union"), happening(2, "kz", "union"), False),
        (happening(1, "aktau", "union"), happening(2, "almaty", "union"), False),
        (happening(1, "aktau", "union"), happening(2, "aktau", "union", moment=MORNING - 3 * DAY), False),
        (happening(1, "aktau", "union"), happening(2, "aktau", "union", theme="reform"), False),
    ],
)
def test_two_accounts_are_one_story_only_with_place_time_theme_and_actor(one: Tellable, other: Tellable, together: bool) -> None:
    assert len(grouped([one, other], kind)) == (1 if together else 2)


def test_what_everybody_names_binds_nothing() -> None:
    many = [happening(number, "almaty", "union") for number in range(12)]
    assert len(grouped(many, kind)) == 12


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://a@b.org/",
        "https://example.org/\u202e",
        "https://example.org/ x",
        "ftp://x.org",
        "https://" + "a" * 3000,
        'https://x.org/"onclick="',
    ],
)
def test_addresses_that_mislead_are_no_links(url: str) -> None:
    assert web_address(url) == ""


def test_what_is_gone_by_the_time_it_is_told_is_said_to_be_gone() -> None:
    made = render(a_digest(item(1, gone=True), item(2)), Names())
    assert made.text.count("its page is gone") == 1


def test_a_disappearance_and_a_return_are_corrections() -> None:
    before = Told("protest", MORNING, 1, 1, True, "open", False, "Title 1", 1)
    assert corrections_of(item(1, gone=True, told=before)) == ("gone",)
    assert corrections_of(item(1, told=replace(before, gone=True))) == ("back",)
    made = render(a_digest(item(1, told=replace(before, gone=True))), Names())
    assert "its page is there again" in made.text
