"""From bytes to text, when the label is right, wrong or missing; only character sets on the list here are ever used.

The list keeps out codecs that are traps (UTF-7, HZ, ISO-2022: markup hidden in ASCII) or not character sets at all.
Labels mean what browsers take them to mean (WHATWG Encoding): "iso-8859-1" is windows-1252, "gb2312" is gb18030.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

_CODECS = {
    "cp1252": "ascii us-ascii iso-8859-1 iso8859-1 iso_8859-1 latin1 latin-1 l1 windows-1252 cp1252 x-cp1252",
    "cp1251": "windows-1251 cp1251 cp-1251 win-1251 win1251 x-cp1251 windows1251 x-windows-1251 1251",
    "cp1250": "windows-1250 cp1250",
    "cp1253": "windows-1253 cp1253",
    "cp1254": "windows-1254 cp1254 iso-8859-9 latin5",
    "cp1255": "windows-1255 cp1255",
    "cp1256": "windows-1256 cp1256",
    "cp1257": "windows-1257 cp1257",
    "cp1258": "windows-1258 cp1258",
    "cp866": "cp866 ibm866 866",
    "cp874": "windows-874 tis-620 tis620 iso-8859-11",
    "koi8_r": "koi8-r koi8r koi8",
    "koi8_u": "koi8-u",
    "kz1048": "kz-1048 kz1048 strk1048-2002 rk1048",
    "ptcp154": "ptcp154 pt154 cp154 csptcp154 cyrillic-asian",
    "mac_cyrillic": "x-mac-cyrillic maccyrillic mac-cyrillic x-mac-ukrainian",
    "iso8859_2": "iso-8859-2 latin2",
    "iso8859_3": "iso-8859-3",
    "iso8859_4": "iso-8859-4",
    "iso8859_5": "iso-8859-5 cyrillic",
    "iso8859_6": "iso-8859-6",
    "iso8859_7": "iso-8859-7",
    "iso8859_8": "iso-8859-8",
    "iso8859_10": "iso-8859-10",
    "iso8859_13": "iso-8859-13",
    "iso8859_14": "iso-8859-14",
    "iso8859_15": "iso-8859-15 latin9 latin-9",
    "iso8859_16": "iso-8859-16",
    "gb18030": "gb2312 gbk gb18030 gb_2312-80 x-gbk",
    "big5hkscs": "big5 big5-hkscs",
    "euc_jp": "euc-jp",
    "cp932": "shift_jis shift-jis sjis windows-31j x-sjis",
    "cp949": "euc-kr ks_c_5601-1987 uhc windows-949",
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 utf_8 utf-8-sig utf8-sig utf8mb4 cp65001",
    "utf-16-le": "utf-16 utf-16le utf16 u16 utf_16 ucs-2 iso-10646-ucs-2 unicode",
    "utf-16-be": "utf-16be",
    "utf-32-le": "utf-32 utf-32le utf32 u32 utf_32",
    "utf-32-be": "utf-32be",
}
ALLOWED = {label: codec for codec, labels in _CODECS.items() for label in labels.split()}

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the other's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([\w.:-]+)\s*[\"']", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_HIGH = re.compile(rb"[\x80-\xff]+")
_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_WESTERN = frozenset({"cp1252", "cp1250", "cp1254", "cp1257", "iso8859_2", "iso8859_15"})
_CYRILLIC = ("cp1251", "koi8_r", "cp866", "iso8859_5", "kz1048")
"""Guessed at, the likeliest first. That of Macintosh is not: it differs from windows-1251 in capitals and я alone, and needs a label."""
_NEVER_GUESSED = frozenset({"utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be", "kz1048", "ptcp154"})
_SAMPLE = 200_000  # bytes looked at where a character set is guessed
_SURE = 0.35  # by ``_russianness``: real Russian lies near 0.5, in capitals too, what is misread below 0.1
_FEWEST = 20  # letters by which a label can be told to be wrong
_COMMON = re.compile("[оеаинтсрвлОЕАИНТСРВЛыЫ]")
_RARE = re.compile("[юхйфщцэъжшЮХЙФЩЦЭЪЖШ]")
_INNER_CAPITAL = re.compile("[а-яёіїєґ][А-ЯЁІЇЄҐӘҒҚҢӨҰҮҺ]")
_ODD = re.compile(r"[^\sа-яА-ЯёЁіІїЇєЄґҐәӘғҒқҚңҢөӨұҰүҮһҺ«»„“”‘’–—…№•·©®°§\xa0]")
"""What is neither Russian, Kazakh or Ukrainian nor of their punctuation: symbols, lines and the letters of other languages."""
_KAZAKH_AS_1251 = re.compile("[ќЌѕЅ]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the codec it was read with, and a sentence when the label was wrong (``""`` when all was well).

    ``utf8`` are the bytes it was read from where they are its UTF-8, so that nobody has to encode it again.
    """

    text: str
    charset: str
    note: str = ""
    utf8: bytes | None = field(default=None, compare=False, repr=False)


