"""What is told to whom: once, in the right section, with corrections of what is no longer as it was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigError
from domain.settings import Settings
from storage.digests import Reader, tellable
from storage.store import open_store
from storage.verdicts import Decision, undo
from tests.digest.conftest import MORNING, Clock, Mailbox, Newsroom, Send, html_of, text_of
from tests.flows.conftest import rules  # noqa: F401 - the fixture
from tests.storage.conftest import a_source

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def day(send: Send, box: Mailbox, clock: Clock, room: Newsroom) -> Callable[..., str]:
    """Sends the next morning's digest to Anna and returns its text ("" for no mail)."""

    def next_day(**given: object) -> str:
        before = len(box.taken)
        send(to=("anna@example.org",), **given)
        clock.now += DAY
        room.polled(clock.now - HOUR)
        return text_of(box.mails()[-1]) if len(box.taken) > before else ""

    return next_day


def part(text: str, heading: str) -> str:
    """The section under a heading, "" where there is none."""
    _, found, rest = text.partition(f"\n{heading.upper()}")
    return rest.partition("\n\n\n")[0] if found else ""


def test_an_item_is_told_once_and_the_next_digest_begins_where_this_one_ended(
    room: Newsroom, day: Callable[..., str], clock: Clock
) -> None:
    room.publish("First rally", at=clock.now - HOUR)
    assert "First rally" in part(day(), "Protest")
    late = room.publish("Stored a minute after", at=clock.now - DAY + timedelta(minutes=1))
    text = day()
    assert "Stored a minute after" in part(text, "Protest")
    assert "First rally" not in text
    assert late


def test_what_the_rules_flag_only_later_is_told_then_and_what_was_told_is_not_told_again(
    room: Newsroom, day: Callable[..., str], clock: Clock
) -> None:
    missed = room.publish("Missed at first", at=clock.now - HOUR, flag={"flagged": False})
    known = room.publish("Known at once", at=clock.now - HOUR)
    assert "Missed at first" not in day()
    room.reflag(missed, flagged=True, at=clock.now - HOUR)
    room.reflag(known, flagged=True, at=clock.now - HOUR)
    text = day()
    assert "Missed at first" in part(text, "Protest")
    assert "Known at once" not in text


def test_history_is_no_news_for_a_new_reader_not_even_after_new_rules(
    room: Newsroom, day: Callable[..., str], clock: Clock
) -> None:
    old = room.publish("Of last month", at=clock.now - 30 * DAY)
    room.publish("Of today", at=clock.now - HOUR)
    text = day()
    assert "Of today" in text
    room.reflag(old, flagged=True, at=clock.now - HOUR)
    assert "Of last month" not in text + day()


def test_an_old_article_that_comes_in_late_stands_apart(room: Newsroom, day: Callable[..., str], clock: Clock) -> None:
    room.publish("An old rally", at=clock.now - HOUR, published=clock.now - 20 * DAY)
    text = day()
    assert "An old rally" in part(text, "Found late")
    assert not part(text, "Protest")


def test_corrections_say_what_is_no_longer_as_it_was_told(room: Newsroom, day: Callable[..., str], clock: Clock) -> None:
    lost = room.publish("No longer flagged", at=clock.now - HOUR)
    wrong = room.publish("Found wrong", at=clock.now - HOUR)
    room.publish("Old title", at=clock.now - HOUR, key="https://example.org/rewritten")
    day()
    room.reflag(lost, flagged=False, at=clock.now - HOUR)
    room.decide(wrong, Decision.NOT_RELEVANT, at=clock.now - HOUR)
    room.publish("New title", "Hundreds held a rally elsewhere.", at=clock.now - HOUR, key="https://example.org/rewritten")
    text = day()
    told = " ".join(part(text, "Corrections of what you were told").split())
    assert "No longer flagged the rules no longer flag it; told yesterday 08:00" in told
    assert "Found wrong decided not relevant" in told
    assert "New title its title was: Old title" in told
    assert not part(text, "Protest")
    assert "Corrections" not in day().title()


