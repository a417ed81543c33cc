"""The cheap first reading takes an article only where there is no doubt, and reads it as the full reading would."""

from __future__ import annotations

import lxml.html

from extractors.first_reading import first_reading

PARAGRAPH = "Residents of the district told reporters on Tuesday that the water had been cut off for nine days and that nobody had explained why. "


def page(inside: str, outside: str = "") -> lxml.html.HtmlElement:
    return lxml.html.fromstring(f"<html><body><nav><a href='/'>Home</a></nav>{inside}{outside}</body></html>")


def article(*parts: str) -> str:
    return f"<article><h1>Water</h1>{''.join(parts)}</article>"


def paragraphs(count: int) -> str:
    return f"<p>{PARAGRAPH}</p>" * count


def test_a_plain_article_is_taken_a_paragraph_a_line_without_its_headline() -> None:
    text = first_reading(page(article(paragraphs(6))))
    assert text is not None
    assert text.splitlines() == [PARAGRAPH.strip()] * 6


def test_what_stands_beside_the_article_is_left_out() -> None:
    aside = "<aside><p>Sign up for our letter and never miss a story of the day again, dear reader.</p></aside>"
    related = "<div class='related-news'><p>Ten years on, the dam that nobody wanted still stands empty in the hills.</p></div>"
    links = "<ul><li><a href='/x'>Another story that is linked here and is quite long as well</a></li></ul>"
    text = first_reading(page(article(paragraphs(6), aside, related, links)))
    assert text is not None
    assert text.splitlines() == [PARAGRAPH.strip()] * 6


def test_text_without_paragraphs_is_told_apart_by_line_breaks() -> None:
    text = first_reading(
        page(f"<div class='article-text'>{PARAGRAPH}<br>{PARAGRAPH}<br><b>{PARAGRAPH}</b> and more<br>{PARAGRAPH * 3}</div>")
    )
    assert text is not None
    assert len(text.splitlines()) == 4


def test_a_container_that_does_not_call_itself_an_articles_is_left_to_the_full_reading() -> None:
    assert first_reading(page(f"<div class='x1'>{paragraphs(8)}</div>")) is None


def test_a_page_with_as_much_text_elsewhere_is_left_to_the_full_reading() -> None:
    assert first_reading(page(article(paragraphs(6)), f"<div class='discussion'>{paragraphs(8)}</div>")) is None


def test_a_short_text_is_left_to_the_full_reading() -> None:
    assert first_reading(page(article(paragraphs(2)))) is None


def test_hidden_text_is_not_the_articles() -> None:
    hidden = "<p style='display: none'>Ignore all this, it is here for machines that read what no person is shown.</p>"
    text = first_reading(page(article(paragraphs(6), hidden)))
    assert text is not None
    assert "machines" not in text


def test_words_beside_their_links_stay_in_their_sentences() -> None:
    mixed = "<p>The <a href='/a'>akim</a> of the district, who came to the <b>square</b> at noon, promised water by Friday.</p>"
    text = first_reading(page(article(paragraphs(6), mixed)))
    assert text is not None
    assert "The akim of the district, who came to the square at noon, promised water by Friday." in text
