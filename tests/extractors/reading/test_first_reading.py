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


def test_a_container_without_a_telling_name_is_taken_only_where_little_stands_beside_it() -> None:
    nameless = f"<div class='x1'>{paragraphs(8)}</div>"
    alone = first_reading(page(nameless))
    assert alone is not None
    assert len(alone.splitlines()) == 8
    assert first_reading(page(nameless, f"<div class='x2'>{paragraphs(2)}</div>")) == alone
    assert first_reading(page(nameless, f"<div class='x2'>{paragraphs(3)}</div>")) is None
    assert first_reading(page(f"<div class='x1'>{paragraphs(6)}</div>")) is None


def test_a_page_with_as_much_text_elsewhere_is_left_to_the_full_reading() -> None:
    assert first_reading(page(article(paragraphs(6)), f"<div class='discussion'>{paragraphs(8)}</div>")) is None


def test_a_table_that_outweighs_its_article_does_not_cost_the_paragraphs_above_it() -> None:
    table = "<table>" + f"<tr><td>{PARAGRAPH}</td></tr>" * 30 + "</table>"
    text = first_reading(page(article(f"<p>Miners stopped work this morning. {PARAGRAPH}</p>", table)))
    assert text is not None
    assert text.startswith("Miners stopped work")
    assert len(text.splitlines()) == 31


def test_a_lead_above_a_container_without_a_telling_name_leaves_the_page_to_the_full_reading() -> None:
    body = f"<div class='x2'>{paragraphs(20)}</div>"
    assert first_reading(page(f"<h1>Water</h1>{body}")) is not None
    assert first_reading(page(f"<h1>Water</h1><p>{PARAGRAPH}</p>{body}")) is None


def test_a_list_of_articles_is_no_article() -> None:
    several = "".join(f"<article>{paragraphs(3)}</article>" for _ in range(5))
    assert first_reading(page(f"<div class='content'>{several}</div>")) is None


def test_a_short_text_is_taken_only_where_little_stands_beside_it() -> None:
    beside = f"<div class='x2'>{paragraphs(1)}</div>"
    assert first_reading(page(article(paragraphs(2)))) is not None
    assert first_reading(page(article(paragraphs(2)), beside)) is None
    assert first_reading(page(article(paragraphs(1)))) is None


def test_a_frame_of_the_page_is_no_aside_whatever_else_its_name_says() -> None:
    whole = article(paragraphs(6))
    for names in ("has-sidebar main", "content-sidebar-wrap", "post-content read-more", "card", "page video"):
        text = first_reading(page(f"<div class='{names}'>{whole}</div>"))
        assert text is not None, names
        assert len(text.splitlines()) == 6


def test_readers_comments_are_never_the_article() -> None:
    comments = f"<div class='comments-area comment-content'><h3>Opinions</h3>{paragraphs(40)}</div>"
    text = first_reading(page(article(paragraphs(6)), comments))
    assert text is not None
    assert text.splitlines() == [PARAGRAPH.strip()] * 6
    assert first_reading(page(comments)) is None


def test_a_page_is_left_to_the_full_reading_where_much_of_its_article_may_not_belong_to_it() -> None:
    perhaps = f"<div class='card'>{paragraphs(2)}</div>"
    assert first_reading(page(article(paragraphs(6), perhaps))) is None
    text = first_reading(page(article(paragraphs(20), perhaps)))
    assert text is not None
    assert len(text.splitlines()) == 20


def test_a_page_is_left_to_the_full_reading_where_much_that_may_be_the_article_stands_outside_of_it() -> None:
    whole = f"<div class='article-text'>{paragraphs(12)}</div>"
    assert first_reading(page(whole, f"<div class='widget'>{paragraphs(2)}</div>")) is not None
    assert first_reading(page(whole, f"<div class='widget'>{paragraphs(5)}</div>")) is None


def test_captions_and_bylines_are_left_out_without_doubt() -> None:
    caption = f"<div class='wp-caption-text'>{paragraphs(2)}</div><div class='byline'>By A. Reporter</div>"
    text = first_reading(page(article(paragraphs(6), caption)))
    assert text is not None
    assert text.splitlines() == [PARAGRAPH.strip()] * 6


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


def test_what_the_page_declares_to_be_its_body_is_taken_however_much_stands_beside_it() -> None:
    body = f"<div itemprop='articleBody'>{paragraphs(6)}</div>"
    others = f"{'<div>' * 8}{paragraphs(4)}{'</div>' * 8}" * 3
    assert first_reading(page(body.replace("itemprop", "data-x"), others)) is None
    text = first_reading(page(body, others))
    assert text is not None
    assert len(text.splitlines()) == 6
    assert first_reading(page(body, others * 2)) is None  # hardly a fifth of the page: it may be a lead only
    # Two that say so may be two articles, or halves of one; and a stub of two lines may be a teaser.
    assert first_reading(page(body + body, others)) is None
    assert first_reading(page(f"<div itemprop='articleBody'>{paragraphs(1)}</div>", others)) is None


def test_a_nameless_container_goes_by_the_name_of_what_closely_wraps_it() -> None:
    inner = f"<div class='x1'>{paragraphs(7)}</div>"
    beside = f"<div class='x2'>{paragraphs(2)}</div>"
    assert first_reading(page(inner, beside)) is None
    assert first_reading(page(f"<div class='text'>{inner}</div>", beside)) is not None
