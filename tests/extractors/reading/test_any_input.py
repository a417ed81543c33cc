"""Whatever the bytes: a value or a ReadError, never another exception; and what is said of keys holds for all addresses."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import ReadError
from domain.values import Entry
from extractors.addresses import clean_address, entry_key, item_key, same_site
from extractors.charsets import decode
from extractors.dates import believable, date_from_address, read_date
from extractors.feeds import read_feed
from extractors.language import KNOWN, detect_language
from extractors.pages import flatten, read_page
from extractors.plain import clean_text, encoded_markup, plain_text, plain_title
from extractors.sections import read_section
from extractors.sitemaps import read_sitemap
from extractors.sketch import similarity, sketch

NOW = datetime(2026, 11, 22, tzinfo=UTC)
URL = "https://a.example/feed"
PAGE = "https://a.example/x/y"
calm = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_PIECES = """<rss version='2.0'>|<channel>|<item>|</item>
|<title>|</title>|<link>|http://a.example/1|</link>|<guid>|</guid>|<pubDate>
|2026-11-20|</pubDate>|<![CDATA[|]]>|<feed xmlns='http://www.w3.org/2005/Atom'>|<entry>|</entry>|<id>|</id>
|<content type='xhtml'>|<div>
|</div>|&amp;|&nbsp;|&#0;|&#xD800;|&foo;|<!DOCTYPE r [|]>|<!ENTITY a 'b'>|<?xml version='1.0' encoding='utf-16'?>
|<html>|<body>|<p>
|Слова, текст.|</p>|<a href='/2026/story-one-two'>|</a>|<script>|</script>|<!--|-->|<urlset>|<url>|<loc>|</loc>|<sitemapindex>|{|[
|"items": [|}|]|,|<base href='//x'>|<meta charset=utf-7>|<table>|<li>|<br/>|5 < 6"""
PIECES = st.sampled_from([*(piece.strip("\n") for piece in _PIECES.split("|")), "\x00", "\ud800", "\u202e", " "])
_HOSTS = "a.example www.m.a.example amp.a.kz:443 тест.қаз 127.0.0.1:8080 [::1] m.kz a..b x-y.cdn.ampproject.org"
_PARTS = "/ /amp /a /%2F /% ? & a=1 utm_source=x amp=1 = #x /index.html /.. ж ; + %D0 .html c/s/b.kz"
WRITTEN = st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))
BODIES = st.one_of(st.binary(max_size=300), WRITTEN)
ADDRESSES = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "ftp"]),
        st.sampled_from(_HOSTS.split()),
        st.lists(st.sampled_from([*_PARTS.split(), " "]), max_size=10).map("".join),
    ),
)


@calm
@given(BODIES, st.sampled_from(["", "text/html", "text/xml; charset=windows-1251", "x; charset=utf-7", "application/json"]))
def test_any_bytes_are_a_feed_or_refused(body, content_type):
    try:
        feed = read_feed(body, content_type=content_type, url=URL, source_id="s", now=NOW)
    except ReadError:
        return
    keys = [entry.key for entry in feed.entries]
    assert len(set(keys)) == len(keys)
    for entry in feed.entries:
        assert entry.key
        assert entry.published is None or entry.published <= NOW.replace(minute=10)
        for text in (entry.title, entry.summary, entry.content):
            assert text == clean_text(text)
            text.encode()


@calm
@given(BODIES, st.text(max_size=30))
def test_any_bytes_are_a_page_or_refused(body, title):
    try:
        document = read_page(body, url=PAGE, entry=Entry("s", "k", PAGE, "", title), now=NOW)
    except ReadError:
        return
    document.text.encode()
    assert document.text.strip()


@calm
@given(BODIES)
def test_any_bytes_are_a_sitemap_and_a_section_or_refused(body):
    for read in (read_sitemap, read_section):
        try:
            feed = read(body, url=URL, source_id="s", now=NOW)
        except ReadError:
            continue
        assert all(same_site(entry.url, URL) for entry in feed.entries)  # a text sitemap may say http or www


@settings(max_examples=300, deadline=None)
@given(ADDRESSES, st.sampled_from(["", "https://a.example/x/y?z"]))
def test_cleaning_an_address_again_changes_nothing(url, base):
    cleaned = clean_address(url, base)
    assert clean_address(cleaned) == cleaned
    assert cleaned.isascii() or cleaned.split("/")[2]


@settings(max_examples=300, deadline=None)
@given(ADDRESSES)
def test_the_key_of_a_key_is_the_key(url):
    key = item_key(url)
    assert item_key(key) == key
    assert item_key(clean_address(url)) == key or "://" not in url[:12]


@calm
@given(st.text(max_size=40), ADDRESSES, st.text(max_size=40))
def test_every_entry_has_a_key(guid, url, title):
    assert entry_key(guid, url, title)


@calm
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_decode(body, html):
    decode(body, "text/html; charset=utf-16", html=html)


@calm
@given(st.text(max_size=200))
def test_any_text_is_read(text):
    assert clean_text(clean_text(text)) == clean_text(text)
    plain_text(text)
    assert "\n" not in plain_title(text)
    when = read_date(text)
    assert believable(when, NOW) is None or believable(when, NOW) <= NOW.replace(minute=10)
    date_from_address(text)
    assert detect_language(text) in {*KNOWN, "und"}
    assert similarity(sketch(text), sketch(text)) in (0.0, 1.0)
    flatten(text, 2)


@calm
@given(
    st.lists(st.one_of(st.integers(0, 0x11FFFF).map("&#{};".format), st.text(max_size=3), st.just("\ufffe")), max_size=8).map(
        "".join
    )
)
def test_markup_has_no_character_that_parsers_refuse_whether_or_not_it_was_encoded_before(text):
    text = text.encode("utf-8", "ignore").decode()
    encoded = encoded_markup(text)
    assert encoded_markup(text, text.encode()) == encoded
    kept = [int(number) for number in re.findall("&#([0-9]+);", encoded.decode())]
    assert all(
        number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0xFFFF < number < 0x110000
        for number in kept
    )
    assert not {*encoded.decode()} & {"\x00", "\ufffe", "\uffff"}
