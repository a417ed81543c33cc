"""Whether what came back is the article at all: consent walls, paywall stubs, soft 404s, challenges, log-ins, lists; pure functions.

Each sign counts only together with a text too short, or too unlike what the feed announced, to be the article: real
pages carry cookie banners, captcha scripts and the words "subscribe" and "404" too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHORT = 900  # characters; walls and stubs are shorter, and so are many real agency items: shortness alone proves nothing
_HEAD = 60_000  # characters of markup looked at


@dataclass(frozen=True, slots=True)
class Unfit:
    """What came instead of an article: a kind for counting and a phrase that completes "instead of the article came …"."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one fetched page when it is judged; texts are plain."""

    markup: str
    page_title: str
    text: str
    announced_title: str = ""
    announced_summary: str = ""
    moved_to_front_page: bool = False
    free: bool | None = None


_CHALLENGE_TITLE = re.compile(
    r"^\s*(?:just a moment|attention required|checking your browser|ddos[ -]?guard|please wait|security check|access denied|"
    r"are you (?:a )?(?:human|robot)|bot verification|human verification|verif\w+ you are|one more step|you have been blocked|"
    r"request unsuccessful|pardon our interruption|подтвердите|проверка браузера|вы (?:не )?робот|я не робот|доступ (?:ограничен|запрещ[её]н)|"
    r"ой!|қол жеткізу шектелген)",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"cf-browser-verification|cf_chl_opt|cf-challenge|challenge-error-text|ddos-guard|__ddg\d|/\.well-known/ddos-guard|_Incapsula_Resource|incident_id|"
    r"px-captcha|datadome|geo\.captcha-delivery|awswafcookie|aws-waf-token|captcha-container|smart-captcha|smartcaptcha|g-recaptcha|h-captcha|hcaptcha|"
    r"cf-turnstile|sgcaptcha|__qrator|qauth|stormwall|variti|slowaes|toNumbers\(|document\.cookie\s*=\s*[\"'][^\"']+[\"'].{0,200}location",
    re.IGNORECASE | re.DOTALL,
)
_CHALLENGE_TEXT = re.compile(
    r"checking (?:your|if the site)|verify(?:ing)? (?:that )?you are (?:a )?human|enable cookies|unusual traffic|ray id|not a robot|you have been blocked|"
    r"проверя\w+ (?:ваш )?браузер|вы не робот|я не робот|введите (?:символы|код) с картинки|подтвердите, что|робот емес",
    re.IGNORECASE,
)
_JAVASCRIPT = re.compile(
    r"(?:enable|turn on|requires?|activate|without|disabled?)\W{1,3}(?:\w+\W{1,3}){0,4}java ?script|java ?script (?:is |must be |to be )?(?:\w+ )?(?:disabled|required|enabled|off)|"
    r"включит\w+ (?:\w+ ){0,4}java ?script|java ?script (?:отключ|выключ|необходим|должен)|(?:без|поддержк\w+) java ?script|java ?script-?(?:ті|ты)? (?:қос|өшір)",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"\b404\b|\b410\b|(?:page|article|story|content|material|post)(?: you\w* (?:\w+ ){0,4}for)? (?:(?:was|is|could|can|has|been|be|no|not) ?){0,3}(?:not|n't|cannot)? ?(?:be )?(?:found|available|exist\b|removed|deleted|longer)|"
    r"not found|(?:страниц\w|материал|публикаци\w|новост\w|стать\w|запис\w|документ) (?:\w+ ){0,3}(?:не найден|не существу|удал[её]н|недоступ|была удал|снят)|"
    r"не найден[ао]?\b|ничего не найдено|запрашиваем\w+ (?:вами )?(?:страниц|документ)|(?:бет|материал|мақала|парақша) (?:\w+ )?(?:табылмады|жойылған|жоқ)|табылмады|барак табылган жок|sahifa topilmadi",
    re.IGNORECASE,
)
_SERVER_ERROR = re.compile(
    r"^\W*(?:error|ошибка|қате)?\W*(?:50\d|bad gateway|service unavailable|internal server error|gateway time-?out)|(?:database|базы данных|базой данных) (?:connection )?(?:error|ошибка)|"
    r"error establishing a database|fatal error:|технические работы|техническое обслуживание|under maintenance|maintenance mode|temporarily unavailable|временно недоступ|"
    r"account (?:has been )?suspended|default web (?:site )?page|welcome to nginx|domain (?:is )?(?:for sale|parked)|домен (?:продаётся|продается|припаркован|не оплачен)|срок регистрации домена",
    re.IGNORECASE,
)
_PAYWALL = re.compile(
    r"subscrib\w+ (?:to|now to|today to) (?:continue|read|keep|unlock|access)|(?:article|story|content) is (?:\w+ ){0,3}(?:subscribers|members)|(?:exclusive|only) (?:for|to) (?:\w+ )?(?:subscribers|members)|"
    r"already a (?:subscriber|member)|to (?:continue|keep) reading|unlock this (?:article|story)|free articles? (?:left|remaining)|start your (?:free )?trial|"
    r"(?:доступн\w+|открыт\w*|только) (?:только )?(?:\w+ )?(?:для |по )?подписчик|оформи\w+ подписк|по подписке|чтобы (?:про)?читать (?:\w+ )?(?:дал|полност|статью)|"
    r"(?:продолжени|полн\w+ (?:текст|верси))\w* (?:\w+ ){0,4}подпис|жазыл(?:ып|у|ыңыз)\w* (?:\w+ ){0,2}(?:оқ|толық)|толық оқу үшін",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:log|sign) ?in (?:to|with|or)|please (?:log|sign) in|forgot (?:your )?password|create (?:an )?account|войдите|войти (?:в|через|с)|авторизуйтесь|необходимо авториз|"
    r"забыли пароль|регистрация на сайте|кіру үшін|құпия ?сөз|жүйеге кір",
    re.IGNORECASE,
)
_LOGIN_TITLE = re.compile(r"^\s*(?:log ?in|sign ?in|вход|войти|авторизация|регистрация|кіру|тіркелу)\b", re.IGNORECASE)
_CONSENT = re.compile(
    r"cookies?|consent|your privacy|personal data|legitimate interest|our partners|gdpr|куки|файл\w* cookie|персональн\w+ данн|конфиденциальност|согласи\w|согласен|жеке деректер|келісім",
    re.IGNORECASE,
)
_CONSENT_TITLE = re.compile(
    r"consent|cookie|privacy|your data|before you continue|куки|согласие на обработку|конфиденциальност", re.IGNORECASE
)
_PASSWORD = re.compile(r"<input\b[^>]{0,300}type\s*=\s*[\"']?password", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?…»\"”)。！？」]\s*$")
_WORD = re.compile(r"[^\W_]{4,}")
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})", re.IGNORECASE)
_MARKUP = re.compile(r"<(script|style|noscript)\b.{0,200000}?</\1\s*>|<[^<>]{0,5000}>", re.IGNORECASE | re.DOTALL)