def test_a_decision_taken_back_is_a_correction_of_the_correction(room: Newsroom, day: Callable[..., str], clock: Clock) -> None:
    item = room.publish("Wavering", at=clock.now - HOUR)
    day()
    room.decide(item, Decision.NOT_RELEVANT, at=clock.now - HOUR)
    assert "decided not relevant" in day()
    undo(room.store, "aigerim", now=clock.now - HOUR)
    assert "the decision on it was taken back" in day()
    assert "Wavering" not in day()


def test_what_people_decided_before_the_mail_goes_out_counts(room: Newsroom, day: Callable[..., str], clock: Clock) -> None:
    out = room.publish("Not a protest at all", at=clock.now - HOUR)
    room.decide(out, Decision.NOT_RELEVANT, at=clock.now - HOUR)
    sure = room.publish("Surely a rally", at=clock.now - HOUR)
    room.decide(sure, Decision.RELEVANT, at=clock.now - HOUR)
    text = day()
    assert "Not a protest at all" not in text
    assert "decided relevant at the desk" in part(text, "Protest")
    undo(room.store, "aigerim", now=clock.now - HOUR)
    room.decide(out, Decision.UNSURE, at=clock.now - HOUR)
    assert "Not a protest at all" in part(day(), "Protest")


def test_what_was_decided_relevant_since_yesterday_is_told_also_where_the_rules_saw_nothing(
    room: Newsroom, day: Callable[..., str], clock: Clock
) -> None:
    told = room.publish("Told yesterday", at=clock.now - HOUR)
    near = room.publish("A near miss", at=clock.now - HOUR, flag={"flagged": False})
    assert "1 near miss waits for a look" in day()
    for item in (told, near):
        room.decide(item, Decision.RELEVANT, at=clock.now - HOUR)
    relevant = part(day(), "Decided relevant since the last digest")
    assert "Told yesterday" in relevant
    assert "A near miss" in relevant
    assert "A near miss" not in day()


def test_the_same_text_in_other_outlets_is_one_story_and_later_copies_are_told_as_such(
    room: Newsroom, day: Callable[..., str], clock: Clock
) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    text = f"Hundreds held a rally in the square. {words}"
    room.publish("By the agency", text, at=clock.now - 3 * HOUR, source="khabar", sketch=True)
    room.publish("By the paper", text, at=clock.now - 2 * HOUR, source="vlast", sketch=True)
    protest = part(day(), "Protest")
    assert protest.startswith(" (1)")
    assert "Khabar (unknown owner), Vlast (unknown owner)" in protest
    room.publish("Copied a day later", text, at=clock.now - HOUR, source="orda", sketch=True)
    later = day()
    assert "Copied a day later\n  Orda, told yesterday 08:00" in part(later, "Told before, now also carried by")
    assert not part(later, "Protest")


def test_readers_hear_of_their_own_themes_regions_and_languages(
    room: Newsroom, send: Send, settings: Settings, box: Mailbox, clock: Clock
) -> None:
    assert settings.recipients is not None
    settings.recipients.write_text(
        "- {address: a@example.org, themes: [election]}\n- {address: b@example.org, regions: [KZ-75]}\n- {address: c@example.org, languages: [kk]}\n",
        encoding="utf-8",
    )
    room.publish("Of the vote", at=clock.now - HOUR, flag={"theme": "election"})
    room.publish("In Almaty", at=clock.now - HOUR, flag={"regions": ("KZ-75",)})
    room.publish("Қазақша", "Алаңда митинг өтті.", at=clock.now - HOUR, language="kk-Latn", flag={"words": ("митинг",)})
    send()
    got = {name: text_of(box.mails(f"{name}@example.org")[0]) for name in "abc"}
    titles = ("Of the vote", "In Almaty", "Қазақша")
    assert {name: [title for title in titles if title in text] for name, text in got.items()} == {
        "a": ["Of the vote"],
        "b": ["In Almaty"],
        "c": ["Қазақша"],
    }


