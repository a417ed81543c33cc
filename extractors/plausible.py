"""Whether what came back is the article at all: consent walls, paywall stubs, soft 404s, challenges, log-ins, lists.

Pure functions over the words of ``signs``. Each sign counts only together with a text too short, or too unlike what the
feed announced, to be the article: real pages carry cookie banners, captcha scripts and the words "subscribe" and "404".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from extractors import signs

SHORT = 900  # characters; walls and stubs are shorter, and so are many real agency items: shortness alone proves nothing
AGREES = 0.5  # share of the announced title's words that make a page be about it
_HEAD = 60_000  # characters of markup looked at


@dataclass(frozen=True, slots=True)
class Unfit:
    """What came instead of an article: a kind for counting and a phrase that completes "instead of the article came …"."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one fetched page when it is judged; texts are plain, ``free`` is the page's own word (schema.org)."""

    markup: str
    page_title: str
    text: str
    announced_title: str = ""
    announced_summary: str = ""
    moved_to_front_page: bool = False
    free: bool | None = None


CHALLENGE = Unfit("challenge", "a check against robots (captcha or browser test)")
BLOCKED = Unfit("blocked", "a notice that access is restricted, by the provider or an authority")
JAVASCRIPT = Unfit("javascript", "a page that shows nothing without JavaScript")
LOGIN = Unfit("login", "a page that asks to log in")
CONSENT = Unfit("consent", "a consent wall about cookies and personal data")
PAYWALL = Unfit("paywall", "the opening lines only, with an invitation to subscribe")
GONE = Unfit("soft-404", "a page that says the article is not there, though the server answered 200")
FRONT = Unfit("soft-404", "the site's front page: the address of the article leads there now")
BROKEN = Unfit("error-page", "an error or maintenance page, though the server answered 200")
LISTED = Unfit("list", "a list of headlines")
EMPTY = Unfit("empty", "a page without any text")
STRANGE = Unfit("empty", "a page with too little text to be what the feed announced")

_SENTENCE = re.compile(r"[.!?…»\"”)。！？」]\s*$")
_WORD = re.compile(r"[^\W_]{4,}")
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})", re.IGNORECASE)
_NOSCRIPT = re.compile(r"<noscript[^>]{0,200}>(.{0,3000}?)</noscript", re.IGNORECASE | re.DOTALL)
_SILENT = re.compile(r"<(script|style|noscript|template)\b.{0,100000}?</\1\s*>", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"<[^<>]{0,5000}>")


def unfit_answer(markup: str) -> Unfit | None:
    """What an HTML page that came instead of a feed or an article plainly is, judged by its markup alone; None when not plain."""
    title = _title(markup)
    visible = _visible(markup)
    short = len(visible) < SHORT
    told = f"{title}\n{visible[:300]}"
    judged = (
        (short and signs.BLOCKED.search(title), BLOCKED),
        (signs.CHALLENGE_TITLE.search(title), CHALLENGE),
        (short and (signs.CHALLENGE_MARKUP.search(markup[:_HEAD]) or signs.CHALLENGE_TEXT.search(visible)), CHALLENGE),
        (signs.LOGIN_TITLE.search(title) and signs.PASSWORD.search(markup), LOGIN),
        (short and signs.JAVASCRIPT.search(_noscript(markup) or visible), JAVASCRIPT),
        (short and signs.BLOCKED.search(told), BLOCKED),
        (short and signs.NOT_FOUND.search(told), GONE),
        (short and (signs.SERVER_ERROR.search(title) or signs.SERVER_ERROR.search(visible[:300])), BROKEN),
    )
    return next((unfit for sign, unfit in judged if sign), None)


def unfit_page(seen: Seen) -> Unfit | None:
    """What came instead of the article, or None when the text can be believed to be it.

    The strongest evidence for it is agreement: the words of the announced summary, or of the title, return in the text.
    """
    text = seen.text
    short = len(text) < SHORT
    summarised = agreement(seen.announced_summary, text) if len(seen.announced_summary) > 60 else 0.0
    titled = agreement(seen.announced_title, seen.page_title)
    if titled < AGREES:
        titled = max(titled, agreement(seen.announced_title, text))
    if summarised >= 0.6 and len(text) >= 80 and not (short and signs.PAYWALL.search(text[-400:])):
        return None
    if seen.moved_to_front_page:
        return FRONT
    unfit = _by_title(seen, short=short, titled=titled) or (_by_short_text(seen, titled) if short else None)
    if unfit is None and _is_list(text) and titled < AGREES:
        unfit = LISTED
    return unfit or _by_length(seen, titled)