_CHALLENGED = Unfit("challenge", "a check against robots (captcha or browser test)")
_SCRIPTED = Unfit("javascript", "a page that shows nothing without JavaScript")
_LOGGED_OUT = Unfit("login", "a page that asks to log in")
_CONSENTS = Unfit("consent", "a consent wall about cookies and personal data")
_PAID = Unfit("paywall", "the opening lines only, with an invitation to subscribe")
_GONE = Unfit("soft-404", "a page that says the article is not there, though the server answered 200")
_BROKEN = Unfit("error-page", "an error or maintenance page, though the server answered 200")
_FRONT = Unfit("soft-404", "the site's front page: the address of the article leads there now")
_LISTED = Unfit("list", "a list of headlines")
_EMPTY = Unfit("empty", "a page without any text")
_STRANGE = Unfit("empty", "a page with too little text to be what the feed announced")


def unfit_answer(markup: str) -> Unfit | None:
    """What an HTML page that came instead of a feed or an article plainly is, judged by its markup alone; None when not plain."""
    title = _title(markup)
    visible = _visible(markup)
    if _CHALLENGE_TITLE.search(title) or (
        len(visible) < SHORT and (_CHALLENGE.search(markup[:_HEAD]) or _CHALLENGE_TEXT.search(visible))
    ):
        return _CHALLENGED
    if _LOGIN_TITLE.search(title) and _PASSWORD.search(markup):
        return _LOGGED_OUT
    if len(visible) < SHORT:
        if _JAVASCRIPT.search(_text_of_noscript(markup) or visible):
            return _SCRIPTED
        if _NOT_FOUND.search(title) or _NOT_FOUND.search(visible[:300]):
            return _GONE
        if _SERVER_ERROR.search(title) or _SERVER_ERROR.search(visible[:300]):
            return _BROKEN
    return None


