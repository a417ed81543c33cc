"""The demo's outlets and articles as they stand in ``demo/articles``; every person and company in them is invented.

What each article is about stands beside it as ``themes``: the truth a test holds the whole job against.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from domain.values import Ownership
from domain.yamlfile import YamlFile, load_yaml

FOLDER: Final = Path(__file__).resolve().parent / "articles"
THEMES: Final = frozenset({"protest", "reform", "repression", "election"})
SERVES: Final = frozenset({"rss", "rss-full", "atom", "jsonfeed", "sitemap", "section"})
BEHIND: Final = frozenset({"", "consent", "gone"})
_SUMMARY: Final = 220  # characters of the text that a feed quotes


@dataclass(frozen=True, slots=True)
class Wording:
    """What an article says at one time: its title, the feed's summary of it, and its paragraphs."""

    title: str
    summary: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """One article: how old it is when the site opens, what it says, what it says later, and what it is about.

    ``behind`` is ``consent`` (the page shows only a consent wall) or ``gone`` (the page answers 404); ``copy_of`` names the
    article of another outlet whose text it repeats; ``why`` says what makes an article without themes a decoy.
    """

    outlet_id: str
    slug: str
    age: timedelta
    wording: Wording
    themes: tuple[str, ...]
    later: Wording | None = None
    behind: str = ""
    copy_of: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outlet:
    """One publication: who it claims to be, how it serves its news, and its articles, newest first."""

    id: str
    title: str
    language: str
    country: str
    region: str | None
    ownership: Ownership
    serves: str
    charset: str
    rhythm: timedelta
    moved: bool
    blocked: bool
    articles: tuple[Article, ...]


def load_newsroom(folder: Path = FOLDER) -> tuple[Outlet, ...]:
    """All outlets of the demo, by id; raises ConfigError with file, line and key where a file is wrong."""
    outlets = (_outlet(load_yaml(path)) for path in sorted(folder.glob("*.yaml")))
    return tuple(sorted(outlets, key=lambda outlet: outlet.id))


def _outlet(file: YamlFile) -> Outlet:
    who = {"id", "title", "language", "country", "region", "ownership"}
    facts = _mapping(file, "outlet", known=who | {"serves", "charset", "rhythm", "moved", "blocked"})
    if facts["serves"] not in SERVES:
        raise file.refuse(f"expected one of {', '.join(sorted(SERVES))}", "outlet", "serves")
    number, unit = int(facts["rhythm"][:-1]), facts["rhythm"][-1]
    articles = [_article(file, facts["id"], place) for place in range(len(file.data["articles"]))]
    return Outlet(
        id=facts["id"],
        title=facts["title"],
        language=facts["language"],
        country=facts["country"],
        region=facts.get("region"),
        ownership=Ownership(facts["ownership"]),
        serves=facts["serves"],
        charset=facts.get("charset", "utf-8"),
        rhythm=timedelta(**{{"h": "hours", "d": "days"}[unit]: number}),
        moved=facts.get("moved", False),
        blocked=facts.get("blocked", False),
        articles=tuple(sorted(articles, key=lambda article: (article.age, article.slug))),
    )


def _article(file: YamlFile, outlet_id: str, place: int) -> Article:
    known = {"slug", "hours", "title", "summary", "text", "themes", "updated", "behind", "copy_of", "why", "agency"}
    facts = _mapping(file, "articles", place, known=known)
    if not set(facts["themes"]) <= THEMES:
        raise file.refuse(f"themes are {', '.join(sorted(THEMES))}", "articles", place, "themes")
    if facts.get("behind", "") not in BEHIND:
        raise file.refuse("expected consent or gone", "articles", place, "behind")
    return Article(
        outlet_id=outlet_id,
        slug=facts["slug"],
        age=timedelta(hours=facts["hours"]),
        wording=_wording(facts),
        themes=tuple(sorted(facts["themes"])),
        later=_wording(facts["updated"]) if "updated" in facts else None,
        behind=facts.get("behind", ""),
        copy_of=facts.get("copy_of", ""),
        why=facts.get("why", ""),
    )


def _wording(facts: dict[str, Any]) -> Wording:
    paragraphs = tuple(" ".join(part.split()) for part in facts["text"].split("\n\n") if part.strip())
    return Wording(facts["title"], facts.get("summary") or _first_words(paragraphs[0]), paragraphs)


def _first_words(paragraph: str) -> str:
    """The beginning of a text as a feed quotes it: whole sentences where one ends in time, else whole words."""
    if len(paragraph) <= _SUMMARY:
        return paragraph
    cut = paragraph[:_SUMMARY]
    end = cut.rfind(". ")
    return cut[: end + 1] if end > 80 else cut[: cut.rfind(" ")] + "…"


def _mapping(file: YamlFile, *path: str | int, known: set[str]) -> dict[str, Any]:
    found: Any = file.data
    for part in path:
        found = found[part]
    for key in found:
        if key not in known:
            raise file.refuse("unknown key", *path, key)
    mapping: dict[str, Any] = found
    return mapping