def decode(body: bytes, content_type: str = "", *, html: bool = False) -> Decoded:
    """Decode a body by its mark, its content or its label, in that order of trust; never raises.

    Bytes that are sound UTF-8 beyond ASCII are UTF-8 whatever the label says: text in another character set
    practically never happens to be. A Western label over runs of high letters is Cyrillic served by a default setting.
    """
    found = decode_as_labelled(body, content_type, html=html)
    if found is not None:
        return found
    unknown = next(iter(declared(body, content_type, html=html)), "")
    text, codec = _decoded(body, _guess(body))
    note = (
        f"labelled {unknown}, which it is not; read as {codec}"
        if unknown
        else f"not labelled with its character set; read as {codec}"
    )
    return Decoded(text, codec, note)


def decode_as_labelled(body: bytes, content_type: str = "", *, html: bool = False) -> Decoded | None:
    """As ``decode``, or None where that would have to guess by what the letters look like."""
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return Decoded(body[len(mark) :].decode(codec, "replace"), codec)
    if wide := _wide(body):
        return Decoded(body.decode(wide, "replace"), wide)
    labels = declared(body, content_type, html=html)
    sound = True
    try:
        text: str | None = body.decode("utf-8")
    except UnicodeDecodeError:
        text, sound = _mostly_utf8(body), False
    if text is not None:
        wrong = [label for label in labels[:1] if ALLOWED.get(label) not in ("utf-8", "cp1252") and not body.isascii()]
        note = f"labelled {wrong[0]}, which it is not; read as utf-8" if wrong else ""
        return Decoded(text, "utf-8", note, body if sound else None)
    return next((decoded for label in labels if (decoded := _by_label(body, label)) is not None), None)


def is_labelled_utf8(body: bytes, content_type: str = "") -> bool:
    """Whether ``decode`` reads this as UTF-8 without a note, should it be sound UTF-8; nothing but its beginning is looked at."""
    labels = declared(body, content_type)
    return (
        not any(body.startswith(mark) for mark, _ in _BOMS)
        and not _wide(body)
        and (not labels or ALLOWED.get(labels[0]) in ("utf-8", "cp1252"))
    )


def declared(body: bytes, content_type: str, *, html: bool = False) -> list[str]:
    """Labels found, in order of trust: the header's, then the document's own."""
    found = _HEADER.findall(content_type)[:1]
    inside = (_META if html else _XML_DECLARATION).search(body[:4096])
    if inside is None and html:
        inside = _XML_DECLARATION.search(body[:1024])
    if inside:
        found.append(inside.group(1).decode("ascii", "replace"))
    return [label.lower().strip() for label in found]