def unfit_page(seen: Seen) -> Unfit | None:
    """What came instead of the article, or None when the text can be believed to be it.

    The strongest evidence for it is agreement: the words of the announced summary, or of the title, return in the text.
    """
    text, title = seen.text, seen.page_title
    announced = agreement(seen.announced_summary, text) if len(seen.announced_summary) > 60 else 0.0
    titled = max(agreement(seen.announced_title, text), agreement(seen.announced_title, title))
    short = len(text) < SHORT
    if _CHALLENGE_TITLE.search(title) and announced < 0.5 and not (titled > 0.7 and not short):
        return _CHALLENGED
    if announced >= 0.6 and len(text) >= 80 and not (short and _PAYWALL.search(text[-400:])):
        return None
    if seen.moved_to_front_page:
        return _FRONT
    if unfit := _wall(seen, short=short, titled=titled):
        return unfit
    if _is_list(text) and titled < 0.6:
        return _LISTED
    letters = sum(character.isalpha() for character in text[:500])
    if letters < 15:
        return _hidden(seen) or _EMPTY
    if letters < 60 and titled < 0.5:
        return _hidden(seen) or _STRANGE
    return None


def agreement(announced: str, text: str) -> float:
    """The share of an announcement's words (by their first five letters, endings being inflected) that return in the text."""
    words = {word[:5] for word in _WORD.findall(announced.casefold())}
    if not words:
        return 0.0
    found = {word[:5] for word in _WORD.findall(text.casefold())}
    return len(words & found) / len(words)


def _wall(seen: Seen, *, short: bool, titled: float) -> Unfit | None:
    text, title, markup = seen.text, seen.page_title, seen.markup[:_HEAD]
    if _NOT_FOUND.search(title) and titled < 0.5 and len(text) < 3 * SHORT:
        return _GONE
    if _SERVER_ERROR.search(title) and titled < 0.5 and short:
        return _BROKEN
    if _LOGIN_TITLE.search(title) and titled < 0.5 and (short or _PASSWORD.search(seen.markup)):
        return _LOGGED_OUT
    if _CONSENT_TITLE.search(title) and titled < 0.4 and _consents(text):
        return _CONSENTS
    if not short:
        return _CONSENTS if titled < 0.4 and _consents(text) else None
    if (_PAYWALL.search(text) and len(_PAYWALL.sub("", text)) < SHORT - 100) or (seen.free is False and len(text) < 500):
        return _PAID
    if _consents(text):
        return _CONSENTS
    if titled >= 0.5 and len(text) > 150:
        return None
    if _CHALLENGE_TEXT.search(text) or (len(text) < 200 and _CHALLENGE.search(markup)):
        return _CHALLENGED
    if _JAVASCRIPT.search(text):
        return _SCRIPTED
    if _NOT_FOUND.search(text[:200]) and titled < 0.5:
        return _GONE
    if _SERVER_ERROR.search(text[:200]) and titled < 0.5:
        return _BROKEN
    if _LOGIN.search(text) and (_PASSWORD.search(seen.markup) or len(text) < 200):
        return _LOGGED_OUT
    return None


def _consents(text: str) -> bool:
    """A wall speaks of little else; an article about data protection does too, but at length and in few of these words a line."""
    found = len(_CONSENT.findall(text))
    words = len(text.split())
    return found >= 3 and found * 22 > words


def _is_list(text: str) -> bool:
    """Many lines of a headline's length, hardly any of which is a sentence or a paragraph."""
    lines = [line for line in text.split("\n") if len(line) > 15]
    if len(lines) < 8:
        return False
    long = sum(1 for line in lines if len(line) > 220)
    sentences = sum(1 for line in lines if _SENTENCE.search(line))
    return long == 0 and sentences < 0.15 * len(lines)


def _hidden(seen: Seen) -> Unfit | None:
    """Why a page has no text: the sign is in the markup, since the extractor left nothing."""
    return unfit_answer(seen.markup)


def _title(markup: str) -> str:
    match = _TITLE.search(markup[:_HEAD])
    return " ".join(match.group(1).split()) if match else ""


def _visible(markup: str) -> str:
    """A rough idea of the text a reader sees, of the first part of the page; enough to tell a stub from a page."""
    return " ".join(_MARKUP.sub(" ", markup[: 2 * _HEAD]).split())


def _text_of_noscript(markup: str) -> str:
    match = re.search(r"<noscript[^>]{0,200}>(.{0,3000}?)</noscript", markup[:_HEAD], re.IGNORECASE | re.DOTALL)
    return " ".join(re.sub("<[^<>]{0,500}>", " ", match.group(1)).split()) if match else ""
