"""What is not an article is never taken for one, and a short article is never taken for a wall."""

from __future__ import annotations

import pytest

from domain.errors import ReadError
from tests.extractors.reading.conftest import an_entry
from tests.extractors.reading.pages_seen import ANNOUNCED, SHORT_NEWS, WALLS, article


@pytest.mark.parametrize("name", WALLS)
def test_a_wall_is_refused_with_its_kind_and_a_sentence(page, name):
    with pytest.raises(ReadError, match="instead of the article came") as refused:
        page(WALLS[name].read_bytes(), an_entry(ANNOUNCED))
    assert refused.value.kind == name.partition(".")[0]


@pytest.mark.parametrize("name", SHORT_NEWS)
def test_a_short_item_is_an_article_whatever_it_is_about(page, name):
    language, title, text = SHORT_NEWS[name]
    document = page(article(title, text), an_entry(title))
    assert text in document.text
    assert document.language == language


@pytest.mark.parametrize("name", ["two sentences in Russian", "two sentences in Kazakh", "two sentences in English"])
def test_a_short_item_of_a_sitemap_without_titles_is_an_article_too(page, name):
    _, title, text = SHORT_NEWS[name]
    assert text in page(article(title, text), an_entry("")).text


def test_the_feed_s_summary_returning_in_the_text_outweighs_every_sign(page):
    text = (
        "Сайт просит включить JavaScript, жалуются жители: без него страница суда не открывается "
        "уже неделю, и узнать о деле нельзя."
    )
    assert text in page(article("Сайт суда", text), an_entry("Жалоба жителей на сайт", summary=text)).text


def test_a_list_of_headlines_is_not_the_article_it_was_asked_for(page):
    headlines = "".join(f"<p>Заголовок номер {number} про совсем другое дело</p>" for number in range(20))
    with pytest.raises(ReadError) as refused:
        page(f"<html><head><title>Лента</title></head><body><article>{headlines}</article></body></html>", an_entry(ANNOUNCED))
    assert refused.value.kind == "list"


def test_an_article_that_now_leads_to_the_front_page_is_gone(page):
    with pytest.raises(ReadError, match="front page") as refused:
        page(
            article("Вестник", "Главные новости этого дня, о которых стоит знать каждому жителю нашего города."),
            an_entry(ANNOUNCED),
            url="https://news.example.org/",
        )
    assert refused.value.kind == "soft-404"


def test_a_picture_or_a_document_is_not_a_page(page):
    with pytest.raises(ReadError) as refused:
        page(b"%PDF-1.7 ...", content_type="application/pdf")
    assert refused.value.kind == "not-a-page"
