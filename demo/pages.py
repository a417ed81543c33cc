"""The demo's web pages: articles between the navigation, teasers, banners and footers of a real site; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from demo.feeds import Listed
from demo.newsroom import Outlet

# Words of the frame by language: sections, read also, share, about, cookies, rights, comments.
_WORDS: Final = {
    "en": (
        ["News", "Politics", "Economy", "Society", "Sport", "Opinion"],
        "Read also",
        "Share",
        "About us",
        "This site uses cookies to make it better. By staying here you agree.",
        "Made up for a demonstration. All persons and companies are invented.",
        "Most read",
    ),
    "ru": (
        ["Новости", "Политика", "Экономика", "Общество", "Спорт", "Мнения"],
        "Читайте также",
        "Поделиться",
        "О редакции",
        "Сайт использует файлы cookie. Оставаясь на сайте, вы соглашаетесь с этим.",
        "Сочинено для показа. Все лица и компании вымышлены.",
        "Самое читаемое",
    ),
    "kk": (
        ["Жаңалықтар", "Саясат", "Экономика", "Қоғам", "Спорт", "Пікір"],
        "Тағы оқыңыз",
        "Бөлісу",
        "Біз туралы",
        "Сайт cookie файлдарын пайдаланады. Сайтта қала отырып, сіз бұған келісесіз.",
        "Көрсетуге арнап ойдан шығарылған. Барлық адам мен компания ойдан алынған.",
        "Ең көп оқылған",
    ),
}


def written_article(outlet: Outlet, item: Listed, others: Sequence[Listed]) -> bytes:
    """The page of one article."""
    body = "\n".join(f"<p>{escape(part)}</p>" for part in item.wording.paragraphs)
    words = _WORDS[outlet.language]
    also = "".join(f'<li><a href="{other.url}">{escape(other.wording.title)}</a></li>' for other in others[:3])
    main = f"""<article class="story"><header><h1>{escape(item.wording.title)}</h1>
<div class="byline"><time datetime="{item.published.isoformat()}">{item.published:%d.%m.%Y, %H:%M}</time></div></header>
<div class="story-body">
{body}
</div>
<div class="share"><span>{words[2]}:</span> <a href="#tg">Telegram</a> <a href="#fb">Facebook</a> <a href="#wa">WhatsApp</a></div>
</article>
<aside class="related"><h3>{words[1]}</h3><ul>{also}</ul></aside>"""
    head = f"""<meta property="og:type" content="article"><meta property="og:title" content="{escape(item.wording.title)}">
<meta name="description" content="{escape(item.wording.summary)}">
<meta property="article:published_time" content="{item.published.isoformat()}"><link rel="canonical" href="{item.url}">"""
    return _page(outlet, f"{item.wording.title} | {outlet.title}", head, main, others)


def written_front(outlet: Outlet, items: Sequence[Listed]) -> bytes:
    """The front page, which is the section page, too: a card an article."""
    cards = "\n".join(
        f'<div class="card"><a href="{item.url}"><h2>{escape(item.wording.title)}</h2>'
        f'<time datetime="{item.published.isoformat()}">{item.published:%d.%m.%Y}</time></a>'
        f"<p>{escape(item.wording.summary)}</p></div>"
        for item in items
    )
    return _page(outlet, outlet.title, "", f'<section class="list">{cards}</section>', ())


def written_consent(outlet: Outlet) -> bytes:
    """A wall before the article: what a visitor without the right cookie is shown, with status 200."""
    text = """<div class="wall"><h1>Your privacy matters to us</h1>
<p>We and our 842 partners store and access cookies on your device and process personal data such as identifiers
to provide personalised advertising and content, to measure both and to gain insights about audiences.</p>
<p>Some of our partners process your personal data on the basis of legitimate interest. By clicking “Accept all”
you consent to this. You can withdraw your consent or manage cookies at any time in the privacy settings.</p>
<button>Accept all cookies</button> <button>Manage consent</button></div>"""
    return _document(outlet, "Your privacy", "", text)


def written_missing(outlet: Outlet) -> bytes:
    """The page of an address at which there is nothing; sent with status 404."""
    return _document(outlet, "404", "", "<h1>404</h1><p>There is nothing here.</p>")


def _page(outlet: Outlet, title: str, head: str, main: str, others: Sequence[Listed]) -> bytes:
    sections, _, _, about, cookies, rights, most = _WORDS[outlet.language]
    menu = "".join(f'<li><a href="/section/{place}">{name}</a></li>' for place, name in enumerate(sections))
    side = "".join(f'<li><a href="{other.url}">{escape(other.wording.title)}</a></li>' for other in others[3:8])
    body = f"""<div class="cookie-banner">{cookies} <button>OK</button></div>
<header class="site"><a href="/" class="logo">{escape(outlet.title)}</a><nav><ul>{menu}</ul></nav>
<form action="/search"><input name="q" type="search"></form></header>
<main>{main}</main>
<aside class="sidebar"><h3>{most}</h3><ul>{side}</ul></aside>
<footer><p>{rights}</p><p><a href="/about">{about}</a> · <a href="mailto:desk@example.com">desk@example.com</a></p></footer>
<script>window.dataLayer = window.dataLayer || [];</script>"""
    return _document(outlet, title, head, body)


def _document(outlet: Outlet, title: str, head: str, body: str) -> bytes:
    page = f"""<!DOCTYPE html>
<html lang="{outlet.language}"><head><meta charset="{outlet.charset}"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}
</head><body>
{body}
</body></html>
"""
    return page.encode(outlet.charset, "xmlcharrefreplace")
