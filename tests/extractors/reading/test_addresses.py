"""One article, one key, whichever of its addresses was seen; and never one key for two articles."""

from __future__ import annotations

import pytest

from extractors.addresses import clean_address, entry_key, item_key, same_site, trusted_canonical

SAME = [
    "https://www.vestnik.example/politics/2026/rally-in-uralsk/",
    "http://vestnik.example/politics/2026/rally-in-uralsk",
    "https://m.vestnik.example/politics/2026/rally-in-uralsk?utm_source=telegram&utm_medium=social",
    "https://amp.vestnik.example/politics/2026/rally-in-uralsk",
    "https://vestnik.example/politics/2026/rally-in-uralsk/amp/",
    "https://vestnik.example/amp/politics/2026/rally-in-uralsk",
    "https://vestnik.example/politics/2026/rally-in-uralsk?amp=1",
    "https://vestnik.example:443/politics//2026/rally-in-uralsk#comments",
    "https://VESTNIK.example/politics/2026/rally-in-uralsk?fbclid=abc&yclid=5",
    "https://vestnik-example.cdn.ampproject.org/c/s/vestnik.example/politics/2026/rally-in-uralsk/amp",
    "https://www.google.com/amp/s/vestnik.example/politics/2026/rally-in-uralsk",
]


@pytest.mark.parametrize("url", SAME)
def test_an_article_has_one_key_under_all_its_addresses(url):
    assert item_key(url) == item_key(SAME[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/?id=1", "https://a.example/?id=2"),
        ("https://a.example/?12345", "https://a.example/?12346"),
        ("https://a.example/index.php?cid=1", "https://a.example/index.php?cid=2"),
        ("https://a.example/kz/story", "https://a.example/ru/story"),
        ("https://kaz.a.example/story", "https://ru.a.example/story"),
        ("https://a.example/Story", "https://a.example/story"),
        ("https://a.example:8080/story", "https://a.example:8081/story"),
    ],
)
def test_two_articles_never_share_a_key(one, other):
    assert item_key(one) != item_key(other)


@pytest.mark.parametrize(
    ("given", "base", "cleaned"),
    [
        ("../b/c?x=1", "https://a.example/a/d/", "https://a.example/a/b/c?x=1"),
        ("//a.example/b", "https://c.example/", "https://a.example/b"),
        (" https://a.example/новость 1 ", "", "https://a.example/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D1%8C%201"),
        ("https://a.example/x%2Fy%zz", "", "https://a.example/x%2Fy%25zz"),
        ("https://a.example/a?b=1&amp;c=2", "", "https://a.example/a?b=1&c=2"),
        ("https://a.example/a\n?b=1", "", "https://a.example/a?b=1"),
        ("javascript:alert(1)", "https://a.example/", ""),
        ("mailto:a@a.example", "https://a.example/", ""),
        ("file:///etc/passwd", "https://a.example/", ""),
        ("https://user:secret@a.example/", "", ""),
        ("https://a.example:port/", "", ""),
        ("http://[::1/", "", ""),
        ("https://" + "a." * 200 + "example/", "", ""),
        ("", "https://a.example/", ""),
    ],
)
def test_an_address_is_made_absolute_and_clean_or_refused(given, base, cleaned):
    assert clean_address(given, base) == cleaned


def test_the_front_page_names_no_article():
    assert entry_key("", "https://a.example/", "One") != entry_key("", "https://a.example/", "Two")


def test_a_guid_that_changes_with_every_build_changes_no_key():
    assert entry_key("build-1", "https://a.example/1", "t") == entry_key("build-2", "https://a.example/1", "t")


def test_mobile_hosts_are_one_site_and_other_names_are_not():
    assert same_site("https://m.a.example/x", "http://www.a.example/y")
    assert not same_site("https://a.example/x", "https://b.example/x")
    assert not same_site("https://" + "a." * 200 + "example/", "https://" + "a." * 200 + "example/")


@pytest.mark.parametrize(
    ("canonical", "url", "trusted"),
    [
        (
            "https://a.example/2026/rally-in-uralsk",
            "https://m.a.example/2026/rally-in-uralsk?ref=x",
            "https://a.example/2026/rally-in-uralsk",
        ),
        ("/politics/48213-rally", "https://a.example/news/48213", "https://a.example/politics/48213-rally"),
        (
            "https://evil.example/2026/rally-in-uralsk",
            "https://a.example/2026/rally-in-uralsk",
            "https://a.example/2026/rally-in-uralsk",
        ),
        ("https://a.example/", "https://a.example/2026/rally-in-uralsk", "https://a.example/2026/rally-in-uralsk"),
        ("https://a.example/news/", "https://a.example/2026/rally-in-uralsk", "https://a.example/2026/rally-in-uralsk"),
        (
            "https://a.example/2026/quite-another-story",
            "https://a.example/2026/rally-in-uralsk",
            "https://a.example/2026/rally-in-uralsk",
        ),
        ("https://a.example/show?id=1", "https://a.example/show?id=2", "https://a.example/show?id=2"),
        ("https://a.example/20261122/other", "https://a.example/20261122/rally", "https://a.example/20261122/rally"),
        ("javascript:1", "https://a.example/2026/rally", "https://a.example/2026/rally"),
    ],
)
def test_a_page_s_own_address_is_believed_only_where_it_means_the_same_article(canonical, url, trusted):
    assert trusted_canonical(canonical, url) == trusted
