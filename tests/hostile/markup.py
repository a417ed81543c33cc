"""Hostile XML: bombs, depths, floods and broken or lying markup in feeds."""

# ruff: noqa: E501  (a table: a case a line)

from __future__ import annotations

from tests.hostile.bodies import DAY, atom, entry, feed, item, rss
from tests.hostile.server import Answer, Case, case

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_QUADRATIC = "a" * 50_000


def case_(name: str, does: str, right: str, answer: Answer = b"", **more: object) -> Case:
    return case("xml", name, does, right, answer, **more)


def doctype(inside: str, *items: str, outside: str = "") -> str:
    return rss(*items, head=f'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE rss {outside}[{inside}]>')


CASES: tuple[Case, ...] = (
    # Entities.
    case_("laughs", "declares a billion laughs", "refused", feed(doctype(f'<!ENTITY l0 "ha">{_LAUGHS}', item(title="&l9;")))),
    case_("laughs-parameter", "declares them by parameter entities", "refused", feed(doctype('<!ENTITY % a "ha"><!ENTITY % b "%a;%a;%a;"><!ENTITY % c "%b;%b;">%c;', item()))),
    case_("quadratic", "repeats one entity of 50 kB a thousand times", "refused|new|failed|empty", feed(lambda: doctype(f'<!ENTITY a "{_QUADRATIC}">', item(title="&a;" * 1_000)))),
    case_("entity-self", "declares an entity made of itself", "refused", feed(doctype('<!ENTITY a "&a;">', item(title="&a;")))),
    case_("entities-many", "declares 50,000 entities", "refused", feed(lambda: doctype("".join(f'<!ENTITY e{n} "x">' for n in range(50_000)), item()))),
    case_("entity-lower", "declares a bomb in small letters", "refused|new|failed", feed(doctype('<!entity a "&b;&b;"><!entity b "ha">', item(title="&a;")))),
    case_("external-file", "asks for a file of the machine", "refused", feed(doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', item(title="&x;"))), lacks=("root:",)),
    case_("external-http", "asks for another machine's page", "refused", feed(doctype('<!ENTITY x SYSTEM "{canary}/">', item(title="&x;"))), lacks=("secret",)),
    case_("external-parameter", "asks for it by a parameter entity", "refused", feed(doctype('<!ENTITY % x SYSTEM "{canary}/"> %x;', item()))),
    case_("external-dtd", "names a DTD on another machine", "new|refused", feed(doctype("", item(), outside='SYSTEM "{canary}/evil.dtd" '))),
    case_("external-subset", "names a DTD and a file in one", "refused", feed(rss(item(title="&x;"), head='<!DOCTYPE rss PUBLIC "-//x" "{canary}/" [<!ENTITY x SYSTEM "file:///etc/hostname">]>'))),
    case_("xinclude", "includes a file of the machine", "new", feed(rss(item(more=f'{DAY}<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'))), lacks=("root:",)),
    case_("stylesheet", "names a style sheet on another machine", "new", feed(rss(item(), head='<?xml version="1.0"?><?xml-stylesheet href="{canary}/x.xsl" type="text/xsl"?>'))),
    case_("entity-unknown", "uses entities nobody declared", "new", feed(rss(item(title="Miners &foo; stop &nbsp; work &"))), items=1),
    case_("entity-html", "declares the entities of HTML and uses them", "new", feed(doctype('<!ENTITY eacute "é"><!ENTITY mdash "—">', item(title="Caf&eacute; &mdash; miners"))), items=1),
    # Depth and numbers.
    case_("deep-100k", "nests 100,000 elements", "refused", feed(lambda: rss(item(more="<a>" * 100_000 + "</a>" * 100_000)))),
    case_("deep-5k", "nests 5,000 elements", "refused", feed(lambda: rss(item(more="<a>" * 5_000 + "x" + "</a>" * 5_000)))),
    case_("deep-open", "opens 300,000 elements and closes none", "refused", feed(lambda: rss() + "<a>" * 300_000)),
    case_("deep-in-html", "nests 260 divs in an escaped text", "new", feed(lambda: rss(item(more=f"<description>{'&lt;div&gt;' * 260}Found at the bottom, where 260 levels end.{'&lt;/div&gt;' * 260}</description>"))), items=1),
    case_("deep-cdata", "nests 5,000 divs in CDATA", "new", feed(lambda: rss(f"<item><title>Miners</title><guid>1</guid><description><![CDATA[{'<div>' * 5_000}Found at the bottom of five thousand divs.{'</div>' * 5_000}]]></description></item>")), holds=("Found at the bottom",)),
    case_("deep-xhtml", "nests 190 divs in XHTML", "new", feed(lambda: atom(f'<entry><title>Miners</title><id>1</id><content type="xhtml">{"<div>" * 190}Found at the bottom of the XHTML.{"</div>" * 190}</content></entry>')), holds=("Found at the bottom",)),
    case_("tags-million", "sends a million tags", "refused", feed(lambda: rss(item()) + "<a/>" * 1_000_000)),
    case_("items-100k", "has 100,000 entries", "refused|new|skipped", feed(lambda: rss(*(f"<item><link>{{here}}/{n}.html</link></item>" for n in range(100_000))))),
    case_("attributes", "has a tag of half a megabyte of attributes", "refused", feed(lambda: rss(item(more=f"<a {' '.join(f'a{n}=' + chr(34) + '1' + chr(34) for n in range(60_000))}/>")))),
    case_("attribute-large", "has an attribute of five megabytes", "refused", feed(lambda: rss(item(more=f'<a b="{"x" * 5_000_000}"/>')))),
    case_("attribute-unclosed", "opens a quotation mark and never closes it", "refused|new|empty", feed(lambda: rss(item(more='<a b="')) + "<a/>" * 10_000)),
    case_("tag-name", "has a tag whose name is a megabyte", "refused", feed(lambda: rss(item(more=f"<{'a' * 1_000_000}/>")))),
    case_("tags-open", "sends 200,000 times <", "refused|empty|new", feed(lambda: rss(item()) + "<" * 200_000)),
    case_("namespaces-many", "declares 20,000 name spaces", "refused", feed(lambda: rss(item(more="<a " + " ".join(f'xmlns:n{n}="u{n}"' for n in range(20_000)) + "/>")))),
    case_("namespaces-undeclared", "uses name spaces it never declares", "new", feed(rss(item(more=f"{DAY}<dc:creator>Me</dc:creator><media:content url='x'/>"))), items=1),
    case_("namespace-lies", "binds familiar prefixes to other name spaces", "new", feed(rss(item(), head='<?xml version="1.0"?>', channel='<title xmlns:atom="urn:evil" xmlns:dc="urn:x">Paper</title>')), items=1),
    case_("categories", "puts 5,000 categories on one entry", "refused", feed(lambda: rss(item(more="".join(f"<category>c{n}</category>" for n in range(5_000)))))),
    case_("links", "puts 30,000 links on one entry", "refused", feed(lambda: atom(entry(more='<link href="http://a.example/"/>' * 30_000)))),
    case_("enclosures", "puts 15,000 enclosures on one entry", "refused|new", feed(lambda: rss(item(more='<enclosure url="{canary}/a.mp3" length="1" type="audio/mpeg"/>' * 15_000)))),
    # Sizes of fields.
    case_("title-huge", "has a title of two megabytes", "new|refused", feed(lambda: rss(item(title="Miners " * 300_000)))),
    case_("title-huge-unclosed", "has a title of two megabytes that never ends", "refused|empty|new", feed(lambda: '<rss version="2.0"><channel><item><title>' + "Miners " * 300_000)),
    case_("author-huge", "has an author of a megabyte", "refused", feed(lambda: rss(item(more=f"<author>{'a' * 1_000_000}</author>")))),
    case_("author-mail", "has authors made to stall a search for mail addresses", "refused", feed(lambda: rss(item(more=f"<author>{'a@' * 200_000}</author>")))),
    case_("author-many", "has 4,000 authors of 4 kB", "refused", feed(lambda: rss(*(item(n, more=f"<author>{'a.' * 2_000}</author>") for n in range(1_000))))),
    case_("author-brackets", "has an author of brackets", "refused|new", feed(lambda: rss(item(more=f"<author>{'(' * 4_900}</author>")))),
    case_("keywords-huge", "has keywords of a megabyte", "refused", feed(lambda: rss(item(more=f"<itunes:keywords>{'k,' * 500_000}</itunes:keywords>")))),
    case_("summary-huge", "has a summary of five megabytes", "new", feed(lambda: rss(item(more=f"{DAY}<description>{'Miners wait. ' * 400_000}</description>")))),
    case_("date-huge", "has a date of a megabyte", "new|refused", feed(lambda: rss(item(more=f"<pubDate>{'1' * 1_000_000}</pubDate>")))),
    case_("date-digits", "has a date made to stall a reader of dates", "new|refused", feed(lambda: rss(item(more=f"<pubDate>{'2026-' * 100_000}</pubDate>")))),
    case_("guid-huge", "has a guid of a megabyte", "new|refused", feed(lambda: rss(item(more=f"<guid>{'g' * 1_000_000}</guid>")))),
    case_("link-huge", "has a link of a megabyte", "new|refused|failed", feed(lambda: rss(f"<item><title>Miners stop work</title><link>{{here}}/{'a' * 1_000_000}</link></item>"))),
    case_("base-huge", "has a base of a megabyte", "new|refused", feed(lambda: atom(entry()).replace("<feed ", f'<feed xml:base="http://a.example/{"b" * 1_000_000}" '))),
    case_("language-huge", "has a language of 50 kB", "new|refused", feed(lambda: rss(item(), channel=f"<title>P</title><language>{'en-' * 16_000}</language>"))),
    # Sections, comments, instructions.
    case_("cdata-unclosed", "opens CDATA and never closes it", "new|refused|empty", feed(rss(item(), "<item><title><![CDATA[Miners"))),
    case_("cdata-nested", "puts CDATA in CDATA", "new", feed(rss(item(title="<![CDATA[Miners <![CDATA[stop]]> work"))), items=1),
    case_("cdata-many", "has 100,000 CDATA sections in a title", "new|refused", feed(lambda: rss(item(title="<![CDATA[a]]>" * 100_000)))),
    case_("comment-unclosed", "opens a comment and never closes it", "new|refused|empty", feed(rss(item()) + "<!-- " + "a" * 100_000)),
    case_("comments-many", "opens 100,000 comments and closes none", "new|refused|empty", feed(lambda: rss(item()) + "<!--" * 100_000)),
    case_("comment-dashes", "fills a comment with dashes", "new|refused|empty", feed(lambda: f"<!--{'-' * 500_000}-->" + rss(item(), head=""))),
    case_("instructions", "has 100,000 processing instructions", "new|refused", feed(lambda: rss(item(), head="<?xml version='1.0'?>" + "<?php evil()?>" * 100_000))),
    case_("instruction-unclosed", "opens an instruction and never closes it", "new|refused|empty", feed(rss(item()) + "<?php " + "a" * 100_000)),
    case_("doctype-unclosed", "opens a document type and never closes it", "refused|empty|new", feed(lambda: '<?xml version="1.0"?><!DOCTYPE rss [' + "<!ELEMENT a ANY>" * 20_000 + rss(item(), head=""))),
    case_("declaration-late", "begins with blanks before the declaration", "new", feed("\r\n\r\n  " + rss(item())), items=1),
    case_("declaration-twice", "declares itself twice", "new", feed('<?xml version="1.0"?>' + rss(item())), items=1),
    case_("version-9", "declares XML 9.9", "new", feed(rss(item(), head='<?xml version="9.9" standalone="maybe"?>')), items=1),
    case_("polygon", "draws a polygon of 300,000 points", "new|refused", feed(lambda: rss(item(more=f'<georss:polygon xmlns:georss="http://www.georss.org/georss">{"1 " * 300_000}</georss:polygon>')))),
    case_("summary-unclosed", "opens 100,000 tags in a text and closes none", "new|refused", feed(lambda: rss(item(more=f"<description>Miners wait. {'&lt;b ' * 100_000}</description>")))),
    case_("summary-links", "has 20,000 links in a text", "new|refused", feed(lambda: rss(item(more="<description>" + "&lt;a href='http://x.example/'&gt;x&lt;/a&gt;" * 20_000 + "</description>")))),
    case_("title-escaped", "escapes the ampersands of a title again and again", "new|refused", feed(lambda: rss(item(title=f"Miners stop work {'&amp;amp;' * 50_000}")))),
    case_("transform", "asks for a transformation that reads a file", "new", feed(rss(item(), head='<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?>', channel='<title>P</title><xsl:stylesheet id="s" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/"><xsl:copy-of select="document(\'/etc/passwd\')"/></xsl:template></xsl:stylesheet>')), lacks=("root:",)),
    case_("sitemap-self", "is an index of sitemaps that names itself", "refused", feed('<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{here}</loc></sitemap></sitemapindex>')),
    case_("json-markup", "is a JSON feed with a text of 500,000 divs", "refused|new", feed(lambda: '{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"1","url":"{here}/1.html","title":"Miners","content_html":"' + "<div>" * 200_000 + '"}]}', kind="application/feed+json")),
    case_("json-infinite", "is a JSON feed with numbers that are none", "new|empty|refused", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":1e400,"url":"{here}/1.html","title":"Miners stop work","date_published":NaN}]}', kind="application/feed+json")),
    # Characters.
    case_("nul", "has NULs between and within its tags", "new", feed(rss(item(title="Mi\x00ners stop\x00 work")).replace("<link>", "\x00<link>")), items=1, holds=("Miners stop work",)),
    case_("control", "has every control character in a title", "new", feed(rss(item(title="Miners " + "".join(map(chr, range(1, 9))) + "\x0b\x0c\x0e\x1f\x7f stop work"))), items=1, holds=("Miners stop work",)),
    case_("references-control", "refers to control characters, surrogates and numbers beyond Unicode", "new", feed(rss(item(title="Miners &#0;&#1;&#xD800;&#xFFFF;&#x110000;&#99999999999; stop work"))), items=1, holds=("stop work",)),
    case_("reference-long", "refers to a character by a number of 100,000 digits", "new|refused", feed(lambda: rss(item(title=f"Miners &#{'9' * 100_000};")))),
    case_("bom-inside", "has marks of byte order throughout", "new", feed("\ufeff" + rss(item(title="\ufeffMiners\ufeff stop work"))), items=1, holds=("Miners stop work",)),
    case_("bom-lies", "begins with the mark of UTF-16 and is UTF-8", "refused|empty|new", feed(lambda: b"\xff\xfe" + rss(item()).encode())),
    case_("trailing", "is followed by a megabyte of noise", "new|refused", feed(lambda: rss(item()).encode() + bytes(range(256)) * 4_000)),
    case_("cut", "is cut off in the middle of a tag", "new|refused", feed(rss(item(1), item(2)).rpartition("<link>")[0] + "<li")),
    case_("two-feeds", "is two feeds in one", "new", feed(rss(item(1)) + rss(item(2)))),
    case_("wrong-end", "closes its tags in the wrong order", "new|refused", feed("<rss version='2.0'><channel><item><title>Miners stop work</link><link>{here}/1.html</title></channel></item></rss>")),
    case_("upper", "writes its tags in capitals", "new|refused|empty", feed(rss(item()).replace("item", "ITEM").replace("title", "TITLE"))),
    # What is no feed.
    case_("html", "is a web page", "refused", feed("<!doctype html><html><body><p>Welcome</p></body></html>", kind="text/html")),
    case_("svg", "is a picture in XML", "refused", feed('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')),
    case_("json-deep", "is JSON nested 100,000 times", "refused", feed(lambda: "[" * 100_000, kind="application/json")),
    case_("json-numbers", "is a JSON feed with a number of 100,000 digits", "refused|new|empty", feed(lambda: '{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":' + "9" * 100_000 + ',"url":"{here}/1.html","title":"Miners stop work"}]}', kind="application/feed+json")),
    case_("json-types", "is a JSON feed whose every field has another type", "new|empty", feed('{"version":"https://jsonfeed.org/version/1.1","title":[],"language":5,"authors":{},"items":[null,5,[],{"id":{},"url":"{here}/1.html","title":["x"],"content_html":7,"date_published":{},"authors":[1,{"name":[]}]}]}', kind="application/feed+json")),
    case_("empty", "is 11 bytes of nothing", "refused", feed("\n \t\n \t\n \t\n \t")),
    case_("noise", "is bytes at random", "refused", feed(lambda: bytes(range(256)) * 2_000)),
    case_("zip", "is an archive that calls itself a feed", "refused", feed(b"PK\x03\x04" + bytes(5_000), kind="application/rss+xml")),
    # Around the checks.
    case_("laughs-utf-16", "declares a billion laughs in UTF-16", "refused|new|empty", feed('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">]>' + rss(item(title="Miners &g; stop work"), head=""), codec="utf-16", kind="text/xml")),
    case_("external-utf-16", "asks for a file in UTF-16", "refused|new|empty", feed('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + rss(item(title="Miners &a; stop work"), head=""), codec="utf-16", kind="text/xml"), lacks=("root:",)),
    case_("entity-mixed", "declares an entity in letters of both sizes", "refused|new|empty", feed('<!DOCTYPE r [<!EnTiTy a SYSTEM "file:///etc/passwd">]>' + rss(item(title="Miners &a; stop work"), head="")), lacks=("root:",)),
    case_("entity-default", "hides entities in the default of an attribute", "refused|new|empty", feed('<!DOCTYPE r [<!ENTITY a "ha ha ha ha"><!ATTLIST rss x CDATA "&a;&a;&a;&a;">]>' + rss(item(), head=""))),
    case_("entity-blanks", "declares an entity behind line ends", "refused|new|empty", feed('<!DOCTYPE r [<!ENTITY\n\n a\n\n PUBLIC "x"\n "file:///etc/passwd">]>' + rss(item(title="Miners &a; stop work"), head="")), lacks=("root:",)),
    case_("version-1.1", "is XML 1.1 and ends lines as mainframes do", "new|refused", feed(rss(item(), head='<?xml version="1.1" encoding="utf-8"?>').replace("><", ">\u0085<"))),
    case_("prefix-xml", "gives the prefix xml another name", "new|refused", feed(rss(item()).replace('version="2.0"', 'version="2.0" xmlns:xml="http://evil.example/"'))),
    case_("attributes-same", "says one attribute twice", "new|refused", feed(rss(item()).replace('version="2.0"', 'version="2.0" version="9"'))),
    case_("items-nested", "nests entries in entries", "new|refused|empty", feed(lambda: rss("<item><title>Miners stop work</title><link>{here}/1.html</link>" * 150 + "</item>" * 150))),
    case_("channels", "has 5,000 channels", "new|refused|empty", feed(lambda: '<rss version="2.0">' + f"<channel><title>P</title>{item()}</channel>" * 5_000 + "</rss>")),
    case_("title-nested", "nests titles in a title", "new|refused", feed(rss(item(title="Miners stop work" + "<title>x" * 100 + "</title>" * 100)))),
    case_("media-deep", "nests groups of media", "new|refused", feed(lambda: rss(item(more=DAY + "<media:group xmlns:media='http://search.yahoo.com/mrss/'>" * 150 + "</media:group>" * 150)))),
    case_("content-src", "keeps its content on a machine of the private network", "new", feed(atom(entry(more='<content type="text/html" src="{canary}/secret"/>'))), lacks=("secret",)),
    case_("content-base64", "has content in base64", "new", feed(atom(entry(more='<content type="application/octet-stream">PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==</content>')))),
    case_("xhtml-deep", "nests XHTML 190 deep in its content", "new|refused", feed(lambda: atom(entry(more='<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">' + "<div>" * 180 + "Miners wait." + "</div>" * 180 + "</div></content>")))),
    case_("opml", "is a list of feeds", "refused", feed('<opml version="2.0"><body><outline type="rss" xmlUrl="{canary}/"/></body></opml>')),
    case_("sitemap-index", "is an index of sitemaps that names itself", "refused", feed('<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{here}</loc></sitemap></sitemapindex>')),
    case_("soap", "is an answer to a call", "refused", feed('<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault/></soap:Body></soap:Envelope>')),
    case_("rss-0.9", "is RSS 0.90", "new", feed('<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>P</title></channel><item><title>Miners stop work</title><link>{here}/1.html</link></item></rdf:RDF>')),
    case_("json-same-keys", "is a JSON feed that says its keys twice", "new", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"0"}],"items":[{"id":"1","id":"2","url":"{canary}/x","url":"{here}/1.html","title":"x","title":"Miners stop work"}]}', kind="application/feed+json"), items=1),
    case_("json-no-numbers", "is a JSON feed with numbers that are none", "new|refused", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":NaN,"url":"{here}/1.html","title":"Miners stop work","date_published":-Infinity}]}', kind="application/feed+json")),
    case_("json-huge-number", "is a JSON feed with the number 1e999999", "new|refused", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":1e999999,"url":"{here}/1.html","title":"Miners stop work"}]}', kind="application/feed+json")),
    case_("json-surrogates", "is a JSON feed of lone surrogates", "new", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"\\ud800","url":"{here}/1.html","title":"Miners \\udc00stop\\ud83d work"}]}', kind="application/feed+json"), holds=("Miners",)),
    case_("json-controls", "is a JSON feed of control characters", "new|refused", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"1","url":"{here}/1.html","title":"Miners \\u0000\\u001b[31m stop\x01 work"}]}', kind="application/feed+json")),
    case_("json-bom", "is a JSON feed behind a mark", "new", feed('\ufeff{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"1","url":"{here}/1.html","title":"Miners stop work"}]}', kind="application/feed+json"), items=1),
    case_("json-comments", "is a JSON feed with comments", "new|refused", feed('{/* x */"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"1","url":"{here}/1.html","title":"Miners stop work"},]}', kind="application/feed+json")),
    case_("json-deep-inside", "is a JSON feed with an entry nested 50,000 times", "new|refused|empty", feed(lambda: '{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"1","url":"{here}/1.html","title":"Miners stop work","_x":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}]}", kind="application/feed+json")),
    case_("json-keys", "is a JSON feed of 300,000 keys", "new|refused", feed(lambda: '{"version":"https://jsonfeed.org/version/1.1","title":"P",' + "".join(f'"k{n}":{n},' for n in range(300_000)) + '"items":[{"id":"1","url":"{here}/1.html","title":"Miners stop work"}]}', kind="application/feed+json")),
    case_("json-items-100k", "is a JSON feed of 100,000 entries", "refused", feed(lambda: '{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[' + ",".join(f'{{"id":"{n}","title":"Miners stop work {n}"}}' for n in range(100_000)) + "]}", kind="application/feed+json")),
    case_("json-next", "is a JSON feed that goes on at a machine of the private network", "new", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","next_url":"{canary}/","feed_url":"{canary}/","hubs":[{"type":"WebSub","url":"{canary}/"}],"items":[{"id":"1","url":"{here}/1.html","title":"Miners stop work"}]}', kind="application/feed+json"), items=1),
    case_("json-items-object", "is a JSON feed whose entries are no list", "empty|refused", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":{"0":{"id":"1"}}}', kind="application/feed+json")),
    case_("json-cut", "is a JSON feed cut short", "refused", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[{"id":"1","url":"{here}/1.html","ti', kind="application/feed+json")),
    # Ampersands that are none, and what is said of a feed of which nothing is left.
    case_("ampersand-title", "writes AT&T as it is spoken", "new", feed(rss(item(title="AT&T & Co stop work"))), holds=("AT&T & Co stop work",), lacks=("AT&T;",), items=1),
    case_("ampersand-link", "writes a link whose parameters are called like references", "new", feed(rss(item(), "<item><title>Second story</title><link>{here}/a?id=5&copy=3&region=2.html</link></item>", "<item><title>Third story</title><link>{here}/a?id=5&copy=4&region=2.html</link></item>")), items=3),
    case_("ampersand-cdata", "has ampersands in a section and a section that never ends", "new|refused", feed(rss(item(more="<description><![CDATA[AT&T &amp; Co]]></description>"), "<item><title><![CDATA[Second & last"))),
    case_("ampersands", "is a megabyte of ampersands", "new|refused", feed(lambda: rss(item(title="Miners stop work " + "&" * 1_000_000)))),
    case_("section-open", "opens a section in its first title and never ends it", "refused", feed(rss(item(title="<![CDATA[Miners stop work"), item(2)))),
    case_("sections-open", "opens 100,000 sections and ends none", "new|refused|empty", feed(lambda: rss(item(), "<![CDATA[ & " * 100_000))),
    case_("content-elsewhere", "has no link, and its content at an address", "new", feed(atom('<entry><title>Miners stop work</title><id>urn:x</id><content type="text/html" src="{here}/1.html"/></entry>')), holds=("wages of three months",), items=1),
    case_("json-others", "is a JSON feed with numbers and texts among its entries", "new", feed('{"version":"https://jsonfeed.org/version/1.1","title":"P","items":[null,7,"x",[],{"id":"1","url":"{here}/1.html","title":"Miners stop work"}]}', kind="application/feed+json"), items=1),
)  # fmt: skip
