"""Hostile entries: identities that change, are shared or are missing, links that lead elsewhere, dates that lie, fields that attack."""

# ruff: noqa: E501  (a table: a case a line)

from __future__ import annotations

from tests.hostile.bodies import DAY, Answer, atom, entry, feed, item, rss
from tests.hostile.server import Case, case

SCRIPT = "&lt;script&gt;alert(1)&lt;/script&gt;"


def case_(name: str, does: str, right: str, answer: Answer = b"", **more: object) -> Case:
    return case("entries", name, does, right, answer, **more)


def link(address: str, title: str = "Miners stop work", more: str = "") -> Answer:
    return feed(rss(f"<item><title>{title}</title><link>{address}</link>{DAY}{more}</item>"))


def date(text: str) -> Answer:
    return feed(rss(item(more=f"<pubDate>{text}</pubDate>")))


CASES: tuple[Case, ...] = (
    # Identity.
    case_("nothing", "has neither title nor link nor guid nor text", "empty", feed(rss("<item></item>", "<item/>"))),
    case_("title-only", "has a title alone", "new", feed(rss("<item><title>Miners stop work in the north</title></item>")), items=1, holds=("Miners stop work",)),
    case_("text-only", "has a text alone", "new", feed(rss("<item><description>Two hundred miners stopped work this morning.</description></item>")), items=1, holds=("Two hundred miners",)),
    case_("guid-only", "has a guid alone, which is no address", "empty", feed(rss("<item><guid>42</guid></item>"))),
    case_("guid-address", "has an address for a guid and no link", "new", feed(rss("<item><title>Miners stop work</title><guid>{here}/1.html</guid></item>")), items=1),
    case_("guid-number", "has a number for a guid, marked as a permalink, and no link", "new", feed(rss("<item><title>Miners stop work</title><guid isPermaLink='true'>42</guid></item>")), items=1),
    case_("guid-same", "gives all its entries one guid", "new", feed(rss(*(item(n, f"Story {n} of the miners", f"<guid>same</guid>{DAY}") for n in range(1, 6)))), items=5),
    case_("guid-same-no-link", "gives all its entries one guid and no link", "new", feed(rss(*(f"<item><title>Story {n} of the miners</title><guid>same</guid></item>" for n in range(1, 6)))), items=5),
    case_("guid-empty", "gives all its entries empty guids and no link", "new", feed(rss(*(f"<item><title>Story {n} of the miners</title><guid></guid></item>" for n in range(1, 4)))), items=3),
    case_("link-same", "gives all its entries the link of the front page", "new|failed", feed(rss(*(f"<item><title>Story {n} of the miners</title><link>{{base}}/</link><description>Text {n} of the miners, told.</description></item>" for n in range(1, 4)))), items=None),
    case_("link-same-article", "gives two stories one link", "new|updated|unchanged|duplicate", feed(rss(item(1, "First story of miners"), item(1, "Second story of teachers")))),
    case_("repeated", "repeats one entry a thousand times", "new|duplicate", feed(lambda: rss(*([item()] * 1_000))), items=1),
    case_("repeated-tracked", "repeats one entry under tracking parameters", "new|duplicate", feed(rss(*(f"<item><title>Miners stop work</title><link>{{here}}/1.html?utm_source=s{n}&amp;fbclid=f{n}</link></item>" for n in range(20)))), items=1),
    case_("repeated-hosts", "repeats one entry with fragments, capitals and the default port", "new|duplicate", feed(rss(*(f"<item><title>Miners stop work</title><link>{{here}}/1.html{end}</link></item>" for end in ("", "#a", "#b", "?", "?utm_medium=rss")))), items=1),
    case_("many", "has 10,000 entries", "new|skipped|failed", feed(lambda: rss(*(item(n, f"Story {n} of the miners") for n in range(10_000))))),
    case_("links-many", "gives an entry five links", "new", feed(rss("<item><title>Miners stop work</title>" + "".join(f"<link>{{here}}/{n}.html</link>" for n in range(1, 6)) + "</item>")), items=1),
    case_("links-empty", "gives an entry an empty link before the real one", "new|failed", feed(atom(entry().replace("<link", '<link href=""/><link rel="self" href="{base}/"/><link'))), items=None),
    # Links.
    case_("javascript", "links to a script", "new", link("javascript:alert(document.cookie)")),
    case_("javascript-dressed", "links to a script dressed up with blanks and an entity", "new", link("java&#10;script:alert(1)")),
    case_("data", "links to data", "new", link("data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;")),
    case_("file", "links to a file of the machine", "new", link("file:///etc/passwd"), lacks=("root:",)),
    case_("file-host", "links to a file share", "new|failed", link("\\\\127.0.0.2\\share\\x")),
    case_("mailto", "links to a mail address", "new", link("mailto:a@b.example")),
    case_("gopher", "links to gopher", "new", link("gopher://127.0.0.2:25/_HELO")),
    case_("canary", "links to a machine of the private network", "failed", link("{canary}/admin"), lacks=("secret",)),
    case_("localhost", "links to localhost", "failed", link("http://localhost:22/")),
    case_("metadata", "links to a cloud's metadata", "failed", link("http://169.254.169.254/latest/meta-data/"), lacks=("secret",)),
    case_("private-10", "links to 10.0.0.1", "failed", link("http://10.0.0.1/router")),
    case_("private-6", "links to a machine by IPv6", "failed", link("http://[fd00::1]/")),
    case_("decimal", "links to a machine by number", "failed", link("http://2130706434/")),
    case_("rebound", "links to a private name", "failed", link("http://printer.local/")),
    case_("user", "links with a user name and a password", "failed|new", link("http://admin:admin@127.0.0.2/")),
    case_("port", "links to a mail server's port", "failed", link("http://127.0.0.2:25/")),
    case_("relative", "links relatively", "new", link("relative/1.html"), items=1),
    case_("relative-base", "links relatively, with a hostile base", "failed|new", feed(atom('<entry xml:base="{canary}/"><title>Miners stop work</title><link href="secret"/><id>x</id></entry>')), lacks=("secret",)),
    case_("scheme-relative", "links without a scheme", "failed", link("//127.0.0.2/x")),
    case_("backslashes", "links with backslashes", "failed|new", link("http:\\\\127.0.0.2\\x")),
    case_("control", "links with control characters", "new|failed", link("{here}/1.html&#9;&#13;X: y")),
    case_("idn", "links to a host in letters that look like Latin", "failed", link("http://аррӏе.example/story")),
    case_("idn-broken", "links to a host no name can be", "failed|new", link("http://xn--\u202e.example/" + "a" * 80)),
    case_("host-long", "links to a host of 5,000 letters", "failed|new", link("http://" + "a." * 2_500 + "example/")),
    case_("other-hosts", "links to hosts that do not exist", "failed", feed(rss(*(f"<item><title>Story {n} of the miners</title><link>http://nowhere-{n}.invalid/story</link></item>" for n in range(8))))),
    case_("endless-page", "links to a page without end", "failed", link("{base}/transport/endless")),
    case_("redirect-canary", "links to a redirect into the private network", "failed", link("{base}/redirects/canary"), lacks=("secret",)),
    case_("to-feed", "links to the feed itself", "new|failed", link("{here}")),
    # Dates.
    case_("future", "comes from the year 2999", "new", date("Fri, 01 Jan 2999 00:00:00 GMT"), items=1),
    case_("year-0", "comes from the year 0", "new", date("Mon, 00 Jan 0000 00:00:00 GMT"), items=1),
    case_("year-1", "comes from the year 1", "new", date("0001-01-01T00:00:00+23:59"), items=1),
    case_("year-9999", "comes from the last second", "new", date("9999-12-31T23:59:59-23:59"), items=1),
    case_("year-99999", "comes from the year 99999", "new", date("99999-01-01T00:00:00Z"), items=1),
    case_("epoch", "comes from 1970", "new", date("Thu, 01 Jan 1970 00:00:00 GMT"), items=1),
    case_("zone", "comes from a time zone that does not exist", "new", date("Sun, 22 Nov 2026 05:00:00 +9999"), items=1),
    case_("date-words", "comes from nonsense", "new", date("yesterday, promise; &lt;b&gt;5 января&lt;/b&gt; 99:99"), items=1),
    case_("date-number", "comes from a number of 400 digits", "new", date("9" * 400), items=1),
    case_("leap-second", "comes from a leap second", "new", date("Sat, 31 Dec 2016 23:59:60 GMT"), items=1),
    case_("day-none", "comes from a day that no calendar has", "new", date("Sun, 29 Feb 2026 25:61:61 GMT"), items=1),
    case_("year-negative", "comes from before Christ", "new", feed(rss(item(more="<dc:date xmlns:dc='http://purl.org/dc/elements/1.1/'>-2026-11-22</dc:date>"))), items=1),
    case_("date-colons", "comes from 200,000 colons", "new|refused", feed(lambda: rss(item(more=f"<pubDate>{'1:' * 100_000}</pubDate>"))), items=1),
    case_("dates-many", "gives a hundred dates", "new", feed(rss(item(more=DAY * 100))), items=1),
    case_("link-blanks", "links behind 300,000 blanks", "new", feed(lambda: rss(f"<item><title>Miners stop work</title><link>{' ' * 300_000}{{here}}/1.html</link></item>")), items=1),
    case_("link-query-huge", "links with a query of 400 kB", "new|failed", feed(lambda: rss(f"<item><title>Miners stop work</title><link>{{here}}/1.html?{'&amp;a=1' * 50_000}</link></item>"))),
    case_("link-up", "links by 600 steps up", "new|failed", link("{here}/" + "../" * 600 + "1.html")),
    case_("link-percent", "links with percent signs escaped 600 times", "new|failed", link("{here}/1" + "%25" * 500 + ".html")),
    case_("nat64", "links to the private network behind NAT64", "failed", link("http://[64:ff9b::7f00:2]/")),
    case_("address-zone", "links to an address with a zone", "failed|new", link("http://[fe80::1%25lo]/")),
    case_("octal", "links to a machine in octal", "failed", link("http://0177.0.0.2/")),
    case_("enclosure", "encloses a machine of the private network", "new", feed(rss(item(more='<enclosure url="{canary}/x.mp3" length="9" type="audio/mpeg"/><source url="{canary}/f">x</source><comments>{canary}/c</comments>'))), items=1, lacks=("secret",)),
    case_("base-script", "has a base that is a script", "new|failed", feed(atom('<entry xml:base="javascript:alert(1)//"><title>Miners stop work</title><link href="x"/><id>x</id></entry>'))),
    case_("hub", "names a hub, a logo and an icon on a machine of the private network", "new", feed(atom('<link rel="hub" href="{canary}/hub"/><link rel="next" href="{canary}/next"/><logo>{canary}/l</logo><icon>{canary}/i</icon>', entry())), items=1, lacks=("secret",)),
    # Fields that attack who reads them.
    case_("script", "has script in every field", "new", feed(rss(item(title=f"Miners {SCRIPT} stop", more=f"<description>{SCRIPT}</description><author>{SCRIPT}</author><category>{SCRIPT}</category><guid>{SCRIPT}</guid>"), channel=f"<title>{SCRIPT}</title>")), items=1, lacks=("<script",)),
    case_("script-cdata", "has script in CDATA", "new", feed(rss("<item><title><![CDATA[Miners <script>alert(1)</script><img src=x onerror=alert(1)> stop]]></title><description><![CDATA[<svg onload=alert(1)>Two hundred miners stopped work.<iframe src='{canary}'></iframe>]]></description></item>")), items=1, lacks=("<script", "onerror", "onload")),
    case_("script-twice", "has script escaped twice", "new", feed(rss(item(title="Miners &amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt; stop"))), items=1, lacks=("<script",)),
    case_("bidi", "turns its title around", "new", feed(rss(item(title="Miners \u202ekrow pots\u202c \u2066stop\u2069"))), items=1, lacks=("\u202e", "\u2066")),
    case_("lines", "breaks its title and slips a header in", "new", feed(rss(item(title="Miners stop&#13;&#10;Bcc: all@example.org&#10;&#10;Body"))), items=1),
    case_("sql", "speaks SQL", "new", feed(rss(item(title="Miners'; DROP TABLE items; -- stop", more="<guid>' OR 1=1 --</guid>"))), items=1),
    case_("template", "speaks Jinja", "new", feed(rss(item(title="Miners {{{{ 7*7 }}}} {% for x in () %} stop"))), items=1),
    case_("format", "speaks printf", "new", feed(rss(item(title="Miners %s%n%d {0.__class__} stop"))), items=1),
    case_("terminal", "speaks to the terminal", "new", feed(rss(item(title="Miners \x1b[2J\x1b]0;owned\x07 stop"))), items=1, lacks=("\x1b",)),
    case_("formula", "is a formula for a spreadsheet", "new", feed(rss(item(title='=HYPERLINK("http://evil.example","Miners")'))), items=1),
    case_("zalgo", "has a title of marks upon marks", "new", feed(rss(item(title="M" + "\u0336\u0321\u034f" * 300 + "iners stop"))), items=1),
    case_("title-megabyte", "has a title of a megabyte without a blank", "new|refused", feed(lambda: rss(item(title="м" * 1_000_000)))),
    case_("title-blank", "has a title of blanks", "new|failed", feed(rss(item(title=" \u3164\u200b&#160;\u2800 "))), items=1),
    case_("language-lies", "says a language that is none", "new", feed(rss(item(), channel="<title>P</title><language>&lt;b&gt;'; --</language>")), items=1),
    case_("id-nul", "has a NUL in its guid", "new", feed(rss(item(more="<guid>a\x00b</guid>"))), items=1),
    # Dates, once more.
    *(case_(f"date-{name}", f"comes from {said!r}", "new", date(said), items=1) for name, said in {
        "24": "Sun, 22 Nov 2026 24:00:00 GMT", "61": "Sun, 22 Nov 2026 23:61:61 GMT", "zone-99": "Sun, 22 Nov 2026 05:00:00 +9999",
        "zone-minus": "Sun, 22 Nov 2026 05:00:00 -2359", "zone-words": "Sun, 22 Nov 2026 05:00:00 ALMT+06:00/NOWHERE", "milliseconds": "1795323600000",
        "minus": "-1", "infinite": "Infinity", "year-10000": "Sun, 22 Nov 10000 05:00:00 GMT", "year-two-digits": "22 Nov 26 05:00 +0500",
        "feb-30": "2026-02-30T25:00:00Z", "week": "2026-W99-9", "ordinal": "2026-366T00:00:00Z", "full-width": "２０２６-１１-２２T０５:００:００Z",
        "arabic": "٢٠٢٦-١١-٢٢", "kazakh": "22 қараша 2026 ж. 05:00", "cjk": "2026年11月22日", "nul": "2026-11-22\u200b\u202eT05:00:00Z", "seconds": "2026-11-22T05:00:59.99999999999999999999999999999Z",
        "formula": "=NOW()", "percent": "%Y-%m-%d %s %n", "sql": "'; DROP TABLE items; --",
    }.items()),
    # Addresses, once more.
    case_("link-invisible", "links with signs of no width in its host", "failed|new", link("http://127.0.0.\u200b2/")),
    case_("link-bidi", "links with its direction turned", "failed|new", link("http://news.invalid/\u202egpj.elcitra")),
    case_("link-brackets", "links to brackets", "failed|new", link("http://[/x")),
    case_("link-brackets-4", "links to an IPv4 address in brackets", "failed|new", link("http://[127.0.0.2]/")),
    case_("link-scheme-long", "links by a scheme of 50,000 letters", "failed|new", feed(lambda: rss(f"<item><title>Miners stop work</title><link>{'h' * 50_000}://x.invalid/</link></item>"))),
    case_("link-percent-broken", "links with broken percent signs", "failed|new", link("http://news.invalid/%zz%%%u0041%")),
    case_("link-nul-percent", "links with an escaped NUL in its host", "failed|new", link("http://127.0.0.2%00.news.invalid/")),
    case_("link-feed", "links by the scheme feed", "failed|new", link("feed:http://127.0.0.2/")),
    case_("link-wyciwyg", "links by schemes within schemes", "failed|new", link("view-source:jar:http://127.0.0.2!/x")),
    case_("link-entity-twice", "links with its ampersands escaped twice", "failed|new", link("http://news.invalid/?a=1&amp;amp;b=2")),
    case_("link-cdata-lines", "links over three lines of CDATA", "failed|new", link("<![CDATA[\n  http://news.invalid/\n  a\n]]>")),
    case_("link-50", "links to 50 addresses in one", "failed|new", link(" ".join(f"http://n{n}.invalid/" for n in range(50)))),
    case_("metadata-names", "links to the names of clouds' metadata", "failed", link("http://metadata.google.internal/computeMetadata/v1/")),
    case_("redirect-loop-page", "links to a page that leads to itself", "failed", link("{base}/redirects/self")),
    case_("page-bomb", "links to a bomb", "failed", link("{base}/transport/gzip-bomb")),
    case_("page-hangs", "links to a page that never answers", "failed|skipped", link("{base}/transport/hang-body")),
    # Fields, once more.
    case_("guid-megabyte", "has a guid of a megabyte", "new|refused", feed(lambda: rss(item(more=f"<guid>{'g' * 1_000_000}</guid>{DAY}")))),
    case_("guids-alike", "has guids that differ in a sign of no width", "new|duplicate", feed(rss(*(item(n, f"Story {n} of the miners", f"<guid isPermaLink='false'>x{chr(0x200B) * n}</guid>{DAY}") for n in range(1, 4))))),
    case_("categories-signs", "has categories of every sign of ASCII", "new", feed(lambda: rss(item(more=DAY + "".join(f"<category>&#{n};</category>" for n in range(32, 127)))))),
    case_("enclosure-huge", "encloses a file of 10**400 bytes", "new", feed(rss(item(more=f'{DAY}<enclosure url="http://x.invalid/a.mp3" length="{"9" * 400}" type="audio/mpeg"/>')))),
    case_("source", "says that it comes from another's feed", "new", feed(rss(item(more=DAY + '<source url="{canary}/">Other</source><comments>{canary}/</comments>')))),
    case_("summary-plaintext", "has a summary that says plaintext, noscript and template", "new", feed(rss("<item><title>Miners stop work</title><guid isPermaLink='false'>1</guid><description>&lt;plaintext&gt;&lt;noscript&gt;&lt;template&gt;Two hundred miners stopped work.</description></item>")), holds=("Two hundred miners",)),
    case_("summary-comment", "has a summary within a comment that never ends", "new", feed(rss("<item><title>Miners stop work</title><guid isPermaLink='false'>1</guid><description>&lt;!-- Two hundred miners stopped work.</description></item>"))),
    case_("summary-five-megabytes", "has a text of five megabytes", "new|refused", feed(lambda: rss(f"<item><title>Miners stop work</title><guid isPermaLink='false'>1</guid><description>{'Two hundred miners stopped work. ' * 150_000}</description></item>"))),
    case_("title-markup", "has a title of nothing but markup", "failed|new", feed(rss("<item><title>&lt;b&gt;&lt;/b&gt;&lt;img src=x&gt;</title><link>{here}/1.html</link></item>"))),
    case_("title-direction", "writes its title from right to left in Latin letters", "new", feed(rss(item(title="\u202eMiners stop work\u202c\u2067x\u2069\u061c\u200f"))), lacks=("\u202e", "\u2067"), holds=("Miners stop work",)),
    case_("title-controls", "has a title of escape sequences for a terminal's clipboard", "new", feed(rss(item(title="Miners \u009d52;c;eA==\u0007\u009b2J stop work"))), lacks=("\u009d", "\u009b", "\u0007")),
    case_("title-spaces", "has a title of all blanks that Unicode has", "new", feed(rss(item(title="Miners\u00a0\u1680\u2000\u2003\u2009\u202f\u205f\u3000\u2028\u2029\u0085stop work"))), holds=("Miners stop work",)),
    case_("title-variation", "has a title with 10,000 selectors of variants", "new", feed(lambda: rss(item(title="Miners" + "\ufe0f\U000e0100" * 10_000 + " stop work")))),
    # A session in an address names no other article; dates in the forms of the country are read (tests/extractors/reading/test_dates.py).
    case_("repeated-sessions", "repeats one entry under a session each", "new|duplicate", feed(rss(*(f"<item><title>Miners stop work</title><link>{{here}}/1.html?{end}</link></item>" for end in ("PHPSESSID=a1.html", "jsessionid=b2.html", "_=1795330800&amp;x=1.html", "_=1795330801&amp;x=1.html")))), items=2),
    *(case_(f"date-of-{name}", f"comes from {said!r}", "new", date(said), items=1) for name, said in {
        "almaty": "Sun, 22 Nov 2026 10:00:00 ALMT", "gmt-five": "Sun, 22 Nov 2026 10:00:00 GMT+5", "kazakh": "2026 жылғы 22 қараша, 10:00", "slashes": "2026/11/22 10:00", "noon": "11/22/2026 5:00:00 PM",
    }.items()),
)  # fmt: skip
