"""Hostile pages: what hides text, floods a parser, leads away, or is no article at all."""

# ruff: noqa: E501  (a table: a case a line)

from __future__ import annotations

from tests.hostile.bodies import ARTICLE, Answer, article, html, page
from tests.hostile.server import Case, Exchange, case, ok

BOTTOM = "Found at the bottom: the miners had written to the ministry in the spring, and nobody had answered."
HELD = ("Two hundred miners stopped work",)


def case_(name: str, does: str, right: str, answer: Answer = b"", **more: object) -> Case:
    return case("pages", name, does, right, answer, **more)


def deep(levels: int, tag: str = "div") -> str:
    return f"<{tag}>" * levels + f"<p>{BOTTOM}</p>" + f"</{tag}>" * levels


async def endless(on: Exchange) -> None:
    await on.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + article().encode())
    await on.send_forever(b"<p>Miners wait outside, and wait, and wait for the company to pay them.</p>" * 500)


CASES: tuple[Case, ...] = (
    # Text must not be lost in silence.
    case_("deep-260", "hides a paragraph under 260 divs", "new", page(article(deep(260))), holds=(*HELD, BOTTOM)),
    case_("deep-5k", "hides a paragraph under 5,000 divs", "new", page(lambda: article(deep(5_000))), holds=(*HELD, BOTTOM)),
    case_("deep-spans", "hides a paragraph under 1,000 spans", "new", page(lambda: article(deep(1_000, "span"))), holds=(BOTTOM,)),
    case_("deep-lists", "hides a paragraph under 300 lists", "new|failed", page(lambda: article("<ul><li>" * 300 + BOTTOM + "</li></ul>" * 300))),
    case_("deep-quotes", "hides a paragraph under 400 quotations", "new", page(lambda: article(deep(400, "blockquote"))), holds=(*HELD, BOTTOM)),
    case_("deep-fonts", "opens 3,000 fonts and closes none", "new|failed", page(lambda: article("<font>" * 3_000 + f"<p>{BOTTOM}</p>")), holds=(BOTTOM,)),
    case_("deep-above", "puts the whole article under 300 divs", "new", page(lambda: html("<div>" * 300 + f"<article><h1>Miners stop work</h1>{ARTICLE}</article>" + "</div>" * 300)), holds=HELD),
    case_("deep-50k", "nests 50,000 divs", "new|failed", page(lambda: article(deep(50_000)))),
    case_("after-body", "goes on after the end of the document", "new", page(article() + f"<p>{BOTTOM}</p>"), holds=HELD),
    case_("nul", "has NULs between its paragraphs", "new", page(article(f"\x00<p>{BOTTOM}</p>\x00")), holds=(*HELD, BOTTOM)),
    case_("nul-utf-16", "is UTF-16 without a word about it", "new|failed", page(lambda: article(f"<p>{BOTTOM}</p>").encode("utf-16-le"), kind="text/html"), holds=(BOTTOM,)),
    case_("bidi", "turns its text around", "new", page(article("<p>The company \u202eyas ton did\u202c that it would pay \u2066at all\u2069, miners said on Sunday.</p>")), holds=HELD, lacks=("\u202e", "\u2066")),
    case_("comment-open", "opens a comment in the middle and never closes it", "new|failed", page(article(f"<!-- <p>{BOTTOM}</p>"))),
    case_("comment-odd", "ends comments in the odd ways of browsers", "new", page(article(f"<!--><p>{BOTTOM}</p><!-- --!>")), holds=HELD),
    case_("table", "is a table of 5,000 rows", "new", page(lambda: article("<table>" + "".join(f"<tr><td>{n}</td><td>{BOTTOM}</td></tr>" for n in range(5_000)) + "</table>")), holds=HELD),
    case_("tables-nested", "nests 400 tables", "new|failed", page(lambda: article("<table><tr><td>" * 400 + BOTTOM + "</td></tr></table>" * 400))),
    case_("unclosed", "closes nothing", "new", page(article().replace("</p>", "").replace("</article>", "").replace("</body></html>", "")), holds=HELD),
    case_("closed-twice", "closes everything 20,000 times", "new|failed", page(lambda: article("</div></p></article></body></html>" * 20_000 + f"<p>{BOTTOM}</p>"))),
    case_("self-closed", "closes its own root at once", "new", page(article().replace("<html lang=en>", "<html lang='en'/>")), holds=HELD),
    case_("frameset", "wraps itself in frames", "new|failed", page(html(f"<frameset><frame src='{{canary}}'></frameset><noframes><article><h1>Miners stop work</h1>{ARTICLE}</article></noframes>"))),
    case_("noscript", "shows its article only without JavaScript", "new|failed", page(html(f"<noscript><article><h1>Miners stop work</h1>{ARTICLE}</article></noscript>"))),
    case_("template", "keeps its article in a template", "new|failed", page(html(f"<template><article><h1>Miners stop work</h1>{ARTICLE}</article></template>"))),
    case_("plaintext", "says plaintext", "new|failed", page(article(f"<plaintext><p>{BOTTOM}</p>"))),
    case_("xhtml", "is XHTML with entities of its own", "new|failed", page('<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "ha">]>' + article("<p>&x; &y; and so on, miners said outside the gate.</p>"), kind="application/xhtml+xml"), lacks=("root:",)),
    case_("frame-inline", "shows more in a frame of its own making", "new", page(article(f"<iframe srcdoc='<p>{BOTTOM}</p>'></iframe>")), holds=HELD),
    case_("math", "opens 2,000 formulas and closes none", "new|failed", page(lambda: article("<math><mi><mtext><p>" * 2_000 + BOTTOM)), holds=(BOTTOM,)),
    case_("select", "puts a paragraph into 2,000 lists to choose from", "new|failed", page(lambda: article("<select><option>" * 2_000 + f"<p>{BOTTOM}</p>")), holds=HELD),
    case_("textarea", "opens a field and never closes it", "new|failed", page(article(f"<textarea><p>{BOTTOM}</p>")), holds=HELD),
    case_("title-open", "opens its title and never closes it", "new|failed", page(f"<html><head><title>Miners<body><article><h1>Miners stop work</h1>{ARTICLE}</article>")),
    case_("xmp", "says xmp, as before HTML 3.2", "new", page(article(f"<xmp><p>{BOTTOM}</p></xmp>")), holds=HELD),
    case_("links-open", "opens 20,000 links and closes none", "new|failed", page(lambda: article("<a href=x>" * 20_000 + f"<p>{BOTTOM}</p>")), holds=(BOTTOM,)),
    case_("misnested", "closes 3,000 pairs of tags in the wrong order", "new|failed", page(lambda: article("<b><i>" * 3_000 + "</b></i>" * 3_000 + f"<p>{BOTTOM}</p>")), holds=(BOTTOM,)),
    case_("forms", "nests 2,000 forms", "new|failed", page(lambda: article("<form>" * 2_000 + f"<p>{BOTTOM}</p>")), holds=(BOTTOM,)),
    case_("instruction", "hides a paragraph in an instruction", "new", page(article(f"<?php <p>x</p> ?><p>{BOTTOM}</p>")), holds=(*HELD, BOTTOM)),
    case_("script-twice", "opens a script in a comment in a script", "new|failed", page(article(f"<script><!--<script>{'</script>x' * 300}--></script><p>{BOTTOM}</p>")), holds=HELD),
    case_("charset-lies", "says five character sets, each a lie", "new", page(article(f"<p>{BOTTOM}</p>", head="".join(f"<meta charset={label}>" for label in ("utf-16", "utf-7", "koi8-r", "x-user-defined", "ebcdic-cp-us")))), holds=(*HELD, BOTTOM)),
    case_("mark-lies", "begins with the mark of UTF-32 and is UTF-8", "new|failed", page(b"\xff\xfe\x00\x00" + article(f"<p>{BOTTOM}</p>").encode())),
    case_("references", "refers 50,000 times to a character beyond Unicode", "new|failed", page(lambda: article(f"<p>{'&#9999999999;' * 50_000}</p><p>{BOTTOM}</p>")), holds=(BOTTOM,)),
    # Floods.
    case_("tags-million", "has a million tags", "failed", page(lambda: article("<b></b>" * 500_000))),
    case_("tags-100k", "has 100,000 tags", "new|failed", page(lambda: article("<i>a</i> " * 50_000))),
    case_("attributes", "has a tag of 60,000 attributes", "failed", page(lambda: article("<p " + " ".join(f"a{n}=1" for n in range(60_000)) + ">x</p>"))),
    case_("attribute-large", "has an attribute of four megabytes", "failed|new", page(lambda: article(f'<p data-x="{"x" * 4_000_000}">x</p>'))),
    case_("attributes-all", "has 400 attributes on each of 200 tags", "new|failed", page(lambda: article(("<p " + " ".join(f"a{n}=1" for n in range(400)) + ">x</p>") * 200))),
    case_("classes", "has a class of half a megabyte", "new|failed", page(lambda: article(f'<p class="{"article-body share " * 27_000}">{BOTTOM}</p>'))),
    case_("bait-dashes", "baits expressions with dashes and blanks", "new|failed", page(lambda: article(f"<p>{' - ' * 200_000}</p>"))),
    case_("bait-quotes", "baits expressions with quotation marks", "new|failed", page(lambda: article("<p a=\"'" * 20_000))),
    case_("bait-angles", "baits expressions with angle brackets", "new|failed", page(lambda: article("<" * 110_000))),
    case_("bait-scripts", "opens 50,000 scripts and closes none", "new|failed", page(lambda: html("<script>" * 50_000 + f"<article><h1>Miners stop work</h1>{ARTICLE}</article>"))),
    case_("bait-meta", "has 50,000 metas with dates", "new|failed", page(lambda: article(head="<meta name=date content='2026-13-45T99:99:99+99:99'>" * 50_000))),
    case_("bait-dates", "is full of numbers that look like dates", "new|failed", page(lambda: article(f"<p>{'2026-11-2 11.22. 22/11/ ' * 40_000}</p>"))),
    case_("bait-links", "is 20,000 links", "new|failed", page(lambda: article("".join(f"<a href='/a/{n}'>Link {n} to something</a> " for n in range(20_000))))),
    case_("bait-entities", "is a megabyte of entities", "new|failed", page(lambda: article(f"<p>{'&amp;&#x41;&nbsp;' * 60_000}</p>"))),
    case_("word", "is one word of three megabytes", "new|failed", page(lambda: article(f"<p>{'м' * 1_500_000}</p>"))),
    case_("words", "is an article of three megabytes", "new|failed", page(lambda: article("".join(f"<p>Paragraph {n}: the miners wait outside, and the company says nothing.</p>" for n in range(40_000))))),
    case_("title-huge", "has titles of a megabyte", "new|failed", page(lambda: html(f"<article><h1>{'Miners ' * 150_000}</h1>{ARTICLE}</article>", title="Miners " * 150_000))),
    case_("json-ld-deep", "has JSON-LD nested 100,000 times", "new", page(lambda: article(head=f'<script type="application/ld+json">{"[" * 100_000}</script>')), holds=HELD),
    case_("json-ld-types", "has JSON-LD whose every field has another type", "new", page(article(head='<script type="application/ld+json">{"@type":["NewsArticle",{}],"headline":{"a":[]},"datePublished":7,"author":[[],{"name":[]},null],"isAccessibleForFree":{}}</script>')), holds=HELD),
    case_("json-ld-objects", "has JSON-LD of 10,000 objects within one another", "new|failed", page(lambda: article(head=f'<script type="application/ld+json">{"{" + chr(34) + "a" + chr(34) + ":"}{("{" + chr(34) + "a" + chr(34) + ":") * 9_999}1{"}" * 10_000}</script>')), holds=HELD),
    case_("json-ld-giant", "has JSON-LD of three megabytes", "new|failed", page(lambda: article(head='<script type="application/ld+json">{"@type":"NewsArticle","description":"' + "miners " * 450_000 + '"}</script>')), holds=HELD),
    case_("json-ld-many", "has 2,000 blocks of JSON-LD", "new|failed", page(lambda: article(head='<script type="application/ld+json">{"@type":"NewsArticle","headline":"Other"}</script>' * 2_000)), holds=HELD),
    case_("json-ld-signs", "has JSON-LD with lone surrogates, NUL and numbers that are none", "new", page(article(head='<script type="application/ld+json">{"@type":"NewsArticle","headline":"Miners \\ud800 stop \\u0000 work","datePublished":NaN,"author":{"name":"A\\udc00"},"isAccessibleForFree":-Infinity}</script>')), holds=HELD),
    case_("definitions", "is 30,000 terms, each defined", "new|failed", page(lambda: article("<dl>" + "<dt>x<dd>y" * 30_000 + "</dl>"))),
    case_("alternates", "has 50,000 versions in other languages", "new|failed", page(lambda: article(head="<link rel=alternate hreflang=x href=/a>" * 50_000))),
    case_("list", "is a list of 20,000", "new|failed", page(lambda: article("<ul>" + "<li>x" * 20_000 + "</ul>"))),
    case_("spans-of-cells", "spans 65,534 rows and 100,000 columns", "new", page(lambda: article("<table><tr>" + "<td colspan=100000 rowspan=65534>x" * 500 + "</table>")), holds=HELD),
    case_("fostered", "puts text between the rows of a table 10,000 times", "new|failed", page(lambda: article("<table>" + "x<tr>" * 10_000 + "</table>"))),
    case_("styles", "has five megabytes of style", "new", page(lambda: article(head=f"<style>{'p{color:red}' * 420_000}</style>")), holds=HELD),
    case_("image", "carries an image of three megabytes in itself", "new|failed", page(lambda: article(f'<img src="data:image/png;base64,{"A" * 3_000_000}">'))),
    case_("large", "is 50 MB", "failed", page(lambda: article("<p>Miners wait.</p>" * 2_800_000))),
    case_("endless", "has no end", "failed", endless),
    case_("svg", "draws 20,000 shapes", "new", page(lambda: article("<svg>" + "<path d='M0 0'/>" * 20_000 + "</svg>")), holds=HELD),
    # Leading away.
    case_("refresh", "leads on by meta refresh", "new|failed", page(html("<p>One moment.</p>", '<meta http-equiv="refresh" content="0;url={canary}/">')), lacks=("secret",)),
    case_("refresh-article", "is an article and leads on by meta refresh", "new", page(article(head='<meta http-equiv="refresh" content="0;url={canary}/">')), holds=HELD),
    case_("canonical-other", "calls another site's article its own address", "new", page(article(head='<link rel="canonical" href="https://other.example/their-story">')), items=1, holds=HELD),
    case_("canonical-home", "calls the front page its own address", "new", page(article(head='<link rel="canonical" href="{base}/">')), items=1, holds=HELD),
    case_("canonical-canary", "calls a machine of the private network its own address", "new", page(article(head='<link rel="canonical" href="{canary}/admin">')), items=1),
    case_("canonical-script", "calls a script its own address", "new", page(article(head='<link rel="canonical" href="javascript:alert(1)"><meta property="og:url" content="data:text/html,x">')), items=1),
    case_("canonical-many", "has 5,000 canonical addresses", "new", page(lambda: article(head="".join(f'<link rel="canonical" href="/c/{n}">' for n in range(5_000)))), items=1),
    case_("amp-circle", "leads to its AMP version, and that back to itself", "new", page(article(head='<link rel="amphtml" href="?amp"><link rel="canonical" href="?amp=1"><meta property="og:url" content="?outputType=amp">')), items=1, holds=HELD),
    case_("refresh-header", "leads on by a Refresh header", "new", page(article(), "Refresh: 0; url=http://127.0.0.2/", "Link: <http://127.0.0.2/>; rel=canonical"), lacks=("secret",), holds=HELD),
    case_("manifest", "asks for an application, fonts, icons and a worker of another machine", "new", page(article(head='<link rel="manifest" href="{canary}/m"><link rel="icon" href="{canary}/i"><link rel="dns-prefetch" href="{canary}"><script src="{canary}/s.js"></script>')), holds=HELD, lacks=("secret",)),
    case_("base", "has a base on another machine", "new", page(article(head='<base href="{canary}/">')), items=1),
    case_("iframe", "shows another machine in a frame", "new", page(article("<iframe src='{canary}/'></iframe><object data='{canary}/'></object><img src='{canary}/x.png'>")), lacks=("secret",), holds=HELD),
    case_("import", "asks for style sheets and imports of another machine", "new", page(article(head='<link rel="stylesheet" href="{canary}/x.css"><link rel="preload" href="{canary}/x"><style>@import "{canary}/y";</style>')), holds=HELD),
    # No article.
    case_("consent", "is a wall about cookies", "failed", page(html("<h1>Before you continue</h1><p>We use cookies. Accept all or reject all cookies to continue to our site. Manage options for cookies and consent.</p>", title="Before you continue"))),
    case_("not-found", "says 404 with status 200", "failed", page(html("<h1>404</h1><p>The page you are looking for was not found on this server.</p>", title="404 Not Found"))),
    case_("captcha", "asks whether we are a robot", "failed", page(html("<div class='g-recaptcha'></div><p>Please verify you are a human.</p>", title="Just a moment..."))),
    case_("javascript", "shows nothing without JavaScript", "failed", page(html("<div id=root></div><noscript>You need to enable JavaScript to run this app.</noscript><script>x()</script>", title="App"))),
    case_("paywall", "shows the beginning and asks for money", "failed", page(html("<article><h1>Miners stop work</h1><p>Two hundred miners stopped work this morning.</p><p>Subscribe to continue reading this article.</p></article>"))),
    case_("login", "asks to log in", "failed", page(html("<form><input type=password></form><p>Log in to read.</p>", title="Log in"))),
    case_("maintenance", "is under maintenance", "failed", page(html("<h1>503 Service Unavailable</h1>", title="503 Service Unavailable"))),
    case_("parked", "is a domain for sale", "failed", page(html("<p>This domain is for sale.</p>", title="nowhere.example"))),
    case_("script-only", "is nothing but script", "failed", page(lambda: html(f"<script>{'var a=1;' * 10_000}</script>", title="x"))),
    case_("hidden", "hides other words than it shows", "new", page(article("<p style='display:none'>Hidden words that nobody sees at all, put here for machines to read.</p>")), holds=HELD),
    case_("pdf", "is a PDF", "failed", page(b"%PDF-1.7\n" + bytes(range(256)) * 100, kind="application/pdf")),
    case_("pdf-as-html", "is a PDF that calls itself a page", "failed", page(b"%PDF-1.7\n" + bytes(range(256)) * 100)),
    case_("binary", "is bytes at random that call themselves a page", "failed", page(lambda: bytes(range(256)) * 4_000)),
    case_("zip", "is an archive that calls itself a page", "failed", page(b"PK\x03\x04" + bytes(10_000))),
    case_("video", "is a film", "failed", page(bytes(1_000), kind="video/mp4")),
    case_("json", "is JSON", "failed|new", page('{"html": "<p>x</p>", "status": "ok"}', kind="application/json")),
    case_("feed", "is a feed", "failed|new", page("<rss version='2.0'><channel><title>x</title></channel></rss>", kind="text/xml")),
    case_("empty", "is empty", "failed", page("")),
    case_("blank", "is a megabyte of blanks", "failed", page(lambda: " \n" * 500_000)),
    case_("no-type", "says nothing of what it is", "new", ok(article().encode(), "X: y", kind="").replace(b"Content-Type: \r\n", b""), holds=HELD),
    case_("type-nonsense", "says nonsense of what it is", "new|failed", ok(article().encode(), kind="x/y; charset=\xff; charset=utf-7")),
)  # fmt: skip