def agreement(announced: str, text: str) -> float:
    """The share of an announcement's words (by their first five letters, endings being inflected) that return in the text."""
    words = {word[:5] for word in _WORD.findall(announced.casefold())}
    if not words:
        return 0.0
    found = {word[:5] for word in _WORD.findall(text.casefold())}
    return len(words & found) / len(words)


def _by_title(seen: Seen, *, short: bool, titled: float) -> Unfit | None:
    """Pages whose <title> says what they are, unless it is the announced article that has this title."""
    if titled >= AGREES:
        return None
    title, text = seen.page_title, seen.text
    judged = (
        (short and signs.BLOCKED.search(f"{title}\n{text[:300]}"), BLOCKED),
        (signs.CHALLENGE_TITLE.search(title), CHALLENGE),
        (len(text) < 3 * SHORT and signs.NOT_FOUND.search(title), GONE),
        (short and signs.SERVER_ERROR.search(title), BROKEN),
        ((short or signs.PASSWORD.search(seen.markup)) and signs.LOGIN_TITLE.search(title), LOGIN),
        (_consents(text), CONSENT),
    )
    return next((unfit for sign, unfit in judged if sign), None)


def _by_short_text(seen: Seen, titled: float) -> Unfit | None:
    """Walls and stubs among short texts; one that is about the announced title is only doubted for an invitation to pay."""
    text, markup = seen.text, seen.markup[:_HEAD]
    paid = signs.PAYWALL.search(text) or (seen.free is False and len(text) < 500)
    if paid:
        return PAYWALL
    if titled >= AGREES and len(text) > 150:
        return None
    unheard = titled < AGREES
    judged = (
        (_consents(text), CONSENT),
        (signs.CHALLENGE_TEXT.search(text) or (len(text) < 200 and unheard and signs.CHALLENGE_MARKUP.search(markup)), CHALLENGE),
        (signs.JAVASCRIPT.search(text), JAVASCRIPT),
        (unheard and signs.NOT_FOUND.search(text[:200]), GONE),
        (unheard and signs.SERVER_ERROR.search(text[:200]), BROKEN),
        (signs.LOGIN.search(text) and (len(text) < 200 or signs.PASSWORD.search(seen.markup)), LOGIN),
    )
    return next((unfit for sign, unfit in judged if sign), None)


def _by_length(seen: Seen, titled: float) -> Unfit | None:
    """Next to no text; why is then told by the markup, since the extractor left nothing."""
    letters = sum(map(str.isalpha, seen.text[:500]))
    if letters < 15:
        return unfit_answer(seen.markup) or EMPTY
    if letters < 60 and titled < AGREES:
        return unfit_answer(seen.markup) or STRANGE
    return None


def _consents(text: str) -> bool:
    """A wall speaks of little else; an article about data protection does too, but at length and in few of these words a line."""
    found = len(signs.CONSENT.findall(text))
    return found >= 3 and found * 22 > len(text.split())


def _is_list(text: str) -> bool:
    """Many lines of a headline's length, hardly any of which is a sentence, and no paragraph."""
    lines = [line for line in text.split("\n") if len(line) > 15]
    if len(lines) < 8:
        return False
    if any(len(line) > 220 for line in lines):
        return False
    return sum(1 for line in lines if _SENTENCE.search(line)) < 0.15 * len(lines)


def _title(markup: str) -> str:
    match = _TITLE.search(markup[:_HEAD])
    return " ".join(match.group(1).split()) if match else ""


def _visible(markup: str) -> str:
    """A rough idea of the text a reader sees, of the first part of the page; enough to tell a stub from a page."""
    start = markup[: 2 * _HEAD]
    if start.count("<script") + start.count("<style") > 1000:
        return start  # not a stub, and stripping so many would cost more than it tells
    return " ".join(_MARKUP.sub(" ", _SILENT.sub(" ", start)).split())


def _noscript(markup: str) -> str:
    match = _NOSCRIPT.search(markup[:_HEAD])
    return " ".join(_MARKUP.sub(" ", match.group(1)).split()) if match else ""