def test_what_was_passed_over_is_told_once_it_becomes_of_interest(
    room: Newsroom, send: Send, settings: Settings, box: Mailbox, clock: Clock
) -> None:
    assert settings.recipients is not None
    settings.recipients.write_text("- {address: a@example.org, themes: [election]}\n", encoding="utf-8")
    item = room.publish("A rally", at=clock.now - HOUR)
    for day in range(3):
        if day == 1:
            room.reflag(item, flagged=True, at=clock.now - HOUR, theme="election")
        send()
        clock.now += DAY
    assert ["A rally" in text_of(mail) for mail in box.mails()] == [False, True, False]


def test_an_empty_day_is_one_honest_sentence_or_no_mail(room: Newsroom, day: Callable[..., str]) -> None:
    text = day()
    assert "Nothing was flagged since yesterday 08:00; 100 % of the sources were seen." in text
    assert day(digest_empty_day="silent") == ""


def test_an_empty_day_on_which_little_was_seen_is_never_silent(room: Newsroom, send: Send, box: Mailbox, clock: Clock) -> None:
    clock.now += 2 * DAY
    room.polled(clock.now - HOUR, failed=("azattyq", "vlast"))
    send(to=("anna@example.org",), digest_empty_day="silent")
    (mail,) = box.mails()
    text = text_of(mail)
    assert "incomplete" in mail["Subject"]
    assert "An incomplete day: only 60 % of the sources were seen." in text
    assert "- Azattyq: The server did not answer" in text


def test_sources_that_are_quiet_or_failing_are_named_with_their_reasons(
    room: Newsroom, day: Callable[..., str], clock: Clock
) -> None:
    room.polled(clock.now - HOUR, quiet=("orda",))
    unseen = part(day(), "What could not be seen")
    assert "100 % of the panel was seen: 5 of 5 sources." in unseen
    assert "Quiet beyond their habit:\n- Orda: nothing newer than 2026-11-01" in unseen


def test_a_day_on_which_collecting_did_not_run_says_so(send: Send, box: Mailbox, clock: Clock) -> None:
    clock.now += 3 * DAY
    send(to=("anna@example.org",))
    assert "the collecting itself did not run" in " ".join(text_of(box.mails()[0]).split())


