"""Input made to cost its reader time is refused before it is parsed, or read without loss; feedparser and lxml never see it."""

from __future__ import annotations

import pytest

from domain.errors import ReadError
from tests.extractors.reading.conftest import an_entry, item, rss

SENTENCE = "Some real sentence, with words, goes here to be taken for the text of an article. "


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (rss(f"<item><title {' '.join(f'a{n}=1' for n in range(600))}>x</title></item>"), "too-big"),
        (rss(item(author="a." * 5_000)), "too-big"),
        (rss("<item><author>" + "a." * 5_000), "too-big"),
        (rss(item(author="a" * 4_000) * 100), "too-big"),
        (rss("<item>" + "<category>c</category>" * 600 + "</item>"), "too-big"),
        (rss("<item>" + "<a>" * 300 + "</a>" * 300 + "</item>"), "too-big"),
        ("<" * 700_000, "too-big"),
        ("<!DOCTYPE r [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]>" + rss(item(title="&b;")), "entities"),
        ("<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + rss(item(title="&a;")), "entities"),
        ("<!DOCTYPE r [" + "<!ENTITY a 'b'>" * 400 + "]>" + rss(item(title="x")), "entities"),
    ],
    ids=[
        "attributes",
        "author",
        "author-unclosed",
        "authors",
        "categories",
        "depth",
        "tags",
        "laughs",
        "file-entity",
        "entities",
    ],
)
def test_a_feed_that_would_cost_its_reader_is_refused(feed, body, kind):
    with pytest.raises(ReadError) as refused:
        feed(body)
    assert refused.value.kind == kind


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "utf-32"])
def test_what_is_refused_in_utf_8_is_refused_in_sets_whose_bytes_show_no_tag(feed, page, codec):
    with pytest.raises(ReadError, match="entities"):
        feed(("<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + rss(item(title="&a;"))).encode(codec))
    with pytest.raises(ReadError, match="tags"):
        page(("<html><body>" + "<p>" * 130_000).encode(codec))


def test_a_feed_that_declares_html_s_entities_is_read(feed):
    body = "<!DOCTYPE rss [<!ENTITY laquo '&#171;'><!ENTITY nbsp '&#160;'>]>" + rss(item(title="&laquo;Халык"))
    assert feed(body).entries[0].title == "«Халык"


@pytest.mark.parametrize("before", [0, 1, 1_990, 2_000, 2_010, 5_000])
@pytest.mark.parametrize("after", ["", "<p>x</p>" * 900])
def test_a_tag_of_too_many_attributes_is_found_wherever_it_stands(page, before, after):
    tag = f"<p {' '.join(f'a{n}=1' for n in range(600))}>"
    with pytest.raises(ReadError, match="attributes"):
        page(f"<p>{'x' * before}</p>{tag}{SENTENCE * 20}</p>{after}")


def test_a_page_of_a_million_tags_is_refused(page):
    with pytest.raises(ReadError, match="1,000,000 tags"):
        page("<p>" * 1_000_000)


@pytest.mark.parametrize("depth", [255, 260, 1_000, 20_000])
def test_a_paragraph_at_any_depth_is_kept(page, depth):
    body = (
        f"<html><body><article><p>{SENTENCE * 3}</p>"
        + "<div>" * depth
        + f"<p>Hidden words. {SENTENCE}</p>"
        + "</div>" * depth
        + f"<p>After. {SENTENCE}</p></article></body></html>"
    )
    text = page(body, an_entry("Some real sentence")).text
    assert "Hidden words." in text
    assert "After." in text


def test_unclosed_comments_scripts_and_tags_do_not_grow_with_their_square(feed):
    for piece in ("<!--", "<script>", '<a href="', "<a ", "&"):
        assert feed(rss(item(title="t", description=f"<![CDATA[{piece * 50_000}]]>"))).entries[0].title == "t"


def test_a_text_too_long_to_keep_is_marked_as_cut(page):
    document = page(
        "<html><body><article>" + "".join(f"<p>{n} {SENTENCE * 20}</p>" for n in range(700)) + "</article></body></html>",
        an_entry("Some real sentence"),
    )
    assert document.cut
    assert len(document.text) == 1_000_000


def test_a_document_without_loss_is_not_marked_as_cut(page):
    assert not page(f"<html><body><article><p>{SENTENCE * 5}</p></article></body></html>", an_entry("Some real sentence")).cut
