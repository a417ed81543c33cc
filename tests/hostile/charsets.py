"""Hostile character sets: labels that lie, bytes that are no text, and sets that hide markup."""

# ruff: noqa: E501  (a table: a case a line)

from __future__ import annotations

import unicodedata

from tests.hostile.bodies import DAY, Answer, feed, item, rss
from tests.hostile.server import Case, case

RU = "Шахтёры прекратили работу"
KK = "Кеншілер жұмысты тоқтатты"
TEXT = f"<description>{RU} сегодня утром и потребовали зарплату за три месяца, сообщили местные жители.</description>"


def case_(name: str, does: str, right: str, answer: Answer = b"", **more: object) -> Case:
    return case("charsets", name, does, right, answer, **more)


def russian(codec: str, label: str = "", *, title: str = RU, text: str = TEXT, kind: str = "text/xml") -> Answer:
    """A Russian feed in ``codec`` that calls itself ``label``."""
    head = f'<?xml version="1.0" encoding="{label}"?>' if label else '<?xml version="1.0"?>'
    return feed(rss(item(title=title, more=f"{DAY}{text}"), head=head), kind=kind, codec=codec)


HELD = {"holds": (RU,)}
PROSE = "Рабочие прекратили работу — «Озенмунайгаз» молчит"
CAPITALS = "РАБОЧИЕ ПРЕКРАТИЛИ РАБОТУ"
KAZAKH = "Жұмысшылар ереуілге шықты: қала әкімі үндемейді"


def told(codec: str, label: str, title: str = PROSE) -> Answer:
    """A feed whose set shows in no more than its letters: dashes and quotation marks stand elsewhere in each Cyrillic one."""
    return russian(codec, label, title=title, text=f"<description>{title}. {title}.</description>")


