"""Section pages as the last rung: links that are articles, with their headlines."""

from __future__ import annotations

import pytest

from domain.errors import ReadError
from domain.values import DateFrom
from extractors.sections import read_section

URL = "https://a.example/news/"
BODY = """<html><head><title>Новости</title></head><body>
<nav><a href='/about-our-newspaper-and-people'>О нашей газете и редакции</a></nav>
<article><a href='/news/2026/11/21/miting-v-uralske'><img></a>
<h3><a href='/news/2026/11/21/miting-v-uralske?utm_source=main'>Митинг в Уральске прошёл мирно</a></h3>
<a href='/news/2026/11/21/miting-v-uralske#comments'>Комментарии (5)</a></article>
<a href='/news/48213/'><h3>Суд отложил дело активистки</h3>
<time datetime='2026-11-20T09:00:00+05:00'>вчера</time><p>Подробности заседания</p></a>
<a href='http://127.0.0.1/news/another-story-here'>Чужой сайт с длинным заголовком</a>
<a href='/category/politics/'>Все новости политики страны</a><a href='/news/?page=2'>Следующая страница новостей</a>
<a href='/login/'>Войти на сайт нашей газеты</a><a href='/files/report-of-the-year-2026.pdf'>Отчёт за год в формате PDF</a>
<a href='mailto:a@a.example'>Напишите нам на эту почту</a>
<footer><a href='/privacy-policy-of-site'>Политика конфиденциальности</a></footer>
</body></html>"""


def read(body: str, now, url: str = URL):
    return read_section(body.encode(), content_type="text/html; charset=utf-8", url=url, source_id="a", now=now)


def test_articles_are_found_once_with_their_headlines_and_dates(now):
    feed = read(BODY, now)
    assert [(entry.url, entry.title, entry.published_from) for entry in feed.entries] == [
        ("https://a.example/news/2026/11/21/miting-v-uralske", "Митинг в Уральске прошёл мирно", DateFrom.ADDRESS),
        ("https://a.example/news/48213/", "Суд отложил дело активистки", DateFrom.PAGE),
    ]
    assert feed.title == "Новости"


def test_a_section_on_loopback_with_a_port_is_read_like_any_other(now):
    assert len(read(BODY, now, "http://127.0.1.1:8077/news/").entries) == 2


def test_a_page_without_articles_is_refused(now):
    with pytest.raises(ReadError) as refused:
        read("<html><body>" + "<p>Слова без ссылок на этой странице.</p>" * 50 + "</body></html>", now)
    assert refused.value.kind == "no-articles"
