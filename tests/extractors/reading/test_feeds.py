"""Feeds as they are: undeclared and wrong character sets, missing guids, links and dates, and answers that are no feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from domain.errors import ReadError
from domain.values import DateFrom
from extractors.feeds import read_feed
from tests.extractors.reading.conftest import item, rss

RUSSIAN = "Полиция задержала участников акции протеста на площади в Уральске"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (rss(item(title=RUSSIAN)).encode("cp1251"), ""),
        (("<?xml version='1.0' encoding='windows-1251'?>" + rss(item(title=RUSSIAN))).encode("cp1251"), "text/xml"),
        (("<?xml version='1.0' encoding='utf-8'?>" + rss(item(title=RUSSIAN))).encode("cp1251"), "text/xml"),
        (("<?xml version='1.0' encoding='windows-1251'?>" + rss(item(title=RUSSIAN))).encode(), "text/xml; charset=windows-1251"),
        (rss(item(title=RUSSIAN)).encode("cp1251"), "text/xml; charset=iso-8859-1"),
        (rss(item(title=RUSSIAN)).encode("koi8-r"), ""),
        (rss(item(title=RUSSIAN)).encode("utf-16"), ""),
        (rss(item(title=RUSSIAN)).encode("utf-16-le"), "text/xml; charset=utf-8"),
        (rss(item(title=RUSSIAN)).encode("utf-16-be"), ""),
        (rss(item(title=RUSSIAN)).encode("utf-32"), ""),
        (("\ufeff" + rss(item(title=RUSSIAN))).encode(), "text/xml; charset=windows-1251"),
        (rss(item(title=RUSSIAN)).encode() + b"\xd0", ""),
    ],
    ids=[
        "undeclared",
        "declared",
        "wrong-declaration",
        "wrong-both",
        "latin1-header",
        "koi8",
        "utf16",
        "utf16le-as-utf8",
        "utf16be",
        "utf32",
        "bom",
        "cut-in-mid-letter",
    ],
)
def test_a_title_is_read_whatever_the_label_says(feed, body, content_type):
    assert feed(body, content_type).entries[0].title == RUSSIAN


def test_a_character_set_off_the_list_is_never_used(feed):
    body = "<?xml version='1.0' encoding='utf-7'?>" + rss(item(title="+ADw-script+AD4-"))
    assert feed(body).entries[0].title == "+ADw-script+AD4-"


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("Fish &amp;amp; chips", "Fish & chips"),
        ("<![CDATA[<b>Митинг</b>&nbsp;в&nbsp;Актобе]]>", "Митинг в Актобе"),
        ("5 &lt; 6, говорит акимат", "5 < 6, говорит акимат"),
        ("AT&amp;T и &amp;laquo;Халык&amp;raquo;", "AT&T и «Халык»"),
        ("a\x00b\x0bc", "abc"),
        ("Митинг\u202e кельто", "Митинг кельто"),
        ("и\u0306", "й"),
        ("  много\n  строк ", "много строк"),
    ],
)
def test_a_title_is_plain_text_on_one_line(feed, given, title):
    assert feed(rss(item(title=given))).entries[0].title == title


def test_a_full_text_becomes_plain_paragraphs(feed):
    body = rss(
        "<item><title>t</title><content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>"
        "<![CDATA[<p>Первый <b>абзац</b>.</p><script>bad()</script><ul><li>пункт</li></ul>]]></content:encoded></item>"
    )
    assert feed(body).entries[0].content == "Первый абзац.\nпункт"


def test_text_at_any_depth_of_a_feed_s_html_is_kept(feed):
    deep = "<div>" * 3000 + "глубоко" + "</div>" * 3000
    assert "глубоко" in feed(rss(item(title="t", description=f"<![CDATA[{deep}]]>"))).entries[0].summary


def test_relative_links_tracking_parameters_and_bases_are_resolved(feed):
    body = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://other.example.org/blog/'>"
        "<title>t</title><entry><title>t</title>"
        "<link href='2026/post?utm_source=rss&amp;id=7&amp;fbclid=x'/></entry></feed>"
    )
    assert feed(body).entries[0].url == "https://other.example.org/blog/2026/post?id=7"


def test_a_guid_that_is_an_address_stands_in_for_a_missing_link(feed):
    assert feed(rss(item(title="t", guid="https://news.example.org/a/1"))).entries[0].url == "https://news.example.org/a/1"


def test_entries_without_guid_link_or_title_keep_keys_of_their_own(feed):
    entries = feed(rss(item(title="One") + item(title="Two") + item(description="Three") + item(guid="x", title="One"))).entries
    assert len({entry.key for entry in entries}) == len(entries) == 4


def test_duplicate_guids_with_other_articles_are_other_entries(feed):
    items = "".join(item(title=f"Story {n}", guid="same", link=f"https://news.example.org/{n}") for n in range(3))
    assert len(feed(rss(items)).entries) == 3


def test_other_articles_under_one_address_are_other_entries(feed):
    items = "".join(item(title=f"Story {n}", link="https://news.example.org/live/page") for n in range(3))
    assert [entry.title for entry in feed(rss(items)).entries] == ["Story 0", "Story 1", "Story 2"]


def test_the_same_entry_twice_is_kept_once_and_said(feed):
    found = feed(rss(item(title="Story", link="https://news.example.org/1") * 2))
    assert len(found.entries) == 1
    assert found.notes == ("1 entry appears twice",)


def test_an_entry_that_says_nothing_is_left_out_and_said(feed):
    found = feed(rss(item() + item(title="Story")))
    assert len(found.entries) == 1
    assert found.notes == ("1 entry has neither title nor address nor text",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Sat, 21 Nov 2026 10:00:00 +0500", datetime(2026, 11, 21, 5, 0, tzinfo=UTC)),
        ("21.11.2026 10:00 +05:00", datetime(2026, 11, 21, 5, 0, tzinfo=UTC)),
        ("21 ноября 2026, 10:00", datetime(2026, 11, 21, 10, 0, tzinfo=UTC)),
        ("21 қараша 2026 10:00", datetime(2026, 11, 21, 10, 0, tzinfo=UTC)),
        ("2026-11-21T10:00:00+05:00", datetime(2026, 11, 21, 5, 0, tzinfo=UTC)),
        ("2026-W47-6", datetime(2026, 11, 21, tzinfo=UTC)),
        ("-2026-11-21", None),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 16:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
    ],
)
def test_a_date_is_read_and_one_in_the_future_or_absurd_is_not_believed(feed, given, expected):
    entry = feed(rss(item(title="t", pubDate=given))).entries[0]
    assert entry.published == expected
    assert entry.published_from == (DateFrom.FEED if expected else None)


def test_an_update_stands_in_for_a_missing_date_and_says_so(feed):
    body = (
        "<feed "
        "xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><title>t</title><updated>2026-11-20T00:00:00Z</updated></entry></feed>"
    )
    entry = feed(body).entries[0]
    assert (entry.published, entry.published_from) == (datetime(2026, 11, 20, tzinfo=UTC), DateFrom.FEED_UPDATED)


def test_no_feed_is_cut_to_its_first_entries(feed):
    items = (item(title=f"Story {n}", link=f"https://news.example.org/{n}") for n in range(1500))
    assert len(feed(rss("".join(items))).entries) == 1500


def test_json_feed_is_read(feed):
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "News",
        "language": "kk",
        "authors": [{"name": "A. B."}],
        "items": [
            {
                "id": 5,
                "url": "/2026/a?utm_medium=x",
                "title": "Митинг &amp; жауап",
                "content_html": "<p>Бір.</p><p>Екі.</p>",
                "date_published": "2026-11-21T10:00:00+05:00",
            },
            {"id": "6", "content_text": "Тақырыпсыз жазба", "date_modified": "2030-01-01T00:00:00Z"},
            "not an item",
        ],
    }
    first, second = feed(json.dumps(body), "application/feed+json").entries
    assert first.url == "https://news.example.org/2026/a"
    assert (first.title, first.content, first.authors) == ("Митинг & жауап", "Бір.\nЕкі.", ("A. B.",))
    assert first.published == datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
    assert (second.title, second.content, second.published, second.language) == ("", "Тақырыпсыз жазба", None, "kk")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("", "empty", "empty"),
        ("\ufeff \n", "empty", "empty"),
        ("Not a feed.", "not-a-feed", "11 bytes that are no feed"),
        ("<!doctype html><html><head><title>x</title></head>" + "Words of a page. " * 99 + "</html>", "not-a-feed", "a web page"),
        (
            ("<html><head><link rel='alternate' type='application/rss+xml' href='/rss/all.xml'></head><body>")
            + "Words. " * 200
            + "</body></html>",
            "not-a-feed",
            "https://news.example.org/rss/all.xml",
        ),
        ("<html><head><title>Just a moment...</title></head><body></body></html>", "challenge", "robots"),
        ('{"error": "no such feed"}', "not-a-feed", "no list of items"),
        ('{"items": [1, 2]}', "not-a-feed", "version"),
        ("[" * 100_000, "not-a-feed", "JSON"),
        ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'></urlset>", "not-a-feed", "sitemap"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_plain_reason(feed, body, kind, said):
    with pytest.raises(ReadError, match=said) as refused:
        feed(body)
    assert refused.value.kind == kind


def test_a_feed_without_entries_is_a_feed(feed):
    assert feed(rss("")).entries == ()


def test_a_body_that_is_a_file_s_name_opens_no_file(feed, tmp_path):
    path = tmp_path / "feed.xml"
    path.write_text(rss(item(title="secret")))
    with pytest.raises(ReadError):
        feed(str(path))


def test_a_guid_that_is_no_address_is_never_made_into_one(now):
    """feedparser joins it to the feed's own address, where there is nothing."""
    body = rss("<item><title>One</title><guid>42</guid></item><item><title>Two</title><guid>https://a.example/2</guid></item>")
    one, two = read_feed(body.encode(), url="https://a.example/dir/feed", source_id="s", now=now).entries
    assert (one.url, one.guid) == ("", "42")
    assert two.url == "https://a.example/2"


def test_a_reference_to_a_surrogate_does_not_cost_the_feed(now):
    body = rss("<item><title>Miners &#xD800;&#0;&#99999999999;&#x2019; stop</title><guid>1</guid></item>")
    (entry,) = read_feed(body.encode(), url="https://a.example/feed", source_id="s", now=now).entries
    assert entry.title == "Miners \u2019 stop"


def test_a_feed_is_read_to_its_last_entry(now):
    body = rss("".join(item(title=f"Story {number}", link=f"https://a.example/{number}") for number in range(11_000)))
    found = read_feed(body.encode(), url="https://a.example/feed", source_id="s", now=now)
    assert (len(found.entries), found.entries[-1].title, found.notes) == (11_000, "Story 10999", ())


@pytest.mark.parametrize(
    "body",
    [rss("<item/>" * 1_000_000), json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [{}] * 1_000_000})],
    ids=["xml", "json"],
)
def test_a_feed_of_a_million_entries_is_refused_and_not_cut(feed, body):
    with pytest.raises(ReadError, match="far more than any real one") as refused:
        feed(body)
    assert refused.value.kind == "too-big"