CASES: tuple[Case, ...] = (
    case_("utf-8", "is UTF-8 and says so", "new", russian("utf-8", "utf-8"), **HELD),
    case_("1251", "is windows-1251 and says so", "new", russian("cp1251", "windows-1251"), **HELD),
    case_("1251-as-utf-8", "is windows-1251 and says UTF-8", "new", russian("cp1251", "utf-8"), **HELD),
    case_("1251-header-lies", "is windows-1251, and its header says UTF-8", "new", russian("cp1251", "windows-1251", kind="text/xml; charset=utf-8"), **HELD),
    case_("1251-unlabelled", "is windows-1251 and says nothing", "new", russian("cp1251"), **HELD),
    case_("1251-as-latin", "is windows-1251 and says iso-8859-1", "new", russian("cp1251", "iso-8859-1"), **HELD),
    case_("utf-8-as-1251", "is UTF-8 and says windows-1251", "new", russian("utf-8", "windows-1251", kind="text/xml; charset=windows-1251"), **HELD),
    case_("koi8", "is KOI8-R and says so", "new", russian("koi8_r", "koi8-r"), **HELD),
    case_("koi8-as-1251", "is KOI8-R and says windows-1251", "new", russian("koi8_r", "windows-1251")),
    case_("866", "is DOS's 866 and says so", "new", russian("cp866", "ibm866"), **HELD),
    case_("8859-5", "is ISO-8859-5 and says so", "new", russian("iso8859_5", "iso-8859-5"), **HELD),
    case_("mac", "is Mac Cyrillic and says so", "new", russian("mac_cyrillic", "x-mac-cyrillic"), **HELD),
    case_("kz-1048", "is the Kazakh standard KZ-1048", "new", feed(rss(item(title=KK), head='<?xml version="1.0" encoding="KZ-1048"?>').encode("kz1048"), kind="text/xml"), holds=(KK,)),
    case_("utf-16", "is UTF-16 with its mark", "new", russian("utf-16", "utf-16"), **HELD),
    case_("utf-16-le", "is UTF-16 without a mark", "new", russian("utf-16-le", "utf-16"), **HELD),
    case_("utf-16-be", "is UTF-16 the other way round, without a mark", "new", russian("utf-16-be"), **HELD),
    case_("utf-16-as-utf-8", "is UTF-16 and says UTF-8", "new", russian("utf-16-le", "utf-8", kind="text/xml; charset=utf-8"), **HELD),
    case_("utf-16-odd", "is UTF-16 and cut in the middle of a letter", "new|failed|refused|empty", feed(lambda: rss(item()).encode("utf-16")[:-1])),
    case_("utf-16-surrogates", "is UTF-16 with surrogates in the wrong order", "new|failed", feed(lambda: rss(item(title="Miners \udc00\ud800 stop work")).encode("utf-16", "surrogatepass"))),
    case_("utf-8-as-utf-16", "is UTF-8 and says UTF-16", "new", russian("utf-8", "utf-16", kind="text/xml; charset=utf-16"), **HELD),
    case_("utf-32", "is UTF-32", "new", russian("utf-32", "utf-32"), **HELD),
    case_("utf-32-be", "is UTF-32 without a mark", "new", russian("utf-32-be", "utf-32"), **HELD),
    case_("utf-7", "hides script in UTF-7", "new", feed(rss(item(title="Miners +ADw-script+AD4-alert(1)+ADw-/script+AD4-"), head='<?xml version="1.0" encoding="utf-7"?>'), kind="text/xml; charset=utf-7"), lacks=("<script",)),
    case_("iso-2022", "hides markup in ISO-2022-JP", "new|refused|empty", feed(lambda: rss(item(title="Miners \x1b$B<script>\x1b(B"), head='<?xml version="1.0" encoding="iso-2022-jp"?>'), kind="text/xml; charset=iso-2022-jp"), lacks=("<script",)),
    case_("hz", "hides markup in HZ", "new|refused|empty", feed(rss(item(title="Miners ~{<script>~} stop"), head='<?xml version="1.0" encoding="hz-gb-2312"?>'), kind="text/xml; charset=hz")),
    case_("ebcdic", "is EBCDIC", "refused|new|empty|failed", russian("cp037", "cp037", title="Miners", text="")),
    case_("ebcdic-label", "is UTF-8 and says EBCDIC", "new", russian("utf-8", "ebcdic-cp-us", kind="text/xml; charset=cp037"), **HELD),
    case_("label-nonsense", "says nonsense", "new", russian("utf-8", "x-nonsense-9", kind="text/xml; charset=blah"), **HELD),
    case_("label-nonsense-1251", "says nonsense and is windows-1251", "new", russian("cp1251", "x-nonsense-9", kind="text/xml; charset=blah"), **HELD),
    case_("label-codec", "names a codec of Python that is no character set", "new", russian("utf-8", "zlib_codec", kind="text/xml; charset=hex"), **HELD),
    case_("label-idna", "names idna", "new", russian("utf-8", "idna", kind="text/xml; charset=punycode"), **HELD),
    case_("label-escape", "names unicode_escape", "new", feed(rss(item(title="Miners \\u003cscript\\u003e"), head='<?xml version="1.0" encoding="unicode_escape"?>'), kind="text/xml; charset=unicode_escape"), lacks=("<script",)),
    case_("label-undefined", "names the codec that always fails", "new", russian("utf-8", "undefined", kind="text/xml; charset=undefined"), **HELD),
    case_("label-long", "says a label of 100,000 letters", "new|refused", feed(lambda: rss(item(), head=f'<?xml version="1.0" encoding="{"x" * 100_000}"?>'))),
    case_("label-path", "says a label that is a path", "new", russian("utf-8", "../../etc/passwd", kind="text/xml; charset=../../../etc/passwd"), **HELD),
    case_("label-many", "says five labels that contradict each other", "new", russian("cp1251", "koi8-r", kind="text/xml; charset=utf-8; charset=gbk; charset=utf-16"), items=1),
    case_("double", "was encoded twice", "new", feed(rss(item(title=RU)).encode().decode("cp1252", "replace").encode())),
    case_("mixed", "is windows-1251 in the first entry and UTF-8 in the second", "new", feed(rss("{A}", "{B}").encode().replace(b"{A}", item(1, RU).encode("cp1251")).replace(b"{B}", item(2, RU).encode())), items=2),
    case_("mixed-utf-8", "is UTF-8 with a few bytes of windows-1251", "new", feed(rss(*(item(n, f"{RU} {n}") for n in range(1, 6)), "<!--{A}-->").encode().replace(b"{A}", b"\xcf\xf0")), holds=(RU,), items=5),
    case_("overlong", "writes < in overlong UTF-8", "new", feed(rss(item(title="Miners {X}script{Y}")).encode().replace(b"{X}", b"\xc0\xbc").replace(b"{Y}", b"\xe0\x80\xbe")), lacks=("<script",)),
    case_("surrogates", "has lone surrogates in UTF-8 (CESU)", "new", feed(rss(item(title="Miners \ud83d stop \udc00 work"))), items=1),
    case_("cesu", "writes emoji as two surrogates", "new", feed(rss(item(title="Miners \ud83d\ude00 stop work")).encode("utf-8", "surrogatepass")), items=1),
    case_("five-bytes", "has sequences of five and six bytes", "new", feed(rss(item(title="Miners {X} stop")).encode().replace(b"{X}", b"\xf8\x88\x80\x80\x80\xfc\x84\x80\x80\x80\x80\xfe\xff")), items=1),
    case_("continuations", "has half a megabyte of continuation bytes", "new|refused|empty", feed(lambda: rss(item(title="Miners {X}")).encode().replace(b"{X}", b"\x80" * 500_000))),
    case_("high-noise", "is a megabyte of high bytes without a label", "refused", feed(lambda: bytes(range(128, 256)) * 8_000, kind="text/xml")),
    case_("noncharacters", "has characters that are none", "new", feed(rss(item(title="Miners \ufffe\uffff\ufdd0\U0001fffe stop work"))), items=1),
    case_("combining", "has 20,000 marks on one letter", "new", feed(lambda: rss(item(title="Miners e" + "\u0301" * 20_000 + " stop"))), items=1),
    case_("normal", "has letters that grow when normalised", "new", feed(lambda: rss(item(title="Miners " + "\ufdfa" * 5_000))), items=1),
    case_("invisible", "hides words behind signs of no width", "new", feed(rss(item(title="Mi\u200bn\u2060ers\u00ad stop\ufeff work"))), items=1),
    case_("tags", "writes in the tag characters of Unicode", "new", feed(rss(item(title="Miners \U000e0041\U000e0042 stop work"))), items=1),
    case_("utf-16-surrogate-alone", "is UTF-16 that ends in half a letter", "new|failed|refused|empty", feed(lambda: rss(item()).encode("utf-16") + b"\x3d\xd8")),
    case_("utf-8-mark-twice", "begins with the mark of UTF-8 twice", "new", feed(lambda: b"\xef\xbb\xbf" * 2 + rss(item(title=RU)).encode()), **HELD),
    case_("gb18030", "is GB 18030, cut in the middle of a letter", "new|failed|refused|empty", feed(lambda: rss(item(), head='<?xml version="1.0" encoding="gb18030"?>').encode("gb18030") + b"\x81\x30" * 20_000)),
    case_("shift-jis", "eats a quotation mark by a lead byte of Shift JIS", "new|refused|empty", feed(rss(item(title="Miners {X}</title><b a=&quot;"), head='<?xml version="1.0" encoding="shift_jis"?>').encode().replace(b"{X}", b"\x81"), kind="text/xml; charset=shift_jis")),
    case_("user-defined", "says x-user-defined and UTF-8 at once", "new", russian("utf-8", "x-user-defined"), **HELD),
    case_("replacement", "says the sets that browsers replace by nothing", "new", russian("utf-8", "iso-2022-kr", kind="text/xml; charset=replacement"), **HELD),
    case_("confusable", "writes Latin words in letters of three scripts", "new", feed(rss(item(title="Міnеrѕ ѕtор wоrk, ᴍiners stoр"))), items=1),
    case_("gzip", "is a gzip file under a feed's label", "new|refused|failed", feed(lambda: __import__("gzip").compress(rss(item()).encode()))),
    *(case_(f"alias-{name}", f"calls its set {label!r}", "new", russian(codec, label), **HELD) for name, codec, label in (
        ("utf8", "utf-8", "utf8"), ("utf_8", "utf-8", "UTF_8"), ("utf-8-blank", "utf-8", " utf-8 "), ("unicode-1-1", "utf-8", "unicode-1-1-utf-8"), ("win-1251", "cp1251", "win-1251"),
        ("cp-1251", "cp1251", "cp-1251"), ("x-cp1251", "cp1251", "x-cp1251"), ("windows1251", "cp1251", "windows1251"), ("1251", "cp1251", "1251"), ("ansi", "cp1251", "ANSI"),
        ("koi8", "koi8_r", "koi8"), ("koi8r", "koi8_r", "KOI8R"), ("cskoi8r", "koi8_r", "csKOI8R"), ("ibm866", "cp866", "ibm866"), ("x-mac", "mac_cyrillic", "x-mac-cyrillic"), ("iso88595", "iso8859_5", "iso88595"),
        ("latin-1", "cp1251", "latin-1"), ("us-ascii", "utf-8", "us-ascii"), ("none", "utf-8", "none"), ("binary", "utf-8", "binary"),
    )),
    case_("header-quoted", "quotes its set twice in the header", "new", russian("cp1251", kind="text/xml; charset=\"'windows-1251'\""), **HELD),
    case_("header-two", "says two sets in the header", "new", russian("cp1251", kind="text/xml; charset=windows-1251; charset=utf-8"), **HELD),
    case_("header-capitals", "writes charset in capitals with blanks", "new", russian("cp1251", kind="text/xml ; CHARSET = Windows-1251 ;"), **HELD),
    case_("koi8-u", "is KOI8-U", "new", russian("koi8_u", "koi8-u"), **HELD),
    case_("big5", "says Big5 and ends a string in half a letter", "new|refused|empty", feed(rss(item(title="Miners stop work \\")).encode("ascii").replace(b"\\", b"\xa4"), kind="text/xml; charset=big5")),
    case_("euc-kr", "says EUC-KR and is noise", "new|refused|empty", feed(lambda: b"<?xml version='1.0' encoding='euc-kr'?><rss version='2.0'><channel><item><title>" + bytes(range(0x80, 0x100)) * 100 + b"</title></item></channel></rss>", kind="text/xml")),
    case_("utf-16-bom-1251", "begins with the mark of UTF-16 and is windows-1251", "new|refused|empty", feed(b"\xff\xfe" + rss(item(title=RU)).encode("cp1251"), kind="text/xml")),
    case_("c1", "has the control characters of ISO 8859-1 in its title", "new", feed(rss(item(title="Miners \u0085\u0091stop\u0092 work")).encode("utf-8"), kind="text/xml; charset=utf-8"), holds=("Miners",)),
    *(case_(f"prose-{codec}-{label or 'unlabelled'}", f"is {codec}, with dashes and quotation marks, and says {label or 'nothing'}", "new", told(codec, label), holds=(PROSE,), items=1) for codec, label in (
        ("cp1251", ""), ("cp1251", "iso-8859-1"), ("cp1251", "utf-8"), ("cp1251", "x-windows-1251"), ("cp1251", "ansi"), ("cp1251", "koi8-r"), ("cp1251", "cp866"), ("mac_cyrillic", "mac-cyrillic"),
    )),
    *(case_(f"words-{codec}-{label or 'unlabelled'}", f"is {codec} and says {label or 'nothing'}", "new", told(codec, label, RU), holds=(RU,), items=1) for codec, label in (
        ("koi8_r", "windows-1251"), ("koi8_r", "cp866"), ("cp866", "windows-1251"), ("cp866", ""), ("iso8859_5", "windows-1251"),
    )),
    case_("capitals-1251-as-koi8", "shouts in windows-1251 and says KOI8-R", "new", told("cp1251", "koi8-r", CAPITALS), holds=(CAPITALS,), items=1),
    case_("capitals-koi8-as-1251", "shouts in KOI8-R and says windows-1251", "new", told("koi8_r", "windows-1251", CAPITALS), holds=(CAPITALS,), items=1),
    case_("kazakh-1048-as-1251", "is Kazakh in KZ-1048 and says windows-1251", "new", told("kz1048", "windows-1251", KAZAKH), holds=(KAZAKH,), items=1),
    case_("kazakh-1048-unlabelled", "is Kazakh in KZ-1048 and says nothing", "new", told("kz1048", "", KAZAKH), holds=(KAZAKH,), items=1),
    case_("halves", "writes a sign beyond the first plane as two halves", "new", feed(rss(item(title=PROSE + " {X}")).encode().replace(b"{X}", b"\xed\xa0\xbd\xed\xb8\x80")), holds=(PROSE, "\U0001f600"), items=1),
    case_("decomposed", "writes its letters in two parts", "new", feed(lambda: rss(item(title=unicodedata.normalize("NFD", RU)))), items=1),
)  # fmt: skip