def _wide(body: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, told by where the zero bytes of the first ASCII characters stand."""
    start = body[:64]
    if b"\x00" not in start:
        return ""
    if start[1:4] == b"\x00\x00\x00" and start[:1] != b"\x00":
        return "utf-32-le"
    if start[:3] == b"\x00\x00\x00" and start[3:4] != b"\x00":
        return "utf-32-be"
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if odd >= 4 and odd > 4 * even:
        return "utf-16-le"
    if even >= 4 and even > 4 * odd:
        return "utf-16-be"
    return ""


def _mostly_utf8(body: bytes) -> str | None:
    """The text when the bytes are UTF-8 but for a broken one here and there (a feed cut in mid-letter)."""
    body = _PAIR.sub(_paired, body)
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    sound = sum(len(run) for run in _HIGH.findall(body[:_SAMPLE]) if _is_utf8(run))
    return text if sound > 30 * broken else None


def _paired(pair: re.Match[bytes]) -> bytes:
    """One sign from the two halves that MySQL and Java write of it (CESU-8)."""
    return pair[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _is_utf8(run: bytes) -> bool:
    try:
        run.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _by_label(body: bytes, label: str) -> Decoded | None:
    codec = ALLOWED.get(label)
    if codec is None or codec == "utf-8" or codec.startswith(("utf-16", "utf-32")):
        return None  # unknown, or already tried on the bytes themselves
    if codec in _WESTERN and _looks_cyrillic(body):
        guess = _best_cyrillic(body)
        return Decoded(body.decode(guess, "replace"), guess, f"labelled {label}, which it is not; read as {guess}")
    true = _truly(codec, body) if codec in _CYRILLIC else codec
    text, true = _decoded(body, true)
    # Five undefined bytes of windows-1252 turn up in real pages; a label is a lie when more than a trace does not fit.
    if text.count("\ufffd") > max(5, len(body) // 200):
        return None
    return Decoded(text, true, f"labelled {label}, which it is not; read as {true}" if true != codec else "")


def _looks_cyrillic(body: bytes) -> bool:
    """Western text has high bytes one by one (accents); Cyrillic has them word by word."""
    runs = [len(run) for run in _HIGH.findall(body[:_SAMPLE])]
    return sum(runs) >= 8 and sum(length for length in runs if length >= 4) > 0.6 * sum(runs)


def _best_cyrillic(body: bytes) -> str:
    sample = _high_sample(body)
    return max(_CYRILLIC, key=lambda codec: _russianness(sample.decode(codec, "replace")))


def _high_sample(body: bytes) -> bytes:
    return b" ".join(_HIGH.findall(body[:_SAMPLE])[:4000])


def _russianness(text: str) -> float:
    """Frequent letters for each sign of the text; rare ones, capitals within words and what is not Russian count against.

    Small letters are not looked for: text in capitals, read in the wrong set, becomes small.
    """
    against = 2 * len(_RARE.findall(text)) + 3 * len(_INNER_CAPITAL.findall(text)) + 2 * len(_ODD.findall(text))
    return (len(_COMMON.findall(text)) - against) / max(1, len(text) - text.count(" "))


def _truly(codec: str, body: bytes) -> str:
    """The Cyrillic set that text labelled as another one is plainly in: KOI8 and windows-1251 are taken for one another."""
    sample = _high_sample(body)
    labelled = _russianness(sample.decode(codec, "replace"))
    if len(sample) < _FEWEST or labelled > _SURE:
        return codec
    best = _best_cyrillic(body)
    return best if _russianness(sample.decode(best, "replace")) > max(_SURE, labelled + _SURE) else codec


def _decoded(body: bytes, codec: str) -> tuple[str, str]:
    """The text and the codec it was read with: Kazakh sites call their KZ-1048 windows-1251, of which it is a variant.

    No language that has ќ or ѕ (Macedonian) has ы or і.
    """
    text = body.decode(codec, "replace")
    if codec == "cp1251" and ("ы" in text or "і" in text) and len(_KAZAKH_AS_1251.findall(text)) > text.count("а") // 50:
        return body.decode("kz1048", "replace"), "kz1048"
    return text, codec


def _guess(body: bytes) -> str:
    if _looks_cyrillic(body):
        codec = _best_cyrillic(body)
        if _russianness(_high_sample(body).decode(codec, "replace")) > _SURE:
            return codec
    from charset_normalizer import from_bytes

    best = from_bytes(body[:20_000], cp_isolation=sorted({*_CODECS} - _NEVER_GUESSED)).best()
    guessed = best.encoding.replace("_", "-") if best else ""
    found = next((codec for codec in _CODECS if codecs.lookup(codec).name == _name(guessed)), "cp1252")
    return "cp1252" if found in _WESTERN else found  # too alike to be told apart; browsers assume windows-1252 as well


def _name(codec: str) -> str:
    try:
        return codecs.lookup(codec).name
    except LookupError:
        return ""
