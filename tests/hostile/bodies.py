"""Feeds and pages in which nothing is unusual but what a case puts into them; made when asked for, since some are large."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.server import HEALTHY_PAGE, Answer, Exchange, ok

DAY = "<pubDate>Sun, 22 Nov 2026 05:00:00 GMT</pubDate>"
ARTICLE = (
    "<p>Two hundred miners stopped work this morning and asked for the wages of three months.</p>"
    "<p>The company said that it would pay by the end of the week, and the miners said that they would wait outside.</p>"
)


def item(number: int = 1, title: str = "Miners stop work", more: str = DAY) -> str:
    """An entry of RSS that leads to the case's own page of that number."""
    return f"<item><title>{title}</title><link>{{here}}/{number}.html</link>{more}</item>"


def rss(*items: str, head: str = '<?xml version="1.0" encoding="utf-8"?>', channel: str = "<title>Paper</title>") -> str:
    return f'{head}<rss version="2.0"><channel>{channel}{"".join(items)}</channel></rss>'


def atom(*entries: str, head: str = '<?xml version="1.0" encoding="utf-8"?>') -> str:
    return f'{head}<feed xmlns="http://www.w3.org/2005/Atom"><title>Paper</title>{"".join(entries)}</feed>'


def entry(number: int = 1, title: str = "<title>Miners stop work</title>", more: str = "") -> str:
    return f'<entry>{title}<link href="{{here}}/{number}.html"/><updated>2026-11-22T05:00:00Z</updated>{more}</entry>'


def feed(text: str | bytes | Callable[[], str | bytes], *, kind: str = "text/xml; charset=utf-8", codec: str = "utf-8") -> Answer:
    """A feed at the case's address and an ordinary article at every address below it.

    ``{here}`` in the text is the case's own address, ``{base}`` the server's, ``{canary}`` that of a machine nobody may reach.
    """

    async def answer(on: Exchange) -> None:
        if on.path.endswith(".html"):
            await on.send(ok(HEALTHY_PAGE.encode(), kind="text/html; charset=utf-8"))
            return
        body = text() if callable(text) else text
        places = on.world.places
        here = places["base"] + "/".join(on.path.split("/")[:3])
        for name, place in (("{here}", here), ("{base}", places["base"]), ("{canary}", places["canary"])):
            body = body.replace(name, place) if isinstance(body, str) else body.replace(name.encode(), place.encode())
        await on.send(ok(body.encode(codec, "surrogatepass") if isinstance(body, str) else body, kind=kind))

    return answer


def page(body: str | bytes | Callable[[], str | bytes], *headers: str, kind: str = "text/html; charset=utf-8") -> Answer:
    """A page made when it is asked for."""

    async def answer(on: Exchange) -> None:
        made = body() if callable(body) else body
        if isinstance(made, str):
            for name, place in on.world.places.items():
                made = made.replace(f"{{{name}}}", place)
            made = made.encode("utf-8", "surrogatepass")
        await on.send(ok(made, *headers, kind=kind))

    return answer


def html(body: str, head: str = "", title: str = "Miners stop work", attributes: str = "lang=en") -> str:
    return f"<!doctype html><html {attributes}><head><title>{title}</title>{head}</head><body>{body}</body></html>"


def article(more: str = "", *, before: str = "", head: str = "", text: str = ARTICLE) -> str:
    """An ordinary page with something more in its article."""
    return html(f"{before}<article><h1>Miners stop work</h1>{text}{more}</article>", head)
