"""Addresses of articles: cleaned for fetching, and reduced to the identity of the article behind them; pure functions.

``clean_address`` keeps what a server may need; ``item_key`` forgets everything that the same article is also served under.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

LONGEST = 2000  # characters of an address worth following: browsers and proxies stop near here

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_AMPERSAND = re.compile("&(?:amp;)+")  # escaped, by some twice over
# Names courlan takes for trackers by a part of the name, though they choose the article on some sites
# (index.php?cid=123, ?eid=45); they are kept where they hold a number.
_MAYBE_ARTICLE = frozenset({"cid", "eid", "uid", "clid", "source", "ref", "glid"})
# Said in a query without changing the article: AMP and mobile or print versions, and what social networks append.
_VERSIONS = frozenset(
    {"amp", "outputtype", "print", "mobile", "m", "_amp", "nomobile", "share", "rss", "from_rss", "feed", "utm"}
)
# Another in every answer of some servers: a session, and what keeps caches from answering.
_SESSIONS = frozenset({"phpsessid", "jsessionid", "sessionid", "session_id", "sessid", "cfid", "cftoken"})
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/?#;]*", re.IGNORECASE)
_AMP_VALUES = frozenset({"", "1", "amp", "true", "yes", "y", "rss", "mobile", "print"})
_OTHER_HOSTS = re.compile(r"^(?:www\d?|m|amp|mobile|wap|pda|touch)\.(?=[^.]+\.)", re.IGNORECASE)
_AMP_ENDING = re.compile(r"(?:/amp|/amp\.html|\.amp(?=\.html?$)|\.amp$|/index\.(?:html?|php|asp))$", re.IGNORECASE)
_AMP_START = re.compile(r"^/amp(?=/)", re.IGNORECASE)
_AMP_CACHE = re.compile(r"^/(?:[cvr]|amp)/(?:s/)?([^/]+\.[^/]+)(/.*)?$")
_HOST = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+")
_SAFE_IN_PATH = "/!$&'()*+,;=:@-._~"
_LONGEST_KEY = 500
_LONGEST_HOST = 300  # letters with its port; DNS knows none of more than 253, and what is remembered of hosts stays small


def clean_address(url: str, base: str = "") -> str:
    """The absolute http(s) address, without tracking parameters and fragment; ``""`` where there is none to be had.

    ``base`` is the address it was found at, for relative ones. The host is in lower case, spaces and letters beyond
    ASCII in the path are percent-encoded; user names and passwords make an address invalid.
    """
    text = _CONTROL.sub("", _AMPERSAND.sub("&", url)).strip()
    if not text:
        return ""
    parts = _split(text, _CONTROL.sub("", base))
    if parts is None:
        return ""
    query = _without_trackers(parts.query)
    cleaned = urlunsplit((parts.scheme, _netloc(parts.scheme, parts.netloc), _quoted(parts.path) or "/", query, ""))
    return cleaned if len(cleaned) <= LONGEST else ""


@lru_cache(maxsize=20_000)
def item_key(url: str) -> str:
    """What identifies an article, whichever of its addresses was seen: ``host/path?query`` without scheme, www, m, amp,
    tracking parameters, order of parameters, index file, trailing slash and fragment. Idempotent.
    """
    key = _reduced(url)
    # What one pass uncovers (an address within an AMP cache's, slashes written %2F) the next one reduces further.
    for _ in range(4):
        again = _reduced(key)
        if again == key:
            return key
        key = again
    return key


def _reduced(url: str) -> str:
    seen = clean_address(url if "://" in url[:12] else f"http://{url}")
    if not seen:
        return ""
    parts = urlsplit(_unwrapped(seen))
    host = _bare_host(parts.netloc)
    path = _bare_path(unquote(parts.path, errors="surrogateescape"))
    query = urlencode(sorted(set(_identifying(parts.query))), errors="surrogateescape")
    key = host + quote(path, safe=_SAFE_IN_PATH, errors="surrogateescape") + (f"?{query}" if query else "")
    if len(key) > _LONGEST_KEY:
        key = f"{host}/~{sha256(key.encode()).hexdigest()}"
    return key


def entry_key(guid: str, url: str, title: str) -> str:
    """What identifies an entry within its source: its address, else its guid, else its title; never ``""``.

    The address comes first since guids change with every build of some feeds and are reused for new articles in others;
    an address that is a site's front page names no article and is passed over.
    """
    key = item_key(url)
    if key and "/" in key.rstrip("/"):
        return key
    if guid.strip():
        found = item_key(guid) if guid.strip().lower().startswith(("http://", "https://")) else ""
        if "/" in found.rstrip("/"):
            return found
        return f"guid:{_digest(guid.strip())}"
    return f"title:{_digest(' '.join(title.casefold().split()))}"


def same_site(one: str, other: str) -> bool:
    """Whether two addresses stand on one host, www, mobile and AMP hosts counted as one."""
    first, second = urlsplit(one), urlsplit(other)
    if not first.hostname or max(len(first.netloc), len(second.netloc)) > _LONGEST_HOST:
        return False
    return _bare_host(first.netloc) == _bare_host(second.netloc)


def trusted_canonical(canonical: str, url: str) -> str:
    """The page's own idea of its address where it can be believed, else ``url`` cleaned.

    Believed only on the same host and where it plainly means the same article (same key, same last part of the path, or
    the same long number): sites are known to send every page to the front page, to the section or to one old article,
    and a hostile page could otherwise pass itself off as, or hide behind, another article.
    """
    asked = clean_address(url)
    wanted = clean_address(canonical, asked) if canonical != asked else asked
    if wanted == asked or not wanted or not same_site(wanted, asked):
        return asked
    if item_key(wanted) == item_key(asked):
        return wanted
    one, other = urlsplit(asked), urlsplit(wanted)
    if one.query and one.query != other.query and one.path == other.path:
        return asked  # ?id=1 and ?id=2 are two articles
    last, wanted_last = _last(one.path), _last(other.path)
    same = len(last) > 8 and last == wanted_last
    numbers = set(re.findall(r"\d{4,}", last + "?" + one.query)) & set(re.findall(r"\d{4,}", wanted_last))
    return wanted if wanted_last and (same or any(not _is_day(number) for number in numbers)) else asked


def _split(text: str, base: str) -> SplitResult | None:
    try:
        parts = urlsplit(urljoin(base, text) if base else text)
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or len(parts.netloc) > _LONGEST_HOST:
        return None
    return parts if _names_a_host(parts.netloc) else None


# What follows is asked of the same few hosts for every article: its answers are kept.
@lru_cache(maxsize=4_096)
def _names_a_host(netloc: str) -> bool:
    """Whether the authority of an address is a host, with a port or without, and nothing else."""
    parts = SplitResult("", netloc, "", "", "")
    try:
        if not parts.hostname or parts.username is not None:
            return False
        _ = parts.port  # raises for a port that is no number
        parts.hostname.encode("idna")
    except ValueError:  # UnicodeError, which IDNA raises for a label too long or empty, is one
        return False
    return _HOST.fullmatch(parts.hostname) is not None


@lru_cache(maxsize=4_096)
def _netloc(scheme: str, netloc: str) -> str:
    parts = SplitResult(scheme, netloc, "", "", "")
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[scheme]
    return host if parts.port in (None, default) else f"{host}:{parts.port}"


def _quoted(path: str) -> str:
    """Percent-encoded where needed; what is already encoded stays, a stray percent sign is encoded."""
    return quote(re.sub(r"%(?![0-9a-fA-F]{2})", "%25", path), safe=_SAFE_IN_PATH + "%")


def _without_trackers(query: str) -> str:
    """The query as it was, less the parameters courlan knows as trackers; one without ``=`` may be all there is."""
    if not query:
        return ""
    kept = [part for part in query.split("&") if part and not _is_tracker(*_name_and_value(part))]
    return quote("&".join(kept), safe=_SAFE_IN_PATH + "%?=&[]{}|")


def _name_and_value(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote(name).lower(), value


def _is_tracker(name: str, value: str) -> bool:
    from courlan.clean import TRACKERS_RE  # brings babel and tld along: only where it is needed

    if name in _MAYBE_ARTICLE:
        return not value.isdigit()
    return bool(value) and TRACKERS_RE.search(name) is not None


def _identifying(query: str) -> list[tuple[str, str]]:
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape", max_num_fields=None)
    return [(name, value) for name, value in pairs if not _says_nothing(name.lower(), value.lower())]


def _says_nothing(name: str, value: str) -> bool:
    if name in _SESSIONS or name.startswith("aspsessionid"):
        return True
    return (name == "_" and value.isdigit()) or (name in _VERSIONS and value in _AMP_VALUES)


def _unwrapped(url: str) -> str:
    """The publisher's address inside that of an AMP cache."""
    for _ in range(3):
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not (host.endswith(".cdn.ampproject.org") or (host.startswith("www.google.") and parts.path.startswith("/amp/"))):
            return url
        match = _AMP_CACHE.match(parts.path)
        if not match:
            return url
        url = clean_address(f"https://{match[1]}{match[2] or '/'}" + (f"?{parts.query}" if parts.query else "")) or url
    return url


@lru_cache(maxsize=4_096)
def _bare_host(netloc: str) -> str:
    parts = SplitResult("", netloc, "", "", "")
    host = (parts.hostname or "").lower().rstrip(".")
    if not re.fullmatch(r"[\d.:]+", host):
        while (shorter := _OTHER_HOSTS.sub("", host)) != host:
            host = shorter
        host = host.encode("idna").decode("ascii")
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, 80, 443) else f"{host}:{parts.port}"


def _bare_path(path: str) -> str:
    path = re.sub("/+", "/", _SESSION_IN_PATH.sub("", path))
    while True:
        shorter = _AMP_START.sub("", _AMP_ENDING.sub("", path.rstrip("/")))
        if shorter == path:
            return path or "/"
        path = shorter


def _last(path: str) -> str:
    return _bare_path(unquote(path)).rstrip("/").rpartition("/")[2]


def _is_day(number: str) -> bool:
    return bool(re.fullmatch(r"(19|20)\d{2}(\d{2}){0,2}", number))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
