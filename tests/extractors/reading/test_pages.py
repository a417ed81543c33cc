"""A page becomes a document: title, date, address, language and authors from the most trustworthy of what is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.values import BodyFrom, DateFrom, Entry
from extractors.pages import document_from_entry
from tests.extractors.reading.conftest import PAGE, an_entry

TEXT = "Утром у здания акимата собрались около сорока человек. Они требовали встречи с руководством области и ответа на письмо."


def html(head: str = "", body: str = "", lang: str = "ru") -> str:
    return (
        f"<!doctype html><html lang='{lang}'><head><meta "
        f"charset='utf-8'>{head}</head><body><article><h1>Сход у "
        f"акимата</h1><p>{TEXT}</p>{body}</article></body></html>"
    )


def test_the_feed_s_title_comes_first_and_the_page_s_stands_in(page):
    head = "<title>Сход у акимата | Вестник</title><meta property='og:title' content='Сход у акимата'>"
    assert page(html(head), an_entry("Сход жителей у акимата")).title == "Сход жителей у акимата"
    assert page(html(head), an_entry("")).title == "Сход у акимата"


@pytest.mark.parametrize(
    ("head", "entry_date", "url", "expected", "origin"),
    [
        ("", datetime(2026, 11, 20, tzinfo=UTC), PAGE, datetime(2026, 11, 20, tzinfo=UTC), DateFrom.FEED),
        (
            "<meta property='article:published_time' content='2026-11-21T10:00:00+05:00'>",
            None,
            PAGE,
            datetime(2026, 11, 21, 5, tzinfo=UTC),
            DateFrom.PAGE,
        ),
        (
            (
                "<script "
                'type=\'application/ld+json\'>{"@graph":[{"@type":"NewsArticle","datePublished":"2026-11-21T10:00:00Z"}]}</script>'
            ),
            None,
            PAGE,
            datetime(2026, 11, 21, 10, tzinfo=UTC),
            DateFrom.PAGE,
        ),
        (
            "<meta property='article:published_time' content='2036-01-01T00:00:00Z'>",
            None,
            "https://news.example.org/2026/11/19/x-y",
            datetime(2026, 11, 19, tzinfo=UTC),
            DateFrom.ADDRESS,
        ),
        (
            "",
            datetime(2031, 1, 1, tzinfo=UTC),
            "https://news.example.org/2026/11/19/x-y",
            datetime(2026, 11, 19, tzinfo=UTC),
            DateFrom.ADDRESS,
        ),
        ("", None, "https://news.example.org/story-one-two", None, None),
    ],
    ids=["feed", "meta", "json-ld", "future-on-page", "future-in-feed", "nowhere"],
)
def test_the_first_believable_date_is_taken_and_its_origin_kept(page, head, entry_date, url, expected, origin):
    document = page(html(head), an_entry("Сход у акимата", url=url, published=entry_date), url=url)
    assert (document.published, document.published_from) == (expected, origin)


@pytest.mark.parametrize(
    ("charset", "content_type", "head"),
    [
        ("cp1251", "text/html", ""),
        ("cp1251", "text/html; charset=utf-8", ""),
        ("cp1251", "text/html", "<meta http-equiv='Content-Type' content='text/html; charset=windows-1251'>"),
        ("utf-8", "text/html; charset=windows-1251", ""),
        ("koi8-r", "text/html; charset=koi8-r", ""),
        ("utf-16", "text/html", ""),
    ],
)
def test_a_page_is_read_whatever_its_label_says(page, charset, content_type, head):
    body = (
        f"<html><head>{head}<title>Сход</title></head><body><article><h1>Сход у акимата</h1><p>{TEXT}</p></article></body></html>"
    )
    assert TEXT in page(body.encode(charset), an_entry("Сход у акимата"), content_type=content_type).text


def test_a_hostile_canonical_address_is_not_followed(page):
    head = "<link rel='canonical' href='https://evil.example/x'>"
    assert page(html(head), an_entry("Сход у акимата")).url == PAGE


def test_an_amp_page_s_canonical_address_is_its_article_s(page):
    head = f"<link rel='canonical' href='{PAGE}'>"
    assert page(html(head), an_entry("Сход у акимата"), url=PAGE + "/amp/").url == PAGE


def test_nul_controls_and_overrides_are_gone_and_text_is_nfc(page):
    text = page(html(body=f"<p>Жа\u0000нао\u0007зен \u202eтекст\u202c и\u0306. {TEXT}</p>"), an_entry("Сход у акимата")).text
    assert "Жанаозен текст й." in text


def test_a_comment_section_is_not_part_of_the_article(page):
    comments = (
        "<div id='comments' class='comments'><div class='comment'><p>Комментарий читателя, очень "
        "длинный и совсем не о том.</p></div></div>"
    )
    assert "Комментарий читателя" not in page(html(body=comments), an_entry("Сход у акимата")).text


def test_the_feed_s_own_text_makes_a_document_that_says_so(now):
    whole = Entry(
        "s",
        "k",
        "https://a.example/2026/11/20/x",
        "",
        "Сход",
        summary="кратко",
        content=TEXT,
        published=datetime(2030, 1, 1, tzinfo=UTC),
        published_from=DateFrom.FEED,
    )
    document = document_from_entry(whole, now)
    assert (document.text, document.body_from, document.language) == (TEXT, BodyFrom.FEED, "ru")
    assert (document.published, document.published_from) == (datetime(2026, 11, 20, tzinfo=UTC), DateFrom.ADDRESS)
    assert document_from_entry(an_entry("Сход", summary="кратко"), now).body_from == BodyFrom.SUMMARY
    assert document_from_entry(an_entry("Сход"), now).body_from == BodyFrom.TITLE


def test_the_full_reading_holds_the_frequent_words_of_some_languages_not_of_a_hundred(page):
    from trafilatura import external

    read = page("<p>The pickets in the west went on, and nobody came to speak to them, said those who stood there. </p>" * 3)
    assert read.extractor.startswith("trafilatura")
    assert {"және", "что", "the", "und"} <= set(external.JT_STOPLIST)
    assert len(external.JT_STOPLIST) < 50_000