def test_a_day_long_past_can_be_looked_at_as_it_would_have_been(room: Newsroom, send: Send, clock: Clock) -> None:
    room.publish("Of the day before", at=MORNING - HOUR)
    room.publish("Of that day", at=MORNING + HOUR)
    clock.now += 5 * DAY
    (preview,) = send(dry_run=True, day=date(2026, 11, 23), recipients=None).previews
    assert "Of that day" in preview.text
    assert "Of the day before" not in preview.text


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_each_language_has_its_own_words_and_no_others(
    language: str, room: Newsroom, send: Send, box: Mailbox, clock: Clock
) -> None:
    item = room.publish("Title", "Text rally", at=clock.now - HOUR)
    send(to=("anna@example.org",), digest_language=language)
    room.decide(item, Decision.NOT_RELEVANT, at=clock.now + HOUR)
    clock.now += DAY
    send(to=("anna@example.org",), digest_language=language)
    for mail in box.mails():
        words = text_of(mail) + html_of(mail)
        assert ("WHAT COULD NOT BE SEEN" in words, "ЧЕГО НЕ УДАЛОСЬ УВИДЕТЬ" in words, "КӨРЕ АЛМАҒАНЫМЫЗ" in words) == tuple(
            language == each for each in ("en", "ru", "kk")
        )
        assert mail["Content-Language"] == language


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("- addres: a@b.org\n", "addres"),
        ("- address: a@b\n  hour: 24\n", "hour"),
        ("- address: nobody\n", "address"),
        ('- address: "a@b.org\\r\\nBcc: x@y.org"\n', "address"),
        ("- address: a@b.org\n- address: A@b.org\n", r"recipients.yaml:2"),
        ("- address: a@b.org\n  time_zone: Asia/Nowhere\n", "time_zone"),
        ("- address: a@b.org\n  regions: [Almaty]\n", "regions"),
        ('- address: a@b.org\n  name: "A <b@c.org>"\n', "name"),
        ("who: a@b.org\n", "list of recipients"),
        ("- address: тест@b.org\n", "address"),
    ],
)
def test_a_mistake_in_the_list_of_recipients_is_named_with_its_line(
    text: str, where: str, send: Send, settings: Settings
) -> None:
    assert isinstance(settings.recipients, Path)
    settings.recipients.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"recipients\.yaml:\d") as raised:
        send()
    assert where.replace("\\", "") in str(raised.value)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("themes: [protest, represion]", r"recipients\.yaml:3: .*themes.*: the rules know no theme 'represion', only protest"),
        ("regions: [KZ-99]", r"recipients\.yaml:3: .*regions.*: the rules know no region 'KZ-99', only KZ-75"),
        ("languages: [ru, kz]", r"recipients\.yaml:3: .*languages.*: the rules know no language 'kz', only en, kk, ru"),
    ],
)
def test_a_wish_the_rules_know_nothing_of_is_a_mistake_and_no_empty_digest(
    wish: str,
    said: str,
    send: Send,
    settings: Settings,
    box: Mailbox,
    rules: Path,  # noqa: F811
) -> None:
    assert isinstance(settings.recipients, Path)
    settings.recipients.write_text(f"- address: a@b.org\n- address: b@b.org\n  {wish}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        send(rules=rules)
    assert not box.taken


@pytest.mark.postgres
def test_what_may_be_told_is_the_same_on_postgresql(
    postgres_template: Callable[[], str], settings: Settings, box: Mailbox, clock: Clock, send: Send
) -> None:
    from pydantic import SecretStr

    address = postgres_template()
    store = open_store(address)
    room = Newsroom(store, (a_source("azattyq"),))
    room.polled(clock.now - HOUR)
    first = room.publish("First rally", at=clock.now - HOUR)
    room.publish("Of no interest", at=clock.now - HOUR, flag={"flagged": False})
    send(database_url=SecretStr(address))
    clock.now += DAY
    room.decide(first, Decision.NOT_RELEVANT, at=clock.now - HOUR)
    room.publish("Second rally", at=clock.now - HOUR)
    send(database_url=SecretStr(address))
    send(database_url=SecretStr(address))
    one, two = box.mails("anna@example.org")
    assert "First rally" in part(text_of(one), "Protest")
    assert "First rally" in part(text_of(two), "Corrections of what you were told")
    assert "Second rally" in part(text_of(two), "Protest")
    assert tellable(
        store, replace(Reader(99, settings_reader(), True, clock.now - 9 * DAY)), since=clock.now - 9 * DAY, now=clock.now
    )
    store.close()


def settings_reader() -> object:
    from domain.telling import Recipient

    return Recipient("nobody@example.org")


def test_a_day_on_which_no_source_was_read_has_no_figure_in_the_chart_and_a_watched_day_without_news_has_0(
    room: Newsroom, send: Send, box: Mailbox, clock: Clock
) -> None:
    room.polled(clock.now - 3 * DAY - HOUR)
    room.polled(clock.now - 2 * DAY - HOUR, failed=tuple(source.id for source in room.sources))  # a run, and nothing seen
    room.publish("A rally yesterday", at=clock.now - DAY - HOUR)
    room.polled(clock.now - HOUR)
    send(to=("anna@example.org",))
    (mail,) = box.mails()
    text, html = text_of(mail), html_of(mail)
    assert "Flagged on the last 14 days: ––––––––––·–▅· (– – – – – – – – – – 0 – 1 0)" in text
    assert "–: on that day no source was read, so nothing is known of it." in text
    assert "–: on that day no source was read, so nothing is known of it." in html
    assert html.count(">–</td>") == 11
    for _ in range(14):
        room.polled(clock.now)
        clock.now += DAY
    send(to=("anna@example.org",))
    assert "no source was read" not in text_of(box.mails()[-1])
